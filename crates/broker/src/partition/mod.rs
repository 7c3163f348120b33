//! One partition on this broker: its log, its place in replication, and who waits for it.
//!
//! A plain synchronous struct behind one short lock. The task of a connection calls it directly; there
//! is no task, channel or timer per partition.
//!
//! ```text
//!  produce ─► validate (no lock) ─► lock: leader? append, on_append ─► HW ─► pop waiters ─► unlock
//!  fetch   ─► lock: leader? offsets and a reader ─► unlock ─► read
//! ```
//!
//! # Locks
//!
//! Outermost first: the partition's state, then its log, then a waiter. None is held across `.await`.

mod acks;
mod append;
mod delete;
mod read;
mod settings;
mod watch;

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use metadata::PartitionRegistration;
use parking_lot::Mutex;
use replication::{Leader, Registration, Start};
use storage::SharedLog;
use types::{LeaderEpoch, NodeId, Offset, TopicId, TopicPartition};

use acks::{AckQueue, AckWait};
use watch::Watchers;

pub(crate) use acks::{AckOutcome, PendingAcks};
pub(crate) use append::{AppendFailure, Appended, Commit};
pub(crate) use delete::DeleteFailure;
pub(crate) use read::{Denied, EpochEnd, Readable};
pub(crate) use settings::TopicSettings;
pub(crate) use watch::FetchWait;

/// A partition of which this broker holds a replica. Shared by all connections.
pub(crate) struct Partition {
    topic_partition: TopicPartition,
    topic_id: TopicId,
    log: SharedLog,
    settings: ArcSwap<TopicSettings>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    role: Role,
    /// What this replica knows of the high watermark, whatever its role.
    high_watermark: Offset,
    acks: AckQueue,
    watchers: Watchers,
}

#[derive(Debug)]
enum Role {
    Leader(Leader),
    Follower {
        leader_epoch: LeaderEpoch,
    },
    /// Its log directory failed.
    Stopped,
}

/// What the controller decided about a partition, as this broker sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assignment<'a> {
    pub(crate) local: NodeId,
    pub(crate) registration: &'a PartitionRegistration,
    /// The effective minimum, capped by the number of replicas.
    pub(crate) min_isr: usize,
}

impl Assignment<'_> {
    fn to_registration(self) -> Registration {
        Registration {
            partition_epoch: self.registration.partition_epoch,
            replicas: self.registration.replicas.clone(),
            isr: self.registration.isr.clone(),
            min_isr: self.min_isr,
        }
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition")
            .field("topic_partition", &self.topic_partition)
            .field("topic_id", &self.topic_id)
            .finish_non_exhaustive()
    }
}

