//! Members that keep their place while they restart.

use protocol::Str;
use protocol::messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;

use super::room::{Room, beat, join, owning};

fn of(instance: &str, request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        instance_id: Some(Str::from(instance)),
        ..request
    }
}

#[test]
fn a_static_member_comes_back_to_its_partitions_without_a_rebalance() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&of("i", join("a", &["t"])));
    room.pass(2_000);
    room.tell(&join("b", &["t"]));
    room.tell(&of("i", owning("a", 2, &[("t", &[0, 1])])));
    room.tell(&of("i", owning("a", 2, &[("t", &[0])])));
    assert_eq!(room.tell(&beat("b", 3)), "epoch 3 t:1");
    assert_eq!(room.tell(&of("i", beat("a", -2))), "epoch -2");
    room.pass(40_000);
    room.tell(&beat("b", 3));
    assert_eq!(room.tell(&of("i", join("a2", &["t"]))), "epoch 3 t:0");
    assert_eq!(room.group().epoch, 3);
    assert_eq!(room.tell(&beat("b", 3)), "epoch 3");
    assert_eq!(room.tell(&of("i", beat("a", 3))), "error 82");
    assert_eq!(room.tell(&beat("a", 3)), "error 25");
    assert_eq!(room.tell(&of("i", beat("a2", 3))), "epoch 3");
}

#[test]
fn an_instance_id_is_not_taken_from_a_member_that_has_not_left() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&of("i", join("a", &["t"])));
    assert_eq!(room.tell(&of("i", join("a2", &["t"]))), "error 111");
    assert_eq!(room.tell(&of("j", beat("a", 2))), "error 25");
    assert_eq!(room.tell(&of("i", beat("b", -1))), "error 82");
    assert_eq!(room.tell(&of("i", beat("a", -1))), "epoch -1");
    assert_eq!(room.tell(&of("i", join("a2", &["t"]))), "epoch 4 t:0,1");
}

#[test]
fn a_static_member_that_does_not_come_back_loses_its_place_after_its_session() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&of("i", join("a", &["t"])));
    room.tell(&of("i", beat("a", -2)));
    room.pass(44_999);
    assert_eq!(room.group().members.len(), 1);
    room.pass(1);
    assert!(room.group().members.is_empty());
}

#[test]
fn a_static_member_may_come_back_under_its_old_id() {
    let mut room = Room::with(&[("t", 2)]);
    room.tell(&of("i", join("a", &["t"])));
    room.tell(&of("i", beat("a", -2)));
    assert_eq!(room.tell(&of("i", join("a", &["t"]))), "epoch 2 t:0,1");
    room.fail_over();
    assert_eq!(room.tell(&of("i", beat("a", 2))), "epoch 2");
}

#[test]
fn a_full_group_lets_its_static_members_back_in() {
    let mut room = Room::with(&[("t", 2)]);
    room.settings.consumer_max_size = 1;
    room.tell(&of("i", join("a", &["t"])));
    room.tell(&of("i", beat("a", -2)));
    assert_eq!(room.tell(&of("i", join("a2", &["t"]))), "epoch 2 t:0,1");
}
