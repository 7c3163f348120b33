//! Members join, move partitions among themselves, lose answers, and go.

use protocol::Str;
use protocol::messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;

use super::room::{Room, beat, join, kind, owning, short};

#[test]
fn the_first_member_gets_everything_at_epoch_two() {
    let mut room = Room::with(&[("t", 3)]);
    let answer = room.say(&join("a", &["t"]));
    assert_eq!(short(&answer), "epoch 2 t:0,1,2");
    assert_eq!(answer.heartbeat_interval_ms, 5_000);
    assert_eq!(answer.member_id, Some(Str::from("a")));
    let written: Vec<String> = room.log.iter().map(kind).collect();
    assert_eq!(
        written,
        ["member a", "group", "target a", "targets", "current a"]
    );
    assert_eq!(room.tell(&beat("a", 2)), "epoch 2");
    assert_eq!(room.log.len(), 5, "a heartbeat without news writes nothing");
}

#[test]
fn a_partition_moves_only_after_its_owner_let_go() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&join("a", &["t"]));
    room.pass(5_000);
    let answer = room.say(&join("b", &["t"]));
    assert_eq!(short(&answer), "epoch 3 nothing");
    assert_eq!(
        answer.heartbeat_interval_ms, 1_000,
        "it is worth asking again soon"
    );
    assert_eq!(room.tell(&owning("a", 2, &[("t", &[0, 1])])), "epoch 2 t:0");
    assert_eq!(room.tell(&beat("b", 3)), "epoch 3");
    // Not a word of what it has: it may have both still.
    assert_eq!(room.tell(&beat("a", 2)), "epoch 2");
    assert_eq!(room.tell(&owning("a", 2, &[("t", &[0])])), "epoch 3");
    let answer = room.say(&beat("b", 3));
    assert_eq!(short(&answer), "epoch 3 t:1");
    assert_eq!(answer.heartbeat_interval_ms, 5_000);
}

#[test]
fn members_that_come_within_a_second_share_one_assignment() {
    let mut room = Room::with(&[("t", 4)]);
    room.tell(&join("a", &["t"]));
    assert_eq!(room.tell(&join("b", &["t"])), "epoch 2 nothing");
    assert_eq!(room.tell(&join("c", &["t"])), "epoch 2 nothing");
    assert_eq!((room.group().epoch, room.group().target_epoch), (4, 2));
    room.pass(999);
    assert_eq!(room.group().target_epoch, 2);
    room.pass(1);
    assert_eq!(room.group().target_epoch, 4);
    assert_eq!(
        room.tell(&owning("a", 2, &[("t", &[0, 1])])),
        "epoch 4 t:0,1"
    );
}

#[test]
fn an_assignment_interval_of_zero_assigns_at_once() {
    let mut room = Room::with(&[("t", 4)]);
    room.choose("consumer.assignment.interval.ms", "0");
    room.tell(&join("a", &["t"]));
    room.tell(&join("b", &["t"]));
    assert_eq!(room.group().target_epoch, 3);
}

#[test]
fn a_lost_answer_is_given_again_to_a_member_that_has_no_more_than_it_may() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&join("a", &["t"]));
    room.pass(5_000);
    room.tell(&join("b", &["t"]));
    room.tell(&owning("a", 2, &[("t", &[0, 1])]));
    room.tell(&owning("a", 2, &[("t", &[0])]));
    // It is at epoch 3 and has not heard of it.
    let full = ConsumerGroupHeartbeatRequest {
        rebalance_timeout_ms: 30_000,
        subscribed_topic_names: Some(vec![Str::from("t")]),
        ..owning("a", 2, &[("t", &[0])])
    };
    assert_eq!(room.tell(&full), "epoch 3 t:0");
    assert_eq!(room.tell(&owning("a", 2, &[("t", &[0, 1])])), "error 110");
    assert_eq!(room.tell(&beat("a", 2)), "error 110", "it might have more");
    assert_eq!(room.tell(&beat("a", 1)), "error 110");
    assert_eq!(room.tell(&beat("a", 4)), "error 110");
    assert_eq!(room.tell(&beat("a", 3)), "epoch 3");
}

#[test]
fn a_member_that_joins_again_keeps_its_epoch_and_is_told_everything() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&join("a", &["t"]));
    assert_eq!(room.tell(&join("a", &["t"])), "epoch 2 t:0,1");
    assert_eq!(room.log.len(), 5);
}

