//! Partitions with other replicas, whose acknowledgements the test plays.

use std::time::Duration;

use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use tokio::time::timeout;
use types::LeaderEpoch;

use super::*;

/// A leader is elected, whoever led before. The leader epoch grows by one.
pub(super) fn elect(id: TopicId, leader: i32, partition_epoch: i32) -> MetadataRecord {
    v1::PartitionChange {
        topic_id: id.0.as_bytes().to_vec().into(),
        index: 0,
        partition_epoch,
        leader: Some(leader),
        ..v1::PartitionChange::default()
    }
    .into()
}

fn ack(broker: &TestBroker, follower: i32, epoch: i32, end: i64) {
    let partition = broker.core.partitions.get_by_name("t", 0).expect("there");
    partition
        .on_follower_ack(NodeId(follower), LeaderEpoch(epoch), end)
        .expect("counts");
}

#[tokio::test]
async fn acks_all_waits_for_every_in_sync_replica() {
    let broker = TestBroker::start().await;
    broker.create_replicated("t", &[1, 2, 3]).await;
    let client = broker.client().await;
    let request = client.produce_request("t", 0, -1, Some(batch(&["a", "b"])));
    let mut sent = client.connection.send(&request, 13).expect("sent");
    assert!(timeout(Duration::from_millis(30), &mut sent).await.is_err());
    ack(&broker, 2, 0, 2);
    assert!(timeout(Duration::from_millis(30), &mut sent).await.is_err());
    ack(&broker, 3, 0, 2);
    let answer = timeout(Duration::from_secs(5), sent)
        .await
        .expect("in time")
        .expect("answered");
    let partition = &answer.responses[0].partition_responses[0];
    assert_eq!((partition.error_code, partition.base_offset), (0, 0));
}

#[tokio::test]
async fn acks_one_does_not_wait_and_readers_do() {
    let broker = TestBroker::start().await;
    broker.create_replicated("t", &[1, 2]).await;
    let client = broker.client().await;
    let answer = client.produce_at(13, "t", 1, batch(&["a"])).await;
    assert_code(answer.error_code, ErrorCode::None);
    let read = client.fetch("t", 0).await;
    assert_eq!(
        (read.high_watermark, read.records.map_or(0, |r| r.len())),
        (0, 0)
    );
    ack(&broker, 2, 0, 1);
    assert_eq!(client.read_all("t").await.len(), 1);
}

#[tokio::test]
async fn acks_all_is_refused_while_too_few_are_in_sync() {
    let broker = TestBroker::start().await;
    broker.create_replicated("t", &[1]).await;
    let client = broker.client().await;
    let answer = client.produce("t", batch(&["a"])).await;
    assert_code(answer.error_code, ErrorCode::NotEnoughReplicas);
    let answer = client.produce_at(13, "t", 1, batch(&["a"])).await;
    assert_code(answer.error_code, ErrorCode::None);
}

#[tokio::test]
async fn a_timeout_leaves_the_records_in_the_log() {
    let broker = TestBroker::start().await;
    broker.create_replicated("t", &[1, 2]).await;
    let client = broker.client().await;
    let mut request = client.produce_request("t", 0, -1, Some(sequenced(5, 0, 0, &["a"])));
    request.timeout_ms = 40;
    let answer = client.call(&request, 13).await;
    let code = answer.responses[0].partition_responses[0].error_code;
    assert_code(code, ErrorCode::RequestTimedOut);
    // The retry is a duplicate, and waits for the same high watermark.
    request.timeout_ms = 5000;
    let mut again = client.connection.send(&request, 13).expect("sent");
    assert!(
        timeout(Duration::from_millis(30), &mut again)
            .await
            .is_err()
    );
    ack(&broker, 2, 0, 1);
    let answer = again.await.expect("answered");
    let partition = &answer.responses[0].partition_responses[0];
    assert_eq!((partition.error_code, partition.base_offset), (0, 0));
    assert_eq!(client.read_all("t").await.len(), 1);
}

#[tokio::test]
async fn a_new_leader_takes_the_waiting_producers_with_it() {
    let broker = TestBroker::start().await;
    let id = broker.create_replicated("t", &[1, 2]).await;
    let client = broker.client().await;
    let mut request = client.produce_request("t", 0, -1, Some(batch(&["a"])));
    request.timeout_ms = 30_000;
    let sent = client.connection.send(&request, 13).expect("sent");
    tokio::time::sleep(Duration::from_millis(20)).await;
    broker.apply(vec![elect(id, 2, 1)]).await;
    let answer = timeout(Duration::from_secs(5), sent)
        .await
        .expect("at once")
        .expect("answered");
    let code = answer.responses[0].partition_responses[0].error_code;
    assert_code(code, ErrorCode::NotLeaderOrFollower);
    let refused = client.produce("t", batch(&["b"])).await;
    assert_code(refused.error_code, ErrorCode::NotLeaderOrFollower);
    assert_eq!(refused.current_leader.leader_id, 2);
}

#[tokio::test]
async fn latest_is_not_answered_until_the_new_epoch_has_begun_on_all_replicas() {
    let broker = TestBroker::start().await;
    let id = broker.create_replicated("t", &[1, 2]).await;
    let client = broker.client().await;
    client.produce_at(13, "t", 1, batch(&["a"])).await;
    broker.apply(vec![elect(id, 1, 1)]).await;
    let latest = async |version| {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: "t".into(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: 0,
                    current_leader_epoch: -1,
                    timestamp: -1,
                }],
            }],
            ..ListOffsetsRequest::default()
        };
        let answer = client.call(&request, version).await.topics[0].partitions[0].clone();
        (
            ErrorCode::from_wire(answer.error_code).expect("a code"),
            answer.offset,
        )
    };
    assert_eq!(latest(5).await, (ErrorCode::OffsetNotAvailable, -1));
    assert_eq!(latest(4).await, (ErrorCode::LeaderNotAvailable, -1));
    ack(&broker, 2, 1, 1);
    assert_eq!(latest(5).await, (ErrorCode::None, 1));
}

#[tokio::test]
async fn a_broker_without_a_replica_says_who_leads() {
    let broker = TestBroker::start().await;
    let id = topic_id("t");
    broker
        .apply(vec![topic("t", id), partition(id, 0, &[2], &[2], 2)])
        .await;
    let client = broker.client().await;
    let refused = client.produce("t", batch(&["b"])).await;
    assert_code(refused.error_code, ErrorCode::NotLeaderOrFollower);
    assert_eq!(refused.current_leader.leader_id, 2);
    let answer = client.fetch("t", 0).await;
    assert_code(answer.error_code, ErrorCode::NotLeaderOrFollower);
}

#[tokio::test]
async fn a_replica_that_moves_away_is_dropped() {
    let broker = TestBroker::start().await;
    let id = broker.create_replicated("t", &[1, 2, 3]).await;
    assert!(broker.core.partitions.get(id, 0).is_some());
    let moved = v1::PartitionChange {
        topic_id: id.0.as_bytes().to_vec().into(),
        index: 0,
        partition_epoch: 1,
        replicas: Some(v1::NodeList { nodes: vec![2, 3] }),
        isr: Some(v1::NodeList { nodes: vec![2, 3] }),
        leader: Some(2),
        ..v1::PartitionChange::default()
    };
    broker.apply(vec![moved.into()]).await;
    assert!(broker.core.partitions.get(id, 0).is_none());
    assert!(broker.core.partitions.get_by_name("t", 0).is_none());
}
