//! Up to when the deciding task has read its mailbox: whose heartbeat still waits there must not be
//! blamed for silence.

use std::time::Duration;

/// Counts what waits. Pure; owned by the deciding task. Messages are read in the order in which they came,
/// so once as many were read as waited at some time, everything that was sent before has been read.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Messages still to be read of those that waited at `since`.
    owed_count: usize,
    since: Duration,
    read_up_to: Duration,
}

impl Backlog {
    /// So many messages wait at this monotonic time.
    pub(super) fn look(&mut self, waiting_count: usize, now: Duration) {
        // Others may have been refused meanwhile: no more can be owed than there are.
        self.owed_count = self.owed_count.min(waiting_count);
        if self.owed_count == 0 {
            (self.owed_count, self.since) = (waiting_count, now);
        }
    }

    /// One of them was read.
    pub(super) const fn on_read(&mut self) {
        self.owed_count = self.owed_count.saturating_sub(1);
        if self.owed_count == 0 {
            self.read_up_to = self.since;
        }
    }

    /// Whatever was sent before this monotonic time has been read.
    pub(super) const fn read_up_to(&self) -> Duration {
        self.read_up_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn what_came_first_has_been_read_once_as_many_were_read_as_waited() {
        let mut backlog = Backlog::default();
        backlog.look(3, secs(10));
        backlog.on_read();
        backlog.on_read();
        assert_eq!(backlog.read_up_to(), Duration::ZERO);
        // More have come meanwhile, which changes nothing for the first three.
        backlog.look(5, secs(11));
        backlog.on_read();
        assert_eq!(backlog.read_up_to(), secs(10));
    }

    #[test]
    fn a_mailbox_that_is_never_empty_is_read_all_the_same() {
        let mut backlog = Backlog::default();
        for now in 1..100 {
            backlog.look(4, secs(now));
            backlog.on_read();
            backlog.on_read();
        }
        assert!(backlog.read_up_to() >= secs(96));
    }

    #[test]
    fn messages_that_were_refused_are_not_waited_for() {
        let mut backlog = Backlog::default();
        backlog.look(100, secs(1));
        backlog.look(1, secs(2));
        backlog.on_read();
        assert_eq!(backlog.read_up_to(), secs(1));
        backlog.look(1, secs(3));
        backlog.on_read();
        assert_eq!(backlog.read_up_to(), secs(3));
    }
}
