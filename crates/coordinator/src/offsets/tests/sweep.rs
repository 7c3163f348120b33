//! What grows old, and what must not.

use std::time::Duration;

use super::world::{DAY, World, request};
use crate::shard::Shard;

/// The default of `offsets.retention.check.interval.ms`, and a little.
const CHECK: Duration = Duration::from_mins(11);

#[test]
fn offsets_without_a_group_grow_old_from_their_commit() {
    let mut world = World::new();
    world.commit("g", &[1, 2]);
    world.pass(DAY * 6);
    world.commit("g", &[3]);
    world.written();
    world.pass(DAY + CHECK);
    assert_eq!(world.written(), "g: t-1 †");
    assert_eq!(world.fetch("g"), "t-0 = 3");
    world.pass(DAY * 5);
    assert_eq!(world.written(), "");
    world.pass(DAY);
    assert_eq!(world.written(), "g: t-0 †");
    assert_eq!(world.list(), "");
}

#[test]
fn offsets_of_a_group_grow_old_from_when_it_became_empty() {
    let mut world = World::new();
    world.commit("g", &[1]);
    let member = world.join("g", "consumer", &["u"]);
    world.leave("g", &member);
    world.pass(DAY * 6);
    // A commit from outside does not make it younger, and old commits do not make it older.
    world.commit("g", &[2, 3]);
    world.written();
    // A takeover does not make it younger either.
    world.fail_over();
    world.pass(DAY - CHECK);
    assert_eq!(world.written(), "");
    world.pass(CHECK * 2);
    assert_eq!(world.written(), "g: t-0 †, g: t-1 †, g: group †");
    assert_eq!(world.list(), "");
}

#[test]
fn what_members_read_never_grows_old() {
    let mut world = World::new();
    world.settings.max_session_timeout = DAY * 10;
    world.session_timeout_ms = 9 * 24 * 60 * 60 * 1000;
    let member = world.join("g", "consumer", &["t"]);
    let mut commit = request("g", "t", &[1]);
    commit.generation_id_or_member_epoch = 1;
    commit.member_id = member.clone();
    world.commit_as(9, &commit);
    commit.topics[0].name = "u".into();
    world.commit_as(9, &commit);
    world.written();
    world.pass(DAY * 8);
    assert_eq!(world.written(), "g: u-0 †");
    assert_eq!(world.fetch("g"), "t-0 = 1");
}

#[test]
fn offsets_whose_consumer_said_until_when_go_then() {
    let mut world = World::new();
    let mut commit = request("g", "t", &[1]);
    commit.retention_time_ms = 60 * 60 * 1000;
    world.commit_as(3, &commit);
    commit.retention_time_ms = 0;
    commit.group_id = "brief".into();
    world.commit_as(3, &commit);
    world.written();
    world.pass(CHECK);
    assert_eq!(world.written(), "brief: t-0 †");
    world.pass(Duration::from_mins(60));
    assert_eq!(world.written(), "g: t-0 †");
}

#[test]
fn offsets_of_deleted_topics_go_at_once() {
    let mut world = World::new();
    world.commit("a", &[1, 2]);
    world.commit_as(9, &request("b", "u", &[3]));
    world.commit("b", &[4]);
    world.written();
    world.remove(1);
    world.pass(Duration::ZERO);
    assert_eq!(world.written(), "a: t-0 †, a: t-1 †, b: t-0 †");
    assert_eq!(world.fetch("b"), "u-0 = 3");
    assert_eq!(world.list(), "b Empty classic ''");
}

#[test]
fn offsets_of_topics_that_were_deleted_while_nobody_led_go_with_the_next_sweep() {
    let mut world = World::new();
    world.commit("a", &[1]);
    world.commit_as(9, &request("a", "u", &[2]));
    world.written();
    // A shard that still loads hears of changes and does nothing.
    world.shard = Shard::loading();
    world.remove(1);
    world.create("t", 3);
    world.fail_over();
    world.pass(CHECK);
    assert_eq!(world.written(), "a: t-0 †");
    assert_eq!(world.fetch("a"), "u-0 = 2");
}

#[test]
fn an_empty_group_without_offsets_goes_with_the_next_sweep() {
    let mut world = World::new();
    let member = world.join("g", "consumer", &["t"]);
    world.leave("g", &member);
    world.written();
    world.pass(CHECK);
    assert_eq!(world.written(), "g: group †");
    assert_eq!(world.list(), "");
}

#[test]
fn a_sweep_of_many_is_done_in_small_steps() {
    let mut world = World::new();
    world.settings.offsets_retention = Duration::from_mins(60);
    for group in 0..300 {
        world.commit(&format!("g{group:03}"), &[1; 40]);
    }
    world.commit("large", &[1; 5000]);
    world.pass(Duration::from_mins(50));
    world.commit("young", &[1]);
    world.written();
    let most = world.pass(CHECK * 2);
    assert!((4096..5000).contains(&most), "{most}");
    // What did not fit went with the sweep after.
    world.pass(CHECK);
    assert_eq!(world.list(), "young Empty classic ''");
    assert_eq!(world.fetch("young"), "t-0 = 1");
}

#[test]
fn a_sweep_writes_no_batch_that_is_too_large() {
    let mut world = World::new();
    world.settings.offsets_retention = Duration::from_mins(60);
    for group in 0..9 {
        world.commit(&format!("g{group}"), &[1]);
    }
    world.pass(Duration::from_mins(50));
    world.settings.batch_bytes_max = 250;
    let most = world.pass(CHECK * 2);
    assert_eq!(most, 2);
    world.pass(CHECK);
    assert_eq!(world.list(), "");
}
