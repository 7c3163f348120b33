//! Transcripts of a member of a classic group: what it says, and what it makes of the answers.

use std::time::Duration;

use protocol::messages::heartbeat::HeartbeatResponse;
use protocol::messages::join_group::JoinGroupRequest;
use protocol::messages::leave_group::LeaveGroupResponse;
use protocol::messages::sync_group::SyncGroupRequest;
use types::TopicPartition;

use super::super::{Request, TopicFacts};
use super::*;
use crate::group::protocol::Subscription;

const T: &str = "t";

/// A member, what it has last sent, and a clock of its own.
struct Script {
    member: Classic,
    now: Instant,
}

impl Script {
    fn new(assignors: Vec<Assignor>) -> Self {
        let config = GroupConfig {
            group_id: "g".to_owned(),
            assignors,
            ..GroupConfig::default()
        };
        Self::of(config)
    }

    fn of(config: GroupConfig) -> Self {
        let second = Duration::from_secs(1);
        let mut member = Classic::new(config, String::new(), Patience::new(second, second));
        let now = Instant::now();
        member.on_interest(now, Interest::Names(BTreeSet::from([Arc::from(T)])));
        Self { member, now }
    }

    fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn sent(&mut self) -> Request {
        match self.member.step(self.now) {
            Step::Send(request) => *request,
            Step::Wait(until) => panic!("waits until {until:?} in {:?}", self.member.phase),
        }
    }

    fn waits(&mut self) -> bool {
        matches!(self.member.step(self.now), Step::Wait(_))
    }

    fn join(&mut self) -> JoinGroupRequest {
        match self.sent() {
            Request::Join(request) => request,
            other => panic!("{other:?}"),
        }
    }

    fn sync(&mut self) -> SyncGroupRequest {
        match self.sent() {
            Request::Sync(request) => request,
            other => panic!("{other:?}"),
        }
    }

    fn beats(&mut self) -> bool {
        matches!(self.sent(), Request::Heartbeat(_))
    }

    fn joined(&mut self, generation_id: i32, leader: &str, protocol: &'static str) {
        let member = JoinGroupResponseMember {
            member_id: "m".into(),
            metadata: self.member.subscription().encode().expect("fits"),
            ..JoinGroupResponseMember::default()
        };
        let response = JoinGroupResponse {
            generation_id,
            protocol_name: Some(protocol.into()),
            leader: leader.into(),
            member_id: "m".into(),
            members: vec![member],
            ..JoinGroupResponse::default()
        };
        self.member.on_response(self.now, Response::Join(response));
    }

    fn refused_join(&mut self, code: ErrorCode, member_id: &'static str) {
        let response = JoinGroupResponse {
            error_code: code.to_wire(),
            member_id: member_id.into(),
            ..JoinGroupResponse::default()
        };
        self.member.on_response(self.now, Response::Join(response));
    }

    fn synced(&mut self, partitions: &[i32]) {
        let partitions: Vec<_> = partitions
            .iter()
            .map(|i| TopicPartition::new(T, *i))
            .collect();
        let response = SyncGroupResponse {
            assignment: wire::encode_assignment(&partitions).expect("fits"),
            ..SyncGroupResponse::default()
        };
        self.member.on_response(self.now, Response::Sync(response));
    }

