//! The partitions of which this broker holds a replica.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use types::{PartitionIndex, TopicId};

use crate::partition::Partition;

/// All replicas of this broker, by topic id and by name. Shared; read-locked for one lookup, written by
/// the metadata observer alone.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    tables: RwLock<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    partitions: HashMap<(TopicId, PartitionIndex), Arc<Partition>>,
    /// Only topics with a replica here.
    topics: HashMap<Arc<str>, Topic>,
}

#[derive(Debug)]
struct Topic {
    id: TopicId,
    replica_count: usize,
}

impl Partitions {
    pub(crate) fn get(&self, topic: TopicId, index: PartitionIndex) -> Option<Arc<Partition>> {
        self.tables.read().partitions.get(&(topic, index)).cloned()
    }

    pub(crate) fn get_by_name(&self, topic: &str, index: PartitionIndex) -> Option<Arc<Partition>> {
        let tables = self.tables.read();
        let id = tables.topics.get(topic)?.id;
        tables.partitions.get(&(id, index)).cloned()
    }

    /// All of them, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        self.tables.read().partitions.values().cloned().collect()
    }

    /// Every `count`th of them, `first` being skipped. As long as nothing comes or goes, the `count` parts are
    /// all of them.
    pub(crate) fn every(&self, count: usize, first: usize) -> Vec<Arc<Partition>> {
        let tables = self.tables.read();
        let all = tables.partitions.values();
        all.skip(first).step_by(count).cloned().collect()
    }

    /// Those of one topic, in no order.
    pub(crate) fn of_topic(&self, topic: TopicId) -> Vec<Arc<Partition>> {
        let tables = self.tables.read();
        let all = tables.partitions.values();
        all.filter(|partition| partition.topic_id() == topic)
            .cloned()
            .collect()
    }

    pub(crate) fn insert(&self, partition: Arc<Partition>) {
        let name = Arc::clone(&partition.topic_partition().topic);
        let id = partition.topic_id();
        let key = (id, partition.topic_partition().partition);
        let mut tables = self.tables.write();
        let topic = tables.topics.entry(name).or_insert(Topic {
            id,
            replica_count: 0,
        });
        // A topic created again under its name: the older one's partitions are about to be removed.
        if topic.id != id {
            *topic = Topic {
                id,
                replica_count: 0,
            };
        }
        topic.replica_count += 1;
        if tables.partitions.insert(key, partition).is_some() {
            debug_assert!(false, "partition {key:?} was here already");
        }
    }

    pub(crate) fn remove(&self, topic: TopicId, index: PartitionIndex) -> Option<Arc<Partition>> {
        let mut tables = self.tables.write();
        let removed = tables.partitions.remove(&(topic, index))?;
        let name = &removed.topic_partition().topic;
        if let Some(entry) = tables
            .topics
            .get_mut(name)
            .filter(|entry| entry.id == topic)
        {
            entry.replica_count -= 1;
            if entry.replica_count == 0 {
                tables.topics.remove(name);
            }
        }
        Some(removed)
    }
}
