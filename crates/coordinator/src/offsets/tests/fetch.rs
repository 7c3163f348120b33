//! What a fetch shows.

use protocol::messages::offset_fetch::OffsetFetchRequestGroup;

use super::world::World;

#[test]
fn what_was_never_committed_is_no_error() {
    let mut world = World::new();
    assert_eq!(world.fetch("nobody"), "");
    let t = Some(("t", 0, &[0, 7][..]));
    assert_eq!(world.fetch_of("nobody", t), "t-0 = -1, t-7 = -1");
    world.commit("g", &[5]);
    assert_eq!(world.fetch_of("g", t), "t-0 = 5, t-7 = -1");
    assert_eq!(world.fetch_of("g", Some(("x", 0, &[0]))), "x-0 = -1");
}

#[test]
fn no_topics_are_none_and_null_is_all() {
    let mut world = World::new();
    world.commit("g", &[5]);
    let mut request = OffsetFetchRequestGroup {
        group_id: "g".into(),
        topics: Some(Vec::new()),
        ..OffsetFetchRequestGroup::default()
    };
    assert_eq!(world.fetch_as(&request), "");
    request.topics = None;
    assert_eq!(world.fetch_as(&request), "t-0 = 5");
    // A member of no consumer group is asked for nothing.
    request.member_id = Some("m".into());
    request.member_epoch = 3;
    assert_eq!(world.fetch_as(&request), "t-0 = 5");
}

#[test]
fn a_recreated_topic_does_not_inherit_offsets() {
    let mut world = World::new();
    world.commit("g", &[5]);
    world.remove(1);
    // Before the sweep, those who ask by name see what is there, as with Kafka.
    assert_eq!(world.fetch("g"), "t-0 = 5");
    world.create("t", 3);
    for id in [0, 3] {
        assert_eq!(world.fetch_of("g", Some(("t", id, &[0]))), "t-0 = -1");
    }
    assert_eq!(world.fetch("g"), "");
    world.commit("g", &[1]);
    for id in [0, 3] {
        assert_eq!(world.fetch_of("g", Some(("t", id, &[0]))), "t-0 = 1");
    }
    assert_eq!(world.fetch_of("g", Some(("t", 1, &[0]))), "t-0 = -1");
}
