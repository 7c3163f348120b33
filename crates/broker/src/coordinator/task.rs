//! The one task that meets the deadlines of all groups and clears away what is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Groups;
use crate::state::Core;

/// Without a deadline the task looks all the same: nothing depends on it, it only bounds a mistake.
const LOOK_AFTER_MAX: Duration = Duration::from_mins(1);

/// Wakes the task when a deadline comes before the one it sleeps for. Shared; no lock.
#[derive(Debug)]
pub(super) struct Alarm {
    /// What the task sleeps for, in monotonic nanoseconds. It is stored before the deadlines are looked
    /// through, so that one that is set meanwhile rings.
    sleeps_until: AtomicU64,
    news: Notify,
}

impl Default for Alarm {
    fn default() -> Self {
        Self {
            sleeps_until: AtomicU64::new(u64::MAX),
            news: Notify::new(),
        }
    }
}

impl Alarm {
    /// Something is due then.
    pub(super) fn set(&self, due: Duration) {
        if nanos(due) < self.sleeps_until.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    /// There is something to look at now.
    pub(super) fn ring(&self) {
        self.news.notify_one();
    }
}

impl Groups {
    /// Meets deadlines until `stop`.
    pub(crate) async fn run(&self, core: &Arc<Core>, stop: CancellationToken) {
        loop {
            self.alarm.sleeps_until.store(u64::MAX, Ordering::SeqCst);
            self.clear();
            let next = self.on_time(core);
            let now = core.clock.monotonic();
            let next = next.map_or(now + LOOK_AFTER_MAX, |next| next.min(now + LOOK_AFTER_MAX));
            self.alarm.sleeps_until.store(nanos(next), Ordering::SeqCst);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.alarm.news.notified() => {}
                () = sleep(next.saturating_sub(now)) => {}
            }
            // Many deadlines at once must not keep others from the thread.
            tokio::task::yield_now().await;
        }
    }

    /// The clock was moved by a test.
    #[cfg(test)]
    pub(crate) fn look(&self) {
        self.alarm.ring();
    }

    /// A decision of a test panics.
    #[cfg(test)]
    pub(crate) fn panic_in(&self, core: &Core, index: types::PartitionIndex) {
        let hosted = self.get(index).expect("hosted here");
        let nothing: Option<()> = hosted.visit(core, |_stage, _at| panic!("told to"));
        assert!(nothing.is_none());
    }

    /// Acts on what is due. Returns when to look again.
    fn on_time(&self, core: &Core) -> Option<Duration> {
        let now = core.clock.monotonic();
        let all = self.all();
        for hosted in &all {
            if hosted.due().is_some_and(|due| due <= now) {
                hosted.on_time(core);
            }
        }
        let next = all.iter().filter_map(|hosted| hosted.due());
        next.chain(self.retry_loads(now)).min()
    }

    /// Drops the shards that other brokers lead now.
    fn clear(&self) {
        if !self.shards.read().values().any(|hosted| hosted.is_over()) {
            return;
        }
        let mut over = Vec::new();
        self.shards.write().retain(|_, hosted| {
            let is_over = hosted.is_over();
            if is_over {
                over.push(Arc::clone(hosted));
            }
            !is_over
        });
        for hosted in over {
            hosted.end();
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
