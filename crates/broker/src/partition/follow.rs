//! Following: the leader opens the partition on a stream, makes the log a prefix of its own, and pushes
//! records. Everything is refused that does not come on the session that is open in this leader epoch.

use bytes::Bytes;
use replication::{OpenRefusal, Position, Refusal, SessionId};
use storage::{AppendError, Log};
use types::{LeaderEpoch, NodeId, Offset};

use super::{Carried, History, Partition, Role, State, position};

/// Why something of a leader was not acted on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowFailure {
    /// The sender's leadership is over.
    #[error("the leader epoch is {current} by now")]
    Stale { current: LeaderEpoch },
    /// This broker has not heard of that leader epoch yet.
    #[error("the leader epoch is not known here yet")]
    Behind,
    /// It does not fit the conversation, or the log.
    #[error(transparent)]
    Refused(Refusal),
    /// The bytes are no batches that continue the log.
    #[error("the records do not continue the log: {0}")]
    Malformed(AppendError),
    /// The log cannot be written.
    #[error("the log cannot be written: {0}")]
    Storage(String),
    /// The log is not to be written: its disk has failed or is full, which is known already.
    #[error("the replica is out of service")]
    OutOfService,
}

impl Partition {
    /// The leader of an epoch opens the partition on a stream.
    ///
    /// # Errors
    /// See [`FollowFailure`].
    pub(crate) fn open_as_follower(
        &self,
        session: SessionId,
        leader: NodeId,
        leader_epoch: LeaderEpoch,
    ) -> Result<Position, FollowFailure> {
        if self.shared.room.is_full() {
            return Err(FollowFailure::Storage(
                "no room left on the disk".to_owned(),
            ));
        }
        let mut state = self.state.lock();
        let current = state.leader_epoch();
        let Role::Follower(follower) = &mut state.role else {
            return Err(match &state.role {
                Role::Leader(_) if leader_epoch > current => FollowFailure::Behind,
                Role::Leader(_) | Role::Follower(_) => FollowFailure::Stale { current },
                Role::Stopped(_) => FollowFailure::OutOfService,
            });
        };
        if leader_epoch == current && follower.leader() != Some(leader) {
            return Err(FollowFailure::Stale { current });
        }
        let log = self.log.lock();
        if log.is_offline() {
            // In sync it would be elected, and could not lead.
            return Err(FollowFailure::OutOfService);
        }
        follower
            .on_open(session, leader_epoch)
            .map_err(|refusal| match refusal {
                OpenRefusal::Stale { current } => FollowFailure::Stale { current },
                OpenRefusal::Behind { .. } => FollowFailure::Behind,
            })?;
        Ok(position(&log))
    }

    /// Cuts the log back to where the leader's history leaves it. Waits for the disk.
    ///
    /// # Errors
    /// See [`FollowFailure`].
    pub(crate) fn truncate(
        &self,
        session: SessionId,
        leader_epoch: LeaderEpoch,
        end_offset: Offset,
    ) -> Result<Position, FollowFailure> {
        let mut state = self.state.lock();
        let follower = state.follower()?;
        let mut log = self.log.lock();
        let (from, to) = (position(&log), end_offset);
        let cut = follower
            .on_truncate(session, leader_epoch, to, &from, &History(&log))
            .map_err(FollowFailure::Refused)?;
        let partition = &self.topic_partition;
        if cut.is_below_high_watermark {
            tracing::error!(%partition, ?from, to = cut.offset, "records below the high watermark are cut off");
        } else if cut.offset < from.log_end_offset {
            tracing::info!(%partition, from = from.log_end_offset, to = cut.offset, "log is cut to its leader's");
        }
        log.truncate_to(cut.offset)
            .inspect_err(|error| self.shared.room.on_failed_write(error))
            .map_err(storage_failure)?;
        let position = position(&log);
        drop(log);
        state.high_watermark = state.high_watermark.min(position.log_end_offset);
        Ok(position)
    }

    /// Drops everything and begins at `offset`. Waits for the disk.
    ///
    /// # Errors
    /// See [`FollowFailure`].
    pub(crate) fn start_at(
        &self,
        session: SessionId,
        offset: Offset,
    ) -> Result<Position, FollowFailure> {
        let mut state = self.state.lock();
        let follower = state.follower()?;
        follower
            .on_start_at(session, offset)
            .map_err(FollowFailure::Refused)?;
        let mut log = self.log.lock();
        let partition = &self.topic_partition;
        tracing::info!(%partition, from = log.log_end_offset(), to = offset, "log begins anew where its leader's does");
        log.truncate_fully_and_start_at(offset)
            .inspect_err(|error| self.shared.room.on_failed_write(error))
            .map_err(storage_failure)?;
        let position = position(&log);
        drop(log);
        state.high_watermark = offset;
        Ok(position)
    }