impl Partition {
    /// A replica whose role is not known yet. `high_watermark` is the one that was checkpointed.
    pub(crate) fn new(
        topic_partition: TopicPartition,
        topic_id: TopicId,
        log: SharedLog,
        settings: Arc<TopicSettings>,
        high_watermark: Offset,
    ) -> Self {
        let (start, end) = {
            let log = log.lock();
            (log.log_start_offset(), log.log_end_offset())
        };
        let state = State {
            role: Role::Follower {
                leader_epoch: LeaderEpoch::NONE,
            },
            high_watermark: high_watermark.clamp(start, end),
            acks: AckQueue::default(),
            watchers: Watchers::default(),
        };
        Self {
            topic_partition,
            topic_id,
            log,
            settings: ArcSwap::new(settings),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn topic_partition(&self) -> &TopicPartition {
        &self.topic_partition
    }

    pub(crate) fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    /// The log. Its lock comes after the partition's.
    pub(crate) fn log(&self) -> &SharedLog {
        &self.log
    }

    pub(crate) fn log_start_offset(&self) -> Offset {
        self.log.lock().log_start_offset()
    }

    pub(crate) fn settings(&self) -> Guard<Arc<TopicSettings>> {
        self.settings.load()
    }

    /// What this replica knows of the high watermark, for its checkpoint.
    pub(crate) fn high_watermark(&self) -> Offset {
        self.state.lock().high_watermark
    }

    /// The topic's configuration changed.
    pub(crate) fn set_settings(&self, settings: Arc<TopicSettings>) {
        self.log.lock().set_config(settings.log.clone());
        self.settings.store(settings);
    }

    /// The controller decided something about the partition: leads, follows, or takes note of another
    /// ISR. Decisions older than the one in force change nothing.
    ///
    /// # Errors
    /// The epoch's start cannot be written down; the partition then serves nothing.
    pub(crate) fn assign(&self, assignment: Assignment<'_>) -> Result<(), storage::Error> {
        let registration = assignment.registration;
        let mut state = self.state.lock();
        if registration.leader_epoch < state.leader_epoch() {
            return Ok(());
        }
        if registration.leader != Some(assignment.local) {
            state.follow(registration.leader_epoch);
            return Ok(());
        }
        if let Role::Leader(leader) = &mut state.role
            && leader.leader_epoch() == registration.leader_epoch
        {
            let advanced = leader.on_registration(assignment.to_registration());
            let waits = state.on_high_watermark(advanced);
            drop(state);
            complete(waits, AckOutcome::Committed);
            return Ok(());
        }
        self.lead(&mut state, assignment)
            .inspect_err(|_| state.stop())
    }

    fn lead(&self, state: &mut State, assignment: Assignment<'_>) -> Result<(), storage::Error> {
        let leader_epoch = assignment.registration.leader_epoch;
        let log_end_offset = {
            let mut log = self.log.lock();
            let log_end_offset = log.log_end_offset();
            log.assign_epoch_start(leader_epoch, log_end_offset)?;
            log_end_offset
        };
        let leader = Leader::new(Start {
            local: assignment.local,
            leader_epoch,
            registration: assignment.to_registration(),
            log_end_offset,
            high_watermark: state.high_watermark,
        });
        state.high_watermark = leader.high_watermark();
        state.role = Role::Leader(leader);
        // Whoever waits was promised by an earlier leader, or may read more now.
        state.watchers.wake_all();
        complete(state.acks.take_all(), AckOutcome::NotLeader);
        Ok(())
    }

    /// `min.insync.replicas` changed.
    pub(crate) fn set_min_isr(&self, min_isr: usize) {
        let mut state = self.state.lock();
        let Role::Leader(leader) = &mut state.role else {
            return;
        };
        let advanced = leader.on_min_isr(min_isr);
        let waits = state.on_high_watermark(advanced);
        drop(state);
        complete(waits, AckOutcome::Committed);
    }

    /// Serves nothing any more: its log directory failed.
    pub(crate) fn stop(&self) {
        self.state.lock().stop();
    }

    /// Serves nothing any more: the replica is being removed. Whoever still asks is sent to look for the
    /// partition elsewhere.
    pub(crate) fn retire(&self) {
        let mut state = self.state.lock();
        let leader_epoch = state.leader_epoch();
        state.follow(leader_epoch);
    }

    /// Another fetch watches the partition, unless it has something to look at already: the partition is
    /// not led by that epoch any more, or the high watermark is beyond what the fetch has seen.
    ///
    /// Returns whether it watches; [`Partition::unwatch`] must follow.
    pub(crate) fn watch(
        &self,
        wait: &Arc<FetchWait>,
        leader_epoch: LeaderEpoch,
        seen_high_watermark: Offset,
    ) -> bool {
        let mut state = self.state.lock();
        let is_unchanged = matches!(&state.role, Role::Leader(leader)
            if leader.leader_epoch() == leader_epoch)
            && state.high_watermark == seen_high_watermark;
        if is_unchanged {
            state.watchers.add(Arc::clone(wait));
        }
        is_unchanged
    }

    /// The fetch goes on.
    pub(crate) fn unwatch(&self, wait: &Arc<FetchWait>) {
        self.state.lock().watchers.remove(wait);
    }
}

impl Role {
    /// The leader's view, or why this broker does not answer for the partition.
    fn leader(&self) -> Result<&Leader, Denied> {
        match self {
            Self::Leader(leader) => Ok(leader),
            Self::Follower { .. } => Err(Denied::NotLeader),
            Self::Stopped => Err(Denied::Stopped),
        }
    }
}

impl State {
    fn leader_epoch(&self) -> LeaderEpoch {
        match &self.role {
            Role::Leader(leader) => leader.leader_epoch(),
            Role::Follower { leader_epoch } => *leader_epoch,
            Role::Stopped => LeaderEpoch::NONE,
        }
    }

    fn follow(&mut self, leader_epoch: LeaderEpoch) {
        self.leave(Role::Follower { leader_epoch });
    }

    fn stop(&mut self) {
        self.leave(Role::Stopped);
    }

    /// Gives up leading: everybody who waits must look elsewhere.
    fn leave(&mut self, role: Role) {
        self.role = role;
        self.watchers.wake_all();
        complete(self.acks.take_all(), AckOutcome::NotLeader);
    }

    /// Returns whom a new high watermark completes; to be told without the lock.
    fn on_high_watermark(&mut self, advanced: Option<Offset>) -> Waits {
        let Some(high_watermark) = advanced else {
            return Waits::new();
        };
        self.high_watermark = high_watermark;
        let is_everything = match &self.role {
            Role::Leader(leader) => high_watermark == leader.log_end_offset(),
            Role::Follower { .. } | Role::Stopped => true,
        };
        self.watchers.on_readable(is_everything);
        self.acks.take_up_to(high_watermark)
    }
}

type Waits = std::collections::VecDeque<AckWait>;

fn complete(waits: Waits, outcome: AckOutcome) {
    for wait in waits {
        wait.complete(outcome);
    }
}

#[cfg(test)]
mod tests;
