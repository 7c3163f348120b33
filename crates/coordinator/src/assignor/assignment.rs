//! Which partitions somebody has: topic ids, each with partition indexes.

use std::collections::BTreeMap;

use types::{PartitionIndex, TopicId};

/// Partitions by topic id. Both levels are sorted, no index stands twice and no topic is empty, so
/// that equal assignments are equal values and print and encode the same everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assignment {
    topics: BTreeMap<TopicId, Vec<PartitionIndex>>,
}

impl Assignment {
    /// No partition at all.
    pub(crate) const fn new() -> Self {
        Self {
            topics: BTreeMap::new(),
        }
    }

    /// Adds partitions of a topic to those that are there.
    pub(crate) fn insert(
        &mut self,
        topic: TopicId,
        added: impl IntoIterator<Item = PartitionIndex>,
    ) {
        let partitions = self.topics.entry(topic).or_default();
        partitions.extend(added);
        partitions.sort_unstable();
        partitions.dedup();
        if partitions.is_empty() {
            self.topics.remove(&topic);
        }
    }

    /// The partitions of one topic, in order; empty if there are none.
    pub(crate) fn of(&self, topic: TopicId) -> &[PartitionIndex] {
        self.topics.get(&topic).map_or(&[], Vec::as_slice)
    }

    /// Whether it holds that partition.
    pub(crate) fn contains(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.of(topic).binary_search(&partition).is_ok()
    }

    /// The topics in the order of their ids, each with its partitions in order.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (TopicId, &[PartitionIndex])> {
        self.topics.iter().map(|(id, list)| (*id, list.as_slice()))
    }

    /// All partitions in order.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (TopicId, PartitionIndex)> {
        self.topics()
            .flat_map(|(id, list)| list.iter().map(move |index| (id, *index)))
    }
}

impl FromIterator<(TopicId, Vec<PartitionIndex>)> for Assignment {
    fn from_iter<I: IntoIterator<Item = (TopicId, Vec<PartitionIndex>)>>(topics: I) -> Self {
        let mut assignment = Self::new();
        for (topic, partitions) in topics {
            assignment.insert(topic, partitions);
        }
        assignment
    }
}
