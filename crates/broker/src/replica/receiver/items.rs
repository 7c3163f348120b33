//! What the leader says, one message after the other.

use std::sync::Arc;

use bytes::Bytes;
use metadata::MetadataImage;
use protocol::records::joined;
use replication::Position;
use rpc::replication::{Lane, RefusalReason, ToFollower, ToLeader};
use tokio::time::{Instant, sleep};
use tracing::{debug, error};
use types::Offset;

use super::{OPEN_MAX, Open, Opening, PARKED_MAX, Parked, Receiver};
use crate::observer::on_worker;
use crate::partition::{Carried, FollowFailure, Partition};
use crate::replica::late_acks::AckRoute;

/// Smaller pieces of records are copied together before they are written.
const PIECE_BYTES_MIN: usize = 4 << 10;

impl Receiver {
    /// Acts on one message. What has to wait for the disk is awaited: the messages behind it build on
    /// it.
    pub(super) async fn on_item(&mut self, item: ToFollower) {
        let handle = item.handle();
        match item {
            ToFollower::Open {
                handle,
                topic_id,
                partition,
                leader_epoch,
            } => {
                let opening = Opening {
                    handle,
                    topic_id,
                    index: partition,
                    leader_epoch,
                };
                self.try_open(opening, Instant::now() + PARKED_MAX);
            }
            ToFollower::Truncate {
                leader_epoch,
                end_offset,
                ..
            } => {
                self.on_disk(handle, move |open| {
                    open.partition
                        .truncate(open.session, leader_epoch, end_offset)
                })
                .await;
            }
            ToFollower::StartAt { offset, .. } => {
                self.on_disk(handle, move |open| {
                    open.partition.start_at(open.session, offset)
                })
                .await;
            }
            ToFollower::Follow {
                offset,
                high_watermark,
                log_start_offset,
                ..
            } => {
                let carried = Carried {
                    high_watermark,
                    log_start_offset,
                };
                let followed = self.with_open(handle, |open| {
                    open.partition.follow(open.session, offset, carried)
                });
                self.acknowledge(handle, followed.flatten());
            }
            ToFollower::Append {
                base_offset,
                high_watermark,
                log_start_offset,
                batches,
                ..
            } => {
                let carried = Carried {
                    high_watermark,
                    log_start_offset,
                };
                let batches = gathered(batches);
                let len = batches.iter().map(Bytes::len).sum();
                self.throttle(handle, len).await;
                self.consumed_bytes += len as u64;
                self.is_told = false;
                let appended = self.with_open(handle, |open| {
                    open.partition
                        .append_as_follower(open.session, base_offset, &batches, carried)
                });
                self.acknowledge(handle, appended.flatten());
            }
            ToFollower::HighWatermark {
                high_watermark,
                log_start_offset,
                ..
            } => {
                let carried = Carried {
                    high_watermark,
                    log_start_offset,
                };
                self.with_open(handle, |open| {
                    open.partition.on_leader_offsets(open.session, carried)
                });
            }
            ToFollower::Close { .. } => self.on_close(handle),
        }
    }

    /// Opens the partition, or leaves the opening parked until this broker knows more.
    pub(super) fn try_open(&mut self, opening: Opening, until: Instant) {
        let handle = opening.handle;
        let core = Arc::clone(&self.core);
        if self.open.len() + self.parked.len() >= OPEN_MAX {
            let reason = RefusalReason::NotReplica;
            return self.answers.push(ToLeader::Refused { handle, reason });
        }
        // The image first: a replica is there before an image shows it.
        let image = core.image();
        let Some(partition) = core.partitions.get(opening.topic_id, opening.index) else {
            return self.on_missing(&image, opening, until);
        };
        let session = core.replication.session_id();
        match partition.open_as_follower(session, self.leader, opening.leader_epoch) {
            Ok(position) => {
                partition.set_ack_route(AckRoute::new(&self.late_acks, handle));
                self.open.insert(handle, Open { partition, session });
                self.answers.push(report(handle, &position));
            }
            Err(FollowFailure::Behind) => self.parked.push(Parked { opening, until }),
            Err(failure) => self.refuse(handle, &partition, &failure),
        }
    }

    /// There is no such replica here: not yet, not any more, or its log cannot be opened.
    fn on_missing(&mut self, image: &MetadataImage, opening: Opening, until: Instant) {
        let known = image.partition(opening.topic_id, opening.index);
        let reason = match known {
            Some(known) if known.leader_epoch < opening.leader_epoch => None,
            Some(known) if known.replicas.contains(&self.core.node_id()) => {
                Some(RefusalReason::Storage)
            }
            Some(_) => Some(RefusalReason::NotReplica),
            None => None,
        };
        match reason {
            None => self.parked.push(Parked { opening, until }),
            Some(reason) => self.answers.push(ToLeader::Refused {
                handle: opening.handle,
                reason,
            }),
        }
    }

