//! `DescribeProducers`: which idempotent producers a partition remembers (KIP-664).

use metadata::MetadataImage;
use net::server::Reply;
use protocol::Str;
use protocol::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState,
    TopicResponse,
};
use storage::ProducerDescription;
use types::{ErrorCode, LeaderEpoch, PartitionIndex};

use super::Ctx;
use super::lookup::{self, TopicRef};

pub(crate) fn handle(ctx: &Ctx<'_>, request: DescribeProducersRequest) -> Reply {
    let image = ctx.image();
    let topics = request.topics.into_iter().map(|topic| TopicResponse {
        partitions: topic
            .partition_indexes
            .iter()
            .map(|index| answer(*index, describe(ctx, &image, &topic.name, *index)))
            .collect(),
        name: topic.name,
    });
    ctx.respond(&DescribeProducersResponse {
        throttle_time_ms: 0,
        topics: topics.collect(),
    })
}

/// Only the leader answers: a follower's memory may be behind.
fn describe(
    ctx: &Ctx<'_>,
    image: &MetadataImage,
    topic: &str,
    index: PartitionIndex,
) -> Result<Vec<ProducerDescription>, ErrorCode> {
    let partition = lookup::find(ctx.core, image, TopicRef::Name(topic), index)?;
    partition
        .readable(LeaderEpoch::NONE)
        .map_err(lookup::code_of)?;
    Ok(partition.log().lock().producers())
}

fn answer(
    partition_index: PartitionIndex,
    described: Result<Vec<ProducerDescription>, ErrorCode>,
) -> PartitionResponse {
    match described {
        Ok(producers) => PartitionResponse {
            partition_index,
            active_producers: producers.into_iter().map(state).collect(),
            ..PartitionResponse::default()
        },
        Err(error) => PartitionResponse {
            partition_index,
            error_code: error.to_wire(),
            error_message: Some(Str::from_static(error.name())),
            ..PartitionResponse::default()
        },
    }
}

fn state(producer: ProducerDescription) -> ProducerState {
    /// "No transaction is open", on the wire.
    const NO_OFFSET: i64 = -1;
    ProducerState {
        producer_id: producer.producer_id.0,
        producer_epoch: producer.producer_epoch.0.into(),
        last_sequence: producer.last_sequence,
        last_timestamp: producer.last_timestamp,
        coordinator_epoch: producer.coordinator_epoch,
        current_txn_start_offset: producer.transaction_start_offset.unwrap_or(NO_OFFSET),
    }
}
