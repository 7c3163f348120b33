//! Whether this broker may still tell what it knows.
//!
//! A broker that is cut off from the controllers does not hear that others lead in its place. What it
//! writes is refused by its followers, but what it only reads from memory could be old: after its session
//! time without a heard heartbeat it stops to tell committed offsets (RELIABILITY G2).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Until when the controllers keep the broker's session at least. Shared; a number, no lock.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Monotonic milliseconds of the clock. Stored and loaded alone: it orders nothing else.
    until_ms: AtomicU64,
}

impl Default for Lease {
    /// Without a first heartbeat there is no session that could be over.
    fn default() -> Self {
        Self {
            until_ms: AtomicU64::new(u64::MAX),
        }
    }
}

impl Lease {
    /// A heartbeat that was sent at `sent` was heard: the session lasts for `session` from then on.
    pub(crate) fn on_heard(&self, sent: Duration, session: Duration) {
        let until = millis(sent.saturating_add(session));
        self.until_ms.store(until, Ordering::Relaxed);
    }

    /// Whether nobody can have taken this broker's place.
    pub(crate) fn holds(&self, now: Duration) -> bool {
        millis(now) < self.until_ms.load(Ordering::Relaxed)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_for_a_session_from_when_the_heartbeat_was_sent() {
        let lease = Lease::default();
        assert!(lease.holds(Duration::from_hours(1)));
        lease.on_heard(Duration::from_secs(10), Duration::from_secs(3));
        assert!(lease.holds(Duration::from_millis(12_999)));
        assert!(!lease.holds(Duration::from_secs(13)));
    }
}
