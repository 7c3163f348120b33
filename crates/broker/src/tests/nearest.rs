//! Consumers that read from the replica in their rack, and brokers that are read as followers (KIP-392).

use std::time::Duration;

use replication::SessionId;
use tokio::time::timeout;
use types::LeaderEpoch;

use super::*;
use crate::partition::{Carried, Partition};

const BY_RACK: (&str, &str) = (
    "replica.selector.class",
    "org.apache.kafka.common.replica.RackAwareReplicaSelector",
);

fn register_in(id: i32, rack: &str, fenced: bool) -> MetadataRecord {
    let listener = v1::Listener {
        name: "PLAINTEXT".to_owned(),
        host: format!("host{id}"),
        port: 9092,
        security_protocol: 0,
    };
    v1::RegisterBroker {
        broker_id: id,
        incarnation: vec![u8::try_from(id).expect("small") + 10; 16].into(),
        listeners: vec![listener],
        rack: Some(rack.to_owned()),
        fenced,
        ..v1::RegisterBroker::default()
    }
    .into()
}

/// Node 1 leads and stands in rack a; nodes 2 and 3 stand in rack b. Two records are on all of them.
async fn led_here(properties: &[(&str, &str)], isr: &[i32]) -> TestBroker {
    let broker = TestBroker::start_with(properties).await;
    let racks = [(1, "a"), (2, "b"), (3, "b")];
    let registrations = racks.map(|(id, rack)| register_in(id, rack, false));
    broker.apply(registrations.to_vec()).await;
    broker.create_replicated("t", isr).await;
    let client = broker.client().await;
    let appended = client.produce_at(13, "t", 1, batch(&["x", "y"])).await;
    assert_code(appended.error_code, ErrorCode::None);
    broker
}

fn partition_of(broker: &TestBroker) -> Arc<Partition> {
    broker.core.partitions.get_by_name("t", 0).expect("there")
}

fn ack(broker: &TestBroker, follower: i32, end: i64) {
    partition_of(broker)
        .on_follower_ack(NodeId(follower), LeaderEpoch(0), end)
        .expect("counts");
}

/// Whom a consumer in that rack is sent to, and whether it gets records as well.
async fn sent_to(broker: &TestBroker, version: i16, rack: &str, offset: i64) -> (i32, bool) {
    let client = broker.client().await;
    let mut request = client.fetch_request("t", 0, offset);
    request.rack_id = rack.into();
    let response = client.call(&request, version).await;
    let answer = response.responses[0].partitions[0].clone();
    assert_code(answer.error_code, ErrorCode::None);
    let has_records = answer.records.is_some_and(|records| !records.is_empty());
    (answer.preferred_read_replica, has_records)
}

#[tokio::test]
async fn a_consumer_is_sent_to_the_in_sync_replica_in_its_rack_that_has_most() {
    let broker = led_here(&[BY_RACK], &[1, 2, 3]).await;
    ack(&broker, 2, 2);
    assert_eq!(sent_to(&broker, 17, "b", 0).await, (2, false));
    ack(&broker, 3, 2);
    assert_eq!(sent_to(&broker, 11, "b", 2).await, (3, false));
    // Where the leader stands, where nobody stands, and who does not say.
    assert_eq!(sent_to(&broker, 17, "a", 0).await, (-1, true));
    assert_eq!(sent_to(&broker, 17, "elsewhere", 0).await, (-1, true));
    assert_eq!(sent_to(&broker, 17, "", 0).await, (-1, true));
}

#[tokio::test]
async fn nobody_is_sent_to_a_replica_that_lacks_the_offset_or_is_out_of_service() {
    let broker = led_here(&[BY_RACK], &[1, 2]).await;
    // Out of sync, and so much it has.
    ack(&broker, 3, 2);
    assert_eq!(sent_to(&broker, 17, "b", 0).await, (-1, false));
    ack(&broker, 2, 2);
    assert_eq!(sent_to(&broker, 17, "b", 2).await, (2, false));
    let client = broker.client().await;
    let more = client.produce_at(13, "t", 1, batch(&["z"])).await;
    assert_code(more.error_code, ErrorCode::None);
    assert_eq!(sent_to(&broker, 17, "b", 3).await, (-1, false));
    broker.apply(vec![register_in(2, "b", true)]).await;
    assert_eq!(sent_to(&broker, 17, "b", 0).await, (-1, true));
}

#[tokio::test]
async fn without_the_selector_everybody_reads_from_the_leader() {
    let broker = led_here(&[], &[1, 2, 3]).await;
    ack(&broker, 2, 2);
    ack(&broker, 3, 2);
    assert_eq!(sent_to(&broker, 17, "b", 0).await, (-1, true));
}

const SESSION: SessionId = SessionId(71);

const fn carried(high_watermark: i64) -> Carried {
    Carried {
        high_watermark,
        log_start_offset: 0,
    }
}

