//! One coarse timer for everything that waits in this broker: long polls and acknowledgements.
//!
//! ```text
//! insert(deadline) ─► slot of its tick ─► the one task sleeps until the earliest slot ─► expire()
//! cancel(key)      ─► gone at once, in constant time
//! ```
//!
//! Deadlines are met within one tick, never early. Nothing runs while nothing waits. The lock is held
//! for list operations only; [`Expire::expire`] is called without it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::state::Core;

/// How coarse the timer is.
const TICK: Duration = Duration::from_millis(5);
/// Ticks that have a slot of their own; later deadlines share the slots and are passed over.
const SLOT_COUNT: usize = 1024;

/// Something that waits no longer than its deadline.
pub(crate) trait Expire: Send + Sync {
    /// The deadline has passed. Must be quick; may find that the wait is over already.
    fn expire(&self);
}

/// Names one waiting entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerKey {
    index: usize,
    generation: u64,
}

/// The broker's timer. Shared by everyone; [`Timers::run`] is its one task.
pub(crate) struct Timers {
    start: Instant,
    wheel: Mutex<Wheel>,
    earlier: Notify,
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting_count = self.wheel.lock().len();
        f.debug_struct("Timers")
            .field("waiting_count", &waiting_count)
            .finish_non_exhaustive()
    }
}

impl Timers {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            wheel: Mutex::new(Wheel::new()),
            earlier: Notify::new(),
        }
    }

    /// Calls `waiter` once the time is over, unless it is cancelled before.
    pub(crate) fn insert(&self, patience: Duration, waiter: Arc<dyn Expire>) -> TimerKey {
        let due = Instant::now()
            .saturating_duration_since(self.start)
            .saturating_add(patience);
        let (key, is_earliest) = self.wheel.lock().insert(tick_after(due), waiter);
        if is_earliest {
            self.earlier.notify_one();
        }
        key
    }

    /// Forgets the entry. Returns whether it was still waiting.
    pub(crate) fn cancel(&self, key: TimerKey) -> bool {
        self.wheel.lock().remove(key).is_some()
    }

    /// Expires what is due, until `stop`. Entries still waiting then are left to their owners.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        loop {
            let next = self.wheel.lock().earliest;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.earlier.notified() => {}
                () = sleep_until(self.at(next.unwrap_or(0))), if next.is_some() => {
                    self.expire_due(Instant::now());
                }
            }
        }
    }

    fn expire_due(&self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.start);
        let tick = ticks(elapsed);
        let due = self.wheel.lock().take_due(tick);
        for waiter in due {
            waiter.expire();
        }
    }

    fn at(&self, tick: u64) -> Instant {
        let millis = tick.saturating_mul(ticks_ms());
        self.start + Duration::from_millis(millis)
    }
}

/// A deadline that is forgotten when it is dropped.
#[derive(Debug)]
pub(crate) struct Patience {
    core: Arc<Core>,
    key: TimerKey,
}

impl Patience {
    /// Calls `waiter` once the time is over, unless this is dropped before.
    pub(crate) fn new(core: &Arc<Core>, patience: Duration, waiter: Arc<dyn Expire>) -> Self {
        Self {
            key: core.timers.insert(patience, waiter),
            core: Arc::clone(core),
        }
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        self.core.timers.cancel(self.key);
    }
}

fn ticks_ms() -> u64 {
    u64::try_from(TICK.as_millis()).unwrap_or(1)
}

fn ticks(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX) / ticks_ms()
}

/// The first tick at which the time is over.
fn tick_after(due: Duration) -> u64 {
    // A century is as good as for ever, and does not overflow an instant.
    ticks(due.min(Duration::from_hours(24 * 36_525))).saturating_add(1)
}

/// Entries in doubly linked lists, one list per slot.
struct Wheel {
    entries: Vec<Entry>,
    /// First free entry.
    free: Option<usize>,
    slots: Vec<Option<usize>>,
    /// No entry is due before this tick; `None` while nothing waits.
    earliest: Option<u64>,
    /// Everything up to this tick has expired.
    expired: u64,
    next_generation: u64,
}

struct Entry {
    generation: u64,
    tick: u64,
    /// `None` while the entry is free.
    waiter: Option<Arc<dyn Expire>>,
    previous: Option<usize>,
    next: Option<usize>,
}

