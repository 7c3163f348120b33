//! Offsets and groups that an operator deletes.

use super::world::World;

#[test]
fn deleted_offsets_are_gone_for_good() {
    let mut world = World::new();
    world.commit("g", &[1, 2, 3]);
    world.written();
    assert_eq!(world.delete_offsets("g", "t", &[0, 2, 9]), "t-0, t-2, t-9");
    assert_eq!(world.written(), "g: t-0 †, g: t-2 †");
    assert_eq!(world.fetch("g"), "t-1 = 2");
    world.fail_over();
    assert_eq!(world.fetch("g"), "t-1 = 2");
    // The last offset takes with it what was a group to those who looked from outside.
    assert_eq!(world.delete_offsets("g", "t", &[1]), "t-1");
    assert_eq!(world.delete_offsets("g", "t", &[1]), "! 69");
}

#[test]
fn offsets_of_topics_that_members_read_stay() {
    let mut world = World::new();
    world.commit("g", &[1]);
    let member = world.join("g", "consumer", &["t"]);
    world.written();
    assert_eq!(world.delete_offsets("g", "t", &[0]), "t-0 ! 86");
    assert_eq!(world.delete_offsets("g", "u", &[0]), "u-0");
    assert_eq!(world.delete("g"), 68);
    assert_eq!(world.written(), "");
    world.leave("g", &member);
    world.written();
    assert_eq!(world.delete_offsets("g", "t", &[0]), "t-0");
    assert_eq!(world.written(), "g: t-0 †");
}

#[test]
fn members_that_do_not_say_what_they_read_keep_all_offsets() {
    let mut world = World::new();
    world.commit("g", &[1]);
    world.join("g", "connect", &[]);
    assert_eq!(world.delete_offsets("g", "t", &[0]), "! 68");
    assert_eq!(world.fetch("g"), "t-0 = 1");
}

#[test]
fn a_deleted_group_takes_its_offsets_with_it() {
    let mut world = World::new();
    let member = world.join("g", "consumer", &["t"]);
    world.leave("g", &member);
    world.commit("g", &[1, 2]);
    world.commit("other", &[7]);
    world.written();
    assert_eq!(world.delete("g"), 0);
    assert_eq!(world.written(), "g: t-0 †, g: t-1 †, g: group †");
    assert_eq!(world.delete("g"), 69);
    assert_eq!(world.delete("nobody"), 69);
    assert_eq!(world.fetch("g"), "");
    assert_eq!(world.fetch("other"), "t-0 = 7");
    world.fail_over();
    assert_eq!(world.list(), "other Empty classic ''");
}

#[test]
fn offsets_without_a_group_look_like_an_empty_one() {
    let mut world = World::new();
    world.commit("g", &[1]);
    for _ in 0..2 {
        assert_eq!(world.list(), "g Empty classic ''");
        let described = world.describe("g");
        assert_eq!(described.error_code, 0);
        assert_eq!(
            (&*described.group_state, &*described.protocol_type),
            ("Empty", "")
        );
        world.fail_over();
    }
    assert_eq!(world.describe("nobody").error_code, 69);
    assert_eq!(world.delete("g"), 0);
    assert_eq!(world.list(), "");
    assert_eq!(world.describe("g").error_code, 69);
}

#[test]
fn a_group_whose_offsets_do_not_fit_into_a_batch_is_deleted_piece_by_piece() {
    let mut world = World::new();
    world.commit("g", &[1, 2, 3, 4, 5]);
    world.written();
    world.settings.batch_bytes_max = 250;
    assert_eq!(world.delete_offsets("g", "t", &[0, 1, 2]), "! 42");
    assert_eq!(world.delete("g"), 15);
    assert_eq!(world.written(), "g: t-0 †, g: t-1 †");
    assert_eq!(world.delete("g"), 15);
    assert_eq!(world.delete("g"), 0);
    assert_eq!(world.written(), "g: t-2 †, g: t-3 †, g: t-4 †");
    assert_eq!(world.list(), "");
}
