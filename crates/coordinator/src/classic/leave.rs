//! `LeaveGroup`: members say goodbye, or somebody says it for static ones.

use std::sync::Arc;

use protocol::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse,
};
use types::ErrorCode;

use super::state::Group;
use crate::env::Env;
use crate::group::{Call, Group as Slot};
use crate::request::Answer;

/// `LeaveGroup`; versions of one member say it as a batch of one. `slot` is [`Slot::Absent`] or classic.
pub(crate) fn leave(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &LeaveGroupRequest,
) {
    let answer = LeaveGroupResponse {
        members: leave_all(slot, env, &request.members),
        ..LeaveGroupResponse::default()
    };
    env.out.answer(call.id, call.token, Answer::Leave(answer));
}

/// Each gets a code of its own, and its names back as it said them.
fn leave_all(
    slot: &mut Slot,
    env: &mut Env<'_>,
    leaving: &[MemberIdentity],
) -> Vec<MemberResponse> {
    let mut responses = Vec::with_capacity(leaving.len());
    let mut has_left = false;
    for member in leaving {
        let left = match slot {
            Slot::Classic(group) => group.leave(member, env),
            Slot::Absent | Slot::Consumer(_) => Err(ErrorCode::UnknownMemberId),
        };
        has_left |= left == Ok(Left::Member);
        responses.push(MemberResponse {
            member_id: member.member_id.clone(),
            group_instance_id: member.group_instance_id.clone(),
            error_code: left.err().unwrap_or(ErrorCode::None).to_wire(),
        });
    }
    if let Slot::Classic(group) = slot {
        if has_left {
            group.on_departure(env);
        } else {
            group.proceed(env);
        }
    }
    responses
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Member,
    /// Only an id that had been handed out.
    Pending,
}

impl Group {
    fn leave(&mut self, leaving: &MemberIdentity, env: &mut Env<'_>) -> Result<Left, ErrorCode> {
        let instance_id = leaving.group_instance_id.as_deref();
        let id = match instance_id {
            // Whoever administers the group knows the instance only.
            Some(instance_id) if leaving.member_id.is_empty() => {
                let holder = self.members.instance(instance_id);
                Arc::clone(holder.ok_or(ErrorCode::UnknownMemberId)?)
            }
            _ if self.forget_pending(&leaving.member_id, env) => return Ok(Left::Pending),
            _ => self.identify(&leaving.member_id, instance_id)?,
        };
        // A join of its own that waits is told to start anew.
        self.expel(&id, ErrorCode::UnknownMemberId, env);
        Ok(Left::Member)
    }
}
