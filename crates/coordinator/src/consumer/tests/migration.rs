//! Online migration between the two protocols.

use std::time::Duration;

use bytes::Bytes;
use protocol::data::consumer_protocol_assignment::{ConsumerProtocolAssignment, TopicPartition};
use protocol::data::consumer_protocol_subscription::{
    ConsumerProtocolSubscription, TopicPartition as OwnedPartition,
};
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use protocol::messages::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use protocol::wire::Writer;
use protocol::{Message, Str};

use super::room::{Room, beat, join, kind, owning};
use crate::consumer::embedded;
use crate::group::Group as Slot;
use crate::request::{Answer, Request};
use crate::settings::MigrationPolicy;

fn embed(message: &impl Message, version: i16) -> Bytes {
    let mut writer = Writer::with_capacity(64);
    writer.i16(version);
    message.encode(&mut writer, version).unwrap();
    writer.finish().pieces().flatten().copied().collect()
}

pub(super) fn subscription(topics: &[&str], owned: &[(&str, &[i32])]) -> Bytes {
    let owned = owned.iter().map(|(topic, partitions)| OwnedPartition {
        topic: Str::from(*topic),
        partitions: partitions.to_vec(),
    });
    let subscription = ConsumerProtocolSubscription {
        topics: topics.iter().map(|topic| Str::from(*topic)).collect(),
        owned_partitions: owned.collect(),
        ..ConsumerProtocolSubscription::default()
    };
    embed(&subscription, 3)
}

pub(super) fn assignment(topics: &[(&str, &[i32])], user_data: Option<&'static [u8]>) -> Bytes {
    let topics = topics.iter().map(|(topic, partitions)| TopicPartition {
        topic: Str::from(*topic),
        partitions: partitions.to_vec(),
    });
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: topics.collect(),
        user_data: user_data.map(Bytes::from_static),
    };
    embed(&assignment, 3)
}

pub(super) fn classic_join(member: &str, metadata: Bytes) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: Str::from("g"),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 60_000,
        member_id: Str::from(member),
        protocol_type: Str::from("consumer"),
        protocols: vec![JoinGroupRequestProtocol {
            name: Str::from("range"),
            metadata,
        }],
        ..JoinGroupRequest::default()
    }
}

fn joined(room: &mut Room, request: &JoinGroupRequest) -> JoinGroupResponse {
    let token = room.ask(9, &Request::Join(request.clone()));
    room.pass(0);
    match room.take(token) {
        Some(Answer::Join(answer)) => answer,
        other => panic!("not an answer to a join: {other:?}"),
    }
}

fn synced(room: &mut Room, member: &str, generation_id: i32) -> SyncGroupResponse {
    let request = SyncGroupRequest {
        group_id: Str::from("g"),
        generation_id,
        member_id: Str::from(member),
        protocol_type: Some(Str::from("consumer")),
        protocol_name: Some(Str::from("range")),
        ..SyncGroupRequest::default()
    };
    let token = room.ask(5, &Request::Sync(request));
    match room.take(token) {
        Some(Answer::Sync(answer)) => answer,
        other => panic!("not an answer to a sync: {other:?}"),
    }
}

fn partitions(answer: &SyncGroupResponse) -> Vec<i32> {
    assert_eq!(answer.error_code, 0);
    let assignment = embedded::assignment(&answer.assignment).unwrap();
    let topics = assignment.assigned_partitions.into_iter();
    topics.flat_map(|topic| topic.partitions).collect()
}

fn heartbeat(room: &mut Room, member: &str, generation_id: i32) -> i16 {
    let request = HeartbeatRequest {
        group_id: Str::from("g"),
        generation_id,
        member_id: Str::from(member),
        group_instance_id: None,
    };
    let token = room.ask(4, &Request::Heartbeat(request));
    match room.take(token) {
        Some(Answer::Heartbeat(answer)) => answer.error_code,
        other => panic!("not an answer to a heartbeat: {other:?}"),
    }
}

/// A classic group with one member, at generation 1, that was assigned `assigned`.
fn classic(assigned: Bytes) -> (Room, Str) {
    let mut room = Room::with(&[("t", 2)]);
    room.settings.initial_rebalance_delay = Duration::ZERO;
    let request = classic_join("", subscription(&["t"], &[]));
    let member = joined(&mut room, &request).member_id;
    let answer = joined(&mut room, &classic_join(&member, subscription(&["t"], &[])));
    assert_eq!((answer.error_code, answer.generation_id), (0, 1));
    let sync = SyncGroupRequest {
        group_id: Str::from("g"),
        generation_id: 1,
        member_id: member.clone(),
        protocol_type: Some(Str::from("consumer")),
        protocol_name: Some(Str::from("range")),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: member.clone(),
            assignment: assigned,
        }],
        ..SyncGroupRequest::default()
    };
    let token = room.ask(5, &Request::Sync(sync));
    match room.take(token) {
        Some(Answer::Sync(answer)) => assert_eq!(answer.error_code, 0),
        other => panic!("not an answer to a sync: {other:?}"),
    }
    (room, member)
}

