//! What a commit writes and answers.

use super::world::{START_MS, World, newest, request, topic_id};

#[test]
fn a_commit_is_shown_as_it_was_said() {
    let mut world = World::new();
    let mut commit = request("g", "t", &[5, 7]);
    let first = &mut commit.topics[0].partitions[0];
    first.committed_leader_epoch = 3;
    first.committed_metadata = Some("hola".into());
    assert_eq!(world.commit_as(9, &commit), "t-0, t-1");
    assert_eq!(world.written(), "g: t-0 = 5/3 'hola', g: t-1 = 7");
    assert_eq!(world.fetch("g"), "t-0 = 5/3 'hola', t-1 = 7");
    assert_eq!(newest(&world).commit_timestamp, START_MS);
    assert_eq!(newest(&world).topic_id, topic_id(1).0);
    assert_eq!(newest(&world).expire_timestamp, -1);

    assert_eq!(world.commit("g", &[9]), "t-0");
    assert_eq!(world.fetch("g"), "t-0 = 9, t-1 = 7");
    world.fail_over();
    assert_eq!(world.fetch("g"), "t-0 = 9, t-1 = 7");
}

#[test]
fn of_two_commits_in_one_request_the_last_one_stands() {
    let mut world = World::new();
    let mut commit = request("g", "t", &[1, 2]);
    commit.topics[0].partitions[1].partition_index = 0;
    assert_eq!(world.commit_as(9, &commit), "t-0, t-0");
    assert_eq!(world.fetch("g"), "t-0 = 2");
}

#[test]
fn a_commit_by_id_is_for_the_topic_of_that_id() {
    let mut world = World::new();
    let mut commit = request("g", "t", &[1]);
    commit.topics[0].topic_id = topic_id(1).0;
    assert_eq!(world.commit_as(10, &commit), "t-0");
    assert_eq!(newest(&world).topic_id, topic_id(1).0);
}

#[test]
fn metadata_that_is_too_large_is_refused_where_it_stands() {
    let mut world = World::new();
    world.settings.offset_metadata_max_bytes = 4;
    let mut commit = request("g", "t", &[1, 2, 3, 4]);
    let texts = [Some("abcd"), Some("abcde"), Some("éééé"), None];
    for (partition, text) in commit.topics[0].partitions.iter_mut().zip(texts) {
        partition.committed_metadata = text.map(Into::into);
    }
    // Kafka counts UTF-16 units, not bytes.
    assert_eq!(world.commit_as(9, &commit), "t-0, t-1 ! 12, t-2, t-3");
    let stored = "t-0 = 1 'abcd', t-2 = 3 'éééé', t-3 = 4";
    assert_eq!(world.fetch("g"), stored);
}

#[test]
fn negative_offsets_are_refused() {
    let mut world = World::new();
    assert_eq!(world.commit("g", &[-1, 0, -2]), "t-0 ! 42, t-1, t-2 ! 42");
    assert_eq!(world.fetch("g"), "t-1 = 0");
}

#[test]
fn a_request_too_large_for_one_batch_is_refused_before_anything_is_written() {
    let mut world = World::new();
    world.settings.batch_bytes_max = 250;
    assert_eq!(world.commit("g", &[1, 2]), "t-0, t-1");
    assert_eq!(
        world.commit("g", &[3, 3, 3]),
        "t-0 ! 28, t-1 ! 28, t-2 ! 28"
    );
    assert_eq!(world.fetch("g"), "t-0 = 1, t-1 = 2");
}

#[test]
fn an_empty_commit_writes_nothing() {
    let mut world = World::new();
    assert_eq!(world.commit("g", &[]), "");
    assert_eq!(world.written(), "");
    assert_eq!(world.list(), "");
}

#[test]
fn who_claims_a_generation_of_no_group_is_told() {
    let mut world = World::new();
    let mut commit = request("g", "t", &[1]);
    commit.generation_id_or_member_epoch = 5;
    commit.member_id = "m".into();
    assert_eq!(world.commit_as(8, &commit), "t-0 ! 22");
    assert_eq!(world.commit_as(9, &commit), "t-0 ! 69");
    world.commit("g", &[1]);
    // Offsets make a group, though an empty one.
    assert_eq!(world.commit_as(9, &commit), "t-0 ! 25");
    assert_eq!(world.written(), "g: t-0 = 1");
}

#[test]
fn a_group_with_members_takes_commits_of_its_members_only() {
    let mut world = World::new();
    let member = world.join("g", "consumer", &["t"]);
    world.written();
    assert_eq!(world.commit("g", &[1]), "t-0 ! 25");
    let mut commit = request("g", "t", &[1]);
    commit.generation_id_or_member_epoch = 1;
    commit.member_id = "somebody".into();
    assert_eq!(world.commit_as(9, &commit), "t-0 ! 25");
    commit.member_id = member.clone();
    assert_eq!(world.commit_as(9, &commit), "t-0");
    commit.generation_id_or_member_epoch = 0;
    assert_eq!(world.commit_as(9, &commit), "t-0 ! 22");
    assert_eq!(world.written(), "g: t-0 = 1");
    world.leave("g", &member);
    assert_eq!(world.commit("g", &[4]), "t-0");
    assert_eq!(world.fetch("g"), "t-0 = 4");
}

#[test]
fn old_clients_may_say_for_how_long() {
    let mut world = World::new();
    for (retention_ms, expires) in [(60_000, START_MS + 60_000), (0, START_MS), (-1, -1)] {
        let mut commit = request("g", "t", &[1]);
        commit.retention_time_ms = retention_ms;
        world.commit_as(2, &commit);
        assert_eq!(newest(&world).expire_timestamp, expires, "{retention_ms}");
    }
    let mut commit = request("g", "t", &[1]);
    for retention_ms in [i64::MIN, i64::MAX, -START_MS - 1] {
        commit.retention_time_ms = retention_ms;
        world.commit_as(4, &commit);
        assert!(newest(&world).expire_timestamp >= 0, "{retention_ms}");
    }
}

#[test]
fn a_commit_for_a_topic_that_was_made_anew_meanwhile_hides_nothing() {
    let mut world = World::new();
    world.remove(1);
    world.create("t", 3);
    world.commit("g", &[5]);
    // It was resolved before, when the topic was still the old one.
    let mut late = request("g", "t", &[7]);
    late.topics[0].topic_id = topic_id(1).0;
    assert_eq!(world.commit_as(10, &late), "t-0 ! 3");
    assert_eq!(world.fetch("g"), "t-0 = 5");
}
