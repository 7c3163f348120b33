//! One look around: what can be sent now, and what stands in the way of the rest.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::batch::Batch;
use super::partition::PartitionQueue;
use super::routes::Way;
use super::sender::{IDLE_INTERVAL, Parcels, Sender};
use super::wire::Parcel;
use crate::metadata::Topic;

/// What one look around found to be done.
pub(super) struct Turn {
    pub(super) now: Instant,
    pub(super) wake_at: Instant,
    pub(super) parcels: Parcels,
    pub(super) request_bytes: HashMap<i32, usize>,
    pub(super) to_connect: HashSet<i32>,
    pub(super) wants_identity: bool,
    pub(super) wants_refresh: bool,
    pub(super) has_ended: bool,
}

/// What can be done for one partition now.
enum Step {
    Nothing,
    LookAgain(Instant),
    RefreshMetadata,
    GetIdentity,
    Connect(i32),
    Send(i32),
}

impl Turn {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            now,
            wake_at: now + IDLE_INTERVAL,
            parcels: Parcels::new(),
            request_bytes: HashMap::new(),
            to_connect: HashSet::new(),
            wants_identity: false,
            wants_refresh: false,
            has_ended: false,
        }
    }

    fn add(&mut self, node_id: i32, parcel: Parcel) {
        *self.request_bytes.entry(node_id).or_default() += parcel.bytes.len();
        self.parcels.entry(node_id).or_default().push(parcel);
    }
}

impl Sender {
    /// Visits every partition that has something to send.
    pub(super) fn look_around(&self, turn: &mut Turn) {
        let shared = &self.shared;
        let mut accumulator = shared.accumulator.lock();
        let is_flushing = accumulator.is_flushing();
        let mut all_settled = Vec::new();
        for queues in accumulator.topics_mut() {
            let topic = Arc::clone(&queues.topic);
            let busy = queues
                .partitions
                .iter_mut()
                .enumerate()
                .filter(|(_, queue)| !queue.is_idle());
            for (index, queue) in busy {
                if queue.expires_at().is_some_and(|at| at <= turn.now) {
                    let what = format!("produce to {}-{index}", topic.name);
                    let allowed = shared.config.delivery_timeout;
                    all_settled.push(queue.expire(turn.now, &what, allowed));
                }
                match self.step(&topic, index, queue, is_flushing, turn) {
                    Step::Nothing => {}
                    Step::LookAgain(at) => turn.wake_at = turn.wake_at.min(at),
                    Step::RefreshMetadata => turn.wants_refresh = true,
                    Step::GetIdentity => turn.wants_identity = true,
                    Step::Connect(node_id) => drop(turn.to_connect.insert(node_id)),
                    Step::Send(node_id) => {
                        let identity = self.identity.filter(|_| shared.config.is_idempotent);
                        let Some(mut batch) = queue.take(identity, node_id) else {
                            continue;
                        };
                        match batch.seal() {
                            Ok(bytes) => turn.add(node_id, parcel(&topic, index, batch, bytes)),
                            Err(error) => all_settled.push(queue.on_result(
                                batch,
                                Err(error),
                                turn.now,
                                Duration::ZERO,
                            )),
                        }
                    }
                }
            }
            if shared.client.cached_topic(&topic.name).is_none() {
                turn.wants_refresh = true;
            }
        }
        turn.has_ended = !all_settled.is_empty();
        for settled in &all_settled {
            accumulator.settle(settled);
            shared.buffer.add_permits(settled.freed_bytes);
        }
    }

    fn step(
        &self,
        topic: &Topic,
        index: usize,
        queue: &PartitionQueue,
        is_flushing: bool,
        turn: &Turn,
    ) -> Step {
        let config = &self.shared.config;
        match queue.ready_at(config, is_flushing) {
            None => return Step::Nothing,
            Some(at) if at > turn.now => return Step::LookAgain(at),
            Some(_) => {}
        }
        let leader = match topic.partitions.get(index) {
            Some(partition) if partition.has_leader() => partition.leader,
            _ => return Step::RefreshMetadata,
        };
        if !queue.may_go_to(leader) {
            return Step::Nothing;
        }
        if config.is_idempotent && queue.needs_other_than(self.identity) {
            return Step::GetIdentity;
        }
        match self.routes.way(leader, config.in_flight_max, turn.now) {
            Way::Busy => return Step::Nothing,
            Way::Unconnected => return Step::Connect(leader),
            Way::Resting(until) => return Step::LookAgain(until),
            Way::Open => {}
        }
        let so_far = turn.request_bytes.get(&leader).copied().unwrap_or(0);
        match so_far > 0 && so_far + queue.next_bytes() > config.request_bytes_max {
            // The next turn makes another request of it.
            true => Step::LookAgain(turn.now),
            false => Step::Send(leader),
        }
    }
}

fn parcel(topic: &Arc<Topic>, index: usize, batch: Batch, bytes: Bytes) -> Parcel {
    Parcel {
        topic: Arc::clone(topic),
        partition: i32::try_from(index).unwrap_or(i32::MAX),
        batch,
        bytes,
    }
}
