//! What a member says.

use protocol::Str;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::super::{Request, Step, millis};
use super::{Classic, Phase};
use crate::group::protocol::{self as wire, Subscription};

impl Classic {
    pub(super) fn join(&mut self) -> Step {
        self.wants_rejoin = false;
        self.rejoins_when_applied = false;
        self.view.is_stable = false;
        let metadata = match self.subscription().encode() {
            Ok(metadata) => metadata,
            Err(error) => return self.fail_with(&error.to_string()),
        };
        let protocols = self.config.assignors.iter();
        let protocols = protocols.map(|assignor| JoinGroupRequestProtocol {
            name: Str::from_static(assignor.name()),
            metadata: metadata.clone(),
        });
        self.phase = Phase::Joining;
        Step::Send(Box::new(Request::Join(JoinGroupRequest {
            group_id: self.group_id(),
            session_timeout_ms: millis(self.config.session_timeout),
            rebalance_timeout_ms: millis(self.config.poll_interval_max),
            member_id: self.member_id(),
            group_instance_id: self.instance_id(),
            protocol_type: Str::from_static(wire::TYPE),
            protocols: protocols.collect(),
            reason: None,
        })))
    }

    pub(super) fn subscription(&self) -> Subscription {
        Subscription {
            topics: self.topics.iter().cloned().collect(),
            owned: self.view.partitions.iter().cloned().collect(),
            generation: self.generation,
            rack: self.rack.clone(),
        }
    }

    pub(super) fn sync(&mut self, assignments: Vec<SyncGroupRequestAssignment>) -> Step {
        self.phase = Phase::Syncing;
        let assignor = self
            .assignor
            .map(|assignor| Str::from_static(assignor.name()));
        Step::Send(Box::new(Request::Sync(SyncGroupRequest {
            group_id: self.group_id(),
            generation_id: self.generation,
            member_id: self.member_id(),
            group_instance_id: self.instance_id(),
            protocol_type: Some(Str::from_static(wire::TYPE)),
            protocol_name: assignor,
            assignments,
        })))
    }

    pub(super) fn beat(&mut self) -> Step {
        self.phase = Phase::Beating;
        Step::Send(Box::new(Request::Heartbeat(HeartbeatRequest {
            group_id: self.group_id(),
            generation_id: self.generation,
            member_id: self.member_id(),
            group_instance_id: self.instance_id(),
        })))
    }

    /// Leaves; static members only fall silent, so that they find their partitions when they are back.
    pub(super) fn say_goodbye(&mut self, reason: &str, returns: bool) -> Step {
        let is_member = !self.member_id.is_empty() && self.config.instance_id.is_none();
        let member_id = self.member_id();
        (self.member_id, self.generation) = (String::new(), -1);
        if !is_member {
            self.phase = if returns {
                Phase::Join(None)
            } else {
                Phase::Over
            };
            return Step::Wait(None);
        }
        self.phase = Phase::Leaving(returns);
        Step::Send(Box::new(Request::Leave(LeaveGroupRequest {
            group_id: self.group_id(),
            member_id: member_id.clone(),
            members: vec![MemberIdentity {
                member_id,
                group_instance_id: None,
                reason: Some(Str::from(reason)),
            }],
        })))
    }

    pub(super) fn group_id(&self) -> Str {
        Str::from(self.config.group_id.as_str())
    }

    pub(super) fn member_id(&self) -> Str {
        Str::from(self.member_id.as_str())
    }

    pub(super) fn instance_id(&self) -> Option<Str> {
        self.config.instance_id.as_deref().map(Str::from)
    }
}
