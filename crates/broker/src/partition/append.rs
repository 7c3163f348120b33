//! Appending as the leader.

use std::sync::Arc;

use bytes::Bytes;
use protocol::records::{Invalid, validate_for_append};
use storage::{AppendError, ValidatedBatch};
use types::{LeaderEpoch, Offset, TimestampMs};

use super::acks::{AckOutcome, AckWait, PendingAcks};
use super::{Partition, Role, Wakes};

/// Why nothing was appended.
#[derive(Debug)]
pub(crate) enum AppendFailure {
    /// This broker does not lead the partition.
    NotLeader,
    /// The replica's log directory has failed.
    Stopped,
    /// `acks=all` needs more replicas in sync than there are.
    TooFewInSync,
    /// The batch is part of a transaction.
    Transactional,
    /// The batch is not one that the topic takes.
    Invalid(Invalid),
    /// The log refused.
    Log {
        error: AppendError,
        log_start_offset: Offset,
    },
}

/// What was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: Offset,
    /// End (exclusive) of what was appended: the high watermark that commits it.
    pub(crate) end_offset: Offset,
    /// -1 unless the topic's timestamps are append times.
    pub(crate) log_append_time: TimestampMs,
    pub(crate) log_start_offset: Offset,
    /// The epoch it was appended in.
    pub(crate) leader_epoch: LeaderEpoch,
    /// Whether it is on every in-sync replica already.
    pub(crate) is_committed: bool,
    /// Whether this replica counts it. Not at once if the topic is durable: [`Partition::wait_for_sync`].
    pub(crate) is_counted: bool,
}

/// Whether a wait for the high watermark is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// The wait is queued; its outcome comes through [`PendingAcks`].
    Pending,
    /// No wait is needed.
    Over(AckOutcome),
}

impl Partition {
    /// Appends a producer's record set. `needs_all` refuses while too few replicas are in sync.
    ///
    /// The bytes are in the page cache on return; whether they are on the in-sync replicas says
    /// [`Appended::is_committed`], else [`Partition::wait_for_commit`]. What a durable topic makes of
    /// `acks=1` says [`Appended::is_counted`].
    ///
    /// # Errors
    /// See [`AppendFailure`]; nothing was appended.
    pub(crate) fn append(
        &self,
        records: &Bytes,
        needs_all: bool,
        is_zstd_allowed: bool,
        now_ms: TimestampMs,
    ) -> Result<Appended, AppendFailure> {
        let rules = self.settings.load().rules(is_zstd_allowed, now_ms);
        let validated = validate_for_append(records, &rules).map_err(AppendFailure::Invalid)?;
        if validated.batch.header.is_transactional() {
            return Err(AppendFailure::Transactional);
        }
        self.append_batch(
            &ValidatedBatch::from(validated),
            needs_all,
            LeaderEpoch::NONE,
        )
    }

    /// Appends a batch that needs no further check, in that leader epoch and no other, if it is known.
    pub(super) fn append_batch(
        &self,
        batch: &ValidatedBatch,
        needs_all: bool,
        in_epoch: LeaderEpoch,
    ) -> Result<Appended, AppendFailure> {
        let mut state = self.state.lock();
        let leading = match &mut state.role {
            Role::Leader(leading) => leading,
            Role::Follower(_) => return Err(AppendFailure::NotLeader),
            Role::Stopped(_) => return Err(AppendFailure::Stopped),
        };
        let leader_epoch = leading.leader.leader_epoch();
        if in_epoch.is_known() && in_epoch != leader_epoch {
            return Err(AppendFailure::NotLeader);
        }
        if needs_all && leading.leader.is_below_min_isr() {
            return Err(AppendFailure::TooFewInSync);
        }
        let (info, log_end_offset, recovery_point) = {
            let mut log = self.log.lock();
            let info = log
                .append_as_leader(std::slice::from_ref(batch), leader_epoch)
                .map_err(|error| {
                    self.on_append_error(&error);
                    AppendFailure::Log {
                        error,
                        log_start_offset: log.log_start_offset(),
                    }
                })?;
            (info, log.log_end_offset(), log.recovery_point())
        };
        let advanced = leading.leader.wake().on_append(log_end_offset);
        let mut wakes = Wakes::new();
        if !info.duplicate {
            // Followers are given what is written, never what may yet fail.
            leading.on_append(batch, info.base_offset, leader_epoch, &mut wakes);
            state.watchers.on_append(batch.bytes().len());
        }
        let mut effects = state.on_high_watermark(advanced);
        effects.wakes.append(&mut wakes);
        let end_offset = info.last_offset + 1;
        let is_committed = end_offset <= state.high_watermark;
        let is_counted = state.is_counted(end_offset);
        self.on_unsynced(&mut state, log_end_offset, recovery_point);
        drop(state);
        effects.carry_out();
        Ok(Appended {
            base_offset: info.base_offset,
            end_offset,
            log_append_time: info.log_append_time,
            log_start_offset: info.log_start_offset,
            leader_epoch,
            is_committed,
            is_counted,
        })
    }

    /// The broker has to know of a disk without room.
    pub(super) fn on_append_error(&self, error: &AppendError) {
        if let AppendError::Storage(error) = error {
            self.shared.room.on_failed_write(error);
        }
    }

    /// Waits until what was appended is on every in-sync replica, as one of the request's partitions.
    pub(crate) fn wait_for_commit(
        &self,
        appended: &Appended,
        pending: &Arc<PendingAcks>,
        index: usize,
    ) -> Commit {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &state.role else {
            return Commit::Over(AckOutcome::NotLeader);
        };
        if leading.leader.leader_epoch() != appended.leader_epoch {
            return Commit::Over(AckOutcome::NotLeader);
        }
        if appended.end_offset <= state.high_watermark {
            return Commit::Over(AckOutcome::Committed);
        }
        state.acks.push(AckWait {
            required_offset: appended.end_offset,
            pending: Arc::clone(pending),
            index,
        });
        Commit::Pending
    }
}
