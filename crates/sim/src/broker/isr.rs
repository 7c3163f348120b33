//! Who is in sync: the leader proposes, the controller decides, and until that is known both count.

use std::time::Duration;

use metadata::PartitionRegistration;
use replication::{Answer, Limits, Proposal, Registration};
use rpc::{IsrMember, PartitionRefusal, PartitionUpdate};
use types::{BrokerEpoch, NodeId};

use super::Role;
use crate::draw::ms;
use crate::event::Timer;
use crate::message::{Ask, Key, Message};
use crate::mutant::{self, Glue};
use crate::say;
use crate::world::World;

/// How long an answer is waited for.
const ANSWER_MAX: Duration = ms(600);

impl World {
    /// Looks at all partitions led here, and again a little later.
    pub fn on_isr_timer(&mut self, id: NodeId) {
        self.give_up_late_answers(id);
        self.look_at_isrs(id);
        self.retry_parked(id);
        self.connect(id);
        if self.draw.one_in(20) {
            self.switch_some_lane(id);
        }
        self.set_timer(id, ms(50), Timer::Isr);
    }

    fn switch_some_lane(&mut self, id: NodeId) {
        let led = self
            .broker(id)
            .replicas
            .iter()
            .filter_map(|(key, replica)| match &replica.role {
                Role::Leader(leader) => Some((*key, leader.followers().next()?.0)),
                Role::Follower(_) => None,
            });
        let led: Vec<(Key, NodeId)> = led.collect();
        if let Some((key, follower)) = self.draw.maybe_of(&led).copied() {
            self.switch_lane(id, key, follower);
        }
    }

    fn give_up_late_answers(&mut self, id: NodeId) {
        let now = self.now;
        let asked = &mut self.broker(id).asked;
        let late = asked.extract_if(.., |_, (at, _)| now.saturating_sub(*at) > ANSWER_MAX);
        let late: Vec<(Key, Proposal)> = late.flat_map(|(_, (_, proposals))| proposals).collect();
        if !late.is_empty() {
            self.try_next_controller(id);
            self.on_isr_unanswered(id, late);
        }
    }

    /// Nobody knows what became of them.
    pub fn on_isr_unanswered(&mut self, id: NodeId, proposals: Vec<(Key, Proposal)>) {
        for (key, proposal) in proposals {
            self.tell_leader(id, key, &proposal, Answer::Unknown);
        }
    }

    /// The partition's leader is about to be told something.
    pub fn wake_leader(&mut self, id: NodeId, key: Key) {
        let last_look = self.broker(id).isrs_looked_at;
        if let Some((replica, _)) = self.replica(id, key)
            && let Role::Leader(leader) = &mut replica.role
        {
            leader.wake(last_look);
        }
    }

    fn tell_leader(&mut self, id: NodeId, key: Key, proposal: &Proposal, answer: Answer) {
        self.wake_leader(id, key);
        let Some((replica, _)) = self.replica(id, key) else {
            return;
        };
        let Role::Leader(leader) = &mut replica.role else {
            return;
        };
        if leader.leader_epoch() == proposal.leader_epoch {
            let moved = leader.on_answer(proposal, answer);
            self.on_moved(id, key, moved);
        }
    }

    /// Takes up an ISR that the image does not show yet: a mistake.
    fn lead_with(&mut self, id: NodeId, key: Key, proposal: &Proposal, newer: Registration) {
        self.wake_leader(id, key);
        let Some((replica, _)) = self.replica(id, key) else {
            return;
        };
        let Role::Leader(leader) = &mut replica.role else {
            return;
        };
        if leader.leader_epoch() == proposal.leader_epoch {
            let moved = leader.on_registration(newer);
            self.on_moved(id, key, moved);
        }
    }

