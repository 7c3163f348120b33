//! What real clients and tools stumble over, one test each.

use protocol::ApiKey;
use protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use protocol::messages::fetch::ForgottenTopic;
use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsTopic,
};
use protocol::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use protocol::wire::Segments;

use super::*;

/// A request header by hand: any key, any version.
fn raw_frame(key: i16, version: i16, rest: &[u8]) -> Segments {
    let mut frame = Vec::new();
    frame.extend_from_slice(&key.to_be_bytes());
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&77i32.to_be_bytes());
    frame.extend_from_slice(&(-1i16).to_be_bytes());
    frame.extend_from_slice(rest);
    let length = u32::try_from(frame.len()).expect("small");
    Segments::from(Bytes::from([&length.to_be_bytes()[..], &frame].concat()))
}

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
async fn old_produce_and_unknown_apis_close_the_connection() {
    let broker = TestBroker::start().await;
    for (key, version) in [(0, 0), (0, 2), (0, 14), (4, 0), (999, 0), (-1, 0), (1, 3)] {
        let client = broker.client().await;
        let sent = client
            .connection
            .send_raw(raw_frame(key, version, &[0; 8]), 77);
        assert!(
            sent.expect("sent").await.is_err(),
            "key {key} version {version}"
        );
    }
}

#[tokio::test]
async fn an_unknown_version_of_api_versions_is_answered_in_version_0() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let sent = client
        .connection
        .send_raw(raw_frame(18, 99, &[]), 77)
        .expect("sent");
    let answer = sent.await.expect("a response");
    // correlation id 77, error 35, one entry: key 18, versions 0 to 4.
    assert_eq!(
        &answer[..],
        [0, 0, 0, 77, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4]
    );
}

#[tokio::test]
async fn api_versions_tells_of_every_api_in_the_table_and_of_finalized_features() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let request = ApiVersionsRequest {
        client_software_name: "apache-kafka-java".into(),
        client_software_version: "4.3.1".into(),
    };
    for version in 0..=4 {
        let answer: ApiVersionsResponse = client.call(&request, version).await;
        assert_eq!(answer.error_code, 0);
        let produce = answer
            .api_keys
            .iter()
            .find(|api| api.api_key == 0)
            .expect("produce");
        assert_eq!((produce.min_version, produce.max_version), (0, 13));
        let is_sorted = answer.api_keys.is_sorted_by_key(|api| api.api_key);
        assert!(is_sorted && answer.api_keys.len() == crate::api::SERVED.len());
        if version == 3 {
            assert!(
                answer
                    .supported_features
                    .iter()
                    .all(|feature| feature.min_version > 0)
            );
        }
    }
    let bad = ApiVersionsRequest {
        client_software_name: "-bad".into(),
        ..request
    };
    assert_code(
        client.call(&bad, 3).await.error_code,
        ErrorCode::InvalidRequest,
    );
    client.call(&bad, 0).await;
}

#[tokio::test]
async fn what_is_produced_is_read_back_in_every_version_and_codec() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let mut count = 0;
    for version in 3..=13 {
        for codec in [
            Compression::None,
            Compression::Gzip,
            Compression::Snappy,
            Compression::Lz4,
            Compression::Zstd,
        ] {
            let records = compressed(codec, &["a", "b"]);
            let answer = client.produce_at(version, "t", -1, records).await;
            if codec == Compression::Zstd && version < 7 {
                assert_code(answer.error_code, ErrorCode::UnsupportedCompressionType);
                continue;
            }
            assert_code(answer.error_code, ErrorCode::None);
            assert_eq!((answer.base_offset, answer.log_append_time_ms), (count, -1));
            count += 2;
        }
    }
    let read = client.read_all("t").await;
    let offsets: Vec<i64> = read.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, (0..count).collect::<Vec<_>>());
    for version in 4..=18 {
        let answer = client.call(&client.fetch_request("t", 0, 1), version).await;
        let partition = &answer.responses[0].partitions[0];
        assert_code(partition.error_code, ErrorCode::None);
        assert_eq!(partition.high_watermark, count, "version {version}");
        assert!(
            partition
                .records
                .as_ref()
                .is_some_and(|records| !records.is_empty())
        );
    }
}

