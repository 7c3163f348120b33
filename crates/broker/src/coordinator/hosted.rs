//! One shard on this broker, in one leader epoch of its partition.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering, fence};
use std::sync::{Arc, Weak};
use std::time::Duration;

use ::coordinator::{Answer, Record, Shard, Surroundings, Token};
use metadata::Delta;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tracing::{error, warn};
use types::{LeaderEpoch, Offset};

use super::serving::Serving;
use super::write;
use crate::partition::{MayNot, Observer, Partition};
use crate::state::Core;

/// A shard and the partition that keeps it. Shared; its lock comes before the partition's.
pub(super) struct Hosted {
    me: Weak<Self>,
    core: Weak<Core>,
    pub(super) partition: Arc<Partition>,
    pub(super) leader_epoch: LeaderEpoch,
    stage: Mutex<Stage>,
    /// The newest high watermark that anybody told of.
    told: AtomicI64,
    /// The newest that the shard was told of. Both are followed by a fence, see [`Hosted::settle`].
    settled: AtomicI64,
    /// This broker does not lead in that epoch any more. For good.
    is_over: AtomicBool,
    /// When the shard wants to be looked at, in monotonic nanoseconds; `u64::MAX` for never.
    due: AtomicU64,
}

/// How far it has come.
pub(super) enum Stage {
    /// The log is being read, or waits to be.
    Loading,
    /// Its log is read; whether it answers already, it knows itself.
    Serving(Box<Serving>),
    /// Nothing is left.
    Over,
}

impl fmt::Debug for Hosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosted")
            .field("partition", self.partition.topic_partition())
            .field("leader_epoch", &self.leader_epoch)
            .field("is_over", &self.is_over())
            .finish_non_exhaustive()
    }
}