#[test]
fn a_silent_member_loses_its_partitions_after_its_session() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&join("a", &["t"]));
    room.pass(2_000);
    room.tell(&join("b", &["t"]));
    let mut epoch = 3;
    for _ in 0..8 {
        room.pass(5_000);
        epoch = room.say(&beat("b", epoch)).member_epoch;
    }
    // Only now does it hear that it has to let go of a partition.
    assert_eq!(
        room.tell(&beat("a", 2)),
        "epoch 2 t:0",
        "42 seconds are not too long"
    );
    room.pass(29_000);
    epoch = room.say(&beat("b", epoch)).member_epoch;
    assert_eq!(room.tell(&owning("a", 2, &[("t", &[0])])), "epoch 3");
    assert_eq!(room.tell(&beat("b", epoch)), "epoch 3 t:1");
    room.pass(44_000);
    room.tell(&beat("b", 3));
    room.pass(1_000);
    assert_eq!(room.tell(&beat("a", 3)), "error 25");
    assert_eq!(room.tell(&beat("b", 3)), "epoch 4 t:0,1");
}

#[test]
fn a_member_that_does_not_let_go_in_time_is_fenced_though_it_heartbeats() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&join("a", &["t"]));
    room.pass(5_000);
    room.tell(&join("b", &["t"]));
    assert_eq!(room.tell(&owning("a", 2, &[("t", &[0, 1])])), "epoch 2 t:0");
    for _ in 0..5 {
        room.pass(5_000);
        assert_eq!(room.tell(&beat("a", 2)), "epoch 2");
        room.tell(&beat("b", 3));
    }
    room.pass(5_000);
    assert_eq!(room.tell(&beat("a", 2)), "error 25");
    room.pass(1_000);
    assert_eq!(room.tell(&beat("b", 3)), "epoch 4 t:0,1");
}

#[test]
fn who_leaves_leaves_its_partitions_to_the_others() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&join("a", &["t"]));
    room.pass(1_000);
    room.tell(&join("b", &["t"]));
    assert_eq!(room.tell(&beat("a", -1)), "epoch -1");
    assert_eq!(room.tell(&beat("a", -1)), "error 25");
    room.pass(1_000);
    assert_eq!(room.tell(&beat("b", 3)), "epoch 4 t:0,1");
    assert_eq!(room.tell(&beat("b", -1)), "epoch -1");
    assert!(room.group().members.is_empty());
    // The next one need not wait.
    assert_eq!(room.tell(&join("c", &["t"])), "epoch 6 t:0,1");
}

#[test]
fn another_subscription_moves_the_group_and_unsubscribed_topics_go_first() {
    let mut room = Room::with(&[("t", 2), ("u", 1)]);
    room.tell(&join("a", &["t"]));
    let change = ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: Some(vec![Str::from("u")]),
        ..owning("a", 2, &[("t", &[0, 1])])
    };
    // Within the second after the last assignment, but what it no longer wants it has to give up.
    assert_eq!(room.tell(&change), "epoch 2 nothing");
    room.pass(1_000);
    assert_eq!(room.tell(&owning("a", 2, &[])), "epoch 3 u:0");
}

#[test]
fn fields_that_a_heartbeat_leaves_out_stay_as_they_were() {
    let mut room = Room::with(&[("t", 2)]);
    let first = ConsumerGroupHeartbeatRequest {
        rack_id: Some(Str::from("r")),
        server_assignor: Some(Str::from("range")),
        ..join("a", &["t"])
    };
    room.tell(&first);
    room.tell(&beat("a", 2));
    let about = &room.group().members["a"].about;
    assert_eq!(about.rack_id.as_deref(), Some("r"));
    assert_eq!(about.server_assignor.as_deref(), Some("range"));
    assert_eq!(about.rebalance_timeout_ms, 30_000);
}