#[tokio::test]
async fn one_replica_is_enough_for_a_minimum_of_two() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    broker
        .set_topic_config("t", "min.insync.replicas", "2")
        .await;
    let client = broker.client().await;
    assert_code(
        client.produce("t", batch(&["a"])).await.error_code,
        ErrorCode::None,
    );
}

#[tokio::test]
async fn a_duplicate_is_answered_with_its_first_offset_and_time() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    broker
        .set_topic_config("t", "message.timestamp.type", "LogAppendTime")
        .await;
    let client = broker.client().await;
    let first = client.produce("t", sequenced(5, 0, 0, &["a", "b"])).await;
    assert_eq!((first.base_offset, first.log_append_time_ms), (0, START_MS));
    broker.clock.advance(std::time::Duration::from_secs(1));
    for sequence in 1..5 {
        client
            .produce("t", sequenced(5, 0, sequence * 2, &["c", "d"]))
            .await;
    }
    let again = client.produce("t", sequenced(5, 0, 0, &["a", "b"])).await;
    assert_code(again.error_code, ErrorCode::None);
    assert_eq!((again.base_offset, again.log_append_time_ms), (0, START_MS));
    assert_eq!(client.read_all("t").await.len(), 10);

    // The sixth batch pushes the first one out of the window.
    client.produce("t", sequenced(5, 0, 10, &["e"])).await;
    let too_old = client.produce("t", sequenced(5, 0, 0, &["a", "b"])).await;
    assert_code(too_old.error_code, ErrorCode::OutOfOrderSequenceNumber);
}

#[tokio::test]
async fn sequences_have_no_gaps_and_wrap_to_zero() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let code = async |records| client.produce("t", records).await.error_code;
    // Nothing is known of the producer: any sequence may be its first.
    assert_code(
        code(sequenced(5, 0, i32::MAX - 1, &["a", "b"])).await,
        ErrorCode::None,
    );
    assert_code(code(sequenced(5, 0, 0, &["c"])).await, ErrorCode::None);
    let gap = code(sequenced(5, 0, 2, &["d"])).await;
    assert_code(gap, ErrorCode::OutOfOrderSequenceNumber);
    let new_epoch = code(sequenced(5, 1, 1, &["d"])).await;
    assert_code(new_epoch, ErrorCode::OutOfOrderSequenceNumber);
    assert_code(code(sequenced(5, 1, 0, &["d"])).await, ErrorCode::None);
    assert_code(
        code(sequenced(5, 0, 1, &["e"])).await,
        ErrorCode::InvalidProducerEpoch,
    );
}

#[tokio::test]
async fn a_fetch_inside_a_batch_returns_the_whole_batch() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a", "b", "c"])).await;
    let answer = client.fetch("t", 2).await;
    let records = answer.records.expect("records").to_bytes();
    let batch = split_batches(records).next().expect("one").expect("sound");
    assert_eq!(
        (batch.header.base_offset, batch.header.record_count),
        (0, 3)
    );
}

#[tokio::test]
async fn limits_of_one_byte_still_return_one_batch_and_no_second_one() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a"])).await;
    client.produce("t", batch(&["b"])).await;
    let second = client.produce_request("t", 1, 1, Some(batch(&["c"])));
    client.call(&second, 13).await;
    let mut request = client.fetch_request("t", 0, 0);
    request.max_bytes = 1;
    let mut other = request.topics[0].partitions[0].clone();
    other.partition = 1;
    request.topics[0].partitions.push(other);
    for partition in &mut request.topics[0].partitions {
        partition.partition_max_bytes = 1;
    }
    let answer = client.call(&request, 17).await;
    let sizes: Vec<usize> = answer.responses[0]
        .partitions
        .iter()
        .map(|partition| partition.records.as_ref().map_or(0, RecordSet::len))
        .collect();
    assert_eq!(sizes, [batch(&["a"]).len(), 0]);
}

