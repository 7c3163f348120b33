//! What the leader knows of one replica.

use std::time::Duration;

use types::{BrokerEpoch, Offset};

/// Names one opening of a partition on a stream; never used twice by one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// One opening of a partition on a stream to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// The process at the other end. It vouches for what is acknowledged on the session (KIP-903).
    pub broker_epoch: BrokerEpoch,
}

/// How far the conversation with a follower is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// No stream carries the partition.
    #[default]
    Disconnected,
    /// The follower's log is being made a prefix of the leader's.
    Reconciling,
    /// Every acknowledgement counts.
    Following,
}

/// How far a replica's log is known to reach in the current leader epoch. Unknown again after each
/// break: only what was said on the present session counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub(crate) session: Option<Session>,
    pub(crate) phase: Phase,
    log_end_offset: Option<Offset>,
    /// An in-sync replica came back with less than is committed.
    pub(crate) has_lost: bool,
    /// It said that it cannot write.
    pub(crate) cannot_write: bool,
    pub(crate) freshness: Freshness,
}

/// When the replica last had all that the leader had. Worked out at each look, so that the path of a
/// record reads no clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freshness {
    caught_up_at: Option<Duration>,
    /// The last look, and the leader's log end offset then: who has that by now was caught up then.
    looked_at: Option<(Duration, Offset)>,
    disconnected_since: Option<Duration>,
}

impl Progress {
    /// Nothing is known yet: the replica has said nothing in this leader epoch.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            session: None,
            phase: Phase::Disconnected,
            log_end_offset: None,
            has_lost: false,
            cannot_write: false,
            freshness: Freshness {
                caught_up_at: None,
                looked_at: None,
                disconnected_since: None,
            },
        }
    }

    /// Exclusive end of the replica's log, once it is reconciled on the present session.
    #[must_use]
    pub const fn log_end_offset(self) -> Option<Offset> {
        self.log_end_offset
    }

    /// How far the conversation is.
    #[must_use]
    pub const fn phase(self) -> Phase {
        self.phase
    }

    /// Whether it said that it cannot write, and has not followed since.
    #[must_use]
    pub const fn cannot_write(self) -> bool {
        self.cannot_write
    }

    /// The present session, if there is one.
    #[must_use]
    pub const fn session(self) -> Option<Session> {
        self.session
    }

    pub(crate) fn open(&mut self, session: Session) {
        self.session = Some(session);
        self.phase = Phase::Reconciling;
        self.log_end_offset = None;
        self.has_lost = false;
    }

    pub(crate) fn disconnect(&mut self) {
        self.session = None;
        self.phase = Phase::Disconnected;
        self.log_end_offset = None;
    }

    /// The replica wrote everything below `log_end_offset`. Acknowledgements are cumulative, so one
    /// that arrives late changes nothing.
    pub(crate) fn advance(&mut self, log_end_offset: Offset) {
        self.log_end_offset = self.log_end_offset.max(Some(log_end_offset));
    }

    /// Looks at the replica at a moment when the leader's log ends at `leader_end`. Returns for how long
    /// it has been behind, and for how long no stream has carried the partition.
    pub(crate) fn look(&mut self, now: Duration, leader_end: Offset) -> Look {
        let is_at_end = self.log_end_offset == Some(leader_end);
        let fresh = &mut self.freshness;
        if is_at_end || fresh.caught_up_at.is_none() {
            fresh.caught_up_at = Some(now);
        } else if let Some((then, end_then)) = fresh.looked_at
            && self.log_end_offset >= Some(end_then)
        {
            fresh.caught_up_at = fresh.caught_up_at.max(Some(then));
        }
        fresh.looked_at = Some((now, leader_end));
        if self.session.is_some() {
            fresh.disconnected_since = None;
        } else {
            fresh.disconnected_since.get_or_insert(now);
        }
        let since = |then: Option<Duration>| now.saturating_sub(then.unwrap_or(now));
        Look {
            is_at_end,
            behind_for: since(fresh.caught_up_at),
            disconnected_for: since(fresh.disconnected_since),
        }
    }
}

/// What a look at a replica found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) is_at_end: bool,
    pub(crate) behind_for: Duration,
    pub(crate) disconnected_for: Duration,
}
