//! A member of a consumer group (KIP-848): heartbeats, and does what it is told.

use coordinator::Request;
use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};
use types::{ErrorCode, PartitionIndex};

use super::member::{Phase, What};
use super::{READ, group_name};
use crate::client::node_of;
use crate::draw::ms;
use crate::say;
use crate::world::{World, topic_name};

/// So long a member may take to give up what it must.
const REBALANCE_TIMEOUT_MS: i32 = 1500;
/// The epoch of one that leaves.
const LEAVES: i32 = -1;

impl World {
    /// A heartbeat; the first one joins.
    pub(super) fn beat(&mut self, number: u32) {
        let topic_id = self
            .truth
            .newest
            .topic(&topic_name(READ))
            .map(metadata::TopicImage::id);
        let says_all = self.draw.one_in(3);
        let member = self.member(number);
        if member.phase != Phase::In {
            member.epoch = 0;
            if member.id.is_empty() {
                member.id = format!("m{number}-{}", member.life);
            }
        }
        // Whoever is not sure of the last answer says everything.
        let is_full = member.epoch == 0 || says_all;
        let owned = topic_id
            .filter(|_| !member.owned.is_empty())
            .map(|id| TopicPartitions {
                topic_id: id.0,
                partitions: member.owned.iter().copied().collect(),
            });
        let request = ConsumerGroupHeartbeatRequest {
            group_id: group_name(member.plan.group).into(),
            member_id: member.id.clone().into(),
            member_epoch: member.epoch,
            rebalance_timeout_ms: if is_full { REBALANCE_TIMEOUT_MS } else { -1 },
            subscribed_topic_names: is_full.then(|| vec![topic_name(READ).into()]),
            topic_partitions: Some(owned.into_iter().collect()),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        let request = Request::ConsumerHeartbeat(request);
        self.ask_group(number, 1, request, What::Membership, ms(600));
    }

    pub(super) fn say_goodbye_modern(&mut self, number: u32) {
        let member = self.member(number);
        let request = ConsumerGroupHeartbeatRequest {
            group_id: group_name(member.plan.group).into(),
            member_id: member.id.clone().into(),
            member_epoch: LEAVES,
            ..ConsumerGroupHeartbeatRequest::default()
        };
        self.tell_group(number, 1, Request::ConsumerHeartbeat(request));
    }

    /// What the group says to a member.
    pub(super) fn on_beaten(&mut self, number: u32, answer: &ConsumerGroupHeartbeatResponse) {
        match ErrorCode::from_wire(answer.error_code) {
            Some(ErrorCode::None) => {}
            Some(ErrorCode::UnknownMemberId | ErrorCode::GroupIdNotFound) => {
                self.fall_out(number);
                // Another id, so that what is known of the old one stays true of it.
                let member = self.member(number);
                member.id.clear();
                member.life += 1;
                return;
            }
            Some(ErrorCode::FencedMemberEpoch | ErrorCode::StaleMemberEpoch) => {
                return self.fall_out(number);
            }
            // The coordinator is elsewhere, or not ready.
            _ => return,
        }
        let member = self.member(number);
        member.phase = Phase::In;
        member.epoch = answer.member_epoch;
        let Some(assignment) = &answer.assignment else {
            return;
        };
        let topics = assignment.topic_partitions.iter();
        member.owned = topics
            .flat_map(|topic| topic.partitions.iter().copied())
            .collect();
        let (group, epoch) = (member.plan.group, member.epoch);
        let owned: std::collections::BTreeSet<PartitionIndex> = member.owned.clone();
        say!(self, node_of(number), "owns {owned:?} in epoch {epoch}");
        self.check_given(number, group, epoch, &owned);
    }
}
