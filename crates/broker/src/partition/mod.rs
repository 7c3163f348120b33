//! One partition on this broker: its log, its place in replication, and who waits for it.
//!
//! A plain synchronous struct behind one short lock. The task of a connection calls it directly; there
//! is no task, channel or timer per partition.
//!
//! ```text
//!  produce ─► validate (no lock) ─► lock: leader? append, on_append ─► HW ─► pop waiters ─► unlock
//!  fetch   ─► lock: leader? offsets and a reader ─► unlock ─► read
//!  leader's stream   ─► lock: following that session? append ─► HW ─► wake readers ─► unlock
//!  follower's acks   ─► lock: on_ack ─► HW ─► pop waiters ─► unlock
//!  durable topic     ─► … append ─► queued for a sync ─► (thread) fdatasync ─► lock: HW ─► pop waiters
//! ```
//!
//! # Locks
//!
//! Outermost first: the partition map, the partition's state, its log, the ready list of a connection to
//! a follower, a waiter. None is held across `.await`.

mod acks;
mod append;
mod assign;
mod delete;
mod follow;
mod isr;
mod leading;
mod led;
mod own;
mod push;
mod read;
mod settings;
mod sync;
mod tail;
mod watch;

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use replication::{Follower, Leader, Position};
use storage::{Log, SharedLog};
use types::{LeaderEpoch, Offset, TopicId, TopicPartition};

use acks::{AckQueue, AckWait};
use leading::{Leading, Wakes};
use sync::Syncs;
use watch::Watchers;

pub(crate) use acks::{AckOutcome, PendingAcks};
pub(crate) use append::{AppendFailure, Appended, Commit};
pub(crate) use assign::Assignment;
pub(crate) use delete::DeleteFailure;
pub(crate) use follow::FollowFailure;
pub(crate) use own::{MayNot, Observer};
pub(crate) use push::{Carried, Heard, Opening, Take};
pub(crate) use read::{Denied, EpochEnd, Readable};
pub(crate) use settings::TopicSettings;
pub(crate) use sync::Synced;
pub(crate) use tail::TailBudget;
pub(crate) use watch::FetchWait;

use crate::lifecycle::flusher::SyncQueue;
use crate::replica::{IsrWatch, Key};
use crate::room::Room;

/// A partition of which this broker holds a replica. Shared by all connections.
pub(crate) struct Partition {
    topic_partition: TopicPartition,
    topic_id: TopicId,
    log: SharedLog,
    settings: ArcSwap<TopicSettings>,
    shared: Shared,
    state: Mutex<State>,
}

/// What all partitions of a broker share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) tail_budget: Arc<TailBudget>,
    pub(crate) room: Arc<Room>,
    /// Where partitions of the same log directory wait to be synced.
    pub(crate) sync_queue: Arc<SyncQueue>,
    /// Where leaders are noted that do not rest.
    pub(crate) isr_watch: Arc<IsrWatch>,
}

#[derive(Debug)]
struct State {
    role: Role,
    /// What this replica knows of the high watermark, whatever its role.
    high_watermark: Offset,
    acks: AckQueue,
    syncs: Syncs,
    watchers: Watchers,
    /// It is among those whose ISR is to be looked at.
    is_isr_queued: bool,
}

#[derive(Debug)]
enum Role {
    Leader(Box<Leading>),
    Follower(Follower),
    Stopped(Stop),
}

