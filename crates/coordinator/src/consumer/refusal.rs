//! Why a request is refused, as the wire says it.

use protocol::Str;
use protocol::messages::consumer_group_heartbeat::ConsumerGroupHeartbeatResponse;
use types::ErrorCode;

/// A refusal: nothing was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Whatever a field says that it may not.
    pub(crate) fn invalid(message: &str) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    pub(crate) fn no_group(id: &str) -> Self {
        let message = format!("Group {id} not found.");
        Self::new(ErrorCode::GroupIdNotFound, message)
    }

    pub(crate) fn unknown_member(member: &str) -> Self {
        let message = format!("Member {member} is not a member of the group.");
        Self::new(ErrorCode::UnknownMemberId, message)
    }

    pub(crate) fn fenced(why: &str) -> Self {
        let message = format!("{why} The member must abandon all its partitions and rejoin.");
        Self::new(ErrorCode::FencedMemberEpoch, message)
    }

    pub(crate) fn to_heartbeat(&self) -> ConsumerGroupHeartbeatResponse {
        ConsumerGroupHeartbeatResponse {
            error_code: self.code.to_wire(),
            error_message: Some(Str::from(self.message.as_str())),
            ..ConsumerGroupHeartbeatResponse::default()
        }
    }
}
