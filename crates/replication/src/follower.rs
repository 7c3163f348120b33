//! The follower's side: whose records are accepted, and where the log is cut before.

use std::fmt;

use types::{LeaderEpoch, NodeId, Offset};

use crate::mutant::{self, Mutant};
use crate::progress::{Phase, SessionId};
use crate::{EpochHistory, Position};

/// Why a leader may not open the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenRefusal {
    /// Its leadership is over.
    Stale {
        /// The epoch that this replica knows.
        current: LeaderEpoch,
    },
    /// This replica has not heard of its epoch yet; it will.
    Behind {
        /// The epoch that this replica knows.
        current: LeaderEpoch,
    },
}

/// Why a message is not acted on. The leader opens the partition anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another session has taken over, or another leader epoch has begun.
    OtherSession,
    /// The message does not belong to this phase of the conversation.
    OutOfTurn,
    /// The records do not begin where the log ends.
    NotAtLogEnd {
        /// Exclusive end of this replica's log.
        log_end_offset: Offset,
    },
    /// The leader named an epoch that this log does not lead up to.
    UnknownEpoch(LeaderEpoch),
}

impl fmt::Display for OpenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { current } => write!(f, "replaced by leader epoch {current}"),
            Self::Behind { current } => write!(f, "only leader epoch {current} is known here"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSession => f.write_str("the session was replaced"),
            Self::OutOfTurn => f.write_str("not expected at this point"),
            Self::NotAtLogEnd { log_end_offset } => {
                write!(f, "the log ends at {log_end_offset}")
            }
            Self::UnknownEpoch(epoch) => write!(f, "leader epoch {epoch} is not known here"),
        }
    }
}

impl std::error::Error for OpenRefusal {}
impl std::error::Error for Refusal {}

/// Where to cut the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// The log's new end. Exclusive. Epochs that begin there or beyond go too, even if no record does.
    pub offset: Offset,
    /// Whether records go that this replica knew as committed. Never, unless a leader was elected
    /// uncleanly: worth an error in the log.
    pub is_below_high_watermark: bool,
}

/// One replica that follows, in one leader epoch. Owned by the partition, under its lock.
#[derive(Clone, Debug)]
pub struct Follower {
    leader_epoch: LeaderEpoch,
    leader: Option<NodeId>,
    high_watermark: Offset,
    session: Option<SessionId>,
    phase: Phase,
    /// The most that was acknowledged on this session.
    acknowledged: Option<Offset>,
}

impl Follower {
    /// Begins an epoch. The log stays as it is until that epoch's leader says where it parts from its
    /// own: a high watermark that was heard of proves too little (KIP-101).
    #[must_use]
    pub const fn new(
        leader_epoch: LeaderEpoch,
        leader: Option<NodeId>,
        high_watermark: Offset,
    ) -> Self {
        Self {
            leader_epoch,
            leader,
            high_watermark,
            session: None,
            phase: Phase::Disconnected,
            acknowledged: None,
        }
    }

    /// The leader of `leader_epoch` opens the partition on a stream. It replaces whatever session there
    /// was. The answer is the replica's position.
    ///
    /// # Errors
    /// See [`OpenRefusal`]; the session that was there goes on.
    pub fn on_open(
        &mut self,
        session: SessionId,
        leader_epoch: LeaderEpoch,
    ) -> Result<(), OpenRefusal> {
        let current = self.leader_epoch;
        if leader_epoch > current {
            return Err(OpenRefusal::Behind { current });
        }
        if leader_epoch < current && !mutant::is(Mutant::FollowerIgnoresEpoch) {
            return Err(OpenRefusal::Stale { current });
        }
        self.session = Some(session);
        self.phase = Phase::Reconciling;
        self.acknowledged = None;
        Ok(())
    }

    /// The leader's log parts from this one at the end of an epoch. Says where to cut; the answer, once
    /// that is done, is the replica's position.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is to be cut.
    pub fn on_truncate(
        &mut self,
        session: SessionId,
        leader_epoch: LeaderEpoch,
        end_offset: Offset,
        position: &Position,
        history: &dyn EpochHistory,
    ) -> Result<Truncation, Refusal> {
        self.expect(session, Phase::Reconciling)?;
        let (own_epoch, own_end) = history.end_offset_for_epoch(leader_epoch);
        if !own_epoch.is_known() {
            return Err(Refusal::UnknownEpoch(leader_epoch));
        }
        let offset = own_end.min(end_offset).min(position.log_end_offset).max(0);
        Ok(self.cut(offset))
    }

