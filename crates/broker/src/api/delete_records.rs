//! `DeleteRecords`: everything before an offset is gone, for good (KIP-107).
//!
//! The answer leaves only once the new log start offset is on disk: a restart must not bring back what
//! a client was told is deleted.

use std::sync::Arc;

use metadata::MetadataImage;
use net::server::Reply;
use protocol::messages::delete_records::{
    DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopic,
    DeleteRecordsTopicResult,
};
use tracing::warn;
use types::{ErrorCode, Offset};

use super::Ctx;
use super::lookup::{self, TopicRef};
use super::view::is_internal;
use crate::partition::DeleteFailure;

/// "Everything that is committed", on the wire.
const TO_HIGH_WATERMARK: Offset = -1;
/// "No low watermark", on the wire.
const NO_OFFSET: Offset = -1;

pub(crate) fn handle(ctx: &Ctx<'_>, request: DeleteRecordsRequest) -> Reply {
    let image = ctx.image();
    let topics = request
        .topics
        .into_iter()
        .map(|topic| delete_of_topic(ctx, &image, topic));
    let mut answer = DeleteRecordsResponse {
        throttle_time_ms: 0,
        topics: topics.collect(),
    };
    let core = Arc::clone(ctx.core);
    let persisting = ctx
        .core
        .workers
        .run(move || core.log_dirs.checkpoint_log_starts());
    ctx.respond_later(async move {
        let is_durable = match persisting {
            Ok(persisting) => match persisting.await {
                Ok(Ok(())) => true,
                Ok(Err(error)) => {
                    warn!(%error, "log start offsets cannot be written down");
                    false
                }
                Err(_stopping) => false,
            },
            Err(_busy) => false,
        };
        if !is_durable {
            not_durable(&mut answer);
        }
        answer
    })
}

fn delete_of_topic(
    ctx: &Ctx<'_>,
    image: &MetadataImage,
    topic: DeleteRecordsTopic,
) -> DeleteRecordsTopicResult {
    let partitions = topic.partitions.iter().map(|asked| {
        let before = (asked.offset != TO_HIGH_WATERMARK).then_some(asked.offset);
        let (error, low_watermark) =
            match delete(ctx, image, &topic.name, asked.partition_index, before) {
                Ok(low_watermark) => (ErrorCode::None, low_watermark),
                Err(error) => (error, NO_OFFSET),
            };
        DeleteRecordsPartitionResult {
            partition_index: asked.partition_index,
            low_watermark,
            error_code: error.to_wire(),
        }
    });
    DeleteRecordsTopicResult {
        partitions: partitions.collect(),
        name: topic.name,
    }
}

fn delete(
    ctx: &Ctx<'_>,
    image: &MetadataImage,
    topic: &str,
    index: i32,
    before: Option<Offset>,
) -> Result<Offset, ErrorCode> {
    if is_internal(topic) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let partition = lookup::find(ctx.core, image, TopicRef::Name(topic), index)?;
    partition.delete_before(before).map_err(|failure| match failure {
        DeleteFailure::Denied(denied) => lookup::code_of(denied),
        DeleteFailure::OnlyCompacted => ErrorCode::PolicyViolation,
        DeleteFailure::OutOfRange => ErrorCode::OffsetOutOfRange,
        DeleteFailure::Log(error) => {
            warn!(partition = %partition.topic_partition(), %error, "records cannot be deleted");
            ErrorCode::KafkaStorageError
        }
    })
}

/// What was deleted may come back after a restart: nobody is told that it is gone.
fn not_durable(answer: &mut DeleteRecordsResponse) {
    let partitions = answer
        .topics
        .iter_mut()
        .flat_map(|topic| &mut topic.partitions);
    for partition in
        partitions.filter(|partition| partition.error_code == ErrorCode::None.to_wire())
    {
        partition.error_code = ErrorCode::KafkaStorageError.to_wire();
        partition.low_watermark = NO_OFFSET;
    }
}
