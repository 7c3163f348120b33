//! Topics that are synced when records come (`flush.messages`, `flush.ms`), and among them the durable
//! ones (`flush.messages=1`), where nothing counts before it is synced.
//!
//! ```text
//!  append ─► queued, once ─► thread of the disk: sync ─► lock: count ─► HW, acks=1, the leader is told
//!    append ─┘   append ─────────────┴─► queued again behind it: the next group
//! ```
//!
//! Who appends never waits, and one sync at a time runs per partition: all that is appended meanwhile is
//! the next one's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use types::Offset;

use super::acks::{AckOutcome, AckQueue, AckWait, PendingAcks};
use super::append::{Appended, Commit};
use super::{Effects, Partition, Role, State};
use crate::replica::AckRoute;

/// All logs are synced so often anyway.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// When a topic's new records are synced, sooner than everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyncRule {
    /// So many records that are not synced ask for a sync; 1: the topic is durable.
    records_max: i64,
    /// How long a record may wait, if that is less than it does anyway.
    delay_max: Option<Duration>,
}

impl SyncRule {
    /// From `flush.messages` and `flush.ms`.
    pub(super) fn new(flush_messages: i64, flush_ms: i64) -> Self {
        let delay = Duration::from_millis(u64::try_from(flush_ms).unwrap_or(u64::MAX));
        Self {
            records_max: flush_messages.max(1),
            delay_max: (delay < FLUSH_INTERVAL).then_some(delay),
        }
    }

    fn is_durable(self) -> bool {
        self.records_max == 1
    }
}

/// When the partition is to be synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Now,
    Within(Duration),
}

/// What became of a partition's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synced {
    /// It is over.
    Done,
    /// There were no descriptors or no memory: the turn is to be taken again, some time later.
    TryAgain,
}

/// Where the partition stands with the threads that sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Idle,
    Delayed,
    Queued,
    Running,
}

/// A partition's syncs, under its lock.
#[derive(Debug)]
pub(super) struct Syncs {
    rule: SyncRule,
    turn: Turn,
    /// Producers with `acks=1`, for which a durable topic's leader has to sync.
    acks: AckQueue,
    /// Where a follower's acknowledgements go that come with a sync.
    route: Option<AckRoute>,
}

impl Syncs {
    pub(super) fn new(rule: SyncRule) -> Self {
        Self {
            rule,
            turn: Turn::Idle,
            acks: AckQueue::default(),
            route: None,
        }
    }

    /// What a log that is synced up to there counts for, if that is less than its end.
    pub(super) fn counted(&self, recovery_point: Offset) -> Option<Offset> {
        self.rule.is_durable().then_some(recovery_point)
    }

    /// Another role or epoch. Returns who waits in vain.
    pub(super) fn leave(&mut self) -> VecDeque<AckWait> {
        self.route = None;
        self.acks.take_all()
    }

    pub(super) fn set_route(&mut self, route: AckRoute) {
        self.route = Some(route);
    }

    /// So many records are not synced.
    fn on_unsynced(&mut self, count: i64) -> Option<Ask> {
        let waits = matches!(self.turn, Turn::Idle | Turn::Delayed);
        if waits && count >= self.rule.records_max {
            self.turn = Turn::Queued;
            return Some(Ask::Now);
        }
        let delay = self.rule.delay_max?;
        if self.turn != Turn::Idle || count <= 0 {
            return None;
        }
        self.turn = Turn::Delayed;
        Some(Ask::Within(delay))
    }

    /// Its turn has come. Returns whether there is something to do.
    fn begin(&mut self) -> bool {
        let is_due = matches!(self.turn, Turn::Delayed | Turn::Queued);
        if is_due {
            self.turn = Turn::Running;
        }
        is_due
    }
}

impl State {
    /// Whether this replica, as the leader, counts what ends there.
    pub(super) fn is_counted(&self, end_offset: Offset) -> bool {
        match &self.role {
            Role::Leader(leading) => leading
                .leader
                .durable_offset()
                .is_none_or(|durable_offset| end_offset <= durable_offset),
            Role::Follower(_) | Role::Stopped(_) => false,
        }
    }

    /// What is to be acknowledged now as a follower.
    pub(super) fn acknowledge(
        &mut self,
        log_end_offset: Offset,
        recovery_point: Offset,
    ) -> Option<Offset> {
        let counted = self.syncs.counted(recovery_point);
        let Role::Follower(follower) = &mut self.role else {
            return None;
        };
        let (_session, offset) = follower.acknowledge(log_end_offset, counted)?;
        Some(offset)
    }