/// Why a replica serves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// Its log directory failed, or it is being removed: for good.
    Final,
    /// It could not begin to lead in that epoch: the next decision is another chance.
    CannotLead(LeaderEpoch),
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
        shared: Shared,
    ) -> Self {
        let (start, end) = {
            let log = log.lock();
            (log.log_start_offset(), log.log_end_offset())
        };
        let high_watermark = high_watermark.clamp(start, end);
        let state = State {
            role: Role::Follower(Follower::new(LeaderEpoch::NONE, None, high_watermark)),
            high_watermark,
            acks: AckQueue::default(),
            syncs: Syncs::new(settings.sync),
            watchers: Watchers::default(),
            is_isr_queued: false,
        };
        Self {
            topic_partition,
            topic_id,
            log,
            settings: ArcSwap::new(settings),
            shared,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn topic_partition(&self) -> &TopicPartition {
        &self.topic_partition
    }

    pub(crate) fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    /// By which tables name it.
    pub(crate) fn key(&self) -> Key {
        (self.topic_id, self.topic_partition.partition)
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
        let rule = settings.sync;
        self.log.lock().set_config(settings.log.clone());
        self.settings.store(settings);
        self.set_sync_rule(rule);
    }

    /// Another fetch watches the partition, unless it has something to look at already: the partition is
    /// not in that leader epoch any more, or the high watermark is beyond what the fetch has seen.
    ///
    /// Returns whether it watches; [`Partition::unwatch`] must follow.
    pub(crate) fn watch(
        &self,
        wait: &Arc<FetchWait>,
        leader_epoch: LeaderEpoch,
        seen_high_watermark: Offset,
    ) -> bool {
        let mut state = self.state.lock();
        let is_unchanged = !matches!(state.role, Role::Stopped(_))
            && state.leader_epoch() == leader_epoch
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
            Self::Leader(leading) => Ok(&leading.leader),
            Self::Follower(_) => Err(Denied::NotLeader),
            Self::Stopped(_) => Err(Denied::Stopped),
        }
    }
}

impl State {
    fn leader_epoch(&self) -> LeaderEpoch {
        match &self.role {
            Role::Leader(leading) => leading.leader.leader_epoch(),
            Role::Follower(follower) => follower.leader_epoch(),
            // What could not be led may be tried again with the same decision.
            Role::Stopped(Stop::CannotLead(leader_epoch)) => *leader_epoch,
            Role::Stopped(Stop::Final) => LeaderEpoch::NONE,
        }
    }

    /// Returns whom a new high watermark completes; to be told without the lock.
    fn on_high_watermark(&mut self, advanced: Option<Offset>) -> Effects {
        let mut effects = Effects::default();
        let Some(high_watermark) = advanced else {
            return effects;
        };
        self.high_watermark = high_watermark;
        let mut is_everything = true;
        if let Role::Leader(leading) = &mut self.role {
            is_everything = high_watermark == leading.leader.log_end_offset();
            leading.on_idle_news(&mut effects.wakes);
            effects.observer = leading.observer.clone();
            effects.high_watermark = high_watermark;
        }
        self.watchers.on_readable(is_everything);
        effects.waits = self.acks.take_up_to(high_watermark);
        effects
    }
}

type Waits = std::collections::VecDeque<AckWait>;

fn complete(waits: Waits, outcome: AckOutcome) {
    for wait in waits {
        wait.complete(outcome);
    }
}

/// What follows from a change of the state, to be carried out without its lock.
#[derive(Debug, Default)]
#[must_use = "somebody waits"]
struct Effects {
    waits: Waits,
    wakes: Wakes,
    observer: Option<Arc<dyn Observer>>,
    /// For the observer.
    high_watermark: Offset,
}

impl Effects {
    fn carry_out(self) {
        complete(self.waits, AckOutcome::Committed);
        for link in self.wakes {
            link.wake();
        }
        if let Some(observer) = self.observer {
            observer.on_high_watermark(self.high_watermark);
        }
    }
}

/// Where the log stands.
fn position(log: &Log) -> Position {
    Position {
        log_start_offset: log.log_start_offset(),
        log_end_offset: log.log_end_offset(),
        last_epoch: log.latest_epoch(),
    }
}

/// A log's epochs, as replication asks for them.
struct History<'a>(&'a Log);

impl replication::EpochHistory for History<'_> {
    fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        self.0.end_offset_for_epoch(epoch)
    }
}

#[cfg(test)]
mod tests;
