//! When to look at a group again.
//!
//! A timer that is armed anew for later, as every heartbeat does, only changes its entry in a map: the
//! queue learns of it when the old time comes. A thousand members that heartbeat cost a map access each.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::env::GroupId;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// A member was not heard of for its session timeout.
    Session,
    /// A member was asked to give up partitions, or to rejoin, and did not.
    Rebalance,
    /// A member id that was handed out was not used.
    PendingMember,
    /// The join phase of a classic group ends.
    Join,
    /// Members of a classic group that joined did not sync.
    Sync,
    /// A new target assignment may be computed.
    Assignment,
    /// Topics are matched against regular expressions again.
    Regex,
    /// Offsets are looked through for those that expired.
    Expiration,
}

/// Names a timer. Arming it again replaces its time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerKey {
    /// The group.
    pub group: GroupId,
    /// The member's id; empty for timers of the whole group.
    pub member: Arc<str>,
    /// What for.
    pub kind: TimerKind,
}

impl TimerKey {
    /// A timer of the whole group.
    #[must_use]
    pub fn group(group: &GroupId, kind: TimerKind) -> Self {
        Self::member(group, &Arc::from(""), kind)
    }

    /// A timer of one member.
    #[must_use]
    pub fn member(group: &GroupId, member: &Arc<str>, kind: TimerKind) -> Self {
        Self {
            group: Arc::clone(group),
            member: Arc::clone(member),
            kind,
        }
    }
}

/// The timers of a shard. Times are monotonic.
#[derive(Debug, Default)]
pub struct Timers {
    /// What is armed, and where in `queue` its entry stands (which is never later).
    armed: HashMap<TimerKey, Armed>,
    queue: BinaryHeap<Reverse<(Duration, TimerKey)>>,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    deadline: Duration,
    /// The time of the queue's entry for this key.
    queued: Duration,
}

impl Timers {
    /// Fires at `deadline`, and not at the time set before.
    pub fn arm(&mut self, key: TimerKey, deadline: Duration) {
        if let Some(armed) = self.armed.get_mut(&key) {
            armed.deadline = deadline;
            if deadline >= armed.queued {
                return;
            }
            armed.queued = deadline;
        } else {
            let queued = deadline;
            self.armed.insert(key.clone(), Armed { deadline, queued });
        }
        self.queue.push(Reverse((deadline, key)));
    }

    /// Does not fire any more.
    pub fn disarm(&mut self, key: &TimerKey) {
        self.armed.remove(key);
        // What is left in the queue is dropped when its time comes, or when it is most of the queue.
        if self.queue.len() > 2 * self.armed.len() + QUEUE_SLACK {
            self.rebuild();
        }
    }

    /// When it fires, if it is armed.
    #[must_use]
    pub fn deadline(&self, key: &TimerKey) -> Option<Duration> {
        self.armed.get(key).map(|armed| armed.deadline)
    }

    /// When [`Timers::pop_due`] should be asked next. Never later than the first deadline; it may be
    /// earlier.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.queue.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one that is due. It is no longer armed.
    pub fn pop_due(&mut self, now: Duration) -> Option<TimerKey> {
        while let Some(Reverse((at, _))) = self.queue.peek() {
            if *at > now {
                return None;
            }
            let Reverse((at, key)) = self.queue.pop()?;
            let Some(armed) = self.armed.get_mut(&key) else {
                continue;
            };
            if armed.queued != at {
                continue;
            }
            if armed.deadline <= now {
                self.armed.remove(&key);
                return Some(key);
            }
            armed.queued = armed.deadline;
            let deadline = armed.deadline;
            self.queue.push(Reverse((deadline, key)));
        }
        None
    }

    fn rebuild(&mut self) {
        let queue = self.armed.iter_mut().map(|(key, armed)| {
            armed.queued = armed.deadline;
            Reverse((armed.deadline, key.clone()))
        });
        self.queue = queue.collect();
    }
}

/// Entries without a timer that are not worth a cleaning.
const QUEUE_SLACK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(member: &str) -> TimerKey {
        TimerKey::member(&Arc::from("g"), &Arc::from(member), TimerKind::Session)
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn timers_fire_in_order_and_once() {
        let mut timers = Timers::default();
        timers.arm(key("b"), at(20));
        timers.arm(key("a"), at(10));
        assert_eq!(timers.next_deadline(), Some(at(10)));
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.pop_due(at(30)), Some(key("a")));
        assert_eq!(timers.pop_due(at(30)), Some(key("b")));
        assert_eq!(timers.pop_due(at(30)), None);
        assert_eq!(timers.next_deadline(), None);
    }

    #[test]
    fn arming_again_moves_a_timer_both_ways() {
        let mut timers = Timers::default();
        timers.arm(key("a"), at(10));
        timers.arm(key("a"), at(50));
        assert_eq!(timers.pop_due(at(49)), None);
        timers.arm(key("a"), at(40));
        assert_eq!(timers.deadline(&key("a")), Some(at(40)));
        assert_eq!(timers.pop_due(at(39)), None);
        assert_eq!(timers.pop_due(at(40)), Some(key("a")));
        assert_eq!(timers.pop_due(at(100)), None);
    }

    #[test]
    fn a_disarmed_timer_stays_silent_even_if_armed_again() {
        let mut timers = Timers::default();
        timers.arm(key("a"), at(10));
        timers.disarm(&key("a"));
        assert_eq!(timers.pop_due(at(10)), None);
        timers.arm(key("a"), at(10));
        timers.disarm(&key("a"));
        timers.arm(key("a"), at(20));
        assert_eq!(timers.pop_due(at(10)), None);
        assert_eq!(timers.pop_due(at(20)), Some(key("a")));
        assert_eq!(timers.pop_due(at(20)), None);
    }

    #[test]
    fn timers_that_are_gone_do_not_pile_up() {
        let mut timers = Timers::default();
        for round in 0..10_000 {
            timers.arm(key(&round.to_string()), at(1_000_000));
            timers.disarm(&key(&round.to_string()));
        }
        assert!(
            timers.queue.len() <= QUEUE_SLACK + 1,
            "{}",
            timers.queue.len()
        );
    }
}
