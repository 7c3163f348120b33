//! Transcripts of a member of a consumer group: what it says, and what it makes of the answers.

use std::time::Duration;

use protocol::messages::consumer_group_heartbeat::Assignment;

use super::super::TopicFacts;
use super::*;

const T: &str = "t";
const ID: Uuid = Uuid::from_bytes([7; 16]);

struct Script {
    member: Modern,
    now: Instant,
}

impl Script {
    fn new(instance_id: Option<&str>) -> Self {
        let config = GroupConfig {
            group_id: "g".to_owned(),
            instance_id: instance_id.map(ToOwned::to_owned),
            ..GroupConfig::default()
        };
        let second = Duration::from_secs(1);
        let patience = Patience::new(second, second);
        let mut member = Modern::new(config, String::new(), "m".to_owned(), patience);
        let now = Instant::now();
        member.on_interest(now, Interest::Names(BTreeSet::from([Arc::from(T)])));
        Self { member, now }
    }

    fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn sent(&mut self) -> ConsumerGroupHeartbeatRequest {
        match self.member.step(self.now) {
            Step::Send(request) => match *request {
                Request::Modern(request) => request,
                other => panic!("{other:?}"),
            },
            Step::Wait(until) => panic!("waits until {until:?} in {:?}", self.member.phase),
        }
    }

    fn waits(&mut self) -> bool {
        matches!(self.member.step(self.now), Step::Wait(_))
    }

    fn answered(&mut self, member_epoch: i32, assigned: Option<&[i32]>) {
        let assignment = assigned.map(|partitions| Assignment {
            topic_partitions: vec![TopicPartitions {
                topic_id: ID,
                partitions: partitions.to_vec(),
            }],
        });
        let response = ConsumerGroupHeartbeatResponse {
            member_id: Some("m".into()),
            member_epoch,
            heartbeat_interval_ms: 5000,
            assignment,
            ..ConsumerGroupHeartbeatResponse::default()
        };
        self.member
            .on_response(self.now, Response::Modern(response));
    }

    fn refused(&mut self, code: ErrorCode) {
        let response = ConsumerGroupHeartbeatResponse {
            error_code: code.to_wire(),
            ..ConsumerGroupHeartbeatResponse::default()
        };
        self.member
            .on_response(self.now, Response::Modern(response));
    }

    fn named(&mut self) {
        let facts = TopicFacts {
            id: ID,
            partition_count: 9,
        };
        let topics = Topics::from([(Arc::from(T), facts)]);
        self.member.on_topics(self.now, &topics);
    }

    fn reads(&self) -> Vec<i32> {
        self.member
            .view
            .partitions
            .iter()
            .map(|p| p.partition)
            .collect()
    }

    fn apply(&mut self) {
        let revision = self.member.view.revision;
        self.member.on_applied(self.now, revision);
    }

    /// A member that reads partitions 0 and 1, and has said so.
    fn stable() -> Self {
        let mut script = Self::new(None);
        script.named();
        script.sent();
        script.answered(1, Some(&[0, 1]));
        script.apply();
        script.sent();
        script.answered(1, None);
        script
    }
}

fn owned(request: &ConsumerGroupHeartbeatRequest) -> Option<Vec<i32>> {
    let topics = request.topic_partitions.as_ref()?;
    Some(
        topics
            .iter()
            .flat_map(|topic| topic.partitions.clone())
            .collect(),
    )
}

#[test]
fn the_first_heartbeat_says_everything_and_later_ones_what_has_changed() {
    let mut script = Script::new(None);
    script.named();
    let first = script.sent();
    assert_eq!(
        (first.member_epoch, first.rebalance_timeout_ms),
        (0, 300_000)
    );
    assert_eq!(owned(&first), Some(vec![]));
    assert_eq!(first.subscribed_topic_names, Some(vec![T.into()]));
    script.answered(3, Some(&[0, 1]));
    assert_eq!(script.reads(), [0, 1]);
    assert!(script.waits(), "until the application reads them");
    script.apply();
    let acknowledged = script.sent();
    assert_eq!(owned(&acknowledged), Some(vec![0, 1]));
    assert_eq!(acknowledged.subscribed_topic_names, None);
    assert_eq!(acknowledged.member_epoch, 3);
    script.answered(3, None);
    assert!(script.waits());
    script.later(5);
    let quiet = script.sent();
    assert_eq!((owned(&quiet), quiet.rebalance_timeout_ms), (None, -1));
}