    fn beaten(&mut self, code: ErrorCode) {
        let response = HeartbeatResponse {
            error_code: code.to_wire(),
            ..HeartbeatResponse::default()
        };
        self.member
            .on_response(self.now, Response::Heartbeat(response));
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

    /// A follower that reads partitions 0 and 1 in generation 1.
    fn stable(assignors: Vec<Assignor>) -> Self {
        let mut script = Self::new(assignors);
        let name = script.member.config.assignors[0].name();
        script.join();
        script.joined(1, "other", name);
        script.sync();
        script.synced(&[0, 1]);
        script.apply();
        script
    }

    fn topics(&mut self, partition_count: i32) {
        let facts = TopicFacts {
            id: Uuid::ZERO,
            partition_count,
        };
        let topics = Topics::from([(Arc::from(T), facts)]);
        self.member.on_topics(self.now, &topics);
    }
}

fn eager() -> Vec<Assignor> {
    vec![Assignor::Range, Assignor::CooperativeSticky]
}

fn cooperative() -> Vec<Assignor> {
    vec![Assignor::CooperativeSticky]
}

#[test]
fn a_member_without_an_id_joins_again_with_the_one_it_is_given() {
    let mut script = Script::new(eager());
    let first = script.join();
    assert_eq!(&*first.member_id, "");
    let names: Vec<_> = first.protocols.iter().map(|p| &*p.name).collect();
    assert_eq!(names, ["range", "cooperative-sticky"]);
    script.refused_join(ErrorCode::MemberIdRequired, "m");
    assert_eq!(&*script.join().member_id, "m");
    assert!(script.waits(), "one request at a time");
}

#[test]
fn a_follower_syncs_with_nothing_and_reads_what_it_is_given() {
    let script = Script::stable(eager());
    assert_eq!(script.reads(), [0, 1]);
    let identity = &script.member.view.identity;
    assert_eq!((identity.member_id.as_str(), identity.generation), ("m", 1));
}

#[test]
fn the_leader_deals_when_it_knows_the_topics_of_all() {
    let mut script = Script::new(eager());
    script.join();
    script.joined(1, "m", "range");
    assert!(script.waits());
    assert!(script.member.wanted().0.contains(T));
    script.topics(3);
    let sync = script.sync();
    let dealt = wire::decode_assignment(&sync.assignments[0].assignment).expect("well-formed");
    assert_eq!(dealt.len(), 3);
    assert_eq!(sync.protocol_name.as_deref(), Some("range"));
}

#[test]
fn the_leader_calls_for_a_rebalance_when_partitions_are_added() {
    let mut script = Script::new(eager());
    script.join();
    script.joined(1, "m", "range");
    script.topics(2);
    script.sync();
    script.synced(&[0, 1]);
    script.apply();
    script.topics(2);
    assert!(script.waits());
    script.topics(4);
    assert_eq!(script.reads(), [0, 1]);
    script.member.step(script.now);
    script.apply();
    assert_eq!(&*script.join().member_id, "m");
}

#[test]
fn an_eager_member_joins_only_after_the_application_has_given_everything_up() {
    let mut script = Script::stable(eager());
    script.later(3);
    assert!(script.beats());
    script.beaten(ErrorCode::RebalanceInProgress);
    assert!(script.waits());
    assert!(script.reads().is_empty());
    // The application is busy for longer than a session: heartbeats go on.
    script.later(3);
    assert!(script.beats());
    script.beaten(ErrorCode::RebalanceInProgress);
    assert!(script.waits());
    script.apply();
    let join = script.join();
    let subscription = Subscription::decode(&join.protocols[0].metadata).expect("well-formed");
    assert!(subscription.owned.is_empty());
}

#[test]
fn a_cooperative_member_goes_on_reading_gives_up_what_it_lacks_and_joins_again() {
    let mut script = Script::stable(cooperative());
    script.later(3);
    assert!(script.beats());
    script.beaten(ErrorCode::RebalanceInProgress);
    let join = script.join();
    assert_eq!(script.reads(), [0, 1]);
    let subscription = Subscription::decode(&join.protocols[0].metadata).expect("well-formed");
    assert_eq!((subscription.owned.len(), subscription.generation), (2, 1));
    script.joined(2, "other", "cooperative-sticky");
    script.sync();
    script.synced(&[0]);
    assert_eq!(script.reads(), [0]);
    assert!(script.waits(), "until partition 1 is given up");
    script.apply();
    let join = script.join();
    let subscription = Subscription::decode(&join.protocols[0].metadata).expect("well-formed");
    assert_eq!((subscription.owned.len(), subscription.generation), (1, 2));
}

#[test]
fn a_fenced_member_loses_everything_and_comes_back_as_another() {
    let mut script = Script::stable(eager());
    script.later(3);
    assert!(script.beats());
    script.beaten(ErrorCode::UnknownMemberId);
    assert!(script.reads().is_empty());
    assert_eq!(script.member.view.loss_count, 1);
    script.later(2);
    assert!(script.waits(), "until the application knows");
    script.apply();
    assert_eq!(&*script.join().member_id, "");
}

#[test]
fn a_stale_generation_keeps_the_members_id() {
    let mut script = Script::stable(eager());
    script.later(3);
    assert!(script.beats());
    script.beaten(ErrorCode::IllegalGeneration);
    script.apply();
    script.later(2);
    assert_eq!(&*script.join().member_id, "m");
    assert_eq!(script.member.view.loss_count, 1);
}

#[test]
fn a_commit_that_was_disowned_counts_only_in_the_same_generation() {
    let mut script = Script::stable(eager());
    let old = Identity {
        member_id: "m".to_owned(),
        generation: 0,
    };
    script.member.on_disowned(script.now, &old);
    assert_eq!(script.reads(), [0, 1]);
    let identity = script.member.view.identity.clone();
    script.member.on_disowned(script.now, &identity);
    assert!(script.reads().is_empty());
}

#[test]
fn an_application_that_does_not_poll_leaves_and_joins_when_it_is_back() {
    let mut script = Script::stable(eager());
    script.member.on_poll_expired(script.now);
    let Request::Leave(leave) = script.sent() else {
        panic!("does not leave");
    };
    assert_eq!(&*leave.members[0].member_id, "m");
    script
        .member
        .on_response(script.now, Response::Leave(LeaveGroupResponse::default()));
    assert!(script.waits());
    assert!(!script.member.is_active());
    script.apply();
    assert_eq!(&*script.join().member_id, "");
}

#[test]
fn a_static_member_falls_silent_instead_of_leaving() {
    let config = GroupConfig {
        group_id: "g".to_owned(),
        instance_id: Some("i".to_owned()),
        ..GroupConfig::default()
    };
    let mut script = Script::of(config);
    let join = script.join();
    assert_eq!(join.group_instance_id.as_deref(), Some("i"));
    script.joined(1, "other", "range");
    script.sync();
    script.synced(&[0]);
    script.member.leave("closed");
    assert!(script.waits());
    assert!(script.member.is_over());
}

#[test]
fn a_dynamic_member_leaves_even_while_its_join_waits_for_the_others() {
    let mut script = Script::stable(cooperative());
    script.later(3);
    assert!(script.beats());
    script.beaten(ErrorCode::RebalanceInProgress);
    script.join();
    script.member.leave("closed");
    assert!(matches!(script.sent(), Request::Leave(_)));
    script.joined(2, "m", "cooperative-sticky");
    script
        .member
        .on_response(script.now, Response::Leave(LeaveGroupResponse::default()));
    assert!(script.member.is_over());
}

#[test]
fn what_no_try_can_mend_ends_the_membership_with_kafkas_code() {
    let mut script = Script::new(eager());
    script.join();
    script.refused_join(ErrorCode::InconsistentGroupProtocol, "");
    let failure = script.member.view.failure.as_ref().expect("failed");
    assert_eq!(failure.code(), Some(ErrorCode::InconsistentGroupProtocol));
    assert!(script.member.is_over());
}

#[test]
fn a_broken_connection_is_tried_again_after_a_pause() {
    let mut script = Script::stable(eager());
    script.later(3);
    assert!(script.beats());
    script.member.on_trouble(script.now);
    assert!(script.waits());
    assert_eq!(script.reads(), [0, 1]);
    script.later(1);
    assert!(script.beats());
}

#[test]
fn an_assignment_that_stays_is_not_dealt_anew_but_its_topics_are_watched() {
    let mut script = Script::new(eager());
    let join = script.join();
    let response = JoinGroupResponse {
        generation_id: 4,
        protocol_name: Some("range".into()),
        leader: "m".into(),
        member_id: "m".into(),
        skip_assignment: true,
        members: vec![JoinGroupResponseMember {
            member_id: "m".into(),
            metadata: join.protocols[0].metadata.clone(),
            ..JoinGroupResponseMember::default()
        }],
        ..JoinGroupResponse::default()
    };
    script
        .member
        .on_response(script.now, Response::Join(response));
    script.topics(2);
    assert!(script.sync().assignments.is_empty());
    script.synced(&[0, 1]);
    script.apply();
    script.topics(3);
    script.member.step(script.now);
    assert!(script.reads().is_empty(), "to be dealt out anew");
}
