//! The committed offsets of a shard's groups.

use std::sync::Arc;

use metadata::Delta;
use protocol::data::offset_commit::OffsetCommitValue;
use protocol::messages::offset_commit::OffsetCommitRequest;
use protocol::messages::offset_delete::OffsetDeleteRequest;
use protocol::messages::offset_fetch::OffsetFetchRequestGroup;
use types::PartitionIndex;

use crate::env::{Env, GroupId};
use crate::group::{Call, Group};

/// Offsets by group, topic and partition. Changed by replay alone.
#[derive(Debug, Default)]
pub struct Offsets {}

impl Offsets {
    /// `OffsetCommit`.
    pub(crate) fn commit(
        &self,
        _group: &mut Group,
        _call: &Call<'_>,
        _env: &mut Env<'_>,
        _request: &OffsetCommitRequest,
    ) {
    }

    /// `OffsetFetch` for one group.
    pub(crate) fn fetch(
        &self,
        _group: &Group,
        _call: &Call<'_>,
        _env: &mut Env<'_>,
        _request: &OffsetFetchRequestGroup,
        _require_stable: bool,
    ) {
    }

    /// `OffsetDelete`.
    pub(crate) fn delete(
        &self,
        _group: &Group,
        _call: &Call<'_>,
        _env: &mut Env<'_>,
        _request: &OffsetDeleteRequest,
    ) {
    }

    /// `DeleteGroups` for one group: the group and all its offsets.
    pub(crate) fn delete_group(&self, _group: &Group, _call: &Call<'_>, _env: &mut Env<'_>) {}

    /// Writes tombstones for a part of what has expired. `group_of` knows the groups. Arms its timer again.
    pub(crate) fn expire<'a>(
        &self,
        _group_of: impl Fn(&str) -> Option<&'a Group>,
        _env: &mut Env<'_>,
    ) {
    }

    /// Topics changed: offsets of those that are gone go too.
    pub(crate) fn on_topics(&self, _delta: &Delta, _env: &mut Env<'_>) {}

    /// Whether any offset is kept for the group.
    #[must_use]
    pub fn has_any(&self, _group: &str) -> bool {
        false
    }

    /// The log says what was committed, `None` that it is no more.
    pub(crate) fn replay(
        &mut self,
        _group: &GroupId,
        _topic: &Arc<str>,
        _partition: PartitionIndex,
        _value: Option<&OffsetCommitValue>,
    ) {
    }
}