    /// The log is synced up to there, or that matters more or less than before.
    fn on_durable(&mut self, log_end_offset: Offset, recovery_point: Offset) -> Effects {
        let counted = self.syncs.counted(recovery_point);
        let advanced = match &mut self.role {
            Role::Leader(leading) => {
                let leader = leading.leader.wake();
                if leader.durable_offset().is_some() == counted.is_some() {
                    leader.on_durable(recovery_point)
                } else {
                    leader.set_durable(counted)
                }
            }
            Role::Follower(follower) => {
                let news = follower.acknowledge(log_end_offset, counted);
                if let (Some((session, offset)), Some(route)) = (news, &self.syncs.route) {
                    route.acknowledge(session, offset);
                }
                None
            }
            Role::Stopped(_) => None,
        };
        let mut effects = self.on_high_watermark(advanced);
        let counted = counted.unwrap_or(log_end_offset);
        effects
            .waits
            .append(&mut self.syncs.acks.take_up_to(counted));
        effects
    }
}

impl Partition {
    /// The log ends there, and is synced up to there. Asks for a sync if the topic wants one.
    pub(super) fn on_unsynced(
        &self,
        state: &mut State,
        log_end_offset: Offset,
        recovery_point: Offset,
    ) {
        let count = log_end_offset.saturating_sub(recovery_point);
        let Some(ask) = state.syncs.on_unsynced(count) else {
            return;
        };
        match ask {
            Ask::Now => self.shared.sync_queue.push(self.key()),
            Ask::Within(delay) => self.shared.sync_queue.push_later(self.key(), delay),
        }
    }

    /// The partition's turn: makes everything appended so far durable, and tells whoever waits for it.
    /// Waits for the disk. A disk that fails goes offline, and nobody is told anything.
    pub(crate) fn sync(&self) -> Synced {
        // What is appended from here on asks for another sync once this one has returned.
        if !self.state.lock().syncs.begin() {
            return Synced::Done;
        }
        let job = self.log.lock().begin_flush();
        let result = match job {
            Ok(Some(job)) => {
                let result = job.run();
                self.log.lock().finish_flush(job, result)
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        let partition = &self.topic_partition;
        match result {
            Ok(()) => {
                self.on_synced();
                Synced::Done
            }
            Err(error) if error.is_offline() => {
                tracing::error!(%partition, %error, "sync failed");
                self.state.lock().syncs.turn = Turn::Idle;
                Synced::Done
            }
            Err(error) => {
                tracing::warn!(%partition, %error, "sync failed, will be tried again");
                self.state.lock().syncs.turn = Turn::Queued;
                Synced::TryAgain
            }
        }
    }

    fn on_synced(&self) {
        let mut state = self.state.lock();
        state.syncs.turn = Turn::Idle;
        self.count_durable(state);
    }

    /// The topic's configuration says something else about syncs.
    pub(super) fn set_sync_rule(&self, rule: SyncRule) {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.syncs.rule, rule) != rule {
            self.count_durable(state);
        }
    }

    /// Takes note of how far the log is synced: whatever a sync was told before, a truncation may have
    /// come in between.
    fn count_durable(&self, mut state: parking_lot::MutexGuard<'_, State>) {
        let (log_end_offset, recovery_point) = {
            let log = self.log.lock();
            (log.log_end_offset(), log.recovery_point())
        };
        let effects = state.on_durable(log_end_offset, recovery_point);
        self.on_unsynced(&mut state, log_end_offset, recovery_point);
        drop(state);
        effects.carry_out();
    }

    /// Where the acknowledgements go that come with a sync, as long as the session is open.
    pub(crate) fn set_ack_route(&self, route: AckRoute) {
        self.state.lock().syncs.set_route(route);
    }

    /// Waits until this replica counts what was appended (`acks=1` in a durable topic), as one of the
    /// request's partitions.
    pub(crate) fn wait_for_sync(
        &self,
        appended: &Appended,
        pending: &Arc<PendingAcks>,
        index: usize,
    ) -> Commit {
        let mut state = self.state.lock();
        let Role::Leader(leading) = &state.role else {
            return Commit::Over(AckOutcome::NotLeader);
        };
        if leading.leader.leader_epoch() != appended.leader_epoch {
            return Commit::Over(AckOutcome::NotLeader);
        }
        if state.is_counted(appended.end_offset) {
            return Commit::Over(AckOutcome::Committed);
        }
        state.syncs.acks.push(AckWait {
            required_offset: appended.end_offset,
            pending: Arc::clone(pending),
            index,
        });
        Commit::Pending
    }
}
