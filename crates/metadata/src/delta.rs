//! What changed between two images, so that a broker acts on changes only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::ordmap::DiffItem;
use types::{NodeId, PartitionIndex, TopicId};

use crate::{ConfigResource, MetadataImage, ResourceKind};

/// How something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// It was there and is different now.
    Changed,
    /// It is gone.
    Removed,
}

impl Change {
    /// This change followed by another; `None` if nothing is left of the two.
    const fn then(self, later: Self) -> Option<Self> {
        match (self, later) {
            (Self::Created, Self::Removed) => None,
            (Self::Created, _) => Some(Self::Created),
            (_, Self::Removed) => Some(Self::Removed),
            (_, _) => Some(Self::Changed),
        }
    }
}

/// What changed of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDelta {
    /// Its name, which the newer image no longer knows if the topic was removed.
    pub name: Arc<str>,
    /// What became of the topic.
    pub change: Change,
    /// The partitions that are new or different. Empty for a removed topic: there, all of the older
    /// image's partitions are gone.
    pub partitions: BTreeSet<PartitionIndex>,
}

/// The names of everything that differs between an older and a newer image. Look up what it names in
/// the newer image, or in the older one if it was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Topics and their partitions. A topic that was deleted and created again under its old name is
    /// two topics here.
    pub topics: BTreeMap<TopicId, TopicDelta>,
    /// Registrations of brokers.
    pub brokers: BTreeMap<NodeId, Change>,
    /// Keys that were set or unset. All keys of a removed topic are among them.
    pub configs: BTreeMap<ConfigResource, BTreeSet<Arc<str>>>,
    /// Whether a finalized feature level differs.
    pub features: bool,
    /// Whether producer ids were given out.
    pub producer_ids: bool,
    /// Whether another controller became active.
    pub controller: bool,
    /// Whether the cluster got its id.
    pub cluster_id: bool,
}

impl Delta {
    /// Whether nothing changed except the offset.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// All partitions that are new or different, by topic id.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicId, PartitionIndex)> {
        self.topics
            .iter()
            .flat_map(|(id, topic)| topic.partitions.iter().map(|index| (*id, *index)))
    }

    /// Adds a later delta, so that both can be acted on at once.
    pub fn merge(&mut self, later: Self) {
        for (id, topic) in later.topics {
            self.on_topic(id, &topic.name, topic.change);
            if let Some(merged) = self.topics.get_mut(&id) {
                merged.partitions.extend(topic.partitions);
            }
        }
        for (id, change) in later.brokers {
            self.on_broker(id, change);
        }
        for (resource, keys) in later.configs {
            self.configs.entry(resource).or_default().extend(keys);
        }
        self.features |= later.features;
        self.producer_ids |= later.producer_ids;
        self.controller |= later.controller;
        self.cluster_id |= later.cluster_id;
    }

    /// Compares two images, for a node that jumps to a snapshot instead of replaying entries. Costs
    /// time in proportion to what differs, as long as the newer image grew out of the older one;
    /// otherwise in proportion to both.
    #[must_use]
    pub fn between(older: &MetadataImage, newer: &MetadataImage) -> Self {
        let mut delta = Self {
            features: older.features != newer.features,
            producer_ids: older.next_producer_id != newer.next_producer_id,
            controller: older.controller != newer.controller,
            cluster_id: older.cluster_id != newer.cluster_id,
            ..Self::default()
        };
        for item in older.topics.diff(&newer.topics) {
            delta.on_topic_difference(item);
        }
        for item in older.brokers.diff(&newer.brokers) {
            let (id, change) = difference(&item);
            delta.on_broker(*id, change);
        }
        for kind in RESOURCE_KINDS {
            delta.on_config_differences(kind, older, newer);
        }
        delta
    }

    pub(crate) fn on_topic(&mut self, id: TopicId, name: &Arc<str>, change: Change) {
        let Some(earlier) = self.topics.get_mut(&id) else {
            let topic = TopicDelta {
                name: Arc::clone(name),
                change,
                partitions: BTreeSet::new(),
            };
            self.topics.insert(id, topic);
            return;
        };
        match earlier.change.then(change) {
            Some(Change::Removed) => {
                earlier.change = Change::Removed;
                earlier.partitions.clear();
            }
            Some(change) => earlier.change = change,
            None => {
                self.topics.remove(&id);
            }
        }
    }

    pub(crate) fn on_partition(&mut self, id: TopicId, name: &Arc<str>, index: PartitionIndex) {
        self.on_topic(id, name, Change::Changed);
        if let Some(topic) = self.topics.get_mut(&id) {
            topic.partitions.insert(index);
        }
    }

    pub(crate) fn on_broker(&mut self, id: NodeId, change: Change) {
        let merged = match self.brokers.get(&id) {
            Some(earlier) => earlier.then(change),
            None => Some(change),
        };
        match merged {
            Some(change) => self.brokers.insert(id, change),
            None => self.brokers.remove(&id),
        };
    }

    pub(crate) fn on_config(&mut self, resource: ConfigResource, key: Arc<str>) {
        self.configs.entry(resource).or_default().insert(key);
    }

    fn on_topic_difference(&mut self, item: DiffItem<'_, '_, TopicId, crate::TopicImage>) {
        match item {
            DiffItem::Add(id, topic) => {
                self.on_topic(*id, &topic.name, Change::Created);
                for (index, _) in topic.partitions() {
                    self.on_partition(*id, &topic.name, index);
                }
            }
            DiffItem::Remove(id, topic) => self.on_topic(*id, &topic.name, Change::Removed),
            DiffItem::Update { old, new } => {
                let (id, newer) = new;
                for (index, partition) in newer.partitions() {
                    if old.1.partition(index) != Some(partition) {
                        self.on_partition(*id, &newer.name, index);
                    }
                }
            }
        }
    }

    fn on_config_differences(
        &mut self,
        kind: ResourceKind,
        older: &MetadataImage,
        newer: &MetadataImage,
    ) {
        let (older, newer) = (older.configs.get(&kind), newer.configs.get(&kind));
        let empty = imbl::OrdMap::new();
        for item in older.unwrap_or(&empty).diff(newer.unwrap_or(&empty)) {
            let (name, old, new) = match item {
                DiffItem::Add(name, new) => (name, None, Some(new)),
                DiffItem::Remove(name, old) => (name, Some(old), None),
                DiffItem::Update { old, new } => (new.0, Some(old.1), Some(new.1)),
            };
            let value = |configs: Option<&crate::Configs>, key: &str| {
                configs.and_then(|set| set.get(key).map(str::to_owned))
            };
            let keys = old.into_iter().chain(new).flat_map(crate::Configs::iter);
            for (key, _) in keys {
                if value(old, key) != value(new, key) {
                    let resource = ConfigResource::new(kind, Arc::clone(name));
                    self.on_config(resource, Arc::clone(key));
                }
            }
        }
    }
}

const RESOURCE_KINDS: [ResourceKind; 4] = [
    ResourceKind::Topic,
    ResourceKind::Broker,
    ResourceKind::ClientMetrics,
    ResourceKind::Group,
];

const fn difference<'a, K, V>(item: &DiffItem<'a, 'a, K, V>) -> (&'a K, Change) {
    match item {
        DiffItem::Add(key, _) => (key, Change::Created),
        DiffItem::Remove(key, _) => (key, Change::Removed),
        DiffItem::Update { new, .. } => (new.0, Change::Changed),
    }
}
