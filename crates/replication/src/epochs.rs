//! Where two logs part: by the leader epochs that wrote them, never by a high watermark (KIP-101).

use types::{LeaderEpoch, Offset};

use crate::mutant::{self, Mutant};

/// Which epoch wrote which offsets of one log.
pub trait EpochHistory {
    /// The largest epoch up to `epoch` and where it ends (exclusive). Below the first known epoch: the
    /// asked one itself, ending where the known ones begin. `(NONE, -1)` beyond the latest.
    fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset);
}

/// A log's extent, as its replica reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// First offset of the log.
    pub log_start_offset: Offset,
    /// Exclusive end of the log.
    pub log_end_offset: Offset,
    /// The latest epoch in the log's history, with or without records. `NONE` if it has none.
    pub last_epoch: LeaderEpoch,
}

/// What makes a follower's log a prefix of the leader's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconcile {
    /// It is one: records follow from `offset` on, the follower's log end offset.
    Follow {
        /// Where the records begin.
        offset: Offset,
    },
    /// The follower has to cut its log, and to report its position again: one round may not do.
    Truncate {
        /// The largest epoch that the leader knows up to the follower's last.
        leader_epoch: LeaderEpoch,
        /// Where that epoch ends in the leader's log. Exclusive.
        end_offset: Offset,
    },
    /// The follower has nothing that the leader still has: it drops everything and begins at `offset`.
    StartAt {
        /// The leader's log start offset.
        offset: Offset,
    },
}

/// Compares a follower's log with the leader's own, which begins at `log_start_offset` and ends at
/// `log_end_offset` (exclusive).
pub(crate) fn reconcile(
    follower: &Position,
    log_start_offset: Offset,
    log_end_offset: Offset,
    history: &dyn EpochHistory,
) -> Reconcile {
    let restart = Reconcile::StartAt {
        offset: log_start_offset,
    };
    let end = follower.log_end_offset;
    if end < log_start_offset {
        return restart;
    }
    let follow = Reconcile::Follow { offset: end };
    if !follower.last_epoch.is_known() {
        let is_empty = follower.log_start_offset == end;
        let fits = is_empty && end <= log_end_offset;
        return if fits { follow } else { restart };
    }
    let (epoch, end_offset) = history.end_offset_for_epoch(follower.last_epoch);
    if !epoch.is_known() {
        return restart;
    }
    if mutant::is(Mutant::NoTruncationByEpoch) && end <= log_end_offset {
        return follow;
    }
    if epoch == follower.last_epoch && end <= end_offset {
        return follow;
    }
    Reconcile::Truncate {
        leader_epoch: epoch,
        end_offset,
    }
}
