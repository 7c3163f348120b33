//! The immutable image of the cluster at one metadata offset.

use std::sync::Arc;

use imbl::OrdMap;
use types::{NodeId, PartitionIndex, TopicId};

use crate::{
    BrokerRegistration, ConfigResource, Configs, PartitionRegistration, ResourceKind, TopicImage,
};

/// The key of a broker that is being emptied: it leads only what nobody else can lead.
pub const BROKER_DRAIN: &str = "raudal.broker.drain";

/// Index of an entry in the metadata log. Grows with every entry; -1 before the first.
pub type MetadataOffset = i64;

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveController {
    /// The controller's node id.
    pub node_id: NodeId,
    /// Grows with every change of the active controller.
    pub epoch: i32,
}

/// Everything the cluster has decided up to [`MetadataImage::offset`].
///
/// Immutable and shared freely between threads. A clone costs a few reference counts, whatever the
/// number of partitions, because the maps inside share their nodes. All iteration is in a fixed
/// order, so that two nodes that do the same with equal images do it in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataImage {
    pub(crate) offset: MetadataOffset,
    pub(crate) cluster_id: Option<Arc<str>>,
    pub(crate) controller: Option<ActiveController>,
    pub(crate) brokers: OrdMap<NodeId, Arc<BrokerRegistration>>,
    pub(crate) topics: OrdMap<TopicId, TopicImage>,
    pub(crate) topic_ids: OrdMap<Arc<str>, TopicId>,
    /// Only names that contain a dot or an underscore, keyed by the name with underscores alone.
    pub(crate) topic_collisions: OrdMap<Arc<str>, Arc<str>>,
    pub(crate) partition_count: usize,
    pub(crate) configs: OrdMap<ResourceKind, OrdMap<Arc<str>, Configs>>,
    pub(crate) features: OrdMap<Arc<str>, i16>,
    pub(crate) next_producer_id: i64,
}

impl Default for MetadataImage {
    fn default() -> Self {
        Self {
            offset: -1,
            cluster_id: None,
            controller: None,
            brokers: OrdMap::new(),
            topics: OrdMap::new(),
            topic_ids: OrdMap::new(),
            topic_collisions: OrdMap::new(),
            partition_count: 0,
            configs: OrdMap::new(),
            features: OrdMap::new(),
            next_producer_id: 0,
        }
    }
}

impl MetadataImage {
    /// The image before the first entry.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The offset of the last entry that was replayed, -1 for none.
    #[must_use]
    pub const fn offset(&self) -> MetadataOffset {
        self.offset
    }

    /// The cluster's name, once chosen.
    #[must_use]
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// The active controller, as far as this image knows.
    #[must_use]
    pub const fn controller(&self) -> Option<ActiveController> {
        self.controller
    }

    /// The lowest producer id that was never given out.
    #[must_use]
    pub const fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }
}

/// Topics and partitions.
impl MetadataImage {
    /// All topics in the order of their names.
    pub fn topics(&self) -> impl Iterator<Item = &TopicImage> {
        self.topic_ids
            .values()
            .filter_map(|topic_id| self.topics.get(topic_id))
    }

    /// The topic of that name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&TopicImage> {
        self.topics.get(self.topic_ids.get(name)?)
    }

    /// The topic of that id.
    #[must_use]
    pub fn topic_by_id(&self, id: TopicId) -> Option<&TopicImage> {
        self.topics.get(&id)
    }

    /// A topic whose name differs from this one only in dots and underscores, or is the same.
    #[must_use]
    pub fn topic_colliding_with(&self, name: &str) -> Option<&TopicImage> {
        let colliding = self.topic_collisions.get(&*collision_key(name)?)?;
        self.topic(colliding)
    }

    /// One partition of the topic of that id.
    #[must_use]
    pub fn partition(
        &self,
        topic_id: TopicId,
        index: PartitionIndex,
    ) -> Option<&Arc<PartitionRegistration>> {
        self.topics.get(&topic_id)?.partition(index)
    }

    /// How many topics there are.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// How many partitions all topics have together.
    #[must_use]
    pub const fn partition_count(&self) -> usize {
        self.partition_count
    }
}