#[test]
fn a_request_that_makes_no_sense_is_refused() {
    let mut room = Room::with(&[("t", 1)]);
    let cases: [(&str, i16, ConsumerGroupHeartbeatRequest); 13] = [
        (
            "no group id",
            42,
            ConsumerGroupHeartbeatRequest {
                group_id: Str::new(),
                ..join("a", &["t"])
            },
        ),
        ("no member id", 42, join("", &["t"])),
        (
            "instance id",
            42,
            ConsumerGroupHeartbeatRequest {
                instance_id: Some(Str::new()),
                ..join("a", &["t"])
            },
        ),
        (
            "rack",
            42,
            ConsumerGroupHeartbeatRequest {
                rack_id: Some(Str::new()),
                ..join("a", &["t"])
            },
        ),
        (
            "timeout",
            42,
            ConsumerGroupHeartbeatRequest {
                rebalance_timeout_ms: -1,
                ..join("a", &["t"])
            },
        ),
        (
            "owned",
            42,
            ConsumerGroupHeartbeatRequest {
                topic_partitions: None,
                ..join("a", &["t"])
            },
        ),
        (
            "owns",
            42,
            ConsumerGroupHeartbeatRequest {
                member_epoch: 0,
                ..owning("a", 0, &[("t", &[0])])
            },
        ),
        (
            "topics",
            42,
            ConsumerGroupHeartbeatRequest {
                subscribed_topic_names: None,
                ..join("a", &["t"])
            },
        ),
        ("epoch", 42, beat("a", -3)),
        ("temporarily, but dynamic", 42, beat("a", -2)),
        (
            "assignor",
            112,
            ConsumerGroupHeartbeatRequest {
                server_assignor: Some(Str::from("x")),
                ..join("a", &["t"])
            },
        ),
        ("no such group", 69, beat("a", 1)),
        ("leaves no such group", 69, beat("a", -1)),
    ];
    for (what, code, request) in cases {
        assert_eq!(room.say(&request).error_code, code, "{what}");
    }
    assert!(room.log.is_empty());
    room.tell(&join("a", &["t"]));
    assert_eq!(room.tell(&beat("b", 1)), "error 25");
}

#[test]
fn version_0_lets_the_coordinator_choose_the_id() {
    let mut room = Room::with(&[("t", 1)]);
    let answer = room.say_as(0, &join("", &["t"]));
    let id = answer.member_id.unwrap();
    assert_eq!(id.len(), 22, "{id}");
    assert_eq!(room.tell(&beat(&id, 2)), "epoch 2");
}

#[test]
fn a_full_group_takes_nobody_new() {
    let mut room = Room::with(&[("t", 1)]);
    room.settings.consumer_max_size = 1;
    room.tell(&join("a", &["t"]));
    assert_eq!(room.tell(&join("b", &["t"])), "error 81");
    assert_eq!(room.tell(&join("a", &["t"])), "epoch 2 t:0");
}

#[test]
fn session_and_interval_are_what_the_group_chose_within_limits() {
    let mut room = Room::with(&[("t", 1)]);
    room.choose("consumer.heartbeat.interval.ms", "7000");
    room.choose("consumer.session.timeout.ms", "50000");
    assert_eq!(room.say(&join("a", &["t"])).heartbeat_interval_ms, 7_000);
    room.pass(49_999);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 2");
    room.pass(50_000);
    assert_eq!(room.tell(&beat("a", 2)), "error 25");
    room.choose("consumer.heartbeat.interval.ms", "1");
    assert_eq!(room.say(&join("a", &["t"])).heartbeat_interval_ms, 5_000);
}

#[test]
fn an_older_epoch_may_commit_what_the_member_has_had_since_then() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&join("a", &["t"]));
    room.pass(5_000);
    room.tell(&join("b", &["t"]));
    room.tell(&owning("a", 2, &[("t", &[0, 1])]));
    assert_eq!(
        room.may_commit("a", 2, 9, ("t", 1)),
        0,
        "it is still giving it up"
    );
    room.tell(&owning("a", 2, &[("t", &[0])]));
    assert_eq!(room.may_commit("a", 3, 9, ("t", 0)), 0);
    assert_eq!(room.may_commit("a", 2, 9, ("t", 0)), 0);
    assert_eq!(room.may_commit("a", 1, 9, ("t", 0)), 113);
    assert_eq!(
        room.may_commit("a", 2, 9, ("t", 1)),
        113,
        "it is no longer its own"
    );
    assert_eq!(room.may_commit("a", 4, 9, ("t", 0)), 113);
    assert_eq!(room.may_commit("a", 3, 8, ("t", 0)), 35);
    assert_eq!(room.may_commit("c", 3, 9, ("t", 0)), 25);
    assert_eq!(room.may_commit("", -1, 9, ("t", 0)), 25);
    let fetched = |member: Option<&str>, epoch| {
        let may = room.slot.may_fetch(member, epoch);
        may.err().map_or(0, types::ErrorCode::to_wire)
    };
    assert_eq!(fetched(None, -1), 0);
    assert_eq!(fetched(Some("a"), 3), 0);
    assert_eq!(fetched(Some("a"), 2), 113);
    assert_eq!(fetched(Some("c"), 2), 25);
}
