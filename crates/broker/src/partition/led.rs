//! The leader's state machine, and when its ISR is looked at.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use replication::{Leader, Limits, Proposal};
use types::{BrokerEpoch, NodeId};

use crate::replica::{IsrWatch, Key};

/// A leader that rests while nobody can leave or join its ISR. Reading it is free; whoever has something to
/// tell it wakes it. Under the partition's lock.
#[derive(Debug)]
pub(super) struct Led {
    leader: Leader,
    key: Key,
    watch: Arc<IsrWatch>,
}

impl Led {
    /// A leader that is looked at at the next turn.
    pub(super) fn new(leader: Leader, key: Key, watch: Arc<IsrWatch>) -> Self {
        watch.add(key);
        Self { leader, key, watch }
    }

    /// The leader, to be told something.
    pub(super) fn wake(&mut self) -> &mut Leader {
        if self.leader.rests() {
            let last_look = self.watch.add(self.key);
            self.leader.wake(last_look);
        }
        &mut self.leader
    }

    /// The change of the ISR that it wants, if there is one.
    pub(super) fn look(
        &mut self,
        now: Duration,
        limits: Limits,
        is_eligible: &dyn Fn(NodeId, BrokerEpoch) -> bool,
    ) -> Option<Proposal> {
        let proposal = self.leader.propose(now, limits, is_eligible);
        self.rest(now);
        proposal
    }

    /// It was looked at, as far as it can be: from now on it rests, or is looked at again.
    pub(super) fn rest(&mut self, now: Duration) {
        if !self.leader.rest(now) {
            self.watch.add(self.key);
        }
    }
}

impl Deref for Led {
    type Target = Leader;

    fn deref(&self) -> &Leader {
        &self.leader
    }
}

#[cfg(test)]
mod tests {
    use replication::{Registration, Start};
    use types::{LeaderEpoch, PartitionEpoch, TopicId, Uuid};

    use super::*;

    const LIMITS: Limits = Limits {
        lag_max: Duration::from_secs(30),
        disconnected_max: Duration::from_secs(2),
    };

    fn led(watch: &Arc<IsrWatch>) -> Led {
        let nodes = vec![NodeId(1), NodeId(2)];
        let leader = Leader::new(Start {
            local: NodeId(1),
            leader_epoch: LeaderEpoch(0),
            registration: Registration {
                partition_epoch: PartitionEpoch(0),
                replicas: nodes,
                isr: vec![NodeId(1)],
                min_isr: 1,
            },
            log_end_offset: 0,
            high_watermark: 0,
            durable_offset: None,
        });
        Led::new(leader, (TopicId(Uuid::ONE), 0), Arc::clone(watch))
    }

    #[test]
    fn a_leader_is_watched_from_its_election_until_it_rests_and_from_the_next_event_on() {
        let watch = Arc::new(IsrWatch::default());
        let mut led = led(&watch);
        let turns = [1, 2, 3].map(Duration::from_secs);
        let is_watched = |now| !watch.begin_look(now).is_empty();
        assert!(is_watched(turns[0]));
        assert_eq!(led.look(turns[0], LIMITS, &|_, _| true), None);
        assert!(led.rests() && !is_watched(turns[1]));
        led.wake().on_append(1);
        assert!(is_watched(turns[2]));
    }

    #[test]
    fn a_leader_that_does_not_rest_is_looked_at_at_each_turn() {
        let watch = Arc::new(IsrWatch::default());
        let mut led = led(&watch);
        let session = replication::Session {
            id: replication::SessionId(1),
            broker_epoch: BrokerEpoch(1),
        };
        led.wake().on_open(NodeId(2), session).expect("a replica");
        let position = replication::Position {
            log_start_offset: 0,
            log_end_offset: 0,
            last_epoch: LeaderEpoch::NONE,
        };
        led.wake()
            .on_position(NodeId(2), session.id, &position, 0, &NoEpochs)
            .expect("counts");
        for now in [1, 2, 3].map(Duration::from_secs) {
            assert_eq!(watch.begin_look(now).len(), 1);
            assert_eq!(led.look(now, LIMITS, &|_, _| false), None, "2 is fenced");
        }
    }

    struct NoEpochs;

    impl replication::EpochHistory for NoEpochs {
        fn end_offset_for_epoch(&self, _: LeaderEpoch) -> (LeaderEpoch, types::Offset) {
            (LeaderEpoch::NONE, -1)
        }
    }
}
