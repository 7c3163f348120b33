//! `OffsetForLeaderEpoch`: where an epoch ends, so that a client or a replica finds out which of its
//! records this leader does not have (KIP-101, KIP-320).

use metadata::MetadataImage;
use net::server::Reply;
use protocol::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};
use types::{ErrorCode, LeaderEpoch, Offset};

use super::Ctx;
use super::lookup::{self, TopicRef};
use crate::partition::EpochEnd;

/// "No such offset", on the wire.
const NO_OFFSET: Offset = -1;

pub(crate) fn handle(ctx: &Ctx<'_>, request: OffsetForLeaderEpochRequest) -> Reply {
    let image = ctx.image();
    let topics = request
        .topics
        .into_iter()
        .map(|topic| OffsetForLeaderTopicResult {
            partitions: topic
                .partitions
                .iter()
                .map(|asked| answer(asked, epoch_end(ctx, &image, &topic.topic, asked)))
                .collect(),
            topic: topic.topic,
        });
    ctx.respond(&OffsetForLeaderEpochResponse {
        throttle_time_ms: 0,
        topics: topics.collect(),
    })
}

fn epoch_end(
    ctx: &Ctx<'_>,
    image: &MetadataImage,
    topic: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<EpochEnd, ErrorCode> {
    let partition = lookup::find(ctx.core, image, TopicRef::Name(topic), asked.partition)?;
    let current = LeaderEpoch(asked.current_leader_epoch);
    partition
        .epoch_end(current, LeaderEpoch(asked.leader_epoch))
        .map_err(lookup::code_of)
}

fn answer(asked: &OffsetForLeaderPartition, end: Result<EpochEnd, ErrorCode>) -> EpochEndOffset {
    let nothing = EpochEnd {
        leader_epoch: LeaderEpoch::NONE,
        end_offset: NO_OFFSET,
    };
    let (error, end) = match end {
        Ok(end) => (ErrorCode::None, end),
        Err(error) => (error, nothing),
    };
    EpochEndOffset {
        error_code: error.to_wire(),
        partition: asked.partition,
        leader_epoch: end.leader_epoch.0,
        end_offset: end.end_offset,
    }
}
