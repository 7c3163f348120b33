//! Members that go: of their own accord, for a while, or because nobody heard of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use types::ErrorCode;

use super::downgrade;
use super::heartbeat::static_member;
use super::member::{Current, LEFT_FOR_NOW, word};
use super::owned::Owned;
use super::refusal::Refusal;
use super::state::Group;
use super::work::Work;
use crate::env::{Env, GroupId};
use crate::group::{Call, Group as Slot};
use crate::record::ConsumerPart;
use crate::timers::TimerKind;

/// A heartbeat with a negative epoch.
pub(crate) fn decide(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &ConsumerGroupHeartbeatRequest,
) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
    let Slot::Consumer(group) = slot else {
        return Err(Refusal::no_group(call.id));
    };
    let instance = request.instance_id.as_deref();
    let member = find(group, &request.member_id, instance)?;
    if request.member_epoch == LEFT_FOR_NOW {
        let id = call.id;
        Work { id, group, env }.leave_for_now(&member);
    } else {
        fence(slot, call.id, env, &BTreeSet::from([Arc::clone(&member)]));
    }
    Ok(ConsumerGroupHeartbeatResponse {
        member_id: Some(word(&member)),
        member_epoch: request.member_epoch,
        ..ConsumerGroupHeartbeatResponse::default()
    })
}

/// The member of that id, which for a static one has to be the current holder of the instance id.
pub(crate) fn find(
    group: &Group,
    member_id: &str,
    instance: Option<&str>,
) -> Result<Arc<str>, Refusal> {
    let Some(instance) = instance else {
        return match group.members.get_key_value(member_id) {
            Some((id, _)) => Ok(Arc::clone(id)),
            None => Err(Refusal::unknown_member(member_id)),
        };
    };
    match static_member(group, instance) {
        None => Err(Refusal::unknown_member(instance)),
        Some((owner, _)) if **owner == *member_id => Ok(Arc::clone(owner)),
        Some((owner, _)) => {
            let message = format!("The instance id {instance} is owned by member {owner}.");
            Err(Refusal::new(ErrorCode::FencedInstanceId, message))
        }
    }
}

/// Removes members for good. If only classic members are left, the group becomes a classic one.
pub(crate) fn fence(
    slot: &mut Slot,
    id: &GroupId,
    env: &mut Env<'_>,
    members: &BTreeSet<Arc<str>>,
) {
    let Slot::Consumer(group) = slot else {
        return;
    };
    if members.is_empty() {
        return;
    }
    if downgrade::is_due(group, members, env.settings) {
        downgrade::carry_out(slot, id, env, members);
    } else {
        Work { id, group, env }.remove(members);
    }
}

impl Work<'_, '_> {
    /// A static member goes and will be back: it keeps its partitions until its session ends.
    fn leave_for_now(&mut self, id: &Arc<str>) {
        let Some(member) = self.group.members.get(id) else {
            return;
        };
        let current = Current {
            epoch: LEFT_FOR_NOW,
            // Whoever comes back under this name has had them from the beginning.
            assigned: member.current.assigned.since_all(0),
            revoking: Owned::default(),
            ..member.current.clone()
        };
        let value = current.to_record();
        self.write(ConsumerPart::Current(Arc::clone(id), Some(value)));
        self.disarm(id, TimerKind::Rebalance);
    }
}
