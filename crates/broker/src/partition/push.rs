//! Leading, as the connections to the followers see it: open, reconcile, take what is there to send,
//! acknowledge.

use std::sync::Arc;

use bytes::Bytes;
use replication::{AckError, Position, Reconcile, SessionId};
use storage::LogReader;
use types::{LeaderEpoch, NodeId, Offset};

use super::leading::{Next, Stream};
use super::{Effects, History, Partition, Role, State};
use crate::replica::{Link, Urgency};

/// Whether a connection should carry the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Yes, in this epoch: the session is open, and the follower is to be told.
    Open(LeaderEpoch),
    /// Another connection does.
    Elsewhere,
    /// Not led here, or not for that follower.
    NotLed,
}

/// A message to the follower, but for the handle, and whether it ends the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Truncate {
        leader_epoch: LeaderEpoch,
        end_offset: Offset,
    },
    StartAt {
        offset: Offset,
    },
    Follow {
        offset: Offset,
        high_watermark: Offset,
        log_start_offset: Offset,
    },
}

/// Offsets that go with everything a leader says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) high_watermark: Offset,
    pub(crate) log_start_offset: Offset,
}

/// What to send for one partition.
#[derive(Debug)]
pub(crate) enum Take {
    Append {
        base_offset: Offset,
        /// Where the follower's log will end (exclusive).
        end_offset: Offset,
        pieces: Vec<Bytes>,
        len: usize,
        carried: Carried,
        /// More waits behind it.
        has_more: bool,
    },
    /// Records that are not in memory: read them, then call [`Partition::on_read`].
    Read {
        reader: LogReader,
        from: Offset,
        /// Whoever has read up to here is near.
        horizon: Offset,
    },
    HighWatermark(Carried),
    Nothing,
    /// The session is over: the partition goes another way, or is not led here any more.
    Gone,
}

