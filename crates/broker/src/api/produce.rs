//! `Produce` (0): appends record batches as the partitions' leader.
//!
//! Everything happens in the connection's task. The answer is ready at once, except with `acks=all` when
//! other in-sync replicas have to write first, and for durable topics, which have to be synced.

mod failure;
mod wait;

use std::sync::Arc;

use net::server::Reply;
use protocol::messages::produce::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};
use types::{ErrorCode, TimestampMs, TopicId};

use super::Ctx;
use super::hints::Hints;
use super::lookup::{self, TopicRef};
use super::view::is_internal;
use crate::partition::{Appended, Partition};
use failure::Failure;
use wait::Unfinished;

/// Since which version topics go by id.
const FIRST_VERSION_BY_ID: i16 = 13;
/// Since which version an answer may name the leader.
const FIRST_VERSION_WITH_HINTS: i16 = 10;
/// Since which version zstd may be sent.
const FIRST_VERSION_WITH_ZSTD: i16 = 7;

pub(crate) fn handle(ctx: &Ctx<'_>, request: ProduceRequest) -> Reply {
    let image = ctx.image();
    let mut produce = Produce {
        ctx,
        acks: request.acks,
        has_transactional_id: request.transactional_id.is_some(),
        now_ms: ctx.core.clock.wall_ms(),
        hints: Hints::new(&image, &ctx.connection.listener),
        unfinished: Vec::new(),
        has_failed: false,
    };
    let topics = request.topic_data.into_iter().enumerate();
    let responses = topics
        .map(|(place, topic)| produce.topic(place, topic))
        .collect();
    let response = ProduceResponse {
        responses,
        node_endpoints: endpoints(&produce.hints),
        ..ProduceResponse::default()
    };
    if request.acks == 0 {
        // Nothing tells such a producer of an error, but a closed connection makes it look again.
        return if produce.has_failed {
            Reply::Close("acks=0 failed")
        } else {
            Reply::None
        };
    }
    let unfinished = produce.unfinished;
    if unfinished.is_empty() {
        return ctx.respond(&response);
    }
    let needs_all = request.acks == -1;
    wait::respond_when_acknowledged(ctx, response, unfinished, needs_all, request.timeout_ms)
}

/// One request on its way through its partitions.
struct Produce<'a> {
    ctx: &'a Ctx<'a>,
    acks: i16,
    has_transactional_id: bool,
    now_ms: TimestampMs,
    hints: Hints<'a>,
    /// Partitions whose records are not where the producer wants them yet.
    unfinished: Vec<Unfinished>,
    has_failed: bool,
}

impl Produce<'_> {
    fn topic(&mut self, place: usize, topic: TopicProduceData) -> TopicProduceResponse {
        let by_id = self.ctx.version() >= FIRST_VERSION_BY_ID;
        let name = topic.name.clone();
        let topic_ref = if by_id {
            TopicRef::Id(TopicId(topic.topic_id))
        } else {
            TopicRef::Name(&name)
        };
        let partitions = topic.partition_data.into_iter().enumerate();
        let partition_responses = partitions
            .map(|(partition_place, data)| {
                let index = data.index;
                match self.partition(topic_ref, data) {
                    Ok((partition, appended)) => {
                        self.note_unfinished((place, partition_place), partition, &appended);
                        success(index, &appended)
                    }
                    Err(failure) => self.failure(topic_ref, index, failure),
                }
            })
            .collect();
        TopicProduceResponse {
            name: topic.name,
            topic_id: topic.topic_id,
            partition_responses,
        }
    }

    fn partition(
        &self,
        topic: TopicRef<'_>,
        data: PartitionProduceData,
    ) -> Result<(Arc<Partition>, Appended), Failure> {
        if !(-1..=1).contains(&self.acks) {
            return Err(ErrorCode::InvalidRequiredAcks.into());
        }
        let image = self.ctx.image();
        let partition = lookup::find(self.ctx.core, &image, topic, data.index)?;
        if is_internal(&partition.topic_partition().topic) {
            return Err(ErrorCode::InvalidTopicException.into());
        }
        // One piece, as it came: no copy.
        let records = data.records.unwrap_or_default().to_bytes();
        let is_zstd_allowed = self.ctx.version() >= FIRST_VERSION_WITH_ZSTD;
        let appended = partition.append(&records, self.acks == -1, is_zstd_allowed, self.now_ms);
        match appended {
            Ok(appended) => Ok((partition, appended)),
            Err(error) => Err(failure::of(&partition, error, self.has_transactional_id)),
        }
    }

    fn note_unfinished(
        &mut self,
        place: (usize, usize),
        partition: Arc<Partition>,
        appended: &Appended,
    ) {
        let is_finished = match self.acks {
            -1 => appended.is_committed,
            // In a durable topic the leader has to sync first.
            1 => appended.is_counted,
            _ => true,
        };
        if !is_finished {
            self.unfinished.push(Unfinished {
                place,
                partition,
                appended: *appended,
            });
        }
    }

    fn failure(
        &mut self,
        topic: TopicRef<'_>,
        index: i32,
        failure: Failure,
    ) -> PartitionProduceResponse {
        self.has_failed = true;
        let is_elsewhere = failure.code == ErrorCode::NotLeaderOrFollower;
        let mut response = failure.into_response(index, self.ctx.version());
        if is_elsewhere {
            name_leader(&mut self.hints, topic, &mut response, self.ctx.version());
        }
        response
    }
}

/// Says in an answer who leads the partition, if the version can say it.
fn name_leader(
    hints: &mut Hints<'_>,
    topic: TopicRef<'_>,
    response: &mut PartitionProduceResponse,
    version: i16,
) {
    if version >= FIRST_VERSION_WITH_HINTS
        && let Some(hint) = hints.leader_of(topic, response.index)
    {
        response.current_leader = LeaderIdAndEpoch {
            leader_id: hint.leader.0,
            leader_epoch: hint.leader_epoch.0,
        };
    }
}

fn endpoints(hints: &Hints<'_>) -> Vec<NodeEndpoint> {
    let endpoints = hints.endpoints();
    endpoints
        .map(|(node, address)| NodeEndpoint {
            node_id: node.0,
            host: address.host,
            port: address.port,
            rack: address.rack,
        })
        .collect()
}

fn success(index: i32, appended: &Appended) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        base_offset: appended.base_offset,
        log_append_time_ms: appended.log_append_time,
        log_start_offset: appended.log_start_offset,
        ..PartitionProduceResponse::default()
    }
}
