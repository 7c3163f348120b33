//! What operators see of a group, and what they may do to it.

use protocol::Str;
use protocol::messages::describe_groups::{DescribedGroup, DescribedGroupMember};
use protocol::messages::list_groups::ListedGroup;
use types::ErrorCode;

use super::members::Member;
use super::state::{Group, State};
use crate::group::{Call, Emptiness};

/// From this version on, a group that is not there is an error, and not a dead group (KIP-1043).
const MISSING_IS_ERROR_VERSION: i16 = 6;

/// The answer of `DescribeGroups` for a group that is not there, or is not classic.
pub(crate) fn describe_missing(call: &Call<'_>) -> DescribedGroup {
    let missing = DescribedGroup {
        group_id: (**call.id).into(),
        group_state: "Dead".into(),
        ..DescribedGroup::default()
    };
    if call.caller.version < MISSING_IS_ERROR_VERSION {
        return missing;
    }
    DescribedGroup {
        error_code: ErrorCode::GroupIdNotFound.to_wire(),
        error_message: Some(format!("Group {} not found.", call.id).into()),
        ..missing
    }
}

impl Group {
    /// What members say to each other is shown only while it holds: in a stable group.
    pub(crate) fn describe(&self) -> DescribedGroup {
        let protocol = self.protocol.as_deref();
        let protocol = protocol.filter(|_| self.state == State::Stable);
        DescribedGroup {
            group_id: (*self.id).into(),
            group_state: self.state.name().into(),
            protocol_type: self.protocol_type.as_deref().unwrap_or_default().into(),
            protocol_data: protocol.unwrap_or_default().into(),
            members: self
                .members
                .iter()
                .map(|member| describe_member(member, protocol))
                .collect(),
            ..DescribedGroup::default()
        }
    }

    pub(crate) fn list(&self) -> ListedGroup {
        ListedGroup {
            group_id: (*self.id).into(),
            protocol_type: self.protocol_type.as_deref().unwrap_or_default().into(),
            group_state: self.state.name().into(),
            group_type: "classic".into(),
        }
    }

    /// Whether it may be deleted: nobody is in it.
    pub(crate) fn may_delete(&self) -> Result<(), ErrorCode> {
        match self.state {
            State::Empty => Ok(()),
            State::Preparing(_) | State::Completing | State::Stable => {
                Err(ErrorCode::NonEmptyGroup)
            }
        }
    }

    /// Whether offsets of topics that it does not subscribe may be deleted: only consumers say which
    /// topics they subscribe.
    pub(crate) fn may_delete_offsets(&self) -> Result<(), ErrorCode> {
        if self.is_of_consumers() {
            return Ok(());
        }
        self.may_delete()
    }

    /// From when on its offsets grow old.
    pub(crate) fn empty_since(&self) -> Emptiness {
        match (self.state, &self.protocol_type, self.since) {
            (State::Empty, Some(_), Some(since)) => Emptiness::Since(since),
            // Nobody ever joined, or an old version of Kafka did not write the time down.
            (State::Empty, _, _) => Emptiness::NoGroup,
            (State::Preparing(_) | State::Completing | State::Stable, _, _) => Emptiness::Occupied,
        }
    }
}

fn describe_member(member: &Member, protocol: Option<&str>) -> DescribedGroupMember {
    DescribedGroupMember {
        member_id: (*member.id).into(),
        group_instance_id: member.instance_id.as_deref().map(Str::from),
        client_id: (*member.client_id).into(),
        client_host: (*member.client_host).into(),
        member_metadata: protocol.map(|it| member.metadata(it)).unwrap_or_default(),
        member_assignment: member.assignment.clone(),
    }
}
