//! One request, decoded and answered, from socket to socket: what a client waits for on an idle broker,
//! and how often the broker allocates for it.

use divan::counter::BytesCount;
use divan::{Bencher, bench};
use protocol::RecordSet;
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use protocol::messages::find_coordinator::FindCoordinatorRequest;
use protocol::messages::metadata::{MetadataRequest, MetadataRequestTopic};
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use protocol::messages::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use crate::input::Shape;
use crate::node::{Node, frame};

const PARTITIONS: i32 = 12;

/// A node with a topic that takes records.
fn node() -> Node {
    let mut node = Node::start();
    let create = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: "t".into(),
            num_partitions: PARTITIONS,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    let created = node.call(&create, 5);
    assert_eq!(
        created.topics.first().map(|topic| topic.error_code),
        Some(0)
    );
    node.until(&produce(1024), 11, |answer| {
        let mut partitions = answer.responses.iter().flat_map(|t| &t.partition_responses);
        partitions.all(|partition| partition.error_code == 0)
    });
    node
}

fn produce(batch_bytes: usize) -> ProduceRequest {
    let data = PartitionProduceData {
        index: 0,
        records: Some(RecordSet::from(Shape::plain(batch_bytes).batch())),
    };
    ProduceRequest {
        acks: -1,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: "t".into(),
            partition_data: vec![data],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// The request must have been answered well once before it is measured: the answers are not looked at.
fn answered(bencher: Bencher<'_, '_>, mut node: Node, frame: &[u8]) {
    let mut answer = Vec::with_capacity(4096);
    bencher.bench_local(|| node.exchange(frame, &mut answer));
}

/// acks=all with one replica: appended, committed and answered at once.
#[bench(name = "produce", args = [1 << 10, 16 << 10, 256 << 10])]
fn produce_batch(bencher: Bencher<'_, '_>, batch_bytes: usize) {
    let request = frame(&produce(batch_bytes), 11);
    let bencher = bencher.counter(BytesCount::new(batch_bytes));
    let mut node = node();
    let mut answer = Vec::with_capacity(4096);
    bencher.bench_local(|| node.exchange(&request, &mut answer));
}

/// From a topic's page cache.
#[bench(args = [16 << 10, 256 << 10])]
fn fetch(bencher: Bencher<'_, '_>, bytes: i32) {
    let mut node = node();
    for _ in 0..64 {
        node.call(&produce(16 << 10), 11);
    }
    let request = FetchRequest {
        replica_id: -1,
        max_wait_ms: 100,
        min_bytes: 1,
        max_bytes: bytes,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: "t".into(),
            partitions: vec![FetchPartition {
                partition_max_bytes: bytes,
                current_leader_epoch: -1,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    let bencher = bencher.counter(BytesCount::new(bytes.unsigned_abs()));
    let request = frame(&request, 12);
    let mut answer = Vec::with_capacity(2 << 20);
    bencher.bench_local(|| node.exchange(&request, &mut answer));
}

/// A topic of twelve partitions.
#[bench]
fn metadata(bencher: Bencher<'_, '_>) {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("t".into()),
            ..MetadataRequestTopic::default()
        }]),
        ..MetadataRequest::default()
    };
    answered(bencher, node(), &frame(&request, 12));
}

/// One partition, of a group that has no members.
#[bench]
fn offset_commit(bencher: Bencher<'_, '_>) {
    let mut node = node();
    let find = FindCoordinatorRequest {
        key: "g".into(),
        ..FindCoordinatorRequest::default()
    };
    node.until(&find, 3, |answer| answer.error_code == 0);
    let partition = OffsetCommitRequestPartition {
        committed_offset: 4711,
        ..OffsetCommitRequestPartition::default()
    };
    let request = OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic {
            name: "t".into(),
            partitions: vec![partition],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    };
    node.until(&request, 8, |answer| {
        let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        partitions.all(|partition| partition.error_code == 0)
    });
    answered(bencher, node, &frame(&request, 8));
}
