//! What is said to members.

use bytes::Bytes;
use protocol::Str;
use protocol::messages::join_group::{JoinGroupResponse, JoinGroupResponseMember};
use protocol::messages::sync_group::SyncGroupResponse;
use types::ErrorCode;

use super::members::Member;
use super::state::Group;

/// A `JoinGroup` that is not granted. The names are null where the version knows null.
pub(super) fn join_refused(code: ErrorCode, member_id: &str) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: code.to_wire(),
        protocol_name: None,
        member_id: member_id.into(),
        ..JoinGroupResponse::default()
    }
}

/// The generation as a member sees it. The leader gets the metadata of all, since it assigns.
pub(super) fn joined(group: &Group, member_id: &str) -> JoinGroupResponse {
    let members = if group.is_leader(member_id) {
        everybody(group)
    } else {
        Vec::new()
    };
    JoinGroupResponse {
        members,
        ..joined_under(group, member_id, group.leader.as_deref())
    }
}

/// The generation with another leader than the true one, and without the others' metadata.
pub(super) fn joined_under(
    group: &Group,
    member_id: &str,
    leader: Option<&str>,
) -> JoinGroupResponse {
    JoinGroupResponse {
        generation_id: group.generation,
        protocol_type: group.protocol_type.as_deref().map(Str::from),
        protocol_name: group.protocol.as_deref().map(Str::from),
        leader: leader.unwrap_or_default().into(),
        member_id: member_id.into(),
        ..JoinGroupResponse::default()
    }
}

fn everybody(group: &Group) -> Vec<JoinGroupResponseMember> {
    let protocol = group.protocol.as_deref().unwrap_or_default();
    let entry = |member: &Member| JoinGroupResponseMember {
        member_id: (*member.id).into(),
        group_instance_id: member.instance_id.as_deref().map(Str::from),
        metadata: member.metadata(protocol),
    };
    group.members.iter().map(entry).collect()
}

/// A `SyncGroup` that is not granted.
pub(super) fn sync_refused(code: ErrorCode) -> SyncGroupResponse {
    SyncGroupResponse {
        error_code: code.to_wire(),
        ..SyncGroupResponse::default()
    }
}

/// What the member has from now on.
pub(super) fn sync(group: &Group, assignment: Bytes) -> SyncGroupResponse {
    SyncGroupResponse {
        protocol_type: group.protocol_type.as_deref().map(Str::from),
        protocol_name: group.protocol.as_deref().map(Str::from),
        assignment,
        ..SyncGroupResponse::default()
    }
}