/// A group in which `c`, returned, is classic and has partition 0, and `a` has partition 1, all at
/// generation 2.
fn mixed() -> (Room, Str) {
    let (mut room, c) = classic(assignment(&[("t", &[0, 1])], None));
    assert_eq!(room.tell(&join("a", &["t"])), "epoch 2 nothing");
    assert_eq!(heartbeat(&mut room, &c, 1), 27);
    let both = classic_join(&c, subscription(&["t"], &[("t", &[0, 1])]));
    assert_eq!(joined(&mut room, &both).generation_id, 1);
    assert_eq!(partitions(&synced(&mut room, &c, 1)).len(), 1);
    assert_eq!(
        heartbeat(&mut room, &c, 1),
        27,
        "it has to say that it let go"
    );
    let one = classic_join(&c, subscription(&["t"], &[("t", &[0])]));
    assert_eq!(joined(&mut room, &one).generation_id, 2);
    assert_eq!(partitions(&synced(&mut room, &c, 2)), [0]);
    assert_eq!(heartbeat(&mut room, &c, 2), 0);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 2 t:1");
    (room, c)
}

#[test]
fn a_classic_group_goes_on_as_a_consumer_group_when_the_first_member_heartbeats() {
    let (room, c) = mixed();
    let written: Vec<String> = room.log.iter().map(kind).collect();
    let tombstone = written.iter().position(|kind| kind == "-classic").unwrap();
    let upgrade = &written[tombstone + 1..tombstone + 6];
    let expected = [
        format!("member {c}"),
        "group".to_owned(),
        format!("target {c}"),
    ];
    assert_eq!(upgrade[..3], expected);
    assert_eq!(upgrade[3..], ["targets".to_owned(), format!("current {c}")]);
}

#[test]
fn a_mixed_group_outlives_its_coordinator() {
    let (mut room, c) = mixed();
    let before = room.group().clone();
    room.fail_over();
    assert_eq!(room.group(), &before);
    assert_eq!(heartbeat(&mut room, &c, 2), 0);
    room.pass(29_999);
    assert_eq!(heartbeat(&mut room, &c, 2), 0);
    room.tell(&beat("a", 2));
    room.pass(30_000);
    assert_eq!(
        heartbeat(&mut room, &c, 2),
        25,
        "its own session timeout holds"
    );
}

#[test]
fn a_classic_member_that_is_to_rejoin_and_does_not_is_removed() {
    let (mut room, c) = classic(assignment(&[("t", &[0, 1])], None));
    room.tell(&join("a", &["t"]));
    for _ in 0..3 {
        assert_eq!(heartbeat(&mut room, &c, 1), 27);
        room.pass(20_000);
        room.tell(&beat("a", 2));
    }
    assert_eq!(heartbeat(&mut room, &c, 1), 25);
}

#[test]
fn the_group_is_classic_again_when_the_last_member_that_heartbeats_is_gone() {
    let (mut room, c) = mixed();
    assert_eq!(room.tell(&beat("a", -1)), "epoch -1");
    assert!(matches!(room.slot, Slot::Classic(_)));
    assert_eq!(
        heartbeat(&mut room, &c, 2),
        27,
        "it has to join the rebalance"
    );
    let answer = joined(
        &mut room,
        &classic_join(&c, subscription(&["t"], &[("t", &[0])])),
    );
    assert_eq!(answer.error_code, 0);
    assert!(answer.generation_id > 2, "{}", answer.generation_id);
    assert_eq!(answer.leader, c);
    assert!(
        matches!(room.replayed(), Slot::Classic(_)),
        "the log says so too"
    );
}

#[test]
fn without_leave_to_downgrade_the_group_stays_a_consumer_group() {
    let (mut room, c) = mixed();
    room.settings.consumer_migration.downgrade = false;
    room.tell(&beat("a", -1));
    room.pass(1_000);
    assert_eq!(heartbeat(&mut room, &c, 2), 27);
    let all = joined(
        &mut room,
        &classic_join(&c, subscription(&["t"], &[("t", &[0])])),
    );
    assert_eq!(
        partitions(&synced(&mut room, &c, all.generation_id)),
        [0, 1]
    );
}