impl Wheel {
    fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: None,
            slots: vec![None; SLOT_COUNT],
            earliest: None,
            expired: 0,
            next_generation: 0,
        }
    }

    fn len(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.waiter.is_some())
            .count()
    }

    fn slot_of(tick: u64) -> usize {
        usize::try_from(tick).unwrap_or(0) % SLOT_COUNT
    }

    /// Returns the key and whether nothing else is due as early.
    fn insert(&mut self, tick: u64, waiter: Arc<dyn Expire>) -> (TimerKey, bool) {
        let tick = tick.max(self.expired + 1);
        let slot = Self::slot_of(tick);
        let generation = self.next_generation;
        self.next_generation += 1;
        let entry = Entry {
            generation,
            tick,
            waiter: Some(waiter),
            previous: None,
            next: self.slots[slot],
        };
        let index = self.place(entry);
        if let Some(next) = self.slots[slot].replace(index) {
            self.entries[next].previous = Some(index);
        }
        let is_earliest = self.earliest.is_none_or(|earliest| tick < earliest);
        if is_earliest {
            self.earliest = Some(tick);
        }
        (TimerKey { index, generation }, is_earliest)
    }

    fn place(&mut self, entry: Entry) -> usize {
        let Some(index) = self.free else {
            self.entries.push(entry);
            return self.entries.len() - 1;
        };
        self.free = self.entries[index].next;
        self.entries[index] = entry;
        index
    }

    fn remove(&mut self, key: TimerKey) -> Option<Arc<dyn Expire>> {
        let entry = self.entries.get(key.index)?;
        if entry.generation != key.generation {
            return None;
        }
        self.unlink(key.index)
    }

    fn unlink(&mut self, index: usize) -> Option<Arc<dyn Expire>> {
        let entry = &mut self.entries[index];
        let waiter = entry.waiter.take()?;
        let (tick, previous, next) = (entry.tick, entry.previous, entry.next);
        entry.previous = None;
        entry.next = self.free.replace(index);
        match previous {
            Some(previous) => self.entries[previous].next = next,
            None => self.slots[Self::slot_of(tick)] = next,
        }
        if let Some(next) = next {
            self.entries[next].previous = previous;
        }
        Some(waiter)
    }

    fn take_due(&mut self, now: u64) -> Vec<Arc<dyn Expire>> {
        let mut due = Vec::new();
        let Some(earliest) = self.earliest.filter(|earliest| *earliest <= now) else {
            return due;
        };
        // More ticks than slots: each slot once is enough.
        let last = now.min(earliest.saturating_add(SLOT_COUNT as u64 - 1));
        for tick in earliest..=last {
            let mut cursor = self.slots[Self::slot_of(tick)];
            while let Some(index) = cursor {
                cursor = self.entries[index].next;
                if self.entries[index].tick <= now {
                    due.extend(self.unlink(index));
                }
            }
        }
        self.expired = self.expired.max(now);
        self.earliest = self.find_earliest(now + 1);
        due
    }

    /// A tick before which nothing is due: that of the first slot in use.
    fn find_earliest(&self, from: u64) -> Option<u64> {
        (from..from + SLOT_COUNT as u64).find(|tick| self.slots[Self::slot_of(*tick)].is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU64);

    impl Expire for Count {
        fn expire(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64),
        Cancel(usize),
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0u64..4000).prop_map(Step::Insert),
            1 => any::<usize>().prop_map(Step::Cancel),
            2 => (0u64..1500).prop_map(Step::Pass),
        ]
    }

    proptest! {
        #[test]
        fn the_wheel_does_what_a_sorted_map_does(steps in prop::collection::vec(step(), 1..80)) {
            let mut wheel = Wheel::new();
            let mut oracle: BTreeMap<u64, u64> = BTreeMap::new();
            let mut keys = Vec::new();
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Insert(ahead) => {
                        let (key, _) = wheel.insert(now + ahead, Arc::new(Count::default()));
                        keys.push(key);
                        oracle.insert(key.generation, (now + ahead).max(now + 1));
                    }
                    Step::Cancel(which) if !keys.is_empty() => {
                        let key = keys[which % keys.len()];
                        let waited = oracle.remove(&key.generation).is_some();
                        prop_assert_eq!(wheel.remove(key).is_some(), waited);
                    }
                    Step::Cancel(_) => {}
                    Step::Pass(ticks) => {
                        now += ticks;
                        let before = oracle.len();
                        oracle.retain(|_, tick| *tick > now);
                        // Nothing expires before `expired` has moved; a pass of nothing is no pass.
                        prop_assert_eq!(wheel.take_due(now).len(), before - oracle.len());
                        wheel.expired = now;
                    }
                }
                prop_assert_eq!(wheel.len(), oracle.len());
                if let Some(earliest) = oracle.values().min() {
                    prop_assert!(wheel.earliest.expect("something waits") <= *earliest);
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiters_expire_in_time_and_cancelled_ones_do_not() {
        let timers = Arc::new(Timers::new());
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (timers, stop) = (Arc::clone(&timers), stop.clone());
            async move { timers.run(stop).await }
        });
        let waiters: Vec<_> = (0..3).map(|_| Arc::new(Count::default())).collect();
        let count = |i: usize| waiters[i].0.load(Ordering::Relaxed);
        timers.insert(Duration::from_millis(500), waiters[0].clone());
        timers.insert(Duration::from_millis(100), waiters[1].clone());
        let key = timers.insert(Duration::from_millis(100), waiters[2].clone());
        assert!(timers.cancel(key) && !timers.cancel(key));

        tokio::time::sleep(Duration::from_millis(99)).await;
        assert_eq!((count(0), count(1)), (0, 0));
        tokio::time::sleep(Duration::from_millis(11)).await;
        assert_eq!((count(0), count(1), count(2)), (0, 1, 0));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((count(0), count(1), count(2)), (1, 1, 0));
        stop.cancel();
        task.await.expect("ends");
    }
}