#[tokio::test]
async fn fetch_offsets_out_of_range_are_errors_and_the_end_is_not() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a"])).await;
    for offset in [-1, 2, i64::MAX] {
        let answer = client.fetch("t", offset).await;
        assert_code(answer.error_code, ErrorCode::OffsetOutOfRange);
        assert_eq!((answer.high_watermark, answer.log_start_offset), (-1, -1));
    }
    let end = client.fetch("t", 1).await;
    assert_code(end.error_code, ErrorCode::None);
    assert_eq!((end.high_watermark, end.last_stable_offset), (1, 1));
}

#[tokio::test]
async fn fetch_sessions_are_refused_when_unknown_or_out_of_turn() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a"])).await;
    let mut request = client.fetch_request("t", 0, 0);
    request.session_epoch = 0;
    let full = client.call(&request, 17).await;
    assert!(full.session_id > 0);

    let mut next = request.clone();
    next.session_id = full.session_id;
    next.session_epoch = 1;
    next.topics[0].partitions[0].fetch_offset = 1;
    let nothing_new = client.call(&next, 17).await;
    assert_eq!(
        (nothing_new.error_code, nothing_new.responses.len()),
        (0, 0)
    );
    let repeated = client.call(&next, 17).await;
    assert_code(repeated.error_code, ErrorCode::InvalidFetchSessionEpoch);
    assert_eq!((repeated.session_id, repeated.responses.len()), (0, 0));

    client.produce("t", batch(&["b"])).await;
    next.session_epoch = 2;
    next.topics.clear();
    let changed = client.call(&next, 17).await;
    assert_eq!(changed.responses[0].partitions[0].high_watermark, 2);

    next.session_epoch = 3;
    next.forgotten_topics_data = vec![ForgottenTopic {
        topic: "t".into(),
        topic_id: client.id_of("t"),
        partitions: vec![0],
    }];
    assert_eq!(
        client.call(&next, 17).await.session_id,
        0,
        "nothing is left of it"
    );
    next.session_epoch = 4;
    let unknown = client.call(&next, 17).await;
    assert_code(unknown.error_code, ErrorCode::FetchSessionIdNotFound);
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
async fn refused_batches_have_kafka_s_codes() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    broker.create_topic("c", 1).await;
    broker
        .set_topic_config("c", "cleanup.policy", "compact")
        .await;
    broker
        .set_topic_config("t", "max.message.bytes", "200")
        .await;
    let client = broker.client().await;
    let code = async |topic: &str, records: Bytes| {
        let answer = client.produce(topic, records).await;
        assert_eq!(answer.base_offset, -1);
        ErrorCode::from_wire(answer.error_code).expect("a code")
    };
    let two = [batch(&["a"]), batch(&["b"])].concat();
    assert_eq!(code("t", two.into()).await, ErrorCode::InvalidRecord);
    assert_eq!(code("t", Bytes::new()).await, ErrorCode::InvalidRecord);
    let mut corrupt = batch(&["a"]).to_vec();
    *corrupt.last_mut().expect("bytes") ^= 1;
    assert_eq!(code("t", corrupt.into()).await, ErrorCode::CorruptMessage);
    let large = batch(&["x".repeat(300).as_str()]);
    assert_eq!(code("t", large).await, ErrorCode::MessageTooLarge);
    let mut control = BatchBuilder::new(Compression::None);
    control.set_control(true);
    assert_eq!(
        code("t", built(control, &["a"])).await,
        ErrorCode::InvalidRecord
    );
    let mut transactional = BatchBuilder::new(Compression::None);
    transactional
        .set_producer(ProducerId(1), ProducerEpoch(0), 0)
        .set_transactional(true);
    assert_eq!(
        code("t", built(transactional, &["a"])).await,
        ErrorCode::TransactionalIdAuthorizationFailed
    );
    assert_eq!(
        code("missing", batch(&["a"])).await,
        ErrorCode::UnknownTopicId
    );
    let by_name = client.produce_at(12, "missing", 1, batch(&["a"])).await;
    assert_code(by_name.error_code, ErrorCode::UnknownTopicOrPartition);

    let null_key = client.produce("c", batch(&["a", "b"])).await;
    assert_code(null_key.error_code, ErrorCode::InvalidRecord);
    let blamed: Vec<i32> = null_key
        .record_errors
        .iter()
        .map(|error| error.batch_index)
        .collect();
    assert_eq!(blamed, [0, 1]);
    assert!(null_key.error_message.is_some());
    assert!(client.read_all("t").await.is_empty());
}

