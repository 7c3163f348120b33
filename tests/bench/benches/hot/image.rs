//! The metadata image of a cluster with 10,000 partitions on three replicas each.

use divan::counter::ItemsCount;
use divan::{Bencher, bench};
use metadata::{MetadataImage, MetadataRecord, replay, v1};
use types::{NodeId, Uuid};

const PARTITIONS: i32 = 10_000;
const TOPIC: Uuid = Uuid::from_bytes([5; 16]);

fn cluster() -> MetadataImage {
    let brokers = (1..=3).map(|broker_id| {
        let incarnation = vec![u8::try_from(broker_id).expect("small"); 16];
        let register = v1::RegisterBroker {
            broker_id,
            incarnation: incarnation.into(),
            ..v1::RegisterBroker::default()
        };
        MetadataRecord::from(register)
    });
    applied(&MetadataImage::empty(), &brokers.collect::<Vec<_>>())
}

fn topic() -> Vec<MetadataRecord> {
    let topic_id = || TOPIC.as_bytes().to_vec().into();
    let topic = v1::Topic {
        name: "wide".to_owned(),
        topic_id: topic_id(),
    };
    let partitions = (0..PARTITIONS).map(|index| {
        let replicas: Vec<_> = (0..3).map(|n| (index + n) % 3 + 1).collect();
        let leader = replicas.first().copied();
        let partition = v1::Partition {
            topic_id: topic_id(),
            index,
            isr: replicas.clone(),
            replicas,
            leader,
            ..v1::Partition::default()
        };
        partition.into()
    });
    std::iter::once(topic.into()).chain(partitions).collect()
}

fn applied(image: &MetadataImage, records: &[MetadataRecord]) -> MetadataImage {
    let applied = replay(image, image.offset() + 1, records);
    applied.expect("records that fit").0
}

/// The topic is made: one entry with 10,001 records.
#[bench]
fn create_topic(bencher: Bencher<'_, '_>) {
    let (image, records) = (cluster(), topic());
    bencher
        .counter(ItemsCount::new(records.len()))
        .bench_local(|| applied(&image, &records));
}

/// One partition's ISR changes.
#[bench]
fn change_partition(bencher: Bencher<'_, '_>) {
    let image = applied(&cluster(), &topic());
    let topic_id: &[u8] = TOPIC.as_bytes();
    let change = v1::PartitionChange {
        topic_id: topic_id.to_vec().into(),
        index: 4711,
        partition_epoch: 1,
        ..v1::PartitionChange::default()
    };
    let records = [change.into()];
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| applied(&image, &records));
}

/// A broker is fenced by one record; leaders and ISRs of all its partitions follow from it.
#[bench]
fn fence_broker(bencher: Bencher<'_, '_>) {
    let image = applied(&cluster(), &topic());
    let broker = image.broker(NodeId(1)).expect("registered");
    let fence = v1::BrokerChange {
        broker_id: 1,
        broker_epoch: broker.epoch.0,
        fenced: Some(true),
        ..v1::BrokerChange::default()
    };
    let records = [fence.into()];
    bencher
        .counter(ItemsCount::new(PARTITIONS.unsigned_abs()))
        .bench_local(|| applied(&image, &records));
}