/// Brokers.
impl MetadataImage {
    /// All registered brokers in the order of their ids, fenced ones included.
    pub fn brokers(&self) -> impl Iterator<Item = &Arc<BrokerRegistration>> {
        self.brokers.values()
    }

    /// One registered broker, fenced or not.
    #[must_use]
    pub fn broker(&self, id: NodeId) -> Option<&Arc<BrokerRegistration>> {
        self.brokers.get(&id)
    }

    /// Whether that broker is registered and may lead.
    #[must_use]
    pub fn is_live(&self, id: NodeId) -> bool {
        self.brokers.get(&id).is_some_and(|broker| broker.is_live())
    }

    /// Whether that replica of a partition is in service: its broker is live, and the log directory
    /// it is in, if that is known, is online.
    #[must_use]
    pub fn is_replica_live(&self, partition: &PartitionRegistration, node: NodeId) -> bool {
        let directory = partition.directory_of(node);
        self.brokers
            .get(&node)
            .is_some_and(|broker| broker.is_live() && broker.has_online(directory))
    }

    /// Whether somebody has asked to empty that broker: it should lead nothing that another one can
    /// lead, and get no new replicas.
    #[must_use]
    pub fn is_draining(&self, id: NodeId) -> bool {
        // Nearly always nothing is set on any broker, and this is asked per partition.
        let Some(brokers) = self.configs.get(&ResourceKind::Broker) else {
            return false;
        };
        let configs = brokers.get(&*id.to_string());
        configs
            .and_then(|set| set.get(BROKER_DRAIN))
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }
}

/// Configs and features.
impl MetadataImage {
    /// What was set on a resource; `None` if nothing.
    #[must_use]
    pub fn configs(&self, resource: &ConfigResource) -> Option<&Configs> {
        self.configs_of(resource.kind, &resource.name)
    }

    /// What was set on a resource; `None` if nothing.
    #[must_use]
    pub fn configs_of(&self, kind: ResourceKind, name: &str) -> Option<&Configs> {
        self.configs.get(&kind)?.get(name)
    }

    /// One key of a resource, `None` unless it was set on that very resource.
    #[must_use]
    pub fn config(&self, kind: ResourceKind, name: &str, key: &str) -> Option<&str> {
        self.configs_of(kind, name)?.get(key)
    }

    /// All resources of a kind on which something is set, in the order of their names.
    pub fn config_resources(&self, kind: ResourceKind) -> impl Iterator<Item = (&str, &Configs)> {
        self.configs
            .get(&kind)
            .into_iter()
            .flat_map(|resources| resources.iter().map(|(name, set)| (&**name, set)))
    }

    /// All finalized features with their levels, in the order of their names.
    pub fn features(&self) -> impl Iterator<Item = (&str, i16)> {
        self.features.iter().map(|(name, level)| (&**name, *level))
    }

    /// The finalized level of a feature, 0 if it is not finalized.
    #[must_use]
    pub fn feature_level(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// How many in-sync replicas an acks=all append needs in a partition of this topic that has so
    /// many replicas: the topic's own `min.insync.replicas`, else the cluster's, else half the
    /// replicas rounded up; never less than one and never more than there are replicas.
    #[must_use]
    pub fn min_insync_replicas(&self, topic: &str, replica_count: usize) -> usize {
        let key = MIN_INSYNC_REPLICAS;
        self.config(ResourceKind::Topic, topic, key)
            .or_else(|| self.config(ResourceKind::Broker, "", key))
            // A value that is no number cannot pass validation; the default is the safe reading.
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| replica_count.div_ceil(2))
            .clamp(1, replica_count.max(1))
    }
}

/// The key that decides how many replicas must hold a record before it is acked.
pub(crate) const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// The name with every dot as an underscore; `None` if it has neither and so collides with nothing.
pub(crate) fn collision_key(name: &str) -> Option<Arc<str>> {
    name.contains(['.', '_'])
        .then(|| name.replace('.', "_").into())
}
