//! Whether this broker may still tell what it knows.
//!
//! A broker that is cut off from the controllers does not hear that others lead in its place. What it
//! writes is refused by its followers, but what it only reads could be old: after its session time without
//! a heard heartbeat it stops to tell committed offsets (RELIABILITY G2), and that an offset is out of its
//! log's range, at which consumers would begin anew.
//!
//! ```text
//!  heartbeat sent ─► the controller, sure to be the active one, answers: at that offset you are live
//!                       └─► this broker's image has that offset ─► nobody takes its place for a session
//! ```
//!
//! The answer alone says nothing: a broker that was paused is let in again before it hears what was
//! decided without it.
//!
//! What moves leadership within a session, and takes the old leader out of the ISR in the same record, is
//! not covered: it is told, and hears it a moment later. A shutdown and a full disk, which begin here, end
//! the lease first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use types::Offset;

use crate::state::Core;

/// Until when the controllers keep the broker's session at least. Shared.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Monotonic milliseconds of the clock. Written under the lock of `promise` only.
    until_ms: AtomicU64,
    promise: Mutex<Option<Promise>>,
}

/// Counts as soon as the image has that offset.
#[derive(Clone, Copy, Debug)]
struct Promise {
    offset: Offset,
    until_ms: u64,
}

impl Default for Lease {
    /// Without a first heartbeat there is no session that could be over.
    fn default() -> Self {
        Self {
            until_ms: AtomicU64::new(u64::MAX),
            promise: Mutex::new(None),
        }
    }
}

impl Lease {
    /// A heartbeat that was sent at `sent` was heard by a controller that knew the metadata up to
    /// `offset`: the session lasts for `session` from then on.
    pub(crate) fn on_heard(
        &self,
        sent: Duration,
        session: Duration,
        offset: Offset,
        image_offset: Offset,
    ) {
        let mut promise = self.promise.lock();
        self.redeem(&mut promise, image_offset);
        *promise = Some(Promise {
            offset,
            until_ms: millis(sent.saturating_add(session)),
        });
        if self.until_ms.load(Ordering::Relaxed) == u64::MAX {
            self.until_ms.store(0, Ordering::Relaxed);
        }
        self.redeem(&mut promise, image_offset);
    }

    /// Others may lead in this broker's place from now on.
    pub(crate) fn end(&self) {
        let mut promise = self.promise.lock();
        *promise = None;
        self.until_ms.store(0, Ordering::Relaxed);
    }

    /// Whether nobody can have taken this broker's place.
    pub(crate) fn holds(&self, now: Duration, image_offset: Offset) -> bool {
        if millis(now) < self.until_ms.load(Ordering::Relaxed) {
            return true;
        }
        let mut promise = self.promise.lock();
        self.redeem(&mut promise, image_offset);
        millis(now) < self.until_ms.load(Ordering::Relaxed)
    }

    fn redeem(&self, promise: &mut Option<Promise>, image_offset: Offset) {
        if let Some(due) = promise.take_if(|promise| promise.offset <= image_offset) {
            self.until_ms.store(due.until_ms, Ordering::Relaxed);
        }
    }
}

impl Core {
    /// Whether what this broker knows is surely not out of date, see [`Lease`].
    pub(crate) fn may_tell(&self) -> bool {
        let now = self.clock.monotonic();
        self.lease.holds(now, self.image().offset())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: Duration = Duration::from_secs(3);

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn it_holds_for_a_session_from_when_the_heartbeat_was_sent() {
        let lease = Lease::default();
        assert!(lease.holds(Duration::from_hours(1), 0));
        lease.on_heard(at(10_000), SESSION, 5, 5);
        assert!(lease.holds(at(12_999), 5));
        assert!(!lease.holds(at(13_000), 5));
    }

    #[test]
    fn an_answer_counts_once_the_image_has_what_the_controller_knew() {
        let lease = Lease::default();
        lease.on_heard(at(0), SESSION, 5, 5);
        // Paused, fenced, let in again at offset 9: that others lead is somewhere below.
        lease.on_heard(at(60_000), SESSION, 9, 5);
        assert!(!lease.holds(at(60_001), 8));
        assert!(lease.holds(at(60_001), 9));
    }

    #[test]
    fn a_newer_answer_does_not_undo_an_older_one() {
        let lease = Lease::default();
        lease.on_heard(at(0), SESSION, 5, 4);
        lease.on_heard(at(2_000), SESSION, 8, 7);
        assert!(lease.holds(at(2_999), 7));
        assert!(!lease.holds(at(3_000), 7), "the second is not due yet");
        assert!(lease.holds(at(3_000), 8));
    }

    #[test]
    fn an_image_that_stands_still_keeps_nothing_alive() {
        let lease = Lease::default();
        lease.on_heard(at(0), SESSION, 5, 5);
        for beat in 1..10 {
            lease.on_heard(at(1_000 * beat), SESSION, 6, 5);
        }
        assert!(!lease.holds(at(9_001), 5));
    }

    #[test]
    fn what_is_over_stays_over_until_the_next_answer() {
        let lease = Lease::default();
        lease.on_heard(at(0), SESSION, 5, 5);
        lease.on_heard(at(100), SESSION, 6, 5);
        lease.end();
        assert!(!lease.holds(at(101), 9));
        lease.on_heard(at(200), SESSION, 7, 9);
        assert!(lease.holds(at(201), 9));
    }
}
