//! Producers and consumers are served.

use replication::Follower;
use types::{NodeId, Offset};

use super::{Replica, Role};
use crate::log::{Record, Verdict};
use crate::message::{Key, Message, ProduceError};
use crate::mutant::{self, Glue};
use crate::world::World;

/// Most records of one answer.
const FETCH_MAX: usize = 20;

/// Who asked for an append.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The client.
    pub client: NodeId,
    /// Its attempt.
    pub attempt: u64,
    /// The partition.
    pub key: Key,
}

/// A producer that waits for the high watermark.
#[derive(Clone, Copy, Debug)]
pub struct Waiter {
    request: Request,
    offset: Offset,
}

impl World {
    fn produced(&mut self, id: NodeId, to: Request, result: Result<Offset, ProduceError>) {
        let Request {
            client,
            attempt,
            key,
        } = to;
        self.send(
            id,
            client,
            None,
            Message::Produced {
                attempt,
                key,
                result,
            },
        );
    }

    /// A producer sends a record.
    pub fn on_produce(&mut self, id: NodeId, request: Request, record: Record, needs_all: bool) {
        let is_stopping = self.broker(id).epoch.is_none();
        self.wake_leader(id, request.key);
        let Some((replica, log)) = self.replica(id, request.key).filter(|_| !is_stopping) else {
            return self.produced(id, request, Err(ProduceError::NotLeader));
        };
        let Role::Leader(leader) = &mut replica.role else {
            return self.produced(id, request, Err(ProduceError::NotLeader));
        };
        if needs_all && leader.is_below_min_isr() {
            return self.produced(id, request, Err(ProduceError::TooFewInSync));
        }
        let offset = match log.check(&record) {
            Verdict::Append => {
                let offset = log.append(Record {
                    epoch: leader.leader_epoch(),
                    ..record
                });
                log.write();
                let moved = leader.on_append(log.end());
                self.ask_sync(id, request.key);
                self.on_moved(id, request.key, moved);
                self.wake_streams(id, request.key);
                offset
            }
            Verdict::Duplicate(offset) => {
                let found = log.get(offset).map(|found| found.value);
                let is_kept = offset >= log.start();
                self.truth.on_duplicate(offset, &record, is_kept, found);
                offset
            }
            Verdict::OutOfOrder => {
                return self.produced(id, request, Err(ProduceError::OutOfOrder));
            }
        };
        let Some((replica, _)) = self.replica(id, request.key) else {
            return;
        };
        if !needs_all || offset < replica.high_watermark {
            return self.produced(id, request, Ok(offset));
        }
        replica.waiters.push(Waiter { request, offset });
    }

    /// The high watermark of a partition led here moved, if it did: producers are answered, followers
    /// told.
    pub fn on_moved(&mut self, id: NodeId, key: Key, moved: Option<Offset>) {
        let Some(high_watermark) = moved else {
            return;
        };
        let Some((replica, _)) = self.replica(id, key) else {
            return;
        };
        replica.high_watermark = high_watermark;
        let committed = replica
            .waiters
            .extract_if(.., |waiter| waiter.offset < high_watermark);
        let committed: Vec<Waiter> = committed.collect();
        self.check_moved(id, key, high_watermark);
        for waiter in committed {
            self.produced(id, waiter.request, Ok(waiter.offset));
        }
        self.settle_groups(id, key);
        self.wake_streams(id, key);
    }

    /// Whoever waited is told that the outcome is unknown.
    pub fn refuse_waiters(
        &mut self,
        id: NodeId,
        _key: Key,
        waiters: Vec<Waiter>,
        error: ProduceError,
    ) {
        for waiter in waiters {
            self.produced(id, waiter.request, Err(error));
        }
    }

    /// A consumer reads: below the high watermark, from the leader or (KIP-392) from a follower.
    pub fn on_fetch(
        &mut self,
        id: NodeId,
        client: NodeId,
        key: Key,
        offset: Offset,
        from_follower: bool,
    ) {
        let result = self.replica(id, key).and_then(|(replica, log)| {
            let end = readable_end(replica, log.end(), from_follower)?;
            let from = offset.max(log.start());
            let count = usize::try_from(end - from).unwrap_or(0).min(FETCH_MAX);
            Some((log.read(from, count), log.start()))
        });
        let offset = result
            .as_ref()
            .map_or(offset, |(_, start)| offset.max(*start));
        self.send(
            id,
            client,
            None,
            Message::Fetched {
                key,
                offset,
                result,
            },
        );
    }
}

fn readable_end(replica: &Replica, log_end: Offset, from_follower: bool) -> Option<Offset> {
    match &replica.role {
        Role::Leader(leader) => Some(leader.high_watermark()),
        Role::Follower(_) if !from_follower => None,
        Role::Follower(_) if mutant::is(Glue::FollowerReadAboveHighWatermark) => Some(log_end),
        Role::Follower(follower) => Some(Follower::high_watermark(follower)),
    }
}
