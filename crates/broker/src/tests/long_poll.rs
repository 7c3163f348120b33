//! Waiting for records: woken in time, never lost, never early without reason.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::*;

fn poll_request(client: &Client, offset: i64, min_bytes: i32, max_wait_ms: i32) -> FetchRequest {
    FetchRequest {
        min_bytes,
        max_wait_ms,
        ..client.fetch_request("t", 0, offset)
    }
}

#[tokio::test]
async fn a_poll_is_answered_as_soon_as_there_is_a_record() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let (reader, writer) = (broker.client().await, broker.client().await);
    let request = poll_request(&reader, 0, 1, 30_000);
    let polled = reader.connection.send(&request, 17).expect("sent");
    tokio::time::sleep(Duration::from_millis(20)).await;
    writer.produce("t", batch(&["a"])).await;
    let answer = timeout(Duration::from_secs(5), polled)
        .await
        .expect("woken")
        .expect("answered");
    assert_eq!(answer.responses[0].partitions[0].high_watermark, 1);
}

#[tokio::test]
async fn a_poll_waits_for_min_bytes_over_all_its_partitions() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 2).await;
    let (reader, writer) = (broker.client().await, broker.client().await);
    let one = batch(&["a"]);
    let size = i32::try_from(one.len()).expect("small");
    let mut request = poll_request(&reader, 0, 3 * size, 30_000);
    let mut other = request.topics[0].partitions[0].clone();
    other.partition = 1;
    request.topics[0].partitions.push(other);
    let mut polled = reader.connection.send(&request, 17).expect("sent");
    for partition in [0, 1] {
        let produce = writer.produce_request("t", partition, 1, Some(one.clone()));
        writer.call(&produce, 13).await;
        let early = timeout(Duration::from_millis(30), &mut polled).await;
        assert!(early.is_err(), "two batches are not three");
    }
    writer.produce("t", one).await;
    let answer = timeout(Duration::from_secs(5), polled)
        .await
        .expect("woken")
        .expect("answered");
    let bytes: usize = answer.responses[0]
        .partitions
        .iter()
        .map(|partition| partition.records.as_ref().map_or(0, RecordSet::len))
        .sum();
    assert_eq!(i32::try_from(bytes).expect("small"), 3 * size);
}

#[tokio::test]
async fn a_poll_without_records_is_answered_when_its_time_is_over() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let started = Instant::now();
    let answer = client.call(&poll_request(&client, 0, 1, 80), 17).await;
    let took = started.elapsed();
    assert_code(
        answer.responses[0].partitions[0].error_code,
        ErrorCode::None,
    );
    assert!(took >= Duration::from_millis(70), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn losing_leadership_ends_a_poll_at_once_with_the_new_leader() {
    let broker = TestBroker::start().await;
    let id = broker.create_replicated("t", &[1, 2, 3]).await;
    let client = broker.client().await;
    let request = poll_request(&client, 0, 1, 30_000);
    let polled = client.connection.send(&request, 17).expect("sent");
    tokio::time::sleep(Duration::from_millis(20)).await;
    broker.apply(vec![replicas::elect(id, 2, 1)]).await;
    let answer = timeout(Duration::from_secs(5), polled)
        .await
        .expect("woken")
        .expect("answered");
    let partition = &answer.responses[0].partitions[0];
    assert_code(partition.error_code, ErrorCode::NotLeaderOrFollower);
    assert_eq!(
        (
            partition.current_leader.leader_id,
            partition.current_leader.leader_epoch
        ),
        (2, 1)
    );
    let endpoint = &answer.node_endpoints[0];
    assert_eq!((endpoint.node_id, endpoint.host.as_ref()), (2, "host2"));
}

#[tokio::test]
async fn deleting_the_topic_ends_a_poll_at_once() {
    let broker = TestBroker::start().await;
    let id = broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let request = poll_request(&client, 0, 1, 30_000);
    let polled = client.connection.send(&request, 17).expect("sent");
    tokio::time::sleep(Duration::from_millis(20)).await;
    let remove = v1::RemoveTopic {
        topic_id: id.0.as_bytes().to_vec().into(),
    };
    broker.apply(vec![remove.into()]).await;
    let answer = timeout(Duration::from_secs(5), polled)
        .await
        .expect("woken")
        .expect("answered");
    assert_ne!(answer.responses[0].partitions[0].error_code, 0);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_watch_behind() {
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let client = broker.client().await;
    let request = poll_request(&client, 0, 1, 30_000);
    let _polled = client.connection.send(&request, 17).expect("sent");
    let partition = broker.core.partitions.get_by_name("t", 0).expect("there");
    while partition.watcher_count() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    client.connection.close();
    while partition.watcher_count() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Many readers, many writers: every reader sees every record, in order, without waiting longer than
/// the writers take.
#[tokio::test]
async fn no_wakeup_is_lost() {
    const RECORDS: i64 = 300;
    let broker = TestBroker::start().await;
    broker.create_topic("t", 1).await;
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let client = broker.client().await;
        readers.spawn(async move {
            let mut offset = 0;
            while offset < RECORDS {
                let request = poll_request(&client, offset, 1, 60_000);
                let answer = client.call(&request, 17).await;
                let partition = &answer.responses[0].partitions[0];
                assert_code(partition.error_code, ErrorCode::None);
                let records = partition.records.clone().unwrap_or_default().to_bytes();
                for batch in split_batches(records) {
                    let header = batch.expect("a batch").header;
                    assert!(header.base_offset <= offset);
                    offset = header.next_offset();
                }
            }
        });
    }
    let writer = broker.client().await;
    for _ in 0..RECORDS {
        writer.produce_at(13, "t", 1, batch(&["a"])).await;
    }
    let all = async {
        while let Some(reader) = readers.join_next().await {
            reader.expect("read");
        }
    };
    timeout(Duration::from_secs(20), all)
        .await
        .expect("every reader got everything");
}