/// Node 2 leads; this broker has followed it to offset 3, and knows 2 to be committed.
async fn followed_here() -> TestBroker {
    let broker = TestBroker::start().await;
    let id = topic_id("t");
    let records = vec![topic("t", id), partition(id, 0, &[2, 1, 3], &[2, 1, 3], 2)];
    broker.apply(records).await;
    let partition = partition_of(&broker);
    partition
        .open_as_follower(SESSION, NodeId(2), LeaderEpoch(0))
        .expect("open");
    partition
        .follow(SESSION, 0, carried(0))
        .expect("reconciled");
    push(&broker, 0, &["x", "y"], 2);
    push(&broker, 2, &["z"], 2);
    broker
}

/// The leader pushes a batch.
fn push(broker: &TestBroker, base_offset: i64, values: &[&str], high_watermark: i64) {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.set_base_offset(base_offset);
    builder.set_leader_epoch(LeaderEpoch(0));
    let batch = built(builder, values);
    partition_of(broker)
        .append_as_follower(SESSION, base_offset, &[batch], carried(high_watermark))
        .expect("continues");
}

async fn fetch_at(client: &Client, version: i16, offset: i64) -> PartitionData {
    let request = client.fetch_request("t", 0, offset);
    let response = client.call(&request, version).await;
    response.responses[0].partitions[0].clone()
}

#[tokio::test]
async fn a_follower_serves_consumers_up_to_its_own_high_watermark() {
    let broker = followed_here().await;
    let client = broker.client().await;
    assert_eq!(client.read_all("t").await.len(), 2);
    for offset in [2, 3] {
        let answer = fetch_at(&client, 17, offset).await;
        assert_code(answer.error_code, ErrorCode::None);
        assert_eq!(answer.records.map_or(0, |records| records.len()), 0);
        assert_eq!(answer.high_watermark, 2);
    }
    // Whether there is such an offset only the leader knows.
    let answer = fetch_at(&client, 17, 4).await;
    assert_code(answer.error_code, ErrorCode::OffsetNotAvailable);
    let answer = fetch_at(&client, 17, -1).await;
    assert_code(answer.error_code, ErrorCode::OffsetOutOfRange);
    // Before KIP-392 consumers read from leaders.
    let answer = fetch_at(&client, 10, 0).await;
    assert_code(answer.error_code, ErrorCode::NotLeaderOrFollower);
}

#[tokio::test]
async fn a_consumer_waits_at_a_follower_until_its_high_watermark_moves() {
    let broker = followed_here().await;
    let client = broker.client().await;
    let mut request = client.fetch_request("t", 0, 2);
    request.max_wait_ms = 30_000;
    let mut sent = client.connection.send(&request, 17).expect("sent");
    assert!(timeout(Duration::from_millis(30), &mut sent).await.is_err());
    partition_of(&broker)
        .on_leader_offsets(SESSION, carried(3))
        .expect("open");
    let answer = timeout(Duration::from_secs(10), sent).await.expect("woken");
    let answer = answer.expect("answered").responses[0].partitions[0].clone();
    assert_eq!(answer.high_watermark, 3);
    assert!(answer.records.is_some_and(|records| !records.is_empty()));
}

#[tokio::test]
async fn whoever_waits_at_a_follower_is_told_of_another_leader() {
    let broker = followed_here().await;
    let client = broker.client().await;
    let mut request = client.fetch_request("t", 0, 2);
    request.max_wait_ms = 30_000;
    request.topics[0].partitions[0].current_leader_epoch = 0;
    let sent = client.connection.send(&request, 17).expect("sent");
    tokio::time::sleep(Duration::from_millis(20)).await;
    broker
        .apply(vec![replicas::elect(topic_id("t"), 3, 1)])
        .await;
    let answer = timeout(Duration::from_secs(10), sent).await.expect("woken");
    let answer = answer.expect("answered");
    let partition = &answer.responses[0].partitions[0];
    assert_code(partition.error_code, ErrorCode::FencedLeaderEpoch);
    let leader = &partition.current_leader;
    assert_eq!((leader.leader_id, leader.leader_epoch), (3, 1));
    let named: Vec<_> = answer
        .node_endpoints
        .iter()
        .map(|node| &*node.host)
        .collect();
    assert_eq!(named, ["host3"]);
}

#[tokio::test]
async fn a_kafka_broker_that_wants_to_replicate_is_refused() {
    let broker = led_here(&[], &[1, 2, 3]).await;
    let client = broker.client().await;
    for version in [4, 12, 17] {
        let mut request = client.fetch_request("t", 0, 0);
        if version < 15 {
            request.replica_id = 2;
        } else {
            request.replica_state.replica_id = 2;
        }
        let response = client.call(&request, version).await;
        let code = response.responses[0].partitions[0].error_code;
        assert_code(code, ErrorCode::TopicAuthorizationFailed);
    }
}
