//! Answering later: when all in-sync replicas have the records, or the leader has synced them, or the
//! request's time is over.

use std::sync::Arc;
use std::time::Duration;

use net::server::Reply;
use protocol::messages::produce::{PartitionProduceResponse, ProduceResponse};
use types::ErrorCode;

use crate::api::Ctx;
use crate::api::hints::Hints;
use crate::api::lookup::TopicRef;
use crate::partition::{AckOutcome, Appended, Commit, Partition, PendingAcks};
use crate::timers::Patience;

/// A partition whose records are not where the producer wants them yet.
#[derive(Debug)]
pub(super) struct Unfinished {
    /// Its topic's place in the response, and its own within that.
    pub(super) place: (usize, usize),
    pub(super) partition: Arc<Partition>,
    pub(super) appended: Appended,
}

/// Queues the request at its partitions and answers when the last one is done.
pub(super) fn respond_when_acknowledged(
    ctx: &Ctx<'_>,
    mut response: ProduceResponse,
    unfinished: Vec<Unfinished>,
    needs_all: bool,
    timeout_ms: i32,
) -> Reply {
    let (pending, done) = PendingAcks::new(unfinished.len());
    let mut waiting = Vec::with_capacity(unfinished.len());
    for (index, one) in unfinished.into_iter().enumerate() {
        let (partition, appended) = (&one.partition, &one.appended);
        let commit = if needs_all {
            partition.wait_for_commit(appended, &pending, index)
        } else {
            partition.wait_for_sync(appended, &pending, index)
        };
        if let Commit::Over(outcome) = commit {
            pending.complete(index, outcome);
        }
        waiting.push((one.place, one.partition.topic_id()));
    }
    let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
    let patience = Patience::new(ctx.core, timeout, pending);
    let responder = ctx.responder();
    let (core, listener) = (Arc::clone(ctx.core), Arc::clone(&ctx.connection.listener));
    Reply::Later(Box::pin(async move {
        // The partitions go away only with the broker.
        let outcomes = done.await.ok()?;
        drop(patience);
        let image = core.image();
        let mut hints = Hints::new(&image, &listener);
        for (((topic, partition), topic_id), outcome) in waiting.into_iter().zip(outcomes) {
            let topic = response.responses.get_mut(topic)?;
            let partition = topic.partition_responses.get_mut(partition)?;
            finish(partition, outcome);
            if outcome == AckOutcome::NotLeader {
                let topic = TopicRef::Id(topic_id);
                super::name_leader(&mut hints, topic, partition, responder.version);
            }
        }
        let named = super::endpoints(&hints).into_iter();
        for endpoint in named {
            if !response.node_endpoints.contains(&endpoint) {
                response.node_endpoints.push(endpoint);
            }
        }
        responder.encode(&response)
    }))
}

fn finish(response: &mut PartitionProduceResponse, outcome: AckOutcome) {
    let code = match outcome {
        AckOutcome::Committed => return,
        AckOutcome::NotLeader => ErrorCode::NotLeaderOrFollower,
        AckOutcome::TimedOut => ErrorCode::RequestTimedOut,
    };
    // The offsets stay: Kafka answers them as well, since the records are in the log.
    response.error_code = code.to_wire();
}
