//! Groups on one broker. The test is the controller, the other replicas and the clients.

mod duress;

use std::time::Duration;

use protocol::messages::find_coordinator::FindCoordinatorRequest;
use protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use protocol::messages::list_groups::{ListGroupsRequest, ListGroupsResponse};
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
    OffsetFetchResponsePartitions,
};
use tokio::time::{sleep, timeout};
use types::LeaderEpoch;

use super::replicas::elect;
use super::*;
use crate::coordinator::OFFSETS_TOPIC;

const PATIENCE: Duration = Duration::from_secs(20);

impl TestBroker {
    /// A broker that coordinates all groups, with a topic "t" of one partition.
    async fn with_groups() -> Self {
        let broker = Self::start().await;
        broker.create_topic(OFFSETS_TOPIC, 1).await;
        broker.create_topic("t", 1).await;
        broker.are_served().await;
        broker
    }

    /// The same, and brokers 2 and 3 follow; those of `isr` are in sync.
    async fn with_replicated_groups(isr: &[i32]) -> Self {
        let broker = Self::start().await;
        broker.create_topic("t", 1).await;
        broker.create_replicated(OFFSETS_TOPIC, isr).await;
        broker.are_served().await;
        broker
    }

    /// Waits until groups are loaded.
    async fn are_served(&self) {
        let client = self.client().await;
        let served = async {
            while client.list().await.error_code == ErrorCode::CoordinatorLoadInProgress.to_wire() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, served).await.expect("loaded");
    }

    fn ack(&self, follower: i32, epoch: i32, end: i64) {
        let partition = self.core.partitions.get_by_name(OFFSETS_TOPIC, 0);
        let partition = partition.expect("there");
        partition
            .on_follower_ack(NodeId(follower), LeaderEpoch(epoch), end)
            .expect("counts");
    }

    /// Waits until the log of the groups ends there.
    async fn has_written(&self, end: i64) {
        let partition = self.core.partitions.get_by_name(OFFSETS_TOPIC, 0);
        let partition = partition.expect("there");
        let written = async {
            while partition.log().lock().log_end_offset() < end {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, written).await.expect("written");
    }

    fn log_end(&self) -> i64 {
        let partition = self.core.partitions.get_by_name(OFFSETS_TOPIC, 0);
        partition.expect("there").log().lock().log_end_offset()
    }

    async fn set_in_sync(&self, isr: &[i32], partition_epoch: i32) {
        let change = v1::PartitionChange {
            topic_id: topic_id(OFFSETS_TOPIC).0.as_bytes().to_vec().into(),
            index: 0,
            partition_epoch,
            isr: Some(v1::NodeList {
                nodes: isr.to_vec(),
            }),
            ..v1::PartitionChange::default()
        };
        self.apply(vec![change.into()]).await;
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.core.groups.look();
    }

    async fn elect(&self, leader: i32, partition_epoch: i32) {
        let id = topic_id(OFFSETS_TOPIC);
        self.apply(vec![elect(id, leader, partition_epoch)]).await;
    }
}

fn commit_request(offset: i64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: "g".into(),
        topics: vec![OffsetCommitRequestTopic {
            name: "t".into(),
            topic_id: topic_id("t").0,
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: offset,
                committed_metadata: Some("m".into()),
                ..OffsetCommitRequestPartition::default()
            }],
        }],
        ..OffsetCommitRequest::default()
    }
}

fn code_of(response: &OffsetCommitResponse) -> i16 {
    response.topics[0].partitions[0].error_code
}

fn join_request(group: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            metadata: Bytes::from_static(b"anything"),
        }],
        ..JoinGroupRequest::default()
    }
}

impl Client {
    async fn list(&self) -> ListGroupsResponse {
        self.call(&ListGroupsRequest::default(), 5).await
    }

    async fn commit(&self, offset: i64) -> i16 {
        let response = self.call(&commit_request(offset), 9).await;
        response.topics[0].partitions[0].error_code
    }

    /// What is committed, or the code of the group.
    async fn committed(&self) -> Result<OffsetFetchResponsePartitions, i16> {
        let group = OffsetFetchRequestGroup {
            group_id: "g".into(),
            topics: Some(vec![OffsetFetchRequestTopics {
                name: "t".into(),
                topic_id: topic_id("t").0,
                partition_indexes: vec![0],
            }]),
            ..OffsetFetchRequestGroup::default()
        };
        let request = OffsetFetchRequest {
            groups: vec![group],
            ..OffsetFetchRequest::default()
        };
        let group = self.call(&request, 9).await.groups.remove(0);
        match group.error_code {
            0 => Ok(group.topics[0].partitions[0].clone()),
            code => Err(code),
        }
    }

