//! The group as the log knows it: one record that says all, written when the group
//!
//! - is born, without members;
//! - has its assignments, from the leader;
//! - has a static member under a new id;
//! - becomes empty;
//! - ends: a tombstone.
//!
//! While members join, the log still holds the generation before. A coordinator that takes over then
//! starts from that one, and the members join again. No assignment of the generation that is lost was
//! ever seen by anybody.

use std::sync::Arc;

use protocol::data::group_metadata::{GroupMetadataValue, MemberMetadata};
use protocol::{Message, Str};
use types::TimestampMs;

use super::members::{Member, Members, to_ms};
use super::state::{Group, State};
use super::subscription;
use crate::env::{Env, GroupId, Out};
use crate::group::Group as Slot;
use crate::record::Record;
use crate::shard::Mode;

/// Bytes that a batch needs besides the value of its only record.
const BATCH_OVERHEAD_BYTES: usize = 1024;

/// The log says that the group is now `value`, `None` that it is no more. While live, the group in memory
/// is its own authority: only a tombstone counts.
pub(crate) fn replay(
    slot: &mut Slot,
    id: &GroupId,
    value: Option<&GroupMetadataValue>,
    mode: Mode,
) {
    match (value, mode) {
        (Some(value), Mode::Loading) => *slot = Slot::Classic(Group::stored(id, value)),
        (Some(_), Mode::Live) => {}
        // That a classic group ended says nothing about the consumer group it became.
        (None, _) => {
            if matches!(slot, Slot::Classic(_)) {
                *slot = Slot::Absent;
            }
        }
    }
}

impl Group {
    /// The group as the log has it. Whatever does not fit together there is put right.
    fn stored(id: &GroupId, value: &GroupMetadataValue) -> Self {
        let protocol = value.protocol.as_deref();
        let protocol = protocol.or_else(|| (!value.members.is_empty()).then_some(""));
        let mut members = Members::default();
        for stored in &value.members {
            members.insert(Member::stored(stored, protocol.unwrap_or_default()));
        }
        let state = if members.is_empty() {
            State::Empty
        } else {
            State::Stable
        };
        let since = value.current_state_timestamp;
        let leader = value.leader.as_deref().and_then(|it| members.get(it));
        let leader = leader.or_else(|| members.iter().next());
        let mut group = Self {
            state,
            since: (since >= 0).then_some(since),
            generation: value.generation.max(0),
            protocol_type: Some(&*value.protocol_type)
                .filter(|it| !it.is_empty())
                .map(Arc::from),
            protocol: protocol.filter(|_| !members.is_empty()).map(Arc::from),
            leader: leader.map(|it| Arc::clone(&it.id)),
            members,
            ..Self::empty(id, since)
        };
        group.subscribed = subscription::of(&group);
        group
    }

    /// The log was read to its end: members have their whole session timeout to be heard of.
    pub(crate) fn on_loaded(&mut self, env: &mut Env<'_>) {
        for id in self.members.ids() {
            self.hear(&id, env);
        }
        if self.members.len() > env.settings.max_size {
            // The limit was lowered. Those who join first stay.
            self.rebalance(env);
        }
    }

    /// Writes down what the group is now.
    pub(super) fn write(&self, env: &mut Env<'_>) {
        env.out.record(Record::ClassicGroup {
            group: Arc::clone(&self.id),
            value: Some(self.value()),
        });
    }

    /// The record of a group that has just come into being.
    pub(super) fn newborn(&self) -> Record {
        let born = Self::empty(&self.id, self.since.unwrap_or(NO_TIMESTAMP));
        Record::ClassicGroup {
            group: Arc::clone(&self.id),
            value: Some(born.value()),
        }
    }

    /// Writes the record that ends the group. Its offsets stay.
    pub(crate) fn delete(&self, out: &mut Out) {
        out.record(Record::ClassicGroup {
            group: Arc::clone(&self.id),
            value: None,
        });
    }

    /// Whether the record would not fit into a batch of that many bytes.
    pub(super) fn outgrows(&self, batch_bytes_max: usize) -> bool {
        self.value().encoded_len() + self.id.len() + BATCH_OVERHEAD_BYTES > batch_bytes_max
    }

    fn value(&self) -> GroupMetadataValue {
        let protocol = self.protocol.as_deref();
        GroupMetadataValue {
            protocol_type: self.protocol_type.as_deref().unwrap_or_default().into(),
            generation: self.generation,
            protocol: protocol.map(Str::from),
            leader: self.leader.as_deref().map(Str::from),
            current_state_timestamp: self.since.unwrap_or(NO_TIMESTAMP),
            members: self
                .members
                .iter()
                .map(|member| stored_member(member, protocol.unwrap_or_default()))
                .collect(),
        }
    }
}

const NO_TIMESTAMP: TimestampMs = -1;

fn stored_member(member: &Member, protocol: &str) -> MemberMetadata {
    MemberMetadata {
        member_id: (*member.id).into(),
        group_instance_id: member.instance_id.as_deref().map(Str::from),
        client_id: (*member.client_id).into(),
        client_host: (*member.client_host).into(),
        rebalance_timeout: to_ms(member.rebalance_timeout),
        session_timeout: to_ms(member.session_timeout),
        subscription: member.metadata(protocol),
        assignment: member.assignment.clone(),
    }
}
