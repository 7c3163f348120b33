//! What the broker itself writes to a partition that it leads, and who looks on.
//!
//! ```text
//!  observe(epoch) ─► told of every high watermark ─► told once when the epoch is over here
//!  may_append     ─► append_own: one batch, in that epoch or not at all
//! ```

use std::fmt;
use std::sync::Arc;

use protocol::records::{Batch, Validated};
use storage::ValidatedBatch;
use types::{LeaderEpoch, Offset};

use super::append::{AppendFailure, Appended};
use super::read::Denied;
use super::{Partition, Role};

/// Looks on while this broker leads a partition in one epoch.
pub(crate) trait Observer: fmt::Debug + Send + Sync {
    /// The high watermark has moved. Called without the partition's lock, by whoever moved it: an older
    /// value may come after a newer one. Must not wait.
    fn on_high_watermark(&self, high_watermark: Offset);

    /// The epoch is over here. Called under the partition's lock: must be quick, and take no lock.
    fn on_resigned(&self);
}

/// Where the log stood when somebody began to look on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) log_end_offset: Offset,
    pub(crate) high_watermark: Offset,
}

/// Why an append would be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MayNot {
    /// This broker does not lead the partition in that epoch.
    NotLeader,
    /// Fewer replicas are in sync than an append to all of them needs.
    TooFewInSync,
    /// The disk is full.
    NoRoom,
}

impl Partition {
    /// Somebody looks on until this broker's leadership in that epoch is over. The last one counts.
    ///
    /// # Errors
    /// [`Denied`]: it does not lead in that epoch.
    pub(crate) fn observe(
        &self,
        leader_epoch: LeaderEpoch,
        observer: Arc<dyn Observer>,
    ) -> Result<Observed, Denied> {
        let mut state = self.state.lock();
        let high_watermark = state.high_watermark;
        let Role::Leader(leading) = &mut state.role else {
            return Err(Denied::NotLeader);
        };
        if leading.leader.leader_epoch() != leader_epoch {
            return Err(Denied::NotLeader);
        }
        leading.observer = Some(observer);
        Ok(Observed {
            log_end_offset: leading.leader.log_end_offset(),
            high_watermark,
        })
    }

    /// The epoch in which this broker leads the partition, if it does.
    pub(crate) fn led_epoch(&self) -> Option<LeaderEpoch> {
        match &self.state.lock().role {
            Role::Leader(leading) => Some(leading.leader.leader_epoch()),
            Role::Follower(_) | Role::Stopped(_) => None,
        }
    }

    /// Whether an append to all in-sync replicas would be taken now.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_append(&self, in_epoch: LeaderEpoch) -> Result<(), MayNot> {
        if self.shared.room.is_full() {
            return Err(MayNot::NoRoom);
        }
        let state = self.state.lock();
        let Role::Leader(leading) = &state.role else {
            return Err(MayNot::NotLeader);
        };
        if leading.leader.leader_epoch() != in_epoch {
            return Err(MayNot::NotLeader);
        }
        if leading.leader.is_below_min_isr() {
            return Err(MayNot::TooFewInSync);
        }
        Ok(())
    }

    /// Appends a batch of the broker's own, for all in-sync replicas, in that leader epoch. The topic's
    /// limits for producers do not apply.
    ///
    /// The bytes are in the page cache on return; [`Observer::on_high_watermark`] says when they are on
    /// the in-sync replicas, and may say so before this returns.
    ///
    /// # Errors
    /// See [`AppendFailure`]; nothing was appended.
    pub(crate) fn append_own(
        &self,
        batch: Batch,
        in_epoch: LeaderEpoch,
    ) -> Result<Appended, AppendFailure> {
        let validated = Validated {
            batch,
            log_append_time_ms: None,
        };
        self.append_batch(&ValidatedBatch::from(validated), true, in_epoch)
    }
}
