//! Answering later: when all in-sync replicas have the records, or the request's time is over.

use std::sync::Arc;
use std::time::Duration;

use net::server::Reply;
use protocol::messages::produce::{PartitionProduceResponse, ProduceResponse};
use types::ErrorCode;

use crate::api::Ctx;
use crate::partition::{AckOutcome, Appended, Commit, Partition, PendingAcks};
use crate::timers::Patience;

/// A partition whose records are not on all in-sync replicas yet.
#[derive(Debug)]
pub(super) struct Unfinished {
    /// Its topic's place in the response, and its own within that.
    pub(super) place: (usize, usize),
    pub(super) partition: Arc<Partition>,
    pub(super) appended: Appended,
}

/// Queues the request at its partitions and answers when the last one is done.
pub(super) fn respond_when_committed(
    ctx: &Ctx<'_>,
    mut response: ProduceResponse,
    unfinished: Vec<Unfinished>,
    timeout_ms: i32,
) -> Reply {
    let (pending, done) = PendingAcks::new(unfinished.len());
    let mut places = Vec::with_capacity(unfinished.len());
    for (index, one) in unfinished.into_iter().enumerate() {
        let commit = one
            .partition
            .wait_for_commit(&one.appended, &pending, index);
        if let Commit::Over(outcome) = commit {
            pending.complete(index, outcome);
        }
        places.push(one.place);
    }
    let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
    let patience = Patience::new(ctx.core, timeout, pending);
    let responder = ctx.responder();
    Reply::Later(Box::pin(async move {
        // The partitions go away only with the broker.
        let outcomes = done.await.ok()?;
        drop(patience);
        for ((topic, partition), outcome) in places.into_iter().zip(outcomes) {
            let topic = response.responses.get_mut(topic)?;
            finish(topic.partition_responses.get_mut(partition)?, outcome);
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