    /// Proposes what should change, and asks again for what was not answered. Leaders that rest are left
    /// out.
    pub fn look_at_isrs(&mut self, id: NodeId) {
        let now = self.now;
        let limits = Limits {
            lag_max: self.plan.lag_max,
            disconnected_max: self.plan.lag_max / 3,
        };
        let broker = self.broker(id);
        let Some(epoch) = broker.epoch else {
            return;
        };
        let outstanding: Vec<Key> = broker
            .asked
            .values()
            .flat_map(|(_, list)| list.iter().map(|(key, _)| *key))
            .collect();
        let image = broker.image.clone();
        let is_eligible = |node: NodeId, epoch: BrokerEpoch| {
            image
                .broker(node)
                .is_some_and(|known| known.is_live() && (!epoch.is_known() || known.epoch == epoch))
        };
        let mut proposals = Vec::new();
        broker.isrs_looked_at = now;
        for (key, replica) in &mut broker.replicas {
            let Role::Leader(leader) = &mut replica.role else {
                continue;
            };
            if leader.rests() {
                continue;
            }
            let fresh = leader.propose(now, limits, &is_eligible);
            leader.rest(now);
            let proposal = fresh.or_else(|| leader.in_flight().cloned());
            if let Some(proposal) = proposal.filter(|_| !outstanding.contains(key)) {
                proposals.push((*key, proposal));
            }
        }
        self.check_watermarks(id);
        if proposals.is_empty() {
            return;
        }
        for (key, proposal) in &proposals {
            say!(self, id, "proposes for {}: {proposal:?}", self.name(*key));
        }
        let updates = proposals
            .iter()
            .map(|(key, proposal)| update(*key, proposal))
            .collect();
        let broker = self.broker(id);
        let (number, controller) = (broker.number(), broker.controller);
        broker.asked.insert(number, (now, proposals));
        let ask = Ask::AlterPartitions(id, epoch, updates);
        self.send(id, controller, None, Message::Ask(number, ask));
    }

    /// The controller answered.
    pub fn on_altered(
        &mut self,
        id: NodeId,
        proposals: Vec<(Key, Proposal)>,
        answers: Vec<Result<PartitionRegistration, PartitionRefusal>>,
    ) {
        for ((key, proposal), answer) in proposals.into_iter().zip(answers) {
            let answer = match answer {
                // What is committed counts once the image brings it: with fewer in sync the high
                // watermark may move only under the minimum that the controller decided under, and that
                // may be news here.
                Ok(state)
                    if mutant::is(Glue::AnswerBeforeImage)
                        && state.leader == Some(id)
                        && state.leader_epoch == proposal.leader_epoch =>
                {
                    let registration = self.registration(id, key, &state);
                    self.lead_with(id, key, &proposal, registration);
                    continue;
                }
                Err(refusal) if refusal.proves_not_applied() => Answer::NotApplied,
                Ok(_) | Err(_) => Answer::Unknown,
            };
            say!(self, id, "is told of {}: {answer:?}", self.name(key));
            self.tell_leader(id, key, &proposal, answer);
        }
    }

    fn registration(
        &mut self,
        id: NodeId,
        key: Key,
        state: &PartitionRegistration,
    ) -> Registration {
        let image = self.broker(id).image.clone();
        let min_isr = image.topic_by_id(key.0).map_or(1, |topic| {
            image.min_insync_replicas(topic.name(), state.replication_factor())
        });
        Registration {
            partition_epoch: state.partition_epoch,
            replicas: state.replicas.clone(),
            isr: state.isr.clone(),
            min_isr,
        }
    }
}

fn update(key: Key, proposal: &Proposal) -> PartitionUpdate {
    let member = |(node, broker_epoch): &(NodeId, BrokerEpoch)| IsrMember {
        node: *node,
        broker_epoch: *broker_epoch,
    };
    PartitionUpdate {
        topic_id: key.0,
        index: key.1,
        leader_epoch: proposal.leader_epoch,
        partition_epoch: proposal.partition_epoch,
        isr: proposal.isr.iter().map(member).collect(),
    }
}