    async fn on_disk(
        &mut self,
        handle: u32,
        work: impl FnOnce(&Open) -> Result<Position, FollowFailure> + Send + 'static,
    ) {
        let Some(open) = self.open.get(&handle).cloned() else {
            return;
        };
        let partition = Arc::clone(&open.partition);
        let worked = on_worker(move || work(&open)).await;
        let worked = worked.unwrap_or_else(|error| Err(FollowFailure::Storage(error.to_string())));
        match worked {
            Ok(position) => self.answers.push(report(handle, &position)),
            Err(failure) => self.refuse(handle, &partition, &failure),
        }
    }

    /// On the lane for replicas that are behind: waits as long as the quota says. The leader stops by
    /// itself once its window is full.
    async fn throttle(&self, handle: u32, bytes: usize) {
        if self.lane != Lane::CatchUp {
            return;
        }
        let Some(open) = self.open.get(&handle) else {
            return;
        };
        let partition = open.partition.topic_partition();
        let throttle = &self.core.replication.follower_throttle;
        while let Some(pause) = throttle.pause(&self.core, partition) {
            sleep(pause).await;
        }
        throttle.spend(&self.core, partition, bytes);
    }

    /// Acts on an open partition; a failure takes it off the stream. Messages for partitions that are
    /// not open were on their way when the leader was told.
    fn with_open<T>(
        &mut self,
        handle: u32,
        act: impl FnOnce(&Open) -> Result<T, FollowFailure>,
    ) -> Option<T> {
        let open = self.open.get(&handle)?.clone();
        act(&open)
            .map_err(|failure| self.refuse(handle, &open.partition, &failure))
            .ok()
    }

    /// Only the last of several acknowledgements in a row is worth sending.
    fn acknowledge(&mut self, handle: u32, log_end_offset: Option<Offset>) {
        let Some(log_end_offset) = log_end_offset else {
            return;
        };
        let ack = ToLeader::Ack {
            handle,
            log_end_offset,
        };
        match self.answers.last_mut() {
            Some(last @ ToLeader::Ack { .. }) if last.handle() == handle => *last = ack,
            _ => self.answers.push(ack),
        }
    }

    /// Durable topics have been synced.
    pub(super) fn acknowledge_late(&mut self) {
        for (handle, late) in self.late_acks.take() {
            let open = self.open.get(&handle);
            if open.is_some_and(|open| open.session == late.session) {
                self.acknowledge(handle, Some(late.offset));
            }
        }
    }

    fn on_close(&mut self, handle: u32) {
        self.parked.retain(|parked| parked.opening.handle != handle);
        if let Some(open) = self.open.remove(&handle) {
            open.partition.close_as_follower(open.session);
        }
    }

    fn refuse(&mut self, handle: u32, partition: &Partition, failure: &FollowFailure) {
        if let Some(open) = self.open.remove(&handle) {
            open.partition.close_as_follower(open.session);
        }
        let leader = self.leader;
        let partition = partition.topic_partition();
        let reason = match failure {
            FollowFailure::Storage(_) | FollowFailure::Malformed(_) => {
                error!(%partition, %leader, %failure, "what the leader sent is not written");
                reason_of(failure)
            }
            _ => {
                debug!(%partition, %leader, %failure, "leader is refused");
                reason_of(failure)
            }
        };
        self.answers.push(ToLeader::Refused { handle, reason });
    }
}

fn reason_of(failure: &FollowFailure) -> RefusalReason {
    match failure {
        FollowFailure::Stale { current } => RefusalReason::StaleEpoch { current: *current },
        FollowFailure::Behind => RefusalReason::Behind,
        FollowFailure::Refused(_) | FollowFailure::Malformed(_) => RefusalReason::Diverged,
        FollowFailure::Storage(_) | FollowFailure::OutOfService => RefusalReason::Storage,
    }
}

fn report(handle: u32, position: &Position) -> ToLeader {
    ToLeader::Position {
        handle,
        log_start_offset: position.log_start_offset,
        log_end_offset: position.log_end_offset,
        last_epoch: position.last_epoch,
    }
}

/// The pieces to write: small ones in a row are cheaper to copy together than to write one by one.
fn gathered(pieces: Vec<Bytes>) -> Vec<Bytes> {
    let is_small = |piece: &Bytes| piece.len() < PIECE_BYTES_MIN;
    let in_rows = pieces.chunk_by(|a, b| is_small(a) && is_small(b));
    in_rows.map(joined).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_in_a_row_become_one_and_large_ones_stay_where_they_are() {
        let lens = [16, 90_000, 16, 80, 16, 80, 16, 70_000, 70_000, 16];
        let pieces = lens.map(|len: usize| Bytes::from(vec![len.to_le_bytes()[0]; len]));
        let gathered = gathered(pieces.to_vec());
        let found: Vec<_> = gathered.iter().map(Bytes::len).collect();
        assert_eq!(found, [16, 90_000, 208, 70_000, 70_000, 16]);
        assert_eq!(gathered.concat(), pieces.concat());
        assert_eq!(gathered[1].as_ptr(), pieces[1].as_ptr());
    }
}
