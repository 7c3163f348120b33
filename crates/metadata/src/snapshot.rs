//! An image as the shortest list of records that replays into it.

use bytes::Bytes;
use types::{DirectoryId, NodeId, TopicId, Uuid};

use crate::{
    BrokerRegistration, MetadataImage, MetadataRecord, PartitionRegistration, ResourceKind,
    TopicImage, v1,
};

/// What is configured independently of any topic.
const BEFORE_TOPICS: [ResourceKind; 3] = [
    ResourceKind::Broker,
    ResourceKind::ClientMetrics,
    ResourceKind::Group,
];

/// The records that rebuild the image from an empty one, replayed at the image's own offset. Their
/// order is fixed, so equal images give equal lists.
#[must_use]
pub fn snapshot(image: &MetadataImage) -> Vec<MetadataRecord> {
    let mut records = Vec::with_capacity(image.topic_count() + image.partition_count() + 64);
    push_cluster(image, &mut records);
    for broker in image.brokers() {
        records.push(register_broker(broker).into());
    }
    // A broker that begins to drain hands over what it leads, and a config of all brokers may change
    // every partition. In the image that has happened: the topics come later and as they stand.
    for kind in BEFORE_TOPICS {
        push_configs(image, kind, &mut records);
    }
    for topic in image.topics() {
        push_topic(topic, &mut records);
    }
    push_configs(image, ResourceKind::Topic, &mut records);
    records
}

fn push_cluster(image: &MetadataImage, records: &mut Vec<MetadataRecord>) {
    if let Some(id) = image.cluster_id() {
        records.push(v1::ClusterId { id: id.to_owned() }.into());
    }
    if let Some(controller) = image.controller() {
        let change = v1::ControllerChange {
            node_id: controller.node_id.0,
            epoch: controller.epoch,
        };
        records.push(change.into());
    }
    for (name, level) in image.features() {
        let feature = v1::FeatureLevel {
            name: name.to_owned(),
            level: i32::from(level),
        };
        records.push(feature.into());
    }
    if image.next_producer_id() > 0 {
        let block = v1::ProducerIdBlock {
            broker_id: NodeId::NONE.0,
            broker_epoch: -1,
            next_producer_id: image.next_producer_id(),
        };
        records.push(block.into());
    }
}

fn register_broker(broker: &BrokerRegistration) -> v1::RegisterBroker {
    let listeners = broker.listeners.iter().map(|listener| v1::Listener {
        name: listener.name.to_string(),
        host: listener.host.to_string(),
        port: u32::from(listener.port),
        security_protocol: listener.security_protocol.to_wire(),
    });
    let features = broker
        .features
        .iter()
        .map(|(name, levels)| v1::SupportedFeature {
            name: name.to_string(),
            min_level: i32::from(levels.min),
            max_level: i32::from(levels.max),
        });
    v1::RegisterBroker {
        broker_id: broker.id.0,
        incarnation: id_bytes(broker.incarnation),
        epoch: Some(broker.epoch.0),
        listeners: listeners.collect(),
        rack: broker.rack.as_deref().map(str::to_owned),
        features: features.collect(),
        log_dirs: directories(&broker.log_dirs),
        fenced: broker.fenced,
        in_controlled_shutdown: broker.in_controlled_shutdown,
        restart: v1::Restart::Clean.into(),
    }
}

fn push_topic(topic: &TopicImage, records: &mut Vec<MetadataRecord>) {
    let header = v1::Topic {
        name: topic.name().to_string(),
        topic_id: id_bytes(topic.id().0),
    };
    records.push(header.into());
    for (index, partition) in topic.partitions() {
        records.push(partition_record(topic.id(), index, partition).into());
    }
}

/// The record that creates a partition as it stands.
pub(crate) fn partition_record(
    topic_id: TopicId,
    index: i32,
    partition: &PartitionRegistration,
) -> v1::Partition {
    v1::Partition {
        topic_id: id_bytes(topic_id.0),
        index,
        replicas: node_ids(&partition.replicas),
        isr: node_ids(&partition.isr),
        leader: partition.leader.map(|leader| leader.0),
        leader_epoch: partition.leader_epoch.0,
        partition_epoch: partition.partition_epoch.0,
        directories: directories(&partition.directories),
        adding_replicas: node_ids(&partition.adding_replicas),
        removing_replicas: node_ids(&partition.removing_replicas),
        elr: node_ids(&partition.elr),
        last_known_elr: node_ids(&partition.last_known_elr),
    }
}

fn push_configs(image: &MetadataImage, kind: ResourceKind, records: &mut Vec<MetadataRecord>) {
    for (name, configs) in image.config_resources(kind) {
        for (key, value) in configs.iter() {
            let config = v1::Config {
                resource_type: kind.to_record().into(),
                resource_name: name.to_owned(),
                key: key.to_string(),
                value: Some(value.to_string()),
            };
            records.push(config.into());
        }
    }
}

fn node_ids(nodes: &[NodeId]) -> Vec<i32> {
    nodes.iter().map(|node| node.0).collect()
}

fn directories(ids: &[DirectoryId]) -> Vec<Bytes> {
    ids.iter().map(|id| id_bytes(id.0)).collect()
}

/// An id as it stands in a record.
pub(crate) fn id_bytes(id: Uuid) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}
