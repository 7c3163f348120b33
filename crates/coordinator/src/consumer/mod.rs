//! One consumer group (KIP-848): members heartbeat, the coordinator assigns.

use protocol::messages::consumer_group_describe::DescribedGroup;
use protocol::messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::JoinGroupRequest;
use protocol::messages::leave_group::LeaveGroupRequest;
use protocol::messages::list_groups::ListedGroup;
use protocol::messages::sync_group::SyncGroupRequest;
use types::ErrorCode;

use crate::env::{Env, GroupId, Out};
use crate::group::{Call, Committer, Emptiness, Group as Slot};
use crate::record::ConsumerPart;
use crate::shard::Mode;
use crate::timers::TimerKey;

/// A consumer group.
#[derive(Debug)]
pub struct Group {}

/// `ConsumerGroupHeartbeat`, whatever stands in the slot: a classic group may be upgraded.
pub(crate) fn heartbeat(
    _slot: &mut Slot,
    _call: &Call<'_>,
    _env: &mut Env<'_>,
    _request: &ConsumerGroupHeartbeatRequest,
) {
}

/// `JoinGroup` of a classic member of a consumer group; so the three that follow.
pub(crate) fn classic_join(
    _slot: &mut Slot,
    _call: &Call<'_>,
    _env: &mut Env<'_>,
    _request: &JoinGroupRequest,
) {
}

/// `SyncGroup`.
pub(crate) fn classic_sync(
    _slot: &mut Slot,
    _call: &Call<'_>,
    _env: &mut Env<'_>,
    _request: &SyncGroupRequest,
) {
}

/// `Heartbeat`.
pub(crate) fn classic_heartbeat(
    _slot: &mut Slot,
    _call: &Call<'_>,
    _env: &mut Env<'_>,
    _request: &HeartbeatRequest,
) {
}

/// `LeaveGroup`.
pub(crate) fn classic_leave(
    _slot: &mut Slot,
    _call: &Call<'_>,
    _env: &mut Env<'_>,
    _request: &LeaveGroupRequest,
) {
}

/// A timer of the group fired.
pub(crate) fn on_time(_slot: &mut Slot, _key: &TimerKey, _env: &mut Env<'_>) {}

/// Topics changed.
pub(crate) fn on_topics(_slot: &mut Slot, _id: &GroupId, _env: &mut Env<'_>) {}

/// The log says what a part of the group is now. Tombstones for a group that is classic by now are ignored.
pub(crate) fn replay(_slot: &mut Slot, _id: &GroupId, _part: &ConsumerPart, _mode: Mode) {}

/// The answer of `ConsumerGroupDescribe` for a group that is not there, or is classic.
pub(crate) fn describe_missing(_call: &Call<'_>) -> DescribedGroup {
    DescribedGroup::default()
}

impl Group {
    /// The log was read to its end: timers start.
    pub(crate) fn on_loaded(&mut self, _id: &GroupId, _env: &mut Env<'_>) {}

    /// A member committed offsets: it lives.
    pub(crate) fn on_heard(&mut self, _call: &Call<'_>, _member_id: &str, _env: &mut Env<'_>) {}

    pub(crate) fn describe(&self, _call: &Call<'_>, _env: &Env<'_>) -> DescribedGroup {
        DescribedGroup::default()
    }

    pub(crate) fn list(&self) -> ListedGroup {
        ListedGroup::default()
    }

    pub(crate) fn may_commit(&self, _committer: &Committer<'_>) -> Result<(), ErrorCode> {
        Ok(())
    }

    pub(crate) fn may_fetch(
        &self,
        _member_id: Option<&str>,
        _member_epoch: i32,
    ) -> Result<(), ErrorCode> {
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
