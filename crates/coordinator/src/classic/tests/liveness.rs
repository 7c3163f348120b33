//! Heartbeats and silence.

use super::join::stable_pair;
use super::script::play;

#[test]
fn heartbeats_tell_members_what_to_do() {
    play(&stable_pair(
        "
        heartbeat b id=b.2 gen=1
        < b: 0
        heartbeat b id=b.2 gen=0
        < b: 22
        heartbeat b id=b.2 gen=2
        < b: 22
        heartbeat b id=stranger gen=1
        < b: 25
        join a id=a.1
        heartbeat b id=b.2 gen=1
        < b: 27
        join b id=b.2
        < a: joined 2 range a.1* [a.1 b.2]
        < b: joined 2 range a.1 [] as b.2
        heartbeat b id=b.2 gen=2
        < b: 0
    ",
    ));
}

#[test]
fn a_silent_member_is_removed_and_the_others_share() {
    play(&stable_pair(
        "
        +5000
        heartbeat a id=a.1 gen=1
        < a: 0
        +4999
        heartbeat a id=a.1 gen=1
        < a: 0
        +1
        heartbeat b id=b.2 gen=1
        < b: 25
        heartbeat a id=a.1 gen=1
        < a: 27
        join a id=a.1
        < a: joined 2 range a.1* [a.1]
    ",
    ));
}

#[test]
fn joins_syncs_heartbeats_and_commits_all_say_that_a_member_lives() {
    play(&stable_pair(
        "
        +9000
        heartbeat a id=a.1 gen=1
        < a: 0
        join b id=b.2 protocols=range:B
        < b: joined 1 range a.1 [] as b.2
        +9000
        heartbeat a id=a.1 gen=1
        < a: 0
        sync b id=b.2 gen=1
        < b: synced y
        +9000
        heartbeat a id=a.1 gen=1
        < a: 0
        commit id=b.2 gen=1
        < 0
        +9000
        heartbeat a id=a.1 gen=1
        < a: 0
        heartbeat b id=b.2 gen=1
        < b: 0
    ",
    ));
}

#[test]
fn when_all_fall_silent_the_group_is_empty_and_no_timer_is_left() {
    let mut room = play(&stable_pair(
        "
        join c
        < c: 79 c.5
        +100000
        < @16000 log: 2 - - []
    ",
    ));
    let much_later = std::time::Duration::from_hours(1);
    assert!(room.fire(much_later).is_none());
}

#[test]
fn a_member_that_is_gone_when_its_join_is_answered_is_removed_after_its_session_timeout() {
    play(
        "
        join a v=3
        < log: 0 - - []
        +3000
        < @3000 a: joined 1 range a.1* [a.1]
        +9999
        +1
        < @13000 log: 2 - - []
    ",
    );
    play(&stable_pair(
        "
        join b id=b.2 protocols=range:C
        +9999
        heartbeat a id=a.1 gen=1
        < a: 27
        +5000
        join a id=a.1
        < a: joined 2 range a.1* [a.1 b.2=C]
        < b: joined 2 range a.1 [] as b.2
        +9999
        heartbeat a id=a.1 gen=2
        < a: 0
        +1
        heartbeat b id=b.2 gen=2
        < b: 25
    ",
    ));
}