#[test]
fn a_classic_member_may_join_a_consumer_group() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&join("a", &["t"]));
    room.pass(1_000);
    let mut request = classic_join("", subscription(&["t"], &[]));
    let answer = joined(&mut room, &request);
    assert_eq!(answer.error_code, 79);
    request.member_id = answer.member_id;
    let answer = joined(&mut room, &request);
    assert_eq!((answer.error_code, answer.generation_id), (0, 3));
    assert_eq!(answer.protocol_name.as_deref(), Some("range"));
    let c = answer.member_id;
    assert_eq!(partitions(&synced(&mut room, &c, 3)), []);
    assert_eq!(
        heartbeat(&mut room, &c, 3),
        0,
        "the others have not let go yet"
    );
    room.tell(&owning("a", 2, &[("t", &[0, 1])]));
    room.tell(&owning("a", 2, &[("t", &[0])]));
    assert_eq!(heartbeat(&mut room, &c, 3), 27);
    assert_eq!(joined(&mut room, &request).generation_id, 3);
    assert_eq!(partitions(&synced(&mut room, &c, 3)), [1]);
    let member = MemberIdentity {
        member_id: c.clone(),
        ..MemberIdentity::default()
    };
    let leave = LeaveGroupRequest {
        group_id: Str::from("g"),
        members: vec![member],
        ..LeaveGroupRequest::default()
    };
    let token = room.ask(5, &Request::Leave(leave));
    assert!(
        matches!(room.take(token), Some(Answer::Leave(answer)) if answer.members[0].error_code == 0)
    );
    room.pass(1_000);
    assert_eq!(room.tell(&beat("a", 3)), "epoch 4 t:0,1");
    assert_eq!(heartbeat(&mut room, &c, 3), 25);
}

#[test]
fn who_cannot_be_understood_does_not_join() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&join("a", &["t"]));
    let good = classic_join("c", subscription(&["t"], &[]));
    let mut other_type = good.clone();
    other_type.protocol_type = Str::from("connect");
    let mut junk = good.clone();
    junk.protocols[0].metadata = Bytes::from_static(b"junk");
    let mut impatient = good.clone();
    impatient.session_timeout_ms = 1;
    for (request, code) in [(other_type, 23), (junk, 23), (impatient, 26)] {
        assert_eq!(joined(&mut room, &request).error_code, code);
    }
    room.settings.consumer_migration = MigrationPolicy {
        upgrade: false,
        downgrade: false,
    };
    assert_eq!(joined(&mut room, &good).error_code, 23);
    assert_eq!(
        synced(&mut room, "a", 2).error_code,
        25,
        "it heartbeats, it does not sync"
    );
    assert_eq!(heartbeat(&mut room, "a", 2), 25);
}

#[test]
fn a_group_that_may_not_or_cannot_become_a_consumer_group_stays_classic() {
    let (mut room, c) = classic(assignment(&[("t", &[0])], None));
    room.settings.consumer_migration.upgrade = false;
    assert_eq!(room.tell(&join("a", &["t"])), "error 69");
    assert_eq!(heartbeat(&mut room, &c, 1), 0);
    for assigned in [assignment(&[], Some(b"x")), Bytes::from_static(b"junk")] {
        let (mut room, c) = classic(assigned);
        assert_eq!(room.tell(&join("a", &["t"])), "error 69");
        assert_eq!(heartbeat(&mut room, &c, 1), 0);
    }
}

#[test]
fn an_empty_classic_group_gives_way() {
    let (mut room, c) = classic(assignment(&[("t", &[0])], None));
    room.pass(30_000);
    assert_eq!(heartbeat(&mut room, &c, 1), 25);
    assert_eq!(room.tell(&join("a", &["t"])), "epoch 2 t:0,1");
    assert!(matches!(room.replayed(), Slot::Consumer(_)));
}

#[test]
fn a_static_member_goes_back_to_the_classic_protocol() {
    let mut room = Room::with(&[("t", 2)]);
    room.settings.initial_rebalance_delay = Duration::ZERO;
    let mut first = join("a", &["t"]);
    first.instance_id = Some(Str::from("i"));
    room.tell(&first);
    let mut leaves = beat("a", -2);
    leaves.instance_id = Some(Str::from("i"));
    room.tell(&leaves);
    let mut request = classic_join("", subscription(&["t"], &[]));
    request.group_instance_id = Some(Str::from("i"));
    let answer = joined(&mut room, &request);
    assert_eq!(answer.error_code, 0);
    assert!(matches!(room.slot, Slot::Classic(_)));
    assert!(matches!(room.replayed(), Slot::Classic(_) | Slot::Absent));
}

#[test]
fn an_empty_consumer_group_gives_way_to_a_classic_one() {
    let mut room = Room::with(&[("t", 2)]);
    room.settings.initial_rebalance_delay = Duration::ZERO;
    room.tell(&join("a", &["t"]));
    room.tell(&beat("a", -1));
    let mut request = classic_join("", subscription(&["t"], &[]));
    let answer = joined(&mut room, &request);
    assert_eq!(answer.error_code, 79);
    request.member_id = answer.member_id;
    let answer = joined(&mut room, &request);
    assert_eq!((answer.error_code, answer.generation_id), (0, 1));
    assert!(matches!(room.slot, Slot::Classic(_)));
}
