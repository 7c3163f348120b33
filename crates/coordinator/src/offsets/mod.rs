//! The committed offsets of a shard's groups.
//!
//! ```text
//!  commit ──▶ record ──▶ log ──▶ replay ──▶ group ▸ topic ▸ partition ▸ Committed ──▶ fetch
//!  delete, sweep ──▶ tombstone ──▶ … ──▶ replay: forgotten
//! ```
//!
//! Offsets change by replay alone, so that what is shown is what the log says. Who may commit is the
//! group's affair, and is asked of it; whether a topic exists was asked of the image before.
//!
//! Invariants:
//!
//! - An offset belongs to one creation of its topic: another topic of the same name does not inherit it.
//! - Of a topic that is gone, or whose group has been empty for as long as offsets are retained, it is
//!   swept away (see [`sweep`]); not of a topic that members read.

mod commit;
mod committed;
mod delete;
mod fetch;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use metadata::MetadataImage;
use protocol::Str;
use protocol::data::offset_commit::OffsetCommitValue;
use protocol::messages::describe_groups::DescribedGroup;
use protocol::messages::list_groups::ListedGroup;
use types::PartitionIndex;

pub(crate) use self::committed::Committed;
pub(crate) use self::sweep::timer as sweep_timer;
use crate::env::GroupId;

/// The offsets of one topic.
type Partitions = BTreeMap<PartitionIndex, Committed>;

/// The offsets of one group.
type Topics = BTreeMap<Arc<str>, Partitions>;

/// Offsets by group, topic and partition. Changed by replay alone.
#[derive(Debug, Default)]
pub struct Offsets {
    /// Without empty maps inside.
    groups: BTreeMap<GroupId, Topics>,
    /// Where the sweep that is under way goes on: with the first group after this one. Soft state.
    swept: Option<GroupId>,
}

impl Offsets {
    /// Whether any offset is kept for the group.
    #[must_use]
    pub fn has_any(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// The ids for which offsets are kept, in order.
    pub(crate) fn group_ids(&self) -> impl Iterator<Item = &GroupId> {
        self.groups.keys()
    }

    /// What was committed, whatever became of the topic.
    pub(crate) fn get(
        &self,
        group: &str,
        topic: &str,
        partition: PartitionIndex,
    ) -> Option<&Committed> {
        self.groups.get(group)?.get(topic)?.get(&partition)
    }

    /// The log says what was committed, `None` that it is no more.
    pub(crate) fn replay(
        &mut self,
        group: &GroupId,
        topic: &Arc<str>,
        partition: PartitionIndex,
        value: Option<&OffsetCommitValue>,
    ) {
        match value {
            Some(value) => {
                let committed = Committed::from(value);
                let topics = self.groups.entry(Arc::clone(group)).or_default();
                let partitions = topics.entry(Arc::clone(topic)).or_default();
                partitions.insert(partition, committed);
            }
            None => self.forget(group, topic, partition),
        }
    }

    fn forget(&mut self, group: &GroupId, topic: &str, partition: PartitionIndex) {
        let Some(topics) = self.groups.get_mut(group) else {
            return;
        };
        let Some(partitions) = topics.get_mut(topic) else {
            return;
        };
        partitions.remove(&partition);
        if partitions.is_empty() {
            topics.remove(topic);
        }
        if topics.is_empty() {
            self.groups.remove(group);
        }
    }
}

/// How `ListGroups` shows an id that has offsets and no group: consumers that assign themselves.
pub(crate) fn list_without_group(id: &GroupId) -> ListedGroup {
    ListedGroup {
        group_id: Str::from(&**id),
        protocol_type: Str::new(),
        group_state: Str::from_static(EMPTY),
        group_type: Str::from_static("classic"),
    }
}

/// The same for `DescribeGroups`.
pub(crate) fn describe_without_group(id: &GroupId) -> DescribedGroup {
    DescribedGroup {
        group_id: Str::from(&**id),
        group_state: Str::from_static(EMPTY),
        ..DescribedGroup::default()
    }
}

/// The state of a group without members, as Kafka's tools print it.
const EMPTY: &str = "Empty";

/// What the image knows of the topic that an offset was committed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    /// It is there.
    Same,
    /// No topic has its name.
    Gone,
    /// A later topic has its name.
    Recreated,
}

impl Topic {
    fn of(committed: &Committed, name: &str, image: &MetadataImage) -> Self {
        match image.topic(name) {
            None => Self::Gone,
            Some(topic) if committed.belongs_to(topic.id()) => Self::Same,
            Some(_) => Self::Recreated,
        }
    }
}
