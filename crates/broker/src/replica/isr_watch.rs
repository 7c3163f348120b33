//! The partitions led here whose ISR is to be looked at at every turn, because time alone may change what a
//! look finds: somebody is behind, away, or about to join. All others rest.
//!
//! ```text
//!  something happens to a partition that rests ─► add ─► begin_look ─► look ─┬─► rests
//!                                                 ▲                          └─► not yet ─┐
//!                                                 └───────────────────────────────────────┘
//! ```

use std::collections::HashSet;
use std::time::Duration;

use parking_lot::Mutex;

use super::peers::Key;

/// Shared by all partitions. Its lock comes after theirs, and is held for an insertion or an exchange.
#[derive(Debug, Default)]
pub(crate) struct IsrWatch {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last_look: Duration,
    watched: HashSet<Key>,
}

impl IsrWatch {
    /// The partition is to be looked at at the next turn. Returns when the last turn was (monotonic): what
    /// happens now comes after it.
    pub(crate) fn add(&self, partition: Key) -> Duration {
        let mut inner = self.inner.lock();
        inner.watched.insert(partition);
        inner.last_look
    }

    /// A turn begins. Returns which are to be looked at; those that do not rest then are to be added again.
    /// Some may not be led here any more.
    pub(crate) fn begin_look(&self, now: Duration) -> HashSet<Key> {
        let mut inner = self.inner.lock();
        inner.last_look = inner.last_look.max(now);
        std::mem::take(&mut inner.watched)
    }
}

#[cfg(test)]
mod tests {
    use types::{TopicId, Uuid};

    use super::*;

    #[test]
    fn what_happens_after_a_turn_began_is_looked_at_in_the_next_one() {
        let watch = IsrWatch::default();
        let partition = (TopicId(Uuid::ONE), 0);
        let turns = [1, 2, 3].map(Duration::from_secs);
        assert!(watch.begin_look(turns[0]).is_empty());
        assert_eq!(watch.add(partition), turns[0]);
        assert_eq!(watch.add(partition), turns[0]);
        assert_eq!(watch.begin_look(turns[1]).len(), 1);
        assert_eq!(watch.add(partition), turns[1]);
        assert_eq!(watch.begin_look(turns[2]).len(), 1);
        assert!(watch.begin_look(turns[2]).is_empty());
    }
}
