//! Looking at a partition as its leader: offsets, epochs, and a reader for its records.

use replication::Leader;
use storage::LogReader;
use types::{LeaderEpoch, NodeId, Offset};

use super::{Partition, Role, State};

/// Why this broker does not answer for the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Another broker leads it.
    NotLeader,
    /// The replica's log directory has failed.
    Stopped,
    /// The asker knows an older epoch than ours: it must refresh its metadata.
    OlderEpoch,
    /// The asker knows a newer epoch than ours: we have not heard of it yet.
    NewerEpoch,
}

/// A partition's offsets at one moment, and a reader of the log as it was then.
#[derive(Clone, Debug)]
pub(crate) struct Readable {
    pub(crate) reader: LogReader,
    pub(crate) log_start_offset: Offset,
    pub(crate) last_stable_offset: Offset,
    pub(crate) high_watermark: Offset,
    pub(crate) log_end_offset: Offset,
    pub(crate) leader_epoch: LeaderEpoch,
    /// Whether "latest" may be answered: the high watermark has reached this epoch's start (KIP-207).
    /// Never on a follower.
    pub(crate) is_latest_known: bool,
    /// Whether this broker leads the partition, or reads as one of its followers.
    pub(crate) is_leader: bool,
}

/// The largest epoch that is not above the one asked for, and where it ends (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EpochEnd {
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) end_offset: Offset,
}

impl Partition {
    /// The partition's offsets, if this broker leads it. `current` is the epoch that the asker believes
    /// in, `NONE` if it does not care.
    ///
    /// # Errors
    /// See [`Denied`].
    pub(crate) fn readable(&self, current: LeaderEpoch) -> Result<Readable, Denied> {
        let state = self.state.lock();
        state.role.leader()?;
        self.look(&state, current)
    }

    /// The same, also where this broker follows: consumers may read from the nearest replica what it
    /// knows to be committed (KIP-392). Its high watermark lags behind the leader's.
    ///
    /// # Errors
    /// See [`Denied`]; `NotLeader` while nobody leads the partition.
    pub(crate) fn readable_anywhere(&self, current: LeaderEpoch) -> Result<Readable, Denied> {
        let state = self.state.lock();
        if let Role::Follower(follower) = &state.role
            && follower.leader().is_none()
        {
            return Err(Denied::NotLeader);
        }
        self.look(&state, current)
    }

    /// The partition as it stands here, whoever leads it: for comparing replicas. `None` if its log
    /// directory has failed.
    pub(crate) fn inspect(&self) -> Option<Readable> {
        let state = self.state.lock();
        self.look(&state, LeaderEpoch::NONE).ok()
    }

    /// In-sync followers that are known to have everything below `offset`, with their log end offsets.
    /// Empty where this broker does not lead.
    pub(crate) fn followers_with(&self, offset: Offset) -> Vec<(NodeId, Offset)> {
        let state = self.state.lock();
        let Role::Leader(leading) = &state.role else {
            return Vec::new();
        };
        let isr = &leading.leader.registration().isr;
        let followers = leading.leader.followers();
        let known =
            followers.filter_map(|(node, progress)| Some((node, progress.log_end_offset()?)));
        known
            .filter(|(node, log_end_offset)| isr.contains(node) && *log_end_offset >= offset)
            .collect()
    }

    fn look(&self, state: &State, current: LeaderEpoch) -> Result<Readable, Denied> {
        let leader = match &state.role {
            Role::Leader(leading) => Some(&*leading.leader),
            Role::Follower(_) => None,
            Role::Stopped(_) => return Err(Denied::Stopped),
        };
        let leader_epoch = state.leader_epoch();
        check_epoch(current, leader_epoch)?;
        let log = self.log.lock();
        Ok(Readable {
            reader: log.reader(),
            log_start_offset: log.log_start_offset(),
            last_stable_offset: log.last_stable_offset(state.high_watermark),
            high_watermark: state.high_watermark,
            log_end_offset: log.log_end_offset(),
            leader_epoch,
            is_latest_known: leader.is_some_and(Leader::may_answer_latest),
            is_leader: leader.is_some(),
        })
    }

    /// Where an epoch ends in this leader's log; `NONE` and -1 for an epoch newer than all.
    ///
    /// # Errors
    /// See [`Denied`].
    pub(crate) fn epoch_end(
        &self,
        current: LeaderEpoch,
        asked: LeaderEpoch,
    ) -> Result<EpochEnd, Denied> {
        let state = self.state.lock();
        let leader = state.role.leader()?;
        check_epoch(current, leader.leader_epoch())?;
        let (leader_epoch, end_offset) = self.log.lock().end_offset_for_epoch(asked);
        Ok(EpochEnd {
            leader_epoch,
            end_offset,
        })
    }
}

fn check_epoch(asked: LeaderEpoch, ours: LeaderEpoch) -> Result<(), Denied> {
    if !asked.is_known() || asked == ours {
        return Ok(());
    }
    Err(if asked < ours {
        Denied::OlderEpoch
    } else {
        Denied::NewerEpoch
    })
}
