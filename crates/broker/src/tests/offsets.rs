//! Offsets and epochs of a partition, and what deleting does to them.

use protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsTopic,
};
use protocol::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use super::*;

async fn list_offsets(
    client: &Client,
    version: i16,
    timestamp: i64,
) -> ListOffsetsPartitionResponse {
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "t".into(),
            partitions: vec![ListOffsetsPartition {
                partition_index: 0,
                current_leader_epoch: -1,
                timestamp,
            }],
        }],
        ..ListOffsetsRequest::default()
    };
    client.call(&request, version).await.topics[0].partitions[0].clone()
}

async fn delete_records(client: &Client, topic: &str, offset: i64) -> (i16, i64) {
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: topic.into(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset,
            }],
        }],
        timeout_ms: 1000,
    };
    let answer = client.call(&request, 2).await.topics[0].partitions[0].clone();
    (answer.error_code, answer.low_watermark)
}

#[tokio::test]
async fn named_places_of_a_partition_appear_with_their_versions() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client
        .produce("t", compressed(Compression::Zstd, &["a", "b", "c"]))
        .await;
    client.produce("t", batch(&["d"])).await;
    let place = async |version, timestamp| {
        let answer = list_offsets(&client, version, timestamp).await;
        (
            answer.error_code,
            answer.timestamp,
            answer.offset,
            answer.leader_epoch,
        )
    };
    assert_eq!(place(11, -1).await, (0, -1, 4, 0));
    assert_eq!(place(11, -2).await, (0, -1, 0, 0));
    // The record with the largest timestamp is inside the compressed batch.
    assert_eq!(place(11, -3).await, (0, START_MS + 2, 2, 0));
    assert_eq!(place(11, -4).await, (0, -1, 0, 0));
    assert_eq!(place(11, -5).await, (0, -1, -1, -1));
    assert_eq!(place(11, -6).await, (0, -1, -1, -1));
    // "d" has the same time as "a", which comes first.
    assert_eq!(place(11, START_MS).await, (0, START_MS, 0, 0));
    assert_eq!(place(11, START_MS + 1).await, (0, START_MS + 1, 1, 0));
    assert_eq!(place(11, START_MS + 3).await, (0, -1, -1, -1));
    assert_eq!(place(1, -1).await, (0, -1, 4, -1));
    for (version, timestamp) in [
        (6, -3),
        (7, -4),
        (8, -5),
        (10, -6),
        (11, -7),
        (11, i64::MIN),
    ] {
        let (code, ..) = place(version, timestamp).await;
        assert_code(code, ErrorCode::UnsupportedVersion);
    }
}

#[tokio::test]
async fn an_epoch_from_the_future_has_no_end() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a"])).await;
    let ask = async |leader_epoch| {
        let request = OffsetForLeaderEpochRequest {
            replica_id: -2,
            topics: vec![OffsetForLeaderTopic {
                topic: "t".into(),
                partitions: vec![OffsetForLeaderPartition {
                    partition: 0,
                    current_leader_epoch: -1,
                    leader_epoch,
                }],
            }],
        };
        let answer = client.call(&request, 4).await.topics[0].partitions[0].clone();
        (answer.error_code, answer.leader_epoch, answer.end_offset)
    };
    assert_eq!(ask(0).await, (0, 0, 1));
    assert_eq!(ask(1).await, (0, -1, -1));
}

#[tokio::test]
async fn records_are_deleted_up_to_an_offset_and_never_from_a_compacted_topic() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    broker.create_topic("c", 1).await;
    broker
        .set_topic_config("c", "cleanup.policy", "compact")
        .await;
    let client = broker.client().await;
    client.produce("t", batch(&["a", "b", "c"])).await;
    assert_eq!(delete_records(&client, "t", 1).await, (0, 1));
    assert_eq!(
        delete_records(&client, "t", 0).await,
        (0, 1),
        "it does not go back"
    );
    let (code, _) = delete_records(&client, "t", 4).await;
    assert_code(code, ErrorCode::OffsetOutOfRange);
    assert_eq!(delete_records(&client, "t", -1).await, (0, 3));
    let (code, low_watermark) = delete_records(&client, "c", 0).await;
    assert_code(code, ErrorCode::PolicyViolation);
    assert_eq!(low_watermark, -1);
    let (code, _) = delete_records(&client, "missing", 0).await;
    assert_code(code, ErrorCode::UnknownTopicOrPartition);
    assert_code(
        client.fetch("t", 0).await.error_code,
        ErrorCode::OffsetOutOfRange,
    );
    assert_eq!(client.fetch("t", 3).await.log_start_offset, 3);
}

#[tokio::test]
async fn a_topic_created_again_has_another_id_and_none_of_the_old_records() {
    let broker = TestBroker::start().await;
    let old = broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["old"])).await;
    let new = TopicId(Uuid::from_bytes([0x42; 16]));
    broker
        .apply(vec![
            v1::RemoveTopic {
                topic_id: old.0.as_bytes().to_vec().into(),
            }
            .into(),
            topic("t", new),
            partition(new, 0, &[1], &[1], 1),
        ])
        .await;
    let stale = client.produce("t", batch(&["x"])).await;
    assert_code(stale.error_code, ErrorCode::UnknownTopicId);
    let fetched = client.call(&client.fetch_request("t", 0, 0), 17).await;
    let answer = &fetched.responses[0].partitions[0];
    assert_code(answer.error_code, ErrorCode::UnknownTopicId);
    let client = broker.client().await;
    assert!(client.read_all("t").await.is_empty());
    assert_eq!(client.produce("t", batch(&["new"])).await.base_offset, 0);
}