impl Hosted {
    pub(super) fn new(
        core: Weak<Core>,
        partition: Arc<Partition>,
        leader_epoch: LeaderEpoch,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            core,
            partition,
            leader_epoch,
            stage: Mutex::new(Stage::Loading),
            told: AtomicI64::new(0),
            settled: AtomicI64::new(0),
            is_over: AtomicBool::new(false),
            due: AtomicU64::new(u64::MAX),
        })
    }

    /// Whether it is that partition's, in that epoch, and not over.
    pub(super) fn is_of(&self, partition: &Arc<Partition>, leader_epoch: LeaderEpoch) -> bool {
        Arc::ptr_eq(&self.partition, partition)
            && self.leader_epoch == leader_epoch
            && !self.is_over()
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// When [`Hosted::on_time`] has something to do. Monotonic.
    pub(super) fn due(&self) -> Option<Duration> {
        let nanos = self.due.load(Ordering::SeqCst);
        (nanos != u64::MAX).then(|| Duration::from_nanos(nanos))
    }

    /// Runs `act` on the shard, and then whatever follows: answers leave, deadlines are noted. `None` if
    /// that has panicked.
    pub(super) fn visit<T>(
        &self,
        core: &Core,
        act: impl FnOnce(&mut Stage, &Surroundings<'_>) -> T,
    ) -> Option<T> {
        let result = {
            let mut stage = self.stage.lock();
            self.guarded(core, &mut stage, |stage, at| {
                let result = act(stage, at);
                self.finish(core, stage, at);
                result
            })
        };
        self.settle(core);
        result
    }

    /// What is in memory after a panic is suspect; what is in the log is not. So the groups are loaded
    /// anew, and all others go on.
    fn guarded<T>(
        &self,
        core: &Core,
        stage: &mut Stage,
        act: impl FnOnce(&mut Stage, &Surroundings<'_>) -> T,
    ) -> Option<T> {
        let acted = core.surrounded(|at| catch_unwind(AssertUnwindSafe(|| act(stage, at))));
        if acted.is_err() {
            let partition = self.partition.topic_partition();
            error!(%partition, "a decision of groups panicked; they are loaded anew");
            *stage = Stage::Loading;
            self.due.store(u64::MAX, Ordering::SeqCst);
            core.groups.load_later(core, self.me.upgrade());
        }
        acted.ok()
    }

    /// The shard hears of the newest high watermark, unless somebody is in it, who will then do this.
    ///
    /// Whoever tells stores `told` and then tries the lock; whoever leaves unlocks and then looks at
    /// `told`. The fences between make one of the two see the other.
    fn settle(&self, core: &Core) {
        loop {
            fence(Ordering::SeqCst);
            if self.told.load(Ordering::Relaxed) <= self.settled.load(Ordering::Relaxed) {
                return;
            }
            let Some(mut stage) = self.stage.try_lock() else {
                return;
            };
            let settled = self.guarded(core, &mut stage, |stage, at| {
                self.finish(core, stage, at);
            });
            if settled.is_none() {
                return;
            }
        }
    }

    /// What has to be done before the lock is given back.
    fn finish(&self, core: &Core, stage: &mut Stage, at: &Surroundings<'_>) {
        let told = self.told.load(Ordering::Relaxed);
        self.settled.store(told, Ordering::Relaxed);
        if self.is_over() {
            *stage = Stage::Over;
        }
        let due = match stage {
            Stage::Serving(serving) => serving.finish(at, told),
            Stage::Loading | Stage::Over => None,
        };
        let nanos = due.map_or(u64::MAX, |due| {
            u64::try_from(due.as_nanos()).unwrap_or(u64::MAX)
        });
        self.due.store(nanos, Ordering::SeqCst);
        if let Some(due) = due {
            core.groups.alarm.set(due);
        }
    }

    /// Appends what the shard decided and shows it to the shard. If that fails, the shard knows more than
    /// its log, and is dropped.
    fn write(&self, core: &Core, stage: &mut Stage, records: &[Record], at: &Surroundings<'_>) {
        let Stage::Serving(serving) = stage else {
            return;
        };
        if records.is_empty() {
            return;
        }
        match write::append(&self.partition, self.leader_epoch, records, at.now.wall_ms) {
            Ok(end_offset) => serving.shard.on_appended(records, end_offset),
            Err(failure) => {
                let partition = self.partition.topic_partition();
                warn!(%partition, %failure, "groups cannot be written; they are loaded anew");
                *stage = Stage::Loading;
                core.groups.load_soon(self.me.upgrade());
            }
        }
    }

    /// Decides a request whose answer goes to `sender`.
    pub(super) fn decide(
        &self,
        core: &Core,
        stage: &mut Stage,
        at: &Surroundings<'_>,
        decide: impl FnOnce(&mut Shard, Token) -> Vec<Record>,
        sender: oneshot::Sender<Answer>,
    ) {
        let Stage::Serving(serving) = stage else {
            return;
        };
        let token = core.groups.next_token();
        serving.waiting.insert(token, sender);
        let records = decide(&mut serving.shard, token);
        self.write(core, stage, &records, at);
    }

    /// Whether the shard may decide something that it writes down.
    pub(super) fn may_write(&self) -> Result<(), MayNot> {
        self.partition.may_append(self.leader_epoch)
    }

    /// Something is due.
    pub(super) fn on_time(&self, core: &Core) {
        self.visit(core, |stage, at| {
            let Stage::Serving(serving) = stage else {
                return;
            };
            if serving.is_paused(self.may_write(), at.now.monotonic) {
                serving.shard.give_up_waiting(at);
                return;
            }
            if let Some(delta) = serving.postponed.take() {
                let records = serving.shard.on_image(at, &delta);
                self.write(core, stage, &records, at);
            }
            let Stage::Serving(serving) = stage else {
                return;
            };
            let records = serving.shard.on_time(at);
            self.write(core, stage, &records, at);
        });
    }

    /// Topics changed.
    pub(super) fn on_image(&self, core: &Core, delta: &Delta) {
        self.visit(core, |stage, at| {
            let Stage::Serving(serving) = stage else {
                return;
            };
            if serving.postponed.is_some() || self.may_write().is_err() {
                serving.postpone(delta, at.now.monotonic);
                return;
            }
            let records = serving.shard.on_image(at, delta);
            self.write(core, stage, &records, at);
        });
    }

    /// The log is read up to `end_offset`, where this epoch began.
    pub(super) fn on_loaded(&self, core: &Core, shard: Shard, end_offset: Offset) {
        self.visit(core, |stage, at| {
            if matches!(stage, Stage::Over) {
                return;
            }
            let mut serving = Serving::new(shard);
            let told = self.told.load(Ordering::Relaxed);
            serving.shard.on_loaded(at, end_offset, told);
            *stage = Stage::Serving(Box::new(serving));
        });
    }

    /// Whoever waits is sent away, and the memory given back. Nothing is decided any more.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        let ended = std::mem::replace(&mut *self.stage.lock(), Stage::Over);
        drop(ended);
    }
}

impl Observer for Hosted {
    fn on_high_watermark(&self, high_watermark: Offset) {
        self.told.fetch_max(high_watermark, Ordering::Relaxed);
        if let Some(core) = self.core.upgrade() {
            self.settle(&core);
        }
    }

    fn on_resigned(&self) {
        self.is_over.store(true, Ordering::Release);
        if let Some(core) = self.core.upgrade() {
            core.groups.alarm.ring();
        }
    }
}
