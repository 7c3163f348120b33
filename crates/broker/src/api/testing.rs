//! A small cluster for tests of the APIs that answer from the image.
//!
//! ```text
//! broker 1   PLAINTEXT a:9092              rack z1   in service
//! broker 2   PLAINTEXT b:9092 EXTERNAL …             in service
//! broker 3   PLAINTEXT c:9092                        fenced
//! topic "t"  0: leader 1, replicas 1 2 3, isr 1 2    1: no leader, replicas 3
//! topic "u"  0: leader 2, replicas 2
//! ```

use metadata::{MetadataImage, MetadataRecord, replay, v1};
use protocol::{Message, frame};
use types::Uuid;

/// The cluster's id.
pub(crate) const CLUSTER_ID: &str = "J7s9e8PPTKOO47PxzI39VA";

/// The id of topic "t".
pub(crate) const T: Uuid = Uuid::from_bytes([7; 16]);
/// The id of topic "u".
pub(crate) const U: Uuid = Uuid::from_bytes([8; 16]);

/// Fails unless the version can say it.
pub(crate) fn encode<M: Message>(response: &M, version: i16) {
    let encoded = frame::encode_body(response, version);
    assert!(encoded.is_ok(), "version {version}: {encoded:?}");
}

/// The cluster.
pub(crate) fn image() -> MetadataImage {
    image_with(Vec::new())
}

/// The cluster with more records.
pub(crate) fn image_with(more: Vec<MetadataRecord>) -> MetadataImage {
    let mut records: Vec<MetadataRecord> = vec![
        v1::ClusterId {
            id: CLUSTER_ID.to_owned(),
        }
        .into(),
        broker(1, &[("PLAINTEXT", "a")], Some("z1"), false),
        broker(
            2,
            &[("PLAINTEXT", "b"), ("EXTERNAL", "b.example")],
            None,
            false,
        ),
        broker(3, &[("PLAINTEXT", "c")], None, true),
        topic("t", T),
        partition(T, 0, &[1, 2, 3], &[1, 2], Some(1)),
        partition(T, 1, &[3], &[3], None),
        topic("u", U),
        partition(U, 0, &[2], &[2], Some(2)),
    ];
    records.extend(more);
    let (image, _) = replay(&MetadataImage::empty(), 1, &records).expect("the records replay");
    image
}

/// A dynamic config.
pub(crate) fn config(kind: v1::ResourceType, name: &str, key: &str, value: &str) -> MetadataRecord {
    v1::Config {
        resource_type: kind.into(),
        resource_name: name.to_owned(),
        key: key.to_owned(),
        value: Some(value.to_owned()),
    }
    .into()
}

fn broker(id: i32, listeners: &[(&str, &str)], rack: Option<&str>, fenced: bool) -> MetadataRecord {
    let listener = |(name, host): &(&str, &str)| v1::Listener {
        name: (*name).to_owned(),
        host: (*host).to_owned(),
        port: 9092,
        security_protocol: 0,
    };
    v1::RegisterBroker {
        broker_id: id,
        incarnation: vec![u8::try_from(id).unwrap_or_default(); 16].into(),
        listeners: listeners.iter().map(listener).collect(),
        rack: rack.map(str::to_owned),
        fenced,
        ..v1::RegisterBroker::default()
    }
    .into()
}

fn topic(name: &str, id: Uuid) -> MetadataRecord {
    v1::Topic {
        name: name.to_owned(),
        topic_id: id.as_bytes().to_vec().into(),
    }
    .into()
}

fn partition(
    topic: Uuid,
    index: i32,
    replicas: &[i32],
    isr: &[i32],
    leader: Option<i32>,
) -> MetadataRecord {
    v1::Partition {
        topic_id: topic.as_bytes().to_vec().into(),
        index,
        replicas: replicas.to_vec(),
        isr: isr.to_vec(),
        leader,
        leader_epoch: 4,
        ..v1::Partition::default()
    }
    .into()
}
