//! Partitions that a member has, each with the epoch since which it has had it.

use std::collections::BTreeMap;

use protocol::data::consumer_group_current_member_assignment::TopicPartitions;
use protocol::messages::consumer_group_heartbeat as heartbeat;
use types::{PartitionIndex, TopicId};

/// Partitions by topic id, each with the member epoch at which it was given (KIP-1251): an older
/// commit of the member is still good for a partition that it had then. No topic is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owned {
    topics: BTreeMap<TopicId, BTreeMap<PartitionIndex, i32>>,
}

impl Owned {
    pub(crate) fn insert(&mut self, topic: TopicId, partition: PartitionIndex, since: i32) {
        let partitions = self.topics.entry(topic).or_default();
        partitions.insert(partition, since);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// The epoch since which the partition is there, `None` if it is not.
    pub(crate) fn since(&self, topic: TopicId, partition: PartitionIndex) -> Option<i32> {
        self.topics.get(&topic)?.get(&partition).copied()
    }

    pub(crate) fn contains(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.since(topic, partition).is_some()
    }

    /// All partitions in order: topic, partition, the epoch since which.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TopicId, PartitionIndex, i32)> {
        self.topics.iter().flat_map(|(topic, partitions)| {
            let partitions = partitions.iter();
            partitions.map(|(partition, since)| (*topic, *partition, *since))
        })
    }

    /// The topics in order, each with its partitions in order.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (TopicId, Vec<PartitionIndex>)> {
        self.topics
            .iter()
            .map(|(topic, partitions)| (*topic, partitions.keys().copied().collect()))
    }

    /// The same partitions, all of them since the epoch `since`.
    pub(crate) fn since_all(&self, since: i32) -> Self {
        self.iter()
            .map(|(topic, partition, _)| (topic, partition, since))
            .collect()
    }

    /// Whether everything in `claimed` is here.
    pub(crate) fn covers(&self, claimed: &[heartbeat::TopicPartitions]) -> bool {
        claimed.iter().all(|topic| {
            let mut partitions = topic.partitions.iter();
            partitions.all(|partition| self.contains(topic.topic_id.into(), *partition))
        })
    }

    /// Whether anything in `claimed` is here.
    pub(crate) fn overlaps(&self, claimed: &[heartbeat::TopicPartitions]) -> bool {
        claimed.iter().any(|topic| {
            let mut partitions = topic.partitions.iter();
            partitions.any(|partition| self.contains(topic.topic_id.into(), *partition))
        })
    }

    /// As the log has it. Partitions without an epoch, as Kafka wrote before 4.3, count from `since`.
    pub(crate) fn from_record(topics: &[TopicPartitions], since: i32) -> Self {
        let mut owned = Self::default();
        for topic in topics {
            let epochs = topic.assignment_epochs.as_deref().unwrap_or_default();
            for (i, partition) in topic.partitions.iter().enumerate() {
                let since = epochs.get(i).copied().unwrap_or(since);
                owned.insert(topic.topic_id.into(), *partition, since);
            }
        }
        owned
    }

    pub(crate) fn to_record(&self) -> Vec<TopicPartitions> {
        self.topics
            .iter()
            .map(|(topic, partitions)| TopicPartitions {
                topic_id: topic.0,
                partitions: partitions.keys().copied().collect(),
                assignment_epochs: Some(partitions.values().copied().collect()),
            })
            .collect()
    }

    /// As a heartbeat answers it.
    pub(crate) fn to_answer(&self) -> heartbeat::Assignment {
        let topics = self
            .topics()
            .map(|(topic, partitions)| heartbeat::TopicPartitions {
                topic_id: topic.0,
                partitions,
            });
        heartbeat::Assignment {
            topic_partitions: topics.collect(),
        }
    }
}

impl FromIterator<(TopicId, PartitionIndex, i32)> for Owned {
    fn from_iter<I: IntoIterator<Item = (TopicId, PartitionIndex, i32)>>(partitions: I) -> Self {
        let mut owned = Self::default();
        for (topic, partition, since) in partitions {
            owned.insert(topic, partition, since);
        }
        owned
    }
}
