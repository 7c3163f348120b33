//! When the active controller looks after things that nobody asks for.

use std::time::Duration;

use config::server::Elections;
use metadata::{MetadataImage, MetadataOffset};

use crate::decide::{self, Offline};

/// Changes of the cluster are followed up after this long, so that a burst of them is one.
const FOLLOW_UP: Duration = Duration::from_secs(1);

/// What is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// Look whether anything that changed calls for another leader.
    pub(super) follow_up: bool,
    /// Look for leaderships that could go back to preferred replicas.
    pub(super) balance: bool,
}

/// The times of one reign. Pure; owned by the deciding task.
#[derive(Debug)]
pub(super) struct Upkeep {
    balance_interval: Option<Duration>,
    unclean_interval: Duration,
    next_balance: Duration,
    /// When to look even if nothing changed.
    next_look: Duration,
    /// When to look because something changed.
    follow_up_at: Option<Duration>,
    looked_at: MetadataOffset,
    offline: Offline,
}

impl Upkeep {
    /// Begins a reign: a look soon, a first balancing after a whole interval.
    pub(super) fn begin(elections: &Elections, now: Duration) -> Self {
        let seconds = u64::try_from(elections.leader_imbalance_check_interval_seconds);
        let interval = Duration::from_secs(seconds.unwrap_or(1).max(1));
        Self {
            balance_interval: elections.auto_leader_rebalance_enable.then_some(interval),
            unclean_interval: elections.unclean_leader_election_interval.max(FOLLOW_UP),
            next_balance: now.saturating_add(interval),
            next_look: now.saturating_add(FOLLOW_UP),
            follow_up_at: None,
            looked_at: -1,
            offline: Offline::default(),
        }
    }

    /// Notes how far the metadata are.
    pub(super) fn on_offset(&mut self, offset: MetadataOffset, now: Duration) {
        if offset != self.looked_at && self.follow_up_at.is_none() {
            self.follow_up_at = Some(now.saturating_add(FOLLOW_UP));
        }
    }

    /// Monotonic time at which something will be due.
    pub(super) fn next(&self) -> Duration {
        let look = self
            .follow_up_at
            .map_or(self.next_look, |at| at.min(self.next_look));
        match self.balance_interval {
            Some(_) => look.min(self.next_balance),
            None => look,
        }
    }

    /// What is due at this time, in an image of this offset. It will be done.
    pub(super) fn take_due(&mut self, offset: MetadataOffset, now: Duration) -> Due {
        let follow_up = now >= self.next_look || self.follow_up_at.is_some_and(|at| now >= at);
        if follow_up {
            self.next_look = now.saturating_add(self.unclean_interval);
            self.follow_up_at = None;
            self.looked_at = offset;
        }
        let interval = self.balance_interval.filter(|_| now >= self.next_balance);
        if let Some(interval) = interval {
            self.next_balance = now.saturating_add(interval);
        }
        let balance = interval.is_some();
        Due { follow_up, balance }
    }

    /// One round of balancing did not do.
    pub(super) fn balance_again(&mut self, now: Duration) {
        self.next_balance = now.saturating_add(FOLLOW_UP);
    }

    /// Says so if other partitions are without a leader than at the last look.
    pub(super) fn report_offline(&mut self, image: &MetadataImage) {
        let offline = decide::offline(image);
        if offline == self.offline {
            return;
        }
        let Offline {
            waiting_count,
            lost_count,
            examples,
        } = &offline;
        if *lost_count > 0 {
            tracing::error!(
                lost_count,
                waiting_count,
                ?examples,
                "partitions are offline because no replica is known to hold all of their records; \
                 bring back the broker that led last with its disk intact, or accept losses with an \
                 unclean election"
            );
        } else if *waiting_count > 0 {
            tracing::warn!(
                waiting_count,
                ?examples,
                "partitions are offline until a broker that holds all of their records is back"
            );
        } else {
            tracing::info!("every partition has a leader again");
        }
        self.offline = offline;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn upkeep(auto: bool) -> Upkeep {
        let mut elections = decide::testing::elections();
        elections.auto_leader_rebalance_enable = auto;
        Upkeep::begin(&elections, secs(1000))
    }

    #[test]
    fn changes_are_followed_up_once_however_many_there_are() {
        let mut upkeep = upkeep(false);
        assert!(upkeep.take_due(5, secs(1001)).follow_up);
        assert_eq!(upkeep.next(), secs(1301));
        upkeep.on_offset(5, secs(1002));
        assert_eq!(upkeep.next(), secs(1301), "nothing changed");
        upkeep.on_offset(6, secs(1002));
        upkeep.on_offset(7, secs(1002));
        assert_eq!(upkeep.next(), secs(1003));
        assert_eq!(upkeep.take_due(7, secs(1002)), Due::default());
        assert!(upkeep.take_due(7, secs(1003)).follow_up);
        assert_eq!(upkeep.next(), secs(1303));
    }

    #[test]
    fn leaders_are_balanced_at_their_interval_if_at_all() {
        let mut upkeep_on = upkeep(true);
        assert!(!upkeep_on.take_due(1, secs(1299)).balance);
        assert!(upkeep_on.take_due(1, secs(1300)).balance);
        assert!(!upkeep_on.take_due(1, secs(1599)).balance);
        upkeep_on.balance_again(secs(1599));
        assert!(upkeep_on.take_due(1, secs(1600)).balance);
        assert!(!upkeep(false).take_due(1, secs(9999)).balance);
    }
}