#[tokio::test]
async fn timestamps_far_in_the_future_are_refused() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let mut builder = BatchBuilder::new(Compression::None);
    let future = START_MS + 2 * 3_600_000;
    builder
        .append(START_MS, None, Some(b"a"), &[])
        .expect("appended");
    builder
        .append(future, None, Some(b"b"), &[])
        .expect("appended");
    let answer = client
        .produce("t", builder.build().expect("built").bytes)
        .await;
    assert_code(answer.error_code, ErrorCode::InvalidTimestamp);
    assert_eq!(answer.record_errors[0].batch_index, 1);
}

#[tokio::test]
async fn missing_records_are_answered_and_do_not_hang() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let request = client.produce_request("t", 0, 1, None);
    let answer = client.call(&request, 13).await;
    let partition = &answer.responses[0].partition_responses[0];
    assert_code(partition.error_code, ErrorCode::InvalidRecord);
}

#[tokio::test]
async fn unknown_acks_are_an_error_of_each_partition() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let answer = client.produce_at(13, "t", 2, batch(&["a"])).await;
    assert_code(answer.error_code, ErrorCode::InvalidRequiredAcks);
    let answer = client.produce_at(13, "t", 1, batch(&["a"])).await;
    assert_code(answer.error_code, ErrorCode::None);
}

#[tokio::test]
async fn without_acks_there_is_no_answer_and_an_error_closes_the_connection() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let good = client.produce_request("t", 0, 0, Some(batch(&["a"])));
    client.connection.send_unanswered(&good, 13).expect("sent");
    // The next answer is that of the next request.
    assert_eq!(client.read_all("t").await.len(), 1);
    let bad = client.produce_request("t", 9, 0, Some(batch(&["a"])));
    client.connection.send_unanswered(&bad, 13).expect("sent");
    assert!(client.is_closed_by(&ApiVersionsRequest::default(), 0).await);
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

#[tokio::test]
async fn leader_epochs_of_the_past_and_of_the_future_are_told_apart() {
    let broker = TestBroker::start().await;
    let id = broker.create_topic("t", 1).await;
    broker.apply(vec![replicas::elect(id, 1, 1)]).await;
    let client = broker.client().await;
    for (epoch, expected) in [
        (0, ErrorCode::FencedLeaderEpoch),
        (1, ErrorCode::None),
        (2, ErrorCode::UnknownLeaderEpoch),
    ] {
        let mut request = client.fetch_request("t", 0, 0);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        let answer = client.call(&request, 17).await;
        assert_code(answer.responses[0].partitions[0].error_code, expected);
    }
}

#[tokio::test]
async fn a_reader_with_another_history_is_told_where_it_leaves_ours() {
    let broker = TestBroker::start().await;
    let id = broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a"])).await;
    broker.apply(vec![replicas::elect(id, 1, 1)]).await;
    broker.apply(vec![replicas::elect(id, 1, 2)]).await;
    client.produce("t", batch(&["b"])).await;
    let ask = async |last_fetched_epoch, fetch_offset| {
        let mut request = client.fetch_request("t", 0, fetch_offset);
        request.topics[0].partitions[0].last_fetched_epoch = last_fetched_epoch;
        let answer = client.call(&request, 17).await.responses[0].partitions[0].clone();
        assert_code(answer.error_code, ErrorCode::None);
        (
            answer.diverging_epoch.epoch,
            answer.diverging_epoch.end_offset,
        )
    };
    assert_eq!(ask(0, 1).await, (-1, -1));
    assert_eq!(ask(2, 2).await, (-1, -1));
    assert_eq!(ask(0, 2).await, (0, 1), "epoch 0 ended at 1 here");
    assert_eq!(ask(1, 2).await, (0, 1), "there was no epoch 1 here");
}

