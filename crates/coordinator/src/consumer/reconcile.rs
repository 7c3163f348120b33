//! One step of one member towards its target.
//!
//! A partition is given only after whoever had it said that it gave it up, and a member keeps its
//! epoch until it has given up what it must. So no two members ever have the same partition, however
//! late or lost their heartbeats are.

use protocol::messages::consumer_group_heartbeat::TopicPartitions;
use types::{PartitionIndex, TopicId};

use super::member::{Current, State};
use super::owned::Owned;
use crate::assignor::Assignment;
use crate::mutant::{self, Mutant};

/// What a step depends on.
pub(crate) struct Step<'a> {
    /// The epoch of the target assignment.
    pub(crate) target_epoch: i32,
    /// What the member is to have.
    pub(crate) target: &'a Assignment,
    /// What the member says it has; `None` if it does not say.
    pub(crate) claimed: Option<&'a [TopicPartitions]>,
    /// Whether this very heartbeat changed its subscription, perhaps before the target knows of it.
    pub(crate) has_new_subscription: bool,
    /// Whether the member subscribed the topic.
    pub(crate) is_subscribed: &'a dyn Fn(TopicId) -> bool,
    /// Whether anybody, the member included, has the partition or is still giving it up.
    pub(crate) is_held: &'a dyn Fn(TopicId, PartitionIndex) -> bool,
}

impl Step<'_> {
    /// Where the member stands after the step; perhaps where it stood.
    pub(crate) fn take(&self, current: &Current) -> Current {
        match current.state {
            State::Stable if current.epoch != self.target_epoch => self.advance(current),
            State::Stable if self.has_new_subscription => self.drop_unsubscribed(current),
            State::Stable => current.clone(),
            State::Unrevoked if !self.still_has(&current.revoking) => self.advance(current),
            State::Unrevoked if self.has_new_subscription => self.drop_unsubscribed(current),
            State::Unrevoked => current.clone(),
            State::Unreleased => self.advance(current),
            // Begins anew, with nothing in its hands.
            State::Unknown if self.claimed.is_some_and(<[_]>::is_empty) => self.advance(current),
            State::Unknown => current.clone(),
        }
    }

    /// Whether the member may still read any of these. Unless it says otherwise, it may.
    fn still_has(&self, partitions: &Owned) -> bool {
        !partitions.is_empty()
            && self
                .claimed
                .is_none_or(|claimed| partitions.overlaps(claimed))
    }

    fn wants(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.target.contains(topic, partition) && (self.is_subscribed)(topic)
    }

    fn advance(&self, current: &Current) -> Current {
        let mut assigned = Owned::default();
        let mut revoking = Owned::default();
        for (topic, partition, since) in current.assigned.iter() {
            let list = match self.wants(topic, partition) {
                true => &mut assigned,
                false => &mut revoking,
            };
            list.insert(topic, partition, since);
        }
        if self.still_has(&revoking) {
            return Current {
                epoch: current.epoch,
                previous_epoch: current.epoch,
                state: State::Unrevoked,
                assigned,
                revoking,
            };
        }
        let mut state = State::Stable;
        for (topic, partition) in self.target.partitions() {
            if current.assigned.contains(topic, partition) || !(self.is_subscribed)(topic) {
                continue;
            }
            let is_own = current.revoking.contains(topic, partition);
            let is_held =
                (self.is_held)(topic, partition) && !mutant::is(Mutant::AssignBeforeRevoked);
            if is_held && !is_own {
                state = State::Unreleased;
            } else {
                assigned.insert(topic, partition, self.target_epoch);
            }
        }
        Current {
            epoch: self.target_epoch,
            previous_epoch: current.epoch,
            state,
            assigned,
            revoking: Owned::default(),
        }
    }

    /// Takes topics away that the member no longer subscribes, without waiting for the next target.
    fn drop_unsubscribed(&self, current: &Current) -> Current {
        let mut next = current.clone();
        next.assigned = Owned::default();
        let mut has_dropped = false;
        for (topic, partition, since) in current.assigned.iter() {
            let is_subscribed = (self.is_subscribed)(topic);
            has_dropped |= !is_subscribed;
            let list = match is_subscribed {
                true => &mut next.assigned,
                false => &mut next.revoking,
            };
            list.insert(topic, partition, since);
        }
        if !has_dropped {
            return current.clone();
        }
        next.previous_epoch = current.epoch;
        if self.still_has(&next.revoking) {
            next.state = State::Unrevoked;
        } else {
            next.revoking = Owned::default();
        }
        next
    }
}