impl Partition {
    /// A connection to a follower offers to carry the partition under `handle`.
    pub(crate) fn open_stream(&self, link: &Arc<Link>, session: SessionId, handle: u32) -> Opening {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return Opening::NotLed;
        };
        if leading.has_stream_to(link.follower) {
            return Opening::Elsewhere;
        }
        let leader_epoch = leading.leader.leader_epoch();
        match leading.open(Stream::new(Arc::clone(link), session, handle)) {
            Ok(()) => Opening::Open(leader_epoch),
            Err(_not_a_replica) => Opening::NotLed,
        }
    }

    /// Whether the session still carries the partition.
    pub(crate) fn is_carried_by(&self, session: SessionId) -> bool {
        match &mut self.state.lock().role {
            Role::Leader(leading) => leading.stream(session).is_some(),
            Role::Follower(_) | Role::Stopped(_) => false,
        }
    }

    /// The connection broke, or gives the partition up.
    pub(crate) fn close_stream(&self, session: SessionId) {
        if let Role::Leader(leading) = &mut self.state.lock().role {
            leading.close(session);
        }
    }

    /// The follower said where its log stands. Returns what to answer.
    ///
    /// # Errors
    /// Nothing was counted; the session is to be closed.
    pub(crate) fn on_position(
        &self,
        follower: NodeId,
        session: SessionId,
        position: &Position,
    ) -> Result<Heard, AckError> {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return Err(AckError::OtherSession);
        };
        let (answer, advanced, log_start_offset) = {
            let log = self.log.lock();
            let start = log.log_start_offset();
            let history = History(&log);
            let (answer, advanced) = leading
                .leader
                .wake()
                .on_position(follower, session, position, start, &history)?;
            (answer, advanced, start)
        };
        let mut effects = state.on_high_watermark(advanced);
        let heard = match answer {
            Reconcile::Truncate {
                leader_epoch,
                end_offset,
            } => Heard::Truncate {
                leader_epoch,
                end_offset,
            },
            Reconcile::StartAt { offset } => Heard::StartAt { offset },
            Reconcile::Follow { offset } => {
                state.on_follow(session, offset, log_start_offset, &mut effects);
                Heard::Follow {
                    offset,
                    high_watermark: state.high_watermark,
                    log_start_offset,
                }
            }
        };
        drop(state);
        effects.carry_out();
        Ok(heard)
    }

    /// What there is to send on the session: at most about `bytes_max` of records.
    pub(crate) fn take(&self, session: SessionId, bytes_max: usize) -> Take {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return Take::Gone;
        };
        let log_start_offset = self.log.lock().log_start_offset();
        let base_offset = leading.stream(session).and_then(|it| it.next_offset);
        let Some(next) = leading.next(session, bytes_max, log_start_offset) else {
            return Take::Gone;
        };
        let carried = Carried {
            high_watermark: leading.leader.high_watermark(),
            log_start_offset,
        };
        match next {
            Next::Run(run) => Take::Append {
                base_offset: base_offset.unwrap_or(run.end_offset),
                end_offset: run.end_offset,
                has_more: run.end_offset < leading.leader.log_end_offset(),
                len: run.len,
                pieces: run.pieces,
                carried,
            },
            Next::Read { from, horizon } => Take::Read {
                reader: self.log.lock().reader(),
                from,
                horizon,
            },
            Next::HighWatermark => Take::HighWatermark(carried),
            Next::Nothing => Take::Nothing,
        }
    }

    /// The offsets to tell on the session, if it has not heard them.
    pub(crate) fn take_offsets(&self, session: SessionId) -> Option<Carried> {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return None;
        };
        let carried = Carried {
            high_watermark: leading.leader.high_watermark(),
            log_start_offset: self.log.lock().log_start_offset(),
        };
        let is_news = leading.take_offsets(session, carried);
        is_news.then_some(carried)
    }

    /// Records from `from` up to `end_offset` were read to be sent on the session. `None` if it is over.
    pub(crate) fn on_read(
        &self,
        session: SessionId,
        from: Offset,
        end_offset: Offset,
    ) -> Option<Sent> {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return None;
        };
        let log_start_offset = self.log.lock().log_start_offset();
        let is_next = leading.on_read(session, from, end_offset, log_start_offset);
        is_next.then(|| Sent {
            carried: Carried {
                high_watermark: leading.leader.high_watermark(),
                log_start_offset,
            },
            has_more: end_offset < leading.leader.log_end_offset(),
        })
    }

    /// The follower has written everything below `log_end_offset`. Returns whether the ISR should be
    /// looked at now.
    ///
    /// # Errors
    /// Nothing was counted; the session is to be closed.
    pub(crate) fn on_ack(
        &self,
        follower: NodeId,
        session: SessionId,
        log_end_offset: Offset,
    ) -> Result<bool, AckError> {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return Err(AckError::OtherSession);
        };
        let advanced = leading
            .leader
            .wake()
            .on_ack(follower, session, log_end_offset)?;
        let has_candidate = leading.leader.has_candidate();
        let effects = state.on_high_watermark(advanced);
        drop(state);
        effects.carry_out();
        Ok(has_candidate)
    }

    /// The follower cannot write: it is to leave the ISR until it follows again. Returns whether the ISR
    /// should be looked at now.
    pub(crate) fn on_write_failure(&self, follower: NodeId, session: SessionId) -> bool {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &mut state.role else {
            return false;
        };
        leading.leader.wake().on_write_failure(follower, session);
        leading.leader.has_candidate()
    }

    /// The log start offset moved: followers hear of it soon.
    pub(crate) fn on_log_start(&self) {
        let mut effects = Effects::default();
        if let Role::Leader(leading) = &mut self.state.lock().role {
            leading.on_idle_news(&mut effects.wakes);
        }
        effects.carry_out();
    }
}

/// What was read for a session is what comes next on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) carried: Carried,
    pub(crate) has_more: bool,
}

impl State {
    /// The logs of leader and follower are one up to `offset`.
    fn on_follow(
        &mut self,
        session: SessionId,
        offset: Offset,
        log_start_offset: Offset,
        effects: &mut Effects,
    ) {
        let high_watermark = self.high_watermark;
        let Role::Leader(leading) = &mut self.role else {
            return;
        };
        let log_end_offset = leading.leader.log_end_offset();
        let Some(stream) = leading.stream(session) else {
            return;
        };
        stream.follow(offset);
        stream.told(high_watermark, log_start_offset);
        if offset < log_end_offset {
            stream.mark(Urgency::Data, &mut effects.wakes);
        }
    }
}
