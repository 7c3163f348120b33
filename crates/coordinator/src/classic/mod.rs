//! One classic group: members join, one of them assigns, all sync.

use protocol::data::group_metadata::GroupMetadataValue;
use protocol::messages::describe_groups::DescribedGroup;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::JoinGroupRequest;
use protocol::messages::leave_group::LeaveGroupRequest;
use protocol::messages::list_groups::ListedGroup;
use protocol::messages::sync_group::SyncGroupRequest;
use types::ErrorCode;

use crate::env::{Env, GroupId, Out};
use crate::group::{Call, Committer, Emptiness, Group as Slot};
use crate::shard::Mode;
use crate::timers::TimerKey;

/// A classic group.
#[derive(Debug)]
pub struct Group {}

/// `JoinGroup`. `slot` is [`Slot::Absent`] or classic; so for all requests here.
pub(crate) fn join(
    _slot: &mut Slot,
    _call: &Call<'_>,
    _env: &mut Env<'_>,
    _request: &JoinGroupRequest,
) {
}

/// `SyncGroup`.
pub(crate) fn sync(
    _slot: &mut Slot,
    _call: &Call<'_>,
    _env: &mut Env<'_>,
    _request: &SyncGroupRequest,
) {
}

/// `Heartbeat`.
pub(crate) fn heartbeat(
    _slot: &mut Slot,
    _call: &Call<'_>,
    _env: &mut Env<'_>,
    _request: &HeartbeatRequest,
) {
}

/// `LeaveGroup`.
pub(crate) fn leave(
    _slot: &mut Slot,
    _call: &Call<'_>,
    _env: &mut Env<'_>,
    _request: &LeaveGroupRequest,
) {
}

/// A timer of the group fired.
pub(crate) fn on_time(_slot: &mut Slot, _key: &TimerKey, _env: &mut Env<'_>) {}

/// The log says that the group is now `value`, `None` that it is no more. While live, the group in memory
/// is its own authority: only a tombstone counts.
pub(crate) fn replay(
    _slot: &mut Slot,
    _id: &GroupId,
    _value: Option<&GroupMetadataValue>,
    _mode: Mode,
) {
}

/// The answer of `DescribeGroups` for a group that is not there, or is not classic: dead before version 6,
/// an error from then on.
pub(crate) fn describe_missing(_call: &Call<'_>) -> DescribedGroup {
    DescribedGroup::default()
}

impl Group {
    /// The log was read to its end: timers start.
    pub(crate) fn on_loaded(&mut self, _id: &GroupId, _env: &mut Env<'_>) {}

    /// A member committed offsets: it lives.
    pub(crate) fn on_heard(&mut self, _call: &Call<'_>, _member_id: &str, _env: &mut Env<'_>) {}

    pub(crate) fn describe(&self, _call: &Call<'_>) -> DescribedGroup {
        DescribedGroup::default()
    }

    pub(crate) fn list(&self) -> ListedGroup {
        ListedGroup::default()
    }

    pub(crate) fn may_commit(&self, _committer: &Committer<'_>) -> Result<(), ErrorCode> {
        Ok(())
    }

    pub(crate) fn is_subscribed(&self, _topic: &str) -> bool {
        false
    }

    pub(crate) fn may_delete(&self) -> Result<(), ErrorCode> {
        Ok(())
    }

    pub(crate) fn delete(&self, _id: &GroupId, _out: &mut Out) {}

    pub(crate) fn empty_since(&self) -> Emptiness {
        Emptiness::Occupied
    }
}
