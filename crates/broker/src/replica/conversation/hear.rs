//! What the follower says.

use std::time::Duration;

use replication::{AckError, Position};
use rpc::replication::{FollowerFrame, Lane, RefusalReason, ToFollower, ToLeader};
use tracing::debug;
use types::Offset;

use super::Conversation;
use crate::partition::Heard;

/// Before a partition is opened again that was closed because something did not fit.
pub(super) const AFTER_MISFIT: Duration = Duration::from_millis(100);
/// The same if the follower's metadata are behind: it has waited already.
const AFTER_BEHIND: Duration = Duration::from_millis(50);
/// The same if the follower cannot write.
pub(super) const AFTER_STORAGE: Duration = Duration::from_secs(2);

impl Conversation {
    pub(super) fn on_frame(&mut self, frame: FollowerFrame) {
        // What was never sent cannot have been consumed.
        self.consumed_bytes = frame
            .consumed_bytes
            .clamp(self.consumed_bytes, self.sent_bytes);
        for item in frame.items {
            match item {
                ToLeader::Position {
                    handle,
                    log_start_offset,
                    log_end_offset,
                    last_epoch,
                } => {
                    let position = Position {
                        log_start_offset,
                        log_end_offset,
                        last_epoch,
                    };
                    self.on_position(handle, &position);
                }
                ToLeader::Ack {
                    handle,
                    log_end_offset,
                } => self.on_ack(handle, log_end_offset),
                ToLeader::Refused { handle, reason } => self.on_refused(handle, reason),
            }
        }
    }

    fn on_position(&mut self, handle: u32, position: &Position) {
        // Closed meanwhile: what is still on its way is of no interest.
        let Some(carriage) = self.carriages.get_mut(&handle) else {
            return;
        };
        let follower = self.link.follower;
        let partition = &carriage.partition;
        match partition.on_position(follower, carriage.session, position) {
            Ok(heard) => {
                debug!(partition = %partition.topic_partition(), %follower, ?position, ?heard, "follower is told how to go on");
                if let Heard::Follow { offset, .. } = heard {
                    carriage.follows_from = Some(offset);
                }
                self.control.push_back(to_follower(handle, heard));
                // The other lane is woken by marks; this one looks for itself.
                if self.link.lane == Lane::CatchUp && matches!(heard, Heard::Follow { .. }) {
                    self.queue(handle);
                }
            }
            Err(error) => self.on_misfit(handle, error),
        }
    }

    fn on_ack(&mut self, handle: u32, log_end_offset: Offset) {
        let Some(carriage) = self.carriages.get(&handle) else {
            return;
        };
        let partition = &carriage.partition;
        match partition.on_ack(self.link.follower, carriage.session, log_end_offset) {
            Ok(has_candidate) => {
                if has_candidate {
                    self.core.replication.isr.add(partition);
                }
                let leaves = carriage.leaves_at.is_some_and(|end| log_end_offset >= end);
                self.on_progress(handle, log_end_offset);
                if leaves {
                    self.hand_over(handle);
                }
            }
            Err(error) => self.on_misfit(handle, error),
        }
    }

    fn on_misfit(&mut self, handle: u32, error: AckError) {
        if let Some(carriage) = self.carriages.get(&handle) {
            let partition = carriage.partition.topic_partition();
            debug!(%partition, follower = %self.link.follower, %error, "a follower's word does not count");
        }
        self.close_and_open_again(handle, AFTER_MISFIT);
    }

    fn on_refused(&mut self, handle: u32, reason: RefusalReason) {
        let Some(carriage) = self.carriages.get(&handle) else {
            return;
        };
        let (partition, follower) = (carriage.partition.topic_partition(), self.link.follower);
        let pause = match reason {
            // The image that says so will close the partition; until then there is nothing to do.
            RefusalReason::StaleEpoch { .. } => {
                debug!(%partition, %follower, %reason, "follower knows a newer leader");
                AFTER_MISFIT
            }
            RefusalReason::Behind => AFTER_BEHIND,
            RefusalReason::NotReplica | RefusalReason::Diverged => {
                debug!(%partition, %follower, %reason, "follower refuses");
                AFTER_MISFIT
            }
            RefusalReason::Storage => {
                debug!(%partition, %follower, %reason, "replication to a follower pauses");
                let session = carriage.session;
                if carriage.partition.on_write_failure(follower, session) {
                    self.core.replication.isr.add(&carriage.partition);
                }
                AFTER_STORAGE
            }
        };
        self.close_and_open_again(handle, pause);
    }
}

fn to_follower(handle: u32, heard: Heard) -> ToFollower {
    match heard {
        Heard::Truncate {
            leader_epoch,
            end_offset,
        } => ToFollower::Truncate {
            handle,
            leader_epoch,
            end_offset,
        },
        Heard::StartAt { offset } => ToFollower::StartAt { handle, offset },
        Heard::Follow {
            offset,
            high_watermark,
            log_start_offset,
        } => ToFollower::Follow {
            handle,
            offset,
            high_watermark,
            log_start_offset,
        },
    }
}