#[tokio::test]
async fn replies_of_one_connection_keep_the_order_of_its_requests() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let mut poll = client.fetch_request("t", 0, 0);
    poll.max_wait_ms = 100;
    let first = client.connection.send(&poll, 17).expect("sent");
    let second = client
        .connection
        .send(&ApiVersionsRequest::default(), 0)
        .expect("sent");
    let mut done = Vec::new();
    tokio::join!(
        async {
            second.await.expect("a response");
        },
        async {
            done.push(first.await.expect("a response"));
        }
    );
    assert_eq!(done.len(), 1);
}

#[tokio::test]
async fn random_bytes_cost_a_connection_and_nothing_else() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..300u64 {
        let client = broker.client().await;
        let key = i16::try_from(random() % 80).expect("small");
        let versions = ApiKey::from_wire(key).map(ApiKey::versions);
        let version = versions.map_or(0, |versions| {
            let span = u64::try_from(versions.end() - versions.start() + 1).expect("small");
            versions.start() + i16::try_from(random() % span).expect("small")
        });
        let body: Vec<u8> = (0..random() % 200)
            .map(|_| random().to_le_bytes()[0])
            .collect();
        let sent = client
            .connection
            .send_raw(raw_frame(key, version, &body), 77)
            .expect("sent");
        // An answer, or a closed connection; a forwarded request finds no controller.
        let patience = std::time::Duration::from_millis(50);
        let _answered = tokio::time::timeout(patience, sent).await;
        assert!(broker.core.partitions.all().len() == 1, "round {round}");
    }
    let client = broker.client().await;
    assert_code(
        client.produce("t", batch(&["a"])).await.error_code,
        ErrorCode::None,
    );
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_recovers() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a"])).await;
    broker.disk.set_capacity(Some(0));
    let refused = client.produce("t", batch(&["b"])).await;
    assert_code(refused.error_code, ErrorCode::KafkaStorageError);
    assert_eq!(client.read_all("t").await.len(), 1);
    broker.disk.set_capacity(None);
    assert_eq!(client.produce("t", batch(&["b"])).await.base_offset, 1);
    assert_eq!(client.read_all("t").await.len(), 2);
}

#[tokio::test]
async fn records_that_are_not_in_memory_are_read_by_a_worker() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a", "b"])).await;
    broker.disk.set_cold(true);
    assert_eq!(client.read_all("t").await.len(), 2);
}

#[tokio::test]
async fn concurrent_producers_lose_nothing_and_keep_their_own_order() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut tasks = tokio::task::JoinSet::new();
    for producer in 0..4 {
        let client = broker.client().await;
        tasks.spawn(async move {
            let mut sent = Vec::new();
            for i in 0..50 {
                let value = format!("{producer}-{i}");
                let request = client.produce_request("t", 0, -1, Some(batch(&[value.as_str()])));
                sent.push(client.connection.send(&request, 13).expect("sent"));
            }
            let mut offsets = Vec::new();
            for response in sent {
                let response = response.await.expect("a response");
                offsets.push(response.responses[0].partition_responses[0].base_offset);
            }
            offsets
        });
    }
    let mut all = Vec::new();
    while let Some(offsets) = tasks.join_next().await {
        let offsets = offsets.expect("produced");
        assert!(offsets.is_sorted());
        all.extend(offsets);
    }
    all.sort_unstable();
    assert_eq!(all, (0..200).collect::<Vec<i64>>());
    let client = broker.client().await;
    assert_eq!(client.read_all("t").await.len(), 200);
}