    async fn committed_offset(&self) -> Result<i64, i16> {
        let partition = self.committed().await?;
        Ok(partition.committed_offset)
    }

    /// A member of its own group: the first answer gives it an id.
    async fn member_id(&self, group: &str) -> String {
        let response = self.call(&join_request(group), 9).await;
        assert_code(response.error_code, ErrorCode::MemberIdRequired);
        response.member_id.to_string()
    }
}

#[tokio::test]
async fn without_the_topic_nobody_coordinates_and_the_first_group_asks_for_it() {
    let broker = TestBroker::start().await;
    let client = broker.client().await;
    let request = FindCoordinatorRequest {
        coordinator_keys: vec!["g".into()],
        ..FindCoordinatorRequest::default()
    };
    let found = client.call(&request, 6).await;
    assert_code(
        found.coordinators[0].error_code,
        ErrorCode::CoordinatorNotAvailable,
    );
    assert!(broker.core.auto_create.is_under_way(OFFSETS_TOPIC));
    broker.create_topic("t", 1).await;
    assert_code(client.commit(5).await, ErrorCode::NotCoordinator);

    broker.create_topic(OFFSETS_TOPIC, 1).await;
    let found = client.call(&request, 6).await;
    let coordinator = &found.coordinators[0];
    assert_code(coordinator.error_code, ErrorCode::None);
    assert_eq!((coordinator.node_id, &*coordinator.host), (1, "host1"));
}

#[tokio::test]
async fn what_was_committed_is_there_after_every_change_of_leader() {
    let broker = TestBroker::with_replicated_groups(&[1, 2]).await;
    let client = broker.client().await;
    assert_eq!(client.committed_offset().await, Ok(-1));
    for (round, offset) in (0..).zip([5, 7, 9]) {
        let request = commit_request(offset);
        let sent = client.connection.send(&request, 9).expect("sent");
        broker.has_written(i64::from(round) + 1).await;
        broker.ack(2, 2 * round, i64::from(round) + 1);
        let answer = timeout(PATIENCE, sent).await.expect("in time");
        assert_eq!(code_of(&answer.expect("answered")), 0);
        assert_eq!(client.committed_offset().await, Ok(offset));

        broker.elect(2, 2 * round + 1).await;
        let moved = ErrorCode::NotCoordinator.to_wire();
        assert_eq!(client.committed_offset().await, Err(moved));
        broker.elect(1, 2 * round + 2).await;
        broker.ack(2, 2 * round + 2, i64::from(round) + 1);
        broker.are_served().await;
        let committed = client.committed().await.expect("served");
        assert_eq!(committed.committed_offset, offset);
        assert_eq!(committed.metadata.as_deref(), Some("m"));
    }
}

#[tokio::test]
async fn a_commit_is_answered_when_all_in_sync_replicas_have_it() {
    let broker = TestBroker::with_replicated_groups(&[1, 2]).await;
    let client = broker.client().await;
    let mut sent = client.connection.send(&commit_request(5), 9).expect("sent");
    assert!(timeout(Duration::from_millis(30), &mut sent).await.is_err());
    broker.ack(2, 0, 1);
    let answer = timeout(PATIENCE, sent).await.expect("in time");
    assert_eq!(
        answer.expect("answered").topics[0].partitions[0].error_code,
        0
    );
    assert_eq!(client.committed_offset().await, Ok(5));
}

#[tokio::test]
async fn nothing_is_served_until_what_was_loaded_is_committed() {
    let broker = TestBroker::with_replicated_groups(&[1, 2]).await;
    let client = broker.client().await;
    let sent = client.connection.send(&commit_request(5), 9).expect("sent");
    broker.has_written(1).await;
    broker.elect(2, 1).await;
    let answer = timeout(PATIENCE, sent).await.expect("in time");
    assert_code(
        answer.expect("answered").topics[0].partitions[0].error_code,
        ErrorCode::NotCoordinator,
    );
    broker.elect(1, 2).await;
    let loading = ErrorCode::CoordinatorLoadInProgress.to_wire();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(client.committed_offset().await, Err(loading));
    assert_eq!(client.list().await.error_code, loading);
    broker.ack(2, 2, 1);
    assert_eq!(client.committed_offset().await, Ok(5));
}

