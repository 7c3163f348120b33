//! Reading: limits, ranges, sessions, epochs.

use std::time::Duration;

use protocol::messages::fetch::ForgottenTopic;

use super::*;

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
async fn a_broker_that_may_have_been_deposed_calls_no_offset_out_of_range() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a"])).await;
    let heard = || {
        let now = types::Clock::monotonic(&*broker.clock);
        let session = Duration::from_secs(3);
        broker.core.lease.on_heard(now, session, 0, 0);
    };
    heard();
    broker.clock.advance(Duration::from_secs(3));
    for offset in [-1, 2] {
        let answer = client.fetch("t", offset).await;
        assert_code(answer.error_code, ErrorCode::NotLeaderOrFollower);
    }
    assert_code(client.fetch("t", 1).await.error_code, ErrorCode::None);
    heard();
    let answer = client.fetch("t", 2).await;
    assert_code(answer.error_code, ErrorCode::OffsetOutOfRange);
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
async fn records_that_are_not_in_memory_are_read_by_a_worker() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    client.produce("t", batch(&["a", "b"])).await;
    broker.disk.set_cold(true);
    assert_eq!(client.read_all("t").await.len(), 2);
}
