//! Writing: codecs, acknowledgements, idempotence, refusals.

use protocol::messages::api_versions::ApiVersionsRequest;

use super::*;

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
