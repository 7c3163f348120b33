//! Groups when something is wrong: too few replicas, no word from the controllers, a broker that leaves,
//! requests that are too large.

use protocol::messages::describe_groups::DescribeGroupsRequest;

use super::*;

#[tokio::test]
async fn a_commit_that_waits_too_long_says_that_it_is_not_certain() {
    let broker = TestBroker::with_replicated_groups(&[1, 2]).await;
    let client = broker.client().await;
    let mut sent = client.connection.send(&commit_request(5), 9).expect("sent");
    assert!(timeout(Duration::from_millis(30), &mut sent).await.is_err());
    broker.pass(5);
    let answer = timeout(PATIENCE, sent).await.expect("in time");
    let answer = answer.expect("answered");
    assert_code(
        answer.topics[0].partitions[0].error_code,
        ErrorCode::CoordinatorNotAvailable,
    );
}

#[tokio::test]
async fn with_too_few_in_sync_nothing_is_committed_and_all_can_be_read() {
    let broker = TestBroker::with_replicated_groups(&[1]).await;
    let client = broker.client().await;
    assert_code(client.commit(5).await, ErrorCode::CoordinatorNotAvailable);
    assert_eq!(client.committed_offset().await, Ok(-1));
}

#[tokio::test]
async fn members_that_wait_are_sent_away_with_the_leadership() {
    let broker = TestBroker::with_replicated_groups(&[1, 2]).await;
    let client = broker.client().await;
    let mut request = join_request("g");
    request.group_instance_id = Some("static".into());
    let mut sent = client.connection.send(&request, 9).expect("sent");
    assert!(timeout(Duration::from_millis(30), &mut sent).await.is_err());
    broker.elect(2, 1).await;
    let answer = timeout(PATIENCE, sent).await.expect("in time");
    assert_code(
        answer.expect("answered").error_code,
        ErrorCode::NotCoordinator,
    );
}

#[tokio::test]
async fn a_broker_that_is_cut_off_takes_commits_and_tells_none() {
    let broker = TestBroker::with_groups().await;
    let client = broker.client().await;
    assert_eq!(client.commit(5).await, 0);
    let now = types::Clock::monotonic(&*broker.clock);
    let session = Duration::from_secs(3);
    broker.core.lease.on_heard(now, session, 0, 0);
    assert_eq!(client.committed_offset().await, Ok(5));
    broker.pass(3);
    let moved = ErrorCode::NotCoordinator.to_wire();
    assert_eq!(client.committed_offset().await, Err(moved));
    assert_eq!(client.commit(6).await, 0);
    let now = types::Clock::monotonic(&*broker.clock);
    let session = Duration::from_secs(3);
    broker.core.lease.on_heard(now, session, 0, 0);
    assert_eq!(client.committed_offset().await, Ok(6));
}

#[tokio::test]
async fn a_broker_that_leaves_sends_groups_away_before_it_gives_up_leading() {
    let broker = TestBroker::with_groups().await;
    let client = broker.client().await;
    let other = broker.client().await;
    let mut request = join_request("g");
    request.member_id = client.member_id("g").await.into();
    let mut sent = client.connection.send(&request, 9).expect("sent");
    assert!(timeout(Duration::from_millis(30), &mut sent).await.is_err());
    broker.core.groups.close();
    let answer = timeout(PATIENCE, sent).await.expect("in time");
    assert_code(
        answer.expect("answered").error_code,
        ErrorCode::NotCoordinator,
    );
    let moved = ErrorCode::NotCoordinator.to_wire();
    assert_eq!(other.committed_offset().await, Err(moved));
    assert_code(
        other.list().await.error_code,
        ErrorCode::CoordinatorNotAvailable,
    );
}

#[tokio::test]
async fn deadlines_wait_while_nothing_can_be_written() {
    let broker = TestBroker::with_replicated_groups(&[1, 2]).await;
    let client = broker.client().await;
    let mut request = join_request("g");
    request.group_instance_id = Some("static".into());
    request.session_timeout_ms = 6_000;
    let mut sent = client.connection.send(&request, 9).expect("sent");
    assert!(timeout(Duration::from_millis(30), &mut sent).await.is_err());
    let end = broker.log_end();
    broker.ack(2, 0, end);
    broker.set_in_sync(&[1], 1).await;
    broker.pass(60);
    sleep(Duration::from_millis(50)).await;
    assert_eq!(broker.log_end(), end, "nothing was decided");
    broker.set_in_sync(&[1, 2], 2).await;
    for _ in 0..4 {
        broker.pass(3);
        sleep(Duration::from_millis(30)).await;
    }
    broker.ack(2, 0, broker.log_end());
    let joined = timeout(PATIENCE, sent).await.expect("in time");
    assert_code(joined.expect("answered").error_code, ErrorCode::None);
}

#[tokio::test]
async fn a_commit_larger_than_a_segment_is_refused_and_groups_go_on() {
    let broker = TestBroker::with_groups().await;
    broker.create_topic("wide", 300).await;
    let key = "segment.bytes";
    broker.set_topic_config(OFFSETS_TOPIC, key, "1048576").await;
    let client = broker.client().await;
    assert_eq!(client.commit(5).await, 0);
    let mut request = commit_request(6);
    let topic = &mut request.topics[0];
    topic.name = "wide".into();
    let metadata = "m".repeat(4096);
    topic.partitions = (0..300)
        .map(|partition_index| OffsetCommitRequestPartition {
            partition_index,
            committed_metadata: Some(metadata.as_str().into()),
            ..OffsetCommitRequestPartition::default()
        })
        .collect();
    let response = client.call(&request, 9).await;
    assert_code(code_of(&response), ErrorCode::InvalidCommitOffsetSize);
    assert_eq!(client.committed_offset().await, Ok(5));
    assert_eq!(client.commit(7).await, 0);
}

#[tokio::test]
async fn after_a_panic_groups_are_loaded_anew() {
    let broker = TestBroker::with_groups().await;
    let client = broker.client().await;
    assert_eq!(client.commit(5).await, 0);
    broker.core.groups.panic_in(&broker.core, 0);
    let loading = ErrorCode::CoordinatorLoadInProgress.to_wire();
    assert_eq!(client.committed_offset().await, Err(loading));
    broker.pass(5);
    broker.are_served().await;
    assert_eq!(client.committed_offset().await, Ok(5));
}

#[tokio::test]
async fn a_group_is_described_once_in_a_request() {
    let broker = TestBroker::with_groups().await;
    let client = broker.client().await;
    assert_eq!(client.commit(5).await, 0);
    let mut request = DescribeGroupsRequest {
        groups: ["g", "h", "g"].map(Into::into).to_vec(),
        ..DescribeGroupsRequest::default()
    };
    let described = client.call(&request, 6).await.groups;
    let codes: Vec<_> = described
        .iter()
        .map(|it| (&*it.group_id, it.error_code))
        .collect();
    assert_eq!(codes, [("g", 0), ("h", 69), ("g", 42)]);
    request.groups = (0..200_000).map(|i| i.to_string().into()).collect();
    assert!(client.is_closed_by(&request, 6).await);
}
