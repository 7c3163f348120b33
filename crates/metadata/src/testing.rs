//! Short ways to write records in tests.

use types::{NodeId, TopicId, Uuid};

use crate::snapshot::id_bytes;
use crate::{MetadataImage, MetadataRecord, PartitionRegistration, replay, v1};

/// An id made of one number.
pub(crate) fn uuid(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

/// A topic id made of one number.
pub(crate) fn topic_id(n: u8) -> TopicId {
    TopicId(uuid(n))
}

/// Nodes by number.
pub(crate) fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

/// A fenced registration of the `incarnation`th process of a broker.
pub(crate) fn register(broker_id: i32, incarnation: u8) -> v1::RegisterBroker {
    v1::RegisterBroker {
        broker_id,
        incarnation: id_bytes(uuid(incarnation)),
        fenced: true,
        listeners: vec![v1::Listener {
            name: "PLAINTEXT".to_owned(),
            host: format!("host{broker_id}"),
            port: 9092,
            security_protocol: 0,
        }],
        ..v1::RegisterBroker::default()
    }
}

/// A change of a broker's liveness.
pub(crate) fn fenced(broker_id: i32, broker_epoch: i64, fenced: bool) -> MetadataRecord {
    v1::BrokerChange {
        broker_id,
        broker_epoch,
        fenced: Some(fenced),
        ..v1::BrokerChange::default()
    }
    .into()
}

/// A topic of that number, called `name`.
pub(crate) fn topic(n: u8, name: &str) -> MetadataRecord {
    v1::Topic {
        name: name.to_owned(),
        topic_id: id_bytes(uuid(n)),
    }
    .into()
}

/// A partition whose replicas are all in sync, led by the first.
pub(crate) fn partition(n: u8, index: i32, replicas: &[i32]) -> v1::Partition {
    v1::Partition {
        topic_id: id_bytes(uuid(n)),
        index,
        replicas: replicas.to_vec(),
        isr: replicas.to_vec(),
        leader: replicas.first().copied(),
        ..v1::Partition::default()
    }
}

/// A broker begins to be emptied, or is wanted back.
pub(crate) fn drain(broker_id: i32, on: bool) -> MetadataRecord {
    v1::Config {
        resource_type: v1::ResourceType::Broker.into(),
        resource_name: broker_id.to_string(),
        key: crate::BROKER_DRAIN.to_owned(),
        value: on.then(|| "true".to_owned()),
    }
    .into()
}

/// A config of a topic, or of all brokers if the name is empty.
pub(crate) fn config(name: &str, key: &str, value: Option<&str>) -> MetadataRecord {
    let kind = match name {
        "" => v1::ResourceType::Broker,
        _ => v1::ResourceType::Topic,
    };
    v1::Config {
        resource_type: kind.into(),
        resource_name: name.to_owned(),
        key: key.to_owned(),
        value: value.map(str::to_owned),
    }
    .into()
}

/// A finalized feature.
pub(crate) fn feature(name: &str, level: i32) -> MetadataRecord {
    let name = name.to_owned();
    v1::FeatureLevel { name, level }.into()
}

/// The image after one more entry, which must fit.
pub(crate) fn then(image: &MetadataImage, records: &[MetadataRecord]) -> MetadataImage {
    let (next, _delta) = replay(image, image.offset() + 1, records).expect("records that fit");
    next
}

/// A cluster with eligible leader replicas and live brokers 1 to `count`, of epochs 1 to `count`.
pub(crate) fn cluster(count: u8) -> MetadataImage {
    let first = [feature(crate::feature::ELIGIBLE_LEADER_REPLICAS, 1)];
    let mut image = then(&MetadataImage::empty(), &first);
    for id in 1..=count {
        image = then(&image, &[register(i32::from(id), id).into()]);
    }
    let unfence = (1..=count).map(|id| fenced(i32::from(id), i64::from(id), false));
    then(&image, &unfence.collect::<Vec<_>>())
}

/// Partition 0 of the topic of that number.
pub(crate) fn first_partition(image: &MetadataImage, n: u8) -> PartitionRegistration {
    let found = image.partition(topic_id(n), 0).expect("the partition");
    (**found).clone()
}
