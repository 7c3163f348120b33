//! What followers say, and what of it counts.

use std::fmt;

use types::{NodeId, Offset};

use super::Leader;
use crate::epochs::reconcile;
use crate::mutant::{self, Mutant};
use crate::progress::{Phase, Session, SessionId};
use crate::{EpochHistory, Position, Reconcile};

/// A message that proves nothing about this leader's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckError {
    /// The session was replaced by another one, or belongs to another leader epoch.
    OtherSession,
    /// The logs are not reconciled yet.
    NotFollowing,
    /// The node is not assigned to the partition.
    NotAReplica(NodeId),
    /// It claims more than the leader has written: the logs have diverged.
    BeyondLogEnd {
        /// The leader's log end offset.
        log_end_offset: Offset,
    },
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSession => f.write_str("the session was replaced"),
            Self::NotFollowing => f.write_str("the logs are not reconciled yet"),
            Self::NotAReplica(node) => write!(f, "node {node} is not a replica"),
            Self::BeyondLogEnd { log_end_offset } => {
                write!(f, "beyond the log end offset {log_end_offset}")
            }
        }
    }
}

impl std::error::Error for AckError {}

impl Leader {
    /// A stream now carries the partition to the follower. What it said on a former session counts no
    /// more, and holds the high watermark back until it has spoken again.
    ///
    /// # Errors
    /// [`AckError::NotAReplica`].
    pub fn on_open(&mut self, follower: NodeId, session: Session) -> Result<(), AckError> {
        self.assert_awake();
        let progress = self.followers.get_mut(&follower);
        progress
            .ok_or(AckError::NotAReplica(follower))?
            .open(session);
        Ok(())
    }

    /// The stream broke, or the partition was closed on it.
    pub fn on_disconnect(&mut self, follower: NodeId, session: SessionId) {
        self.assert_awake();
        if let Some(progress) = self.followers.get_mut(&follower)
            && progress
                .session
                .is_some_and(|current| current.id == session)
        {
            progress.disconnect();
        }
    }

    /// The follower cannot write, and said so on that session. Nothing will come until it follows again, so
    /// it should leave the ISR now rather than when it is late.
    pub fn on_write_failure(&mut self, follower: NodeId, session: SessionId) {
        if let Ok(progress) = self.session(follower, session) {
            progress.cannot_write = true;
            progress.disconnect();
        }
    }

    /// The follower says where its log stands; the leader's own begins at `log_start_offset` and has that
    /// `history`. Returns what makes it a prefix of the leader's, and the new high watermark if it moved,
    /// which it can only once the answer is [`Reconcile::Follow`]. In a durable topic a position
    /// acknowledges nothing.
    ///
    /// # Errors
    /// Nothing was counted; the session should be closed.
    pub fn on_position(
        &mut self,
        follower: NodeId,
        session: SessionId,
        position: &Position,
        log_start_offset: Offset,
        history: &dyn EpochHistory,
    ) -> Result<(Reconcile, Option<Offset>), AckError> {
        let answer = reconcile(position, log_start_offset, self.log_end_offset, history);
        let is_in_sync = self.registration.isr.contains(&follower);
        let high_watermark = self.high_watermark;
        let log_end_offset = self.log_end_offset;
        let counts = self.counts_positions();
        let progress = self.session(follower, session)?;
        if let Reconcile::Follow { offset } = answer {
            if offset > log_end_offset {
                return Err(AckError::BeyondLogEnd { log_end_offset });
            }
            progress.phase = Phase::Following;
            progress.cannot_write = false;
            progress.has_lost = is_in_sync && offset < high_watermark;
            if counts {
                progress.advance(offset);
            }
        } else if mutant::is(Mutant::ProgressBeforeReconciled) {
            progress.advance(position.log_end_offset.min(log_end_offset));
        }
        Ok((answer, self.advance()))
    }

    /// The follower has written everything below `log_end_offset`; in a durable topic, synced. Returns the new high watermark if it
    /// moved.
    ///
    /// # Errors
    /// The acknowledgement proves nothing about this leader's log, and was not counted.
    pub fn on_ack(
        &mut self,
        follower: NodeId,
        session: SessionId,
        log_end_offset: Offset,
    ) -> Result<Option<Offset>, AckError> {
        let own_end = self.log_end_offset;
        let high_watermark = self.high_watermark;
        let progress = self.session(follower, session)?;
        if progress.phase != Phase::Following {
            return Err(AckError::NotFollowing);
        }
        if log_end_offset > own_end {
            return Err(AckError::BeyondLogEnd {
                log_end_offset: own_end,
            });
        }
        progress.advance(log_end_offset);
        progress.has_lost &= log_end_offset < high_watermark;
        Ok(self.advance())
    }

    fn session(
        &mut self,
        follower: NodeId,
        session: SessionId,
    ) -> Result<&mut crate::Progress, AckError> {
        self.assert_awake();
        let progress = self.followers.get_mut(&follower);
        let progress = progress.ok_or(AckError::NotAReplica(follower))?;
        if progress.session.is_none_or(|current| current.id != session) {
            return Err(AckError::OtherSession);
        }
        Ok(progress)
    }
}
