//! What a new coordinator knows.

use std::sync::Arc;

use protocol::data::group_metadata::{GroupMetadataValue, MemberMetadata};

use super::join::stable_pair;
use super::room::{Room, START_MS};
use super::script::play;
use crate::classic;
use crate::env::GroupId;
use crate::group::Group as Slot;
use crate::record::Record;
use crate::settings::Settings;
use crate::shard::Mode;

#[test]
fn members_go_on_with_a_new_coordinator_and_have_a_whole_session_to_be_heard() {
    play(&stable_pair(
        "
        +9999
        failover
        describe
        < op: 0 Stable \"consumer\" \"range\" [a.1=A/x b.2=B/y]
        +9999
        heartbeat a id=a.1 gen=1
        < a: 0
        sync b id=b.2 gen=1
        < b: synced y
        join b id=b.2 protocols=range:B
        < b: joined 1 range a.1 [] as b.2
    ",
    ));
}

#[test]
fn silent_members_are_removed_by_a_new_coordinator() {
    play(&stable_pair(
        "
        failover
        +10000
        < @16000 log: 2 - - []
    ",
    ));
}

#[test]
fn a_generation_that_was_not_written_down_is_forgotten() {
    play(&stable_pair(
        "
        join a id=a.1
        join b id=b.2
        < a: joined 2 range a.1* [a.1 b.2]
        < b: joined 2 range a.1 [] as b.2
        failover
        sync a id=a.1 gen=2 give=a.1:z
        < a: 22
        heartbeat b id=b.2 gen=2
        < b: 22
        join a id=a.1
        join b id=b.2
        < a: joined 2 range a.1* [a.1 b.2]
        < b: joined 2 range a.1 [] as b.2
    ",
    ));
}

#[test]
fn ids_that_were_handed_out_are_forgotten() {
    play(
        "
        join a
        < log: 0 - - []
        < a: 79 a.1
        failover
        join a id=a.1
        < a: 25 a.1
    ",
    );
}

#[test]
fn an_empty_group_keeps_its_generation_and_since_when_it_is_empty() {
    let room = play(&stable_pair(
        "
        leave a who=a.1,b.2
        < log: 2 - - []
        < a: left 0 [0 0]
        failover
        list
        < Empty \"consumer\"
        join c v=3
        +3000
        < @9000 c: joined 3 range c.6* [c.6]
    ",
    ));
    assert_eq!(room.group().id, Arc::from("g"));
}

#[test]
fn a_group_over_the_limit_rebalances_as_soon_as_it_is_loaded() {
    let mut room = Room::new(Settings {
        max_size: 1,
        ..Settings::default()
    });
    room.fail_over(Some(&record(stored())));
    assert_eq!(&*room.group().describe().group_state, "PreparingRebalance");
}

#[test]
fn the_record_says_what_kafka_writes() {
    let mut room = play(&stable_pair(""));
    let came = room.step(|slot, env| match slot {
        Slot::Classic(group) => group.write(env),
        other => panic!("{other:?}"),
    });
    let [Record::ClassicGroup { group, value }] = &*came.records else {
        panic!("{came:?}");
    };
    let value = value.as_ref().unwrap();
    assert_eq!(&**group, "g");
    assert_eq!(value.current_state_timestamp, START_MS + 6000);
    assert_eq!(&*value.protocol_type, "consumer");
    let first = &value.members[0];
    assert_eq!(&*first.client_id, "a");
    assert_eq!(&*first.client_host, "/10.0.0.1");
    assert_eq!(
        (first.session_timeout, first.rebalance_timeout),
        (10_000, 60_000)
    );
    assert_eq!(&*first.subscription, b"A");
    assert_eq!(first.group_instance_id, None);
}

#[test]
fn tombstones_end_classic_groups_and_nothing_else_counts_while_live() {
    let id: GroupId = Arc::from("g");
    let mut room = play(&stable_pair(""));
    classic::replay(
        &mut room.slot,
        &id,
        Some(&GroupMetadataValue::default()),
        Mode::Live,
    );
    assert_eq!(&*room.group().describe().group_state, "Stable");
    classic::replay(&mut room.slot, &id, None, Mode::Live);
    assert!(matches!(room.slot, Slot::Absent));
}

#[test]
fn what_does_not_fit_together_in_the_log_is_put_right() {
    let broken = GroupMetadataValue {
        generation: -7,
        leader: Some("nobody".into()),
        protocol: None,
        current_state_timestamp: -1,
        ..stored()
    };
    let mut twice = broken.clone();
    twice.members.extend(stored().members);
    for value in [broken, twice] {
        let mut room = Room::new(Settings::default());
        room.fail_over(Some(&record(value)));
        assert_eq!(room.group().generation, 0);
        assert_eq!(room.group().leader.as_deref(), Some("m"));
    }
}

fn record(value: GroupMetadataValue) -> Record {
    Record::ClassicGroup {
        group: Arc::from("g"),
        value: Some(value),
    }
}

fn stored() -> GroupMetadataValue {
    let member = |id: &str| MemberMetadata {
        member_id: id.into(),
        group_instance_id: None,
        session_timeout: 10_000,
        rebalance_timeout: -1,
        ..MemberMetadata::default()
    };
    GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 4,
        protocol: Some("range".into()),
        leader: Some("m".into()),
        current_state_timestamp: START_MS,
        members: vec![member("m"), member("n")],
    }
}