#[test]
fn what_is_taken_away_is_acknowledged_only_when_the_application_has_given_it_up() {
    let mut script = Script::stable();
    script.later(5);
    script.sent();
    script.answered(1, Some(&[0]));
    assert_eq!(script.reads(), [0]);
    script.later(5);
    assert_eq!(owned(&script.sent()), None, "it still reads partition 1");
    script.answered(1, None);
    script.apply();
    assert_eq!(owned(&script.sent()), Some(vec![0]));
}

#[test]
fn after_a_failure_everything_is_said_again_but_nothing_passes_for_given_up() {
    let mut script = Script::stable();
    script.later(5);
    script.sent();
    script.answered(1, Some(&[0]));
    script.later(5);
    script.sent();
    script.member.on_trouble(script.now);
    script.later(1);
    let again = script.sent();
    assert_eq!(again.subscribed_topic_names, Some(vec![T.into()]));
    assert_eq!(owned(&again), None);
    script.answered(1, None);
    script.apply();
    assert_eq!(owned(&script.sent()), Some(vec![0]));
}

#[test]
fn partitions_wait_for_the_name_of_their_topic() {
    let mut script = Script::new(None);
    script.sent();
    script.answered(1, Some(&[4]));
    assert!(script.reads().is_empty());
    assert_eq!(script.member.wanted().1, [ID]);
    script.named();
    assert_eq!(script.reads(), [4]);
}

#[test]
fn a_fenced_member_loses_everything_and_joins_anew() {
    for code in [ErrorCode::UnknownMemberId, ErrorCode::FencedMemberEpoch] {
        let mut script = Script::stable();
        script.later(5);
        script.sent();
        script.refused(code);
        assert!(script.reads().is_empty());
        assert_eq!(script.member.view.loss_count, 1);
        script.later(2);
        assert!(script.waits(), "until the application knows");
        script.apply();
        let join = script.sent();
        assert_eq!((join.member_epoch, owned(&join)), (0, Some(vec![])));
        assert_eq!(&*join.member_id, "m");
    }
}

#[test]
fn goodbye_is_epoch_minus_one_and_for_static_members_minus_two() {
    for (instance_id, epoch) in [(None, -1), (Some("i"), -2)] {
        let mut script = Script::new(instance_id);
        script.sent();
        script.answered(1, Some(&[]));
        script.member.leave("closed");
        let goodbye = script.sent();
        assert_eq!(goodbye.member_epoch, epoch);
        assert_eq!(goodbye.instance_id.as_deref(), instance_id);
        script.answered(epoch, None);
        assert!(script.member.is_over());
    }
}

#[test]
fn an_application_that_does_not_poll_leaves_and_joins_when_it_is_back() {
    let mut script = Script::stable();
    script.member.on_poll_expired(script.now);
    assert_eq!(script.sent().member_epoch, -1);
    script.answered(-1, None);
    assert!(script.waits());
    script.apply();
    assert_eq!(script.sent().member_epoch, 0);
}

#[test]
fn an_instance_id_that_another_holds_is_an_error_with_kafkas_code() {
    let mut script = Script::new(Some("i"));
    script.sent();
    script.refused(ErrorCode::UnreleasedInstanceId);
    let failure = script.member.view.failure.as_ref().expect("failed");
    assert_eq!(failure.code(), Some(ErrorCode::UnreleasedInstanceId));
    assert!(script.member.is_over());
}

#[test]
fn commits_are_made_in_the_newest_epoch() {
    let mut script = Script::stable();
    script.later(5);
    script.sent();
    script.answered(2, None);
    let identity = &script.member.view.identity;
    assert_eq!((identity.member_id.as_str(), identity.generation), ("m", 2));
}
