//! `JoinGroup` (11), `Heartbeat` (12), `LeaveGroup` (13) and `SyncGroup` (14): the classic protocol.

use coordinator::{Answer, Request};
use net::server::Reply;
use protocol::Str;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::JoinGroupRequest;
use protocol::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity};
use protocol::messages::sync_group::SyncGroupRequest;
use types::ErrorCode;

use super::respond;
use crate::api::Ctx;

/// Since which version a response may leave the protocol's name out.
const FIRST_JOIN_WITHOUT_NAME: i16 = 7;
/// Since which version many members leave at once.
const FIRST_LEAVE_OF_MANY: i16 = 3;

pub(crate) fn join(ctx: &Ctx<'_>, mut request: JoinGroupRequest) -> Reply {
    let version = ctx.version();
    if version == 0 {
        // There was one timeout for both.
        request.rebalance_timeout_ms = request.session_timeout_ms;
    }
    respond(ctx, &Request::Join(request), move |answer| {
        let Answer::Join(mut response) = answer else {
            return None;
        };
        if version < FIRST_JOIN_WITHOUT_NAME {
            response.protocol_name.get_or_insert_with(Str::new);
        }
        Some(response)
    })
}

pub(crate) fn sync(ctx: &Ctx<'_>, request: SyncGroupRequest) -> Reply {
    respond(ctx, &Request::Sync(request), |answer| match answer {
        Answer::Sync(response) => Some(response),
        _ => None,
    })
}

pub(crate) fn heartbeat(ctx: &Ctx<'_>, request: HeartbeatRequest) -> Reply {
    respond(ctx, &Request::Heartbeat(request), |answer| match answer {
        Answer::Heartbeat(response) => Some(response),
        _ => None,
    })
}

pub(crate) fn leave(ctx: &Ctx<'_>, mut request: LeaveGroupRequest) -> Reply {
    let is_single = ctx.version() < FIRST_LEAVE_OF_MANY;
    if is_single {
        request.members = vec![MemberIdentity {
            member_id: std::mem::take(&mut request.member_id),
            ..MemberIdentity::default()
        }];
    }
    respond(ctx, &Request::Leave(request), move |answer| match answer {
        Answer::Leave(response) if is_single => Some(single(response)),
        Answer::Leave(response) => Some(response),
        _ => None,
    })
}

/// The one member's code is that of the response.
fn single(response: LeaveGroupResponse) -> LeaveGroupResponse {
    let none = ErrorCode::None.to_wire();
    let member = response.members.first();
    LeaveGroupResponse {
        error_code: match response.error_code {
            code if code != none => code,
            _ => member.map_or(none, |member| member.error_code),
        },
        members: Vec::new(),
        ..response
    }
}

#[cfg(test)]
mod tests {
    use protocol::messages::leave_group::MemberResponse;

    use super::*;

    #[test]
    fn an_old_answer_to_a_leave_is_that_of_the_one_member() {
        let response = LeaveGroupResponse {
            members: vec![MemberResponse {
                error_code: 25,
                ..MemberResponse::default()
            }],
            ..LeaveGroupResponse::default()
        };
        assert_eq!(single(response.clone()).error_code, 25);
        let refused = LeaveGroupResponse {
            error_code: 16,
            ..response
        };
        let single = single(refused);
        assert_eq!((single.error_code, single.members.len()), (16, 0));
    }
}
