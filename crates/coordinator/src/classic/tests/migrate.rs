//! To the consumer protocol and back.

use std::sync::Arc;

use bytes::Bytes;

use super::join::stable_pair;
use super::room::Room;
use super::script::{play, resume};
use crate::classic::{Group, Portrait, PortraitMember};
use crate::group::Group as Slot;
use crate::record::Record;
use crate::settings::Settings;

#[test]
fn a_portrait_shows_the_members_and_comes_to_life_again() {
    let room = play(&stable_pair(""));
    let portrait = room.group().portrait();
    assert_eq!(portrait.generation, 1);
    assert_eq!(portrait.leader, Some(portrait.members[0].id.clone()));
    assert_eq!(
        portrait.members[1].protocols,
        [("range".into(), "B".into())]
    );
    assert_eq!(&*portrait.members[1].assignment, b"y");
    assert_eq!(portrait.members[1].session_timeout_ms, 10_000);

    let (again, came) = revived(portrait.clone(), false);
    assert!(matches!(
        &*came,
        [Record::ClassicGroup { value: Some(_), .. }]
    ));
    assert_eq!(again.group().portrait(), portrait);
    resume(
        again,
        "
        heartbeat a id=a.1 gen=1
        < a: 0
        sync b id=b.2 gen=1
        < b: synced y
        +10000
        < @10000 log: 2 - - []
    ",
    );
}

#[test]
fn members_that_were_not_classic_join_again() {
    let member = PortraitMember {
        id: Arc::from("m"),
        instance_id: None,
        client_id: Arc::from("a"),
        client_host: Arc::from("/10.0.0.1"),
        rebalance_timeout_ms: 60_000,
        session_timeout_ms: 10_000,
        protocols: vec![("range".into(), Bytes::new()), ("own".into(), Bytes::new())],
        assignment: Bytes::from("x"),
    };
    let portrait = Portrait {
        generation: 7,
        protocol_type: Some("consumer".into()),
        protocol: None,
        leader: None,
        members: vec![member],
    };
    let (room, _) = revived(portrait, true);
    resume(
        room,
        "
        describe
        < op: 0 PreparingRebalance \"consumer\" \"\" [m=/x]
        heartbeat a id=m gen=7
        < a: 27
        join a id=m
        < a: joined 8 range m* [m]
    ",
    );
}

#[test]
fn whoever_waits_in_a_group_that_passes_on_has_to_join_again() {
    let mut room = play(&stable_pair(
        "
        join c
        < c: 79 c.5
        join b id=b.2 protocols=range:C
    ",
    ));
    let came = room.step(|slot, env| match slot {
        Slot::Classic(group) => group.dissolve(env),
        other => panic!("{other:?}"),
    });
    assert_eq!(came.answers.len(), 1);
    room.slot = Slot::Absent;
    let much_later = std::time::Duration::from_hours(1);
    assert!(room.fire(much_later).is_none());
}

fn revived(portrait: Portrait, rebalance: bool) -> (Room, Vec<Record>) {
    let mut room = Room::new(Settings::default());
    let id = Arc::clone(&room.id);
    let came = room.step(|slot, env| {
        *slot = Slot::Classic(Group::from_portrait(portrait, &id, env, rebalance));
    });
    (room, came.records)
}