#[tokio::test]
async fn a_leadership_that_is_lost_before_its_log_was_read_is_over() {
    let broker = TestBroker::with_replicated_groups(&[1, 2]).await;
    broker.elect(2, 1).await;
    let client = broker.client().await;
    assert_eq!(client.commit(1).await, ErrorCode::NotCoordinator.to_wire());
    // All threads are busy: the log waits for its turn to be read.
    let (release, _) = tokio::sync::broadcast::channel::<()>(1);
    while let Ok(_done) = broker.core.workers.run({
        let mut released = release.subscribe();
        move || drop(released.blocking_recv())
    }) {}
    broker.elect(1, 2).await;
    let loading = ErrorCode::CoordinatorLoadInProgress.to_wire();
    assert_eq!(client.commit(1).await, loading);
    broker.elect(2, 3).await;
    assert_eq!(client.commit(1).await, ErrorCode::NotCoordinator.to_wire());
    // It can be elected again, and finds a thread when there is one.
    broker.elect(1, 4).await;
    drop(release);
    broker.pass(6);
    broker.are_served().await;
}

#[tokio::test]
async fn two_connections_meet_in_one_group() {
    let broker = TestBroker::with_groups().await;
    let clients = [broker.client().await, broker.client().await];
    let mut waiting = Vec::new();
    for client in &clients {
        let mut request = join_request("g");
        request.member_id = client.member_id("g").await.into();
        waiting.push(client.connection.send(&request, 9).expect("sent"));
    }
    let mut joined: Vec<JoinGroupResponse> = Vec::new();
    sleep(Duration::from_millis(30)).await;
    // The initial delay, and once more because somebody came meanwhile.
    broker.pass(3);
    sleep(Duration::from_millis(30)).await;
    broker.pass(3);
    for answer in waiting {
        let answer = timeout(PATIENCE, answer).await.expect("in time");
        joined.push(answer.expect("answered"));
    }
    let generations: Vec<i32> = joined.iter().map(|it| it.generation_id).collect();
    assert_eq!(generations, [1, 1]);
    assert_eq!(joined[0].leader, joined[1].leader);
    let seen: usize = joined.iter().map(|it| it.members.len()).sum();
    assert_eq!(seen, 2, "the leader sees both, the other nobody");
}

#[tokio::test]
async fn offsets_of_what_does_not_exist_are_refused_one_by_one() {
    let broker = TestBroker::with_groups().await;
    let client = broker.client().await;
    let mut request = commit_request(5);
    let mut unknown = request.topics[0].clone();
    request.topics[0]
        .partitions
        .push(OffsetCommitRequestPartition {
            partition_index: 7,
            ..OffsetCommitRequestPartition::default()
        });
    unknown.name = "nothing".into();
    unknown.topic_id = Uuid::ONE;
    request.topics.push(unknown);
    for (version, missing) in [(9, 3), (10, 100)] {
        let response = client.call(&request, version).await;
        let codes: Vec<Vec<(i32, i16)>> = response
            .topics
            .iter()
            .map(|topic| topic.partitions.iter())
            .map(|it| it.map(|p| (p.partition_index, p.error_code)).collect())
            .collect();
        assert_eq!(codes, [vec![(0, 0), (7, 3)], vec![(0, missing)]]);
    }
}

#[tokio::test]
async fn the_topic_of_offsets_stays_small_and_keeps_the_last_commit() {
    let broker = TestBroker::with_replicated_groups(&[1, 2]).await;
    for (key, value) in [
        ("cleanup.policy", "compact"),
        ("internal.segment.bytes", "2000"),
    ] {
        broker.set_topic_config(OFFSETS_TOPIC, key, value).await;
    }
    let client = broker.client().await;
    let partition = broker.core.partitions.get_by_name(OFFSETS_TOPIC, 0);
    let log = Arc::clone(partition.expect("there").log());
    for offset in 0..200 {
        let sent = client.connection.send(&commit_request(offset), 9);
        broker.has_written(offset + 1).await;
        broker.ack(2, 0, offset + 1);
        let answer = timeout(PATIENCE, sent.expect("sent")).await;
        assert_eq!(code_of(&answer.expect("in time").expect("answered")), 0);
        if offset % 50 == 49 {
            assert!(broker.compact().await);
        }
    }
    assert!(
        log.lock().size_bytes() < 5000,
        "{}",
        log.lock().size_bytes()
    );
    assert_eq!(client.committed_offset().await, Ok(199));

    // Whoever coordinates next reads what is left.
    broker.elect(2, 1).await;
    broker.elect(1, 2).await;
    broker.ack(2, 2, 200);
    broker.are_served().await;
    let committed = client.committed().await.expect("served");
    assert_eq!(committed.committed_offset, 199);
    assert_eq!(committed.metadata.as_deref(), Some("m"));
}
