//! Topics come, grow and go; expressions match them.

use protocol::Str;
use protocol::messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;

use super::room::{Room, beat, join, owning};

fn matching(member: &str, regex: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some(Str::from(regex)),
        ..join(member, &[])
    }
}

#[test]
fn partitions_that_are_added_are_assigned() {
    let mut room = Room::with(&[("t", 1)]);
    room.tell(&join("a", &["t"]));
    room.pass(5_000);
    room.create("t", 3);
    room.pass(0);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 3 t:0,1,2");
}

#[test]
fn a_topic_may_be_subscribed_before_it_exists() {
    let mut room = Room::with(&[]);
    assert_eq!(room.tell(&join("a", &["t"])), "epoch 2 nothing");
    room.pass(5_000);
    room.create("t", 2);
    room.pass(0);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 3 t:0,1");
}

#[test]
fn a_deleted_topic_is_taken_away() {
    let mut room = Room::with(&[("t", 1), ("u", 1)]);
    assert_eq!(room.tell(&join("a", &["t", "u"])), "epoch 2 t:0 u:0");
    room.pass(5_000);
    room.delete("t");
    room.pass(0);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 2 u:0");
    assert_eq!(room.tell(&owning("a", 2, &[("u", &[0])])), "epoch 3");
}

#[test]
fn topics_that_nobody_reads_change_nothing() {
    let mut room = Room::with(&[("t", 1)]);
    room.tell(&join("a", &["t"]));
    room.create("u", 1);
    room.pass(5_000);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 2");
}

#[test]
fn an_expression_matches_the_topics_there_are_and_those_that_come() {
    let mut room = Room::with(&[("foo1", 1), ("bar", 1)]);
    assert_eq!(room.tell(&matching("a", "foo.*")), "epoch 2 foo1:0");
    assert!(room.slot.is_subscribed("foo1"));
    assert!(!room.slot.is_subscribed("bar"));
    room.pass(1_000);
    room.create("foo2", 1);
    room.pass(1_000);
    assert_eq!(
        room.tell(&beat("a", 2)),
        "epoch 2",
        "at most every ten seconds"
    );
    room.pass(8_000);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 3 foo1:0 foo2:0");
    let back = ConsumerGroupHeartbeatRequest {
        subscribed_topic_regex: Some(Str::new()),
        subscribed_topic_names: Some(vec![Str::from("bar")]),
        ..owning("a", 3, &[])
    };
    room.pass(1_000);
    assert_eq!(room.tell(&back), "epoch 4 bar:0");
    assert!(
        room.group().matched.is_empty(),
        "nobody asks for it any more"
    );
}

#[test]
fn an_expression_is_matched_again_after_a_while_in_any_case() {
    let mut room = Room::with(&[("foo1", 1)]);
    room.settings.consumer_regex_refresh_interval = std::time::Duration::from_secs(40);
    room.tell(&matching("a", "foo.*"));
    let slot = std::mem::take(&mut room.slot);
    room.create("foo2", 1);
    room.slot = slot;
    room.pass(39_000);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 2");
    room.pass(1_000);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 3 foo1:0 foo2:0");
    room.pass(1);
    let owned = owning("a", 3, &[("foo1", &[0]), ("foo2", &[0])]);
    room.tell(&owned);
    let slot = std::mem::take(&mut room.slot);
    room.create("foo3", 1);
    room.slot = slot;
    room.pass(40_000);
    assert_eq!(room.tell(&beat("a", 3)), "epoch 4 foo1:0 foo2:0 foo3:0");
}

#[test]
fn names_and_expressions_add_up() {
    let mut room = Room::with(&[("foo1", 1), ("bar", 1)]);
    let both = ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: Some(vec![Str::from("bar")]),
        ..matching("a", "foo.*")
    };
    assert_eq!(room.tell(&both), "epoch 2 bar:0 foo1:0");
}

#[test]
fn a_bad_expression_is_refused_and_changes_nothing() {
    let mut room = Room::with(&[("t", 1)]);
    assert_eq!(room.tell(&matching("a", "[")), "error 128");
    assert!(room.log.is_empty());
    room.tell(&join("a", &["t"]));
    let change = ConsumerGroupHeartbeatRequest {
        subscribed_topic_regex: Some(Str::from("(")),
        ..beat("a", 2)
    };
    assert_eq!(room.tell(&change), "error 128");
    assert_eq!(room.tell(&beat("a", 2)), "epoch 2");
}

#[test]
fn what_topics_did_while_nobody_coordinated_is_noticed() {
    let mut room = Room::with(&[("t", 1), ("foo1", 1)]);
    room.tell(&matching("a", "foo.*"));
    room.pass(1_000);
    room.tell(&join("b", &["t"]));
    room.pass(20_000);
    // Nobody tells the group.
    let slot = std::mem::take(&mut room.slot);
    room.create("foo2", 1);
    room.create("t", 2);
    room.slot = slot;
    room.fail_over();
    room.pass(10_000);
    assert_eq!(room.tell(&beat("a", 2)), "epoch 5 foo1:0 foo2:0");
    assert_eq!(room.tell(&beat("b", 3)), "epoch 5 t:0,1");
}