    /// The log is a prefix of the leader's up to `offset`. Returns what to acknowledge, if that is to be
    /// done now: see [`append_as_follower`](Self::append_as_follower).
    ///
    /// # Errors
    /// See [`FollowFailure`].
    pub(crate) fn follow(
        &self,
        session: SessionId,
        offset: Offset,
        carried: Carried,
    ) -> Result<Option<Offset>, FollowFailure> {
        let mut state = self.state.lock();
        let mut log = self.log.lock();
        let log_end_offset = log.log_end_offset();
        state
            .follower()?
            .on_follow(session, offset, log_end_offset)
            .map_err(FollowFailure::Refused)?;
        state.on_carried(session, carried, &mut log)?;
        Ok(self.acknowledge(&mut state, &log))
    }

    /// Writes what the leader pushed: whole batches, put one behind the other. They are in the page cache
    /// on return.
    ///
    /// Returns the offset (exclusive) to acknowledge, if that is to be done now: the log's end, or nothing
    /// if the topic is durable; its acknowledgements go the way of [`Self::set_ack_route`] once the
    /// records are synced.
    ///
    /// # Errors
    /// See [`FollowFailure`]. If the disk failed in the middle, some of the batches may be written.
    pub(crate) fn append_as_follower(
        &self,
        session: SessionId,
        base_offset: Offset,
        batches: &[Bytes],
        carried: Carried,
    ) -> Result<Option<Offset>, FollowFailure> {
        let len = batches.iter().map(Bytes::len).sum();
        let mut state = self.state.lock();
        let mut log = self.log.lock();
        state
            .follower()?
            .on_append(session, base_offset, log.log_end_offset())
            .map_err(FollowFailure::Refused)?;
        log.append_pieces_as_follower(batches)
            .inspect_err(|error| self.on_append_error(error))
            .map_err(append_failure)?;
        state.watchers.on_append(len);
        state.on_carried(session, carried, &mut log)?;
        Ok(self.acknowledge(&mut state, &log))
    }

    /// What is to be acknowledged now; the rest waits for a sync, which is asked for.
    fn acknowledge(&self, state: &mut State, log: &Log) -> Option<Offset> {
        let (log_end_offset, recovery_point) = (log.log_end_offset(), log.recovery_point());
        self.on_unsynced(state, log_end_offset, recovery_point);
        state.acknowledge(log_end_offset, recovery_point)
    }

    /// The leader's high watermark or log start moved.
    ///
    /// # Errors
    /// See [`FollowFailure`].
    pub(crate) fn on_leader_offsets(
        &self,
        session: SessionId,
        carried: Carried,
    ) -> Result<(), FollowFailure> {
        let mut state = self.state.lock();
        let mut log = self.log.lock();
        state.on_carried(session, carried, &mut log)
    }

    /// The stream broke, or the leader closed the partition on it.
    pub(crate) fn close_as_follower(&self, session: SessionId) {
        if let Role::Follower(follower) = &mut self.state.lock().role {
            follower.on_close(session);
        }
    }
}

impl State {
    fn follower(&mut self) -> Result<&mut replication::Follower, FollowFailure> {
        let current = self.leader_epoch();
        match &mut self.role {
            Role::Follower(follower) => Ok(follower),
            Role::Leader(_) => Err(FollowFailure::Stale { current }),
            Role::Stopped(_) => Err(FollowFailure::OutOfService),
        }
    }

    /// Takes over the leader's offsets as far as this log reaches, and wakes who reads here.
    fn on_carried(
        &mut self,
        session: SessionId,
        carried: Carried,
        log: &mut Log,
    ) -> Result<(), FollowFailure> {
        let log_end_offset = log.log_end_offset();
        let advanced = self
            .follower()?
            .on_high_watermark(session, carried.high_watermark, log_end_offset)
            .map_err(FollowFailure::Refused)?;
        if let Some(high_watermark) = advanced {
            self.high_watermark = high_watermark;
            self.watchers.on_readable(high_watermark == log_end_offset);
        }
        let log_start_offset = carried.log_start_offset.min(log_end_offset);
        if log_start_offset > log.log_start_offset() {
            log.increment_log_start(log_start_offset)
                .map_err(storage_failure)?;
        }
        self.high_watermark = self.high_watermark.max(log.log_start_offset());
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn storage_failure(error: storage::Error) -> FollowFailure {
    FollowFailure::Storage(error.to_string())
}

fn append_failure(error: AppendError) -> FollowFailure {
    match error {
        AppendError::Storage(error) => storage_failure(error),
        other => FollowFailure::Malformed(other),
    }
}
