//! A member of a classic group: joins, assigns if it leads, syncs, heartbeats.

use bytes::Bytes;
use coordinator::{Answer, Request};
use protocol::data::consumer_protocol_subscription::ConsumerProtocolSubscription;
use protocol::frame::encode_body;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use protocol::messages::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use types::{ErrorCode, PartitionIndex};

use super::member::{Phase, What};
use super::{READ, READ_PARTITIONS, group_name};
use crate::client::node_of;
use crate::draw::ms;
use crate::say;
use crate::world::{World, topic_name};

/// Joins and syncs wait for others.
const PATIENCE: std::time::Duration = ms(3000);

impl World {
    /// The next thing that a classic member says.
    pub(super) fn go_on_classic(&mut self, number: u32) {
        match self.member(number).phase.clone() {
            Phase::Out => self.join(number),
            Phase::Joined(assignments) => self.sync(number, &assignments),
            Phase::In => {
                let member = self.member(number);
                let request = HeartbeatRequest {
                    group_id: group_name(member.plan.group).into(),
                    generation_id: member.epoch,
                    member_id: member.id.clone().into(),
                    group_instance_id: member.instance(number).map(Into::into),
                };
                let request = Request::Heartbeat(request);
                self.ask_group(number, 4, request, What::Membership, ms(600));
            }
        }
    }

    fn join(&mut self, number: u32) {
        let Some(plan) = &self.plan.groups else {
            return;
        };
        let (session_timeout_ms, rebalance_timeout_ms) =
            (plan.session_timeout_ms, plan.rebalance_timeout_ms);
        let member = self.member(number);
        let request = JoinGroupRequest {
            group_id: group_name(member.plan.group).into(),
            session_timeout_ms,
            rebalance_timeout_ms,
            member_id: member.id.clone().into(),
            group_instance_id: member.instance(number).map(Into::into),
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".into(),
                metadata: subscription(),
            }],
            ..JoinGroupRequest::default()
        };
        self.ask_group(
            number,
            9,
            Request::Join(request),
            What::Membership,
            PATIENCE,
        );
    }

    fn sync(&mut self, number: u32, assignments: &[(String, Vec<PartitionIndex>)]) {
        let member = self.member(number);
        let assignments = assignments.iter().map(|(id, partitions)| {
            let assignment = partitions
                .iter()
                .map(|it| u8::try_from(*it).unwrap_or(u8::MAX));
            SyncGroupRequestAssignment {
                member_id: id.clone().into(),
                assignment: assignment.collect(),
            }
        });
        let request = SyncGroupRequest {
            group_id: group_name(member.plan.group).into(),
            generation_id: member.epoch,
            member_id: member.id.clone().into(),
            group_instance_id: member.instance(number).map(Into::into),
            protocol_type: Some("consumer".into()),
            protocol_name: Some("range".into()),
            assignments: assignments.collect(),
        };
        self.ask_group(
            number,
            5,
            Request::Sync(request),
            What::Membership,
            PATIENCE,
        );
    }

    /// Leaves without waiting for an answer. Static members do not.
    pub(super) fn say_goodbye(&mut self, number: u32) {
        let member = self.member(number);
        if member.id.is_empty() || member.plan.is_static {
            return;
        }
        if member.plan.is_modern {
            return self.say_goodbye_modern(number);
        }
        let request = LeaveGroupRequest {
            group_id: group_name(member.plan.group).into(),
            members: vec![MemberIdentity {
                member_id: member.id.clone().into(),
                ..MemberIdentity::default()
            }],
            ..LeaveGroupRequest::default()
        };
        self.tell_group(number, 5, Request::Leave(request));
    }

    /// What the group says to a classic member.
    pub(super) fn on_classic_answer(&mut self, number: u32, answer: Answer) {
        match answer {
            Answer::Join(answer) => self.on_joined(number, &answer),
            Answer::Sync(answer) => self.on_synced(number, &answer),
            Answer::Heartbeat(answer) => self.on_trouble(number, answer.error_code),
            _ => {}
        }
    }

    fn on_joined(&mut self, number: u32, answer: &JoinGroupResponse) {
        let member = self.member(number);
        match ErrorCode::from_wire(answer.error_code) {
            Some(ErrorCode::None) => {}
            Some(ErrorCode::MemberIdRequired) => {
                member.id = answer.member_id.to_string();
                return;
            }
            _ => return self.on_trouble(number, answer.error_code),
        }
        member.id = answer.member_id.to_string();
        member.epoch = answer.generation_id;
        // A static member that came back may find that it leads and that nothing has to be assigned.
        let leads = answer.leader == answer.member_id && !answer.skip_assignment;
        let mut ids: Vec<String> = answer
            .members
            .iter()
            .map(|it| it.member_id.to_string())
            .collect();
        ids.sort_unstable();
        // Partitions move with every generation.
        let generation = usize::try_from(answer.generation_id).unwrap_or(0);
        let count = ids.len().max(1);
        ids.rotate_left(generation % count);
        let assignments = if leads { share_out(ids) } else { Vec::new() };
        member.phase = Phase::Joined(assignments);
    }

    fn on_synced(&mut self, number: u32, answer: &SyncGroupResponse) {
        if answer.error_code != ErrorCode::None.to_wire() {
            return self.on_trouble(number, answer.error_code);
        }
        let member = self.member(number);
        member.phase = Phase::In;
        member.owned = answer
            .assignment
            .iter()
            .map(|it| PartitionIndex::from(*it))
            .collect();
        let (group, epoch) = (member.plan.group, member.epoch);
        let owned = member.owned.clone();
        say!(
            self,
            node_of(number),
            "owns {owned:?} in generation {epoch}"
        );
        self.check_given(number, group, epoch, &owned);
    }

    fn on_trouble(&mut self, number: u32, code: i16) {
        match ErrorCode::from_wire(code) {
            Some(ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration) => {
                self.fall_out(number);
            }
            Some(ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId) => {
                self.fall_out(number);
                self.member(number).id.clear();
            }
            // The coordinator is elsewhere, or not ready.
            _ => {}
        }
    }
}

fn share_out(ids: Vec<String>) -> Vec<(String, Vec<PartitionIndex>)> {
    let count = ids.len().max(1);
    let of = |index: usize| {
        let partitions = (0..READ_PARTITIONS).zip((0..count).cycle());
        let own = partitions.filter(|(_, owner)| *owner == index);
        own.map(|(partition, _)| partition).collect()
    };
    let all = ids.into_iter().enumerate();
    all.map(|(index, id)| (id, of(index))).collect()
}

fn subscription() -> Bytes {
    let subscription = ConsumerProtocolSubscription {
        topics: vec![topic_name(READ).into()],
        ..ConsumerProtocolSubscription::default()
    };
    let body = encode_body(&subscription, 0).expect("a short name");
    [&0_i16.to_be_bytes()[..], &body].concat().into()
}