    /// The leader's log begins beyond this one: everything goes, and the log begins at `offset`.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is to be cut.
    pub fn on_start_at(
        &mut self,
        session: SessionId,
        offset: Offset,
    ) -> Result<Truncation, Refusal> {
        self.expect(session, Phase::Reconciling)?;
        let truncation = self.cut(offset);
        self.high_watermark = offset;
        Ok(truncation)
    }

    /// The log is a prefix of the leader's: its records follow from `offset` on.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn on_follow(
        &mut self,
        session: SessionId,
        offset: Offset,
        log_end_offset: Offset,
    ) -> Result<(), Refusal> {
        self.expect(session, Phase::Reconciling)?;
        if offset != log_end_offset {
            return Err(Refusal::NotAtLogEnd { log_end_offset });
        }
        self.phase = Phase::Following;
        Ok(())
    }

    /// Records arrive that begin at `base_offset`; they may be written if this returns `Ok`.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing is to be written.
    pub fn on_append(
        &self,
        session: SessionId,
        base_offset: Offset,
        log_end_offset: Offset,
    ) -> Result<(), Refusal> {
        self.expect(session, Phase::Following)?;
        if base_offset != log_end_offset {
            return Err(Refusal::NotAtLogEnd { log_end_offset });
        }
        Ok(())
    }

    /// What is to be acknowledged now, if that is more than was acknowledged before, and on which session.
    /// For a durable topic `durable_offset` says how far this log is synced: nothing beyond counts.
    ///
    /// To be asked after each append, and after each sync of a durable topic.
    pub fn acknowledge(
        &mut self,
        log_end_offset: Offset,
        durable_offset: Option<Offset>,
    ) -> Option<(SessionId, Offset)> {
        let session = self.session.filter(|_| self.phase == Phase::Following)?;
        let offset = match durable_offset {
            Some(durable_offset) if !mutant::is(Mutant::FollowerAcksUnsynced) => {
                durable_offset.min(log_end_offset)
            }
            Some(_) | None => log_end_offset,
        };
        if self.acknowledged >= Some(offset) {
            return None;
        }
        self.acknowledged = Some(offset);
        Some((session, offset))
    }

    /// The leader's high watermark, as far as this log reaches. Returns this replica's own if it moved.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn on_high_watermark(
        &mut self,
        session: SessionId,
        high_watermark: Offset,
        log_end_offset: Offset,
    ) -> Result<Option<Offset>, Refusal> {
        self.expect(session, Phase::Following)?;
        let known = high_watermark.min(log_end_offset);
        if known <= self.high_watermark {
            return Ok(None);
        }
        self.high_watermark = known;
        Ok(Some(known))
    }

    /// The stream broke, or the leader closed the partition on it.
    pub fn on_close(&mut self, session: SessionId) {
        if self.session == Some(session) {
            self.session = None;
            self.phase = Phase::Disconnected;
        }
    }

    /// What this replica knows of the high watermark: consumers may read below it here (KIP-392).
    #[must_use]
    pub const fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// The epoch it follows.
    #[must_use]
    pub const fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// Whom it follows; `None` while nobody leads.
    #[must_use]
    pub const fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// How far the conversation with the leader is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The leader changed nothing but who is in sync, or nobody leads any more in the same epoch.
    pub const fn on_leader(&mut self, leader: Option<NodeId>) {
        self.leader = leader;
    }

    fn cut(&mut self, offset: Offset) -> Truncation {
        let is_below_high_watermark = offset < self.high_watermark;
        self.high_watermark = self.high_watermark.min(offset);
        Truncation {
            offset,
            is_below_high_watermark,
        }
    }

    fn expect(&self, session: SessionId, phase: Phase) -> Result<(), Refusal> {
        if self.session != Some(session) {
            return Err(Refusal::OtherSession);
        }
        if self.phase != phase {
            return Err(Refusal::OutOfTurn);
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
