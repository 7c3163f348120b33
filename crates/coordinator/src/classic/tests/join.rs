//! Who may join, and under which id.

use super::script::{play, play_with};
use crate::settings::Settings;

#[test]
fn a_new_member_is_told_its_id_and_joins_with_it() {
    play(
        "
        join a
        < log: 0 - - []
        < a: 79 a.1
        join a id=a.1
        +2999
        +1
        < @3000 a: joined 1 range a.1* [a.1]
        sync a id=a.1 gen=1 give=a.1:x
        < log: 1 range a.1 [a.1=x]
        < a: synced x
        heartbeat a id=a.1 gen=1
        < a: 0
    ",
    );
}

#[test]
fn old_versions_join_at_once() {
    play(
        "
        join a v=3
        < log: 0 - - []
        +3000
        < @3000 a: joined 1 range a.1* [a.1]
    ",
    );
}

#[test]
fn session_timeouts_outside_the_limits_are_refused() {
    play(
        "
        join a session=5999
        < a: 26
        join a session=1800001
        < a: 26
        join a session=-1
        < a: 26
        join a session=6000
        < log: 0 - - []
        < a: 79 a.4
        join a session=1800000
        < a: 79 a.5
    ",
    );
}

#[test]
fn only_ids_that_were_handed_out_are_members() {
    play(
        "
        join a id=mine
        < a: 25 mine
        join a
        < log: 0 - - []
        < a: 79 a.2
        join a id=mine
        < a: 25 mine
        join a id=mine instance=i
        < a: 25 mine
        join a id=a.2 instance=i
        < a: 25 a.2
        join a id=a.2
        +3000
        < @3000 a: joined 1 range a.2* [a.2]
        heartbeat a id=mine gen=1
        < a: 25
        sync a id=mine gen=1
        < a: 25
        commit id=mine gen=1
        < 25
    ",
    );
}

#[test]
fn an_id_that_is_not_used_in_time_is_forgotten() {
    play(
        "
        join a session=6000
        < log: 0 - - []
        < a: 79 a.1
        +5999
        heartbeat a id=a.1 gen=0
        < a: 25
        +1
        join a id=a.1
        < a: 25 a.1
    ",
    );
}

#[test]
fn the_barrier_waits_for_an_id_that_was_handed_out_until_it_expires() {
    play(
        "
        join a v=3
        < log: 0 - - []
        +3000
        < @3000 a: joined 1 range a.1* [a.1]
        sync a id=a.1 gen=1
        < log: 1 range a.1 [a.1]
        < a: synced
        join b session=6000
        < b: 79 b.3
        join a id=a.1
        +5999
        +1
        < @9000 a: joined 2 range a.1* [a.1]
    ",
    );
}

#[test]
fn protocol_types_must_agree_and_a_protocol_must_be_common_to_all() {
    play(
        "
        join a protocols=
        < a: 23
        join a type=
        < a: 23
        join a v=3 protocols=range,own
        < log: 0 - - []
        join b type=connect
        < b: 23
        join b protocols=other
        < b: 23
        join b v=3 protocols=other,range
        join c v=3 protocols=own
        < c: 23
        +6000
        < @6000 a: joined 1 range a.3* [a.3 b.6]
        < @6000 b: joined 1 range a.3 [] as b.6
    ",
    );
}

#[test]
fn an_empty_group_takes_any_protocol_type() {
    play(
        "
        join a v=3
        < log: 0 - - []
        leave a who=a.1
        < a: 25
        < a: left 0 [0]
        +3000
        < @3000 log: 1 - - []
        join b v=3 type=connect protocols=sessioned
        +3000
        < @6000 b: joined 2 sessioned b.3* [b.3]
        list
        < CompletingRebalance \"connect\"
    ",
    );
}

#[test]
fn most_votes_win_and_the_leader_decides_a_tie() {
    play(
        "
        join a v=3 protocols=x,y,z
        < log: 0 - - []
        join b v=3 protocols=y,z,x
        join c v=3 protocols=y,x,z
        +9000
        < @6000 a: joined 1 y a.1* [a.1 b.2 c.3]
        < @6000 b: joined 1 y a.1 [] as b.2
        < @6000 c: joined 1 y a.1 [] as c.3
    ",
    );
    play(
        "
        join a v=3 protocols=y,x
        < log: 0 - - []
        join b v=3 protocols=x,y
        +9000
        < @6000 a: joined 1 y a.1* [a.1 b.2]
        < @6000 b: joined 1 y a.1 [] as b.2
    ",
    );
}

#[test]
fn a_group_takes_no_more_members_than_its_limit() {
    let settings = Settings {
        max_size: 2,
        ..Settings::default()
    };
    play_with(
        settings,
        "
        join a
        < log: 0 - - []
        < a: 79 a.1
        join b
        < b: 79 b.2
        join c
        < c: 81
        join a id=a.1
        join b id=b.2
        join c
        < c: 81
        +6000
        < @6000 a: joined 1 range a.1* [a.1 b.2]
        < @6000 b: joined 1 range a.1 [] as b.2
        join c
        < c: 81
        join c id=mine
        < c: 81
        join a id=a.1
        < a: joined 1 range a.1* [a.1 b.2]
    ",
    );
}

#[test]
fn those_who_join_again_late_have_no_room_in_a_group_that_became_too_large() {
    let mut room = play(
        "
        join a v=3
        < log: 0 - - []
        join b v=3
        +6000
        < @6000 a: joined 1 range a.1* [a.1 b.2]
        < @6000 b: joined 1 range a.1 [] as b.2
        sync a id=a.1 gen=1
        < log: 1 range a.1 [a.1 b.2]
        < a: synced
        sync b id=b.2 gen=1
        < b: synced
    ",
    );
    room.settings.max_size = 1;
    super::script::resume(
        room,
        "
        join a id=a.1
        join b id=b.2
        < a: joined 2 range a.1* [a.1]
        < b: 81
    ",
    );
}

#[test]
fn metadata_goes_to_the_leader_alone() {
    play(
        "
        join a v=3 protocols=range:A
        < log: 0 - - []
        join b v=3 protocols=range:B
        +6000
        < @6000 a: joined 1 range a.1* [a.1=A b.2=B]
        < @6000 b: joined 1 range a.1 [] as b.2
    ",
    );
}

#[test]
fn a_follower_without_news_disturbs_nobody() {
    play(&stable_pair(
        "
        join b id=b.2 protocols=range:B
        < b: joined 1 range a.1 [] as b.2
        heartbeat a id=a.1 gen=1
        < a: 0
        sync b id=b.2 gen=1
        < b: synced y
    ",
    ));
}

#[test]
fn a_leader_that_joins_again_always_rebalances() {
    play(&stable_pair(
        "
        join a id=a.1 protocols=range:A
        heartbeat b id=b.2 gen=1
        < b: 27
        join b id=b.2 protocols=range:B
        < a: joined 2 range a.1* [a.1=A b.2=B]
        < b: joined 2 range a.1 [] as b.2
    ",
    ));
}

#[test]
fn a_follower_with_news_rebalances() {
    play(&stable_pair(
        "
        join b id=b.2 protocols=range:C
        heartbeat a id=a.1 gen=1
        < a: 27
        join a id=a.1 protocols=range:A
        < a: joined 2 range a.1* [a.1=A b.2=C]
        < b: joined 2 range a.1 [] as b.2
    ",
    ));
}

#[test]
fn a_lost_answer_is_repeated_while_the_leader_assigns() {
    play(
        "
        join a v=3 protocols=range:A
        < log: 0 - - []
        join b v=3 protocols=range:B
        +6000
        < @6000 a: joined 1 range a.1* [a.1=A b.2=B]
        < @6000 b: joined 1 range a.1 [] as b.2
        join a id=a.1 protocols=range:A
        < a: joined 1 range a.1* [a.1=A b.2=B]
        join b id=b.2 protocols=range:B
        < b: joined 1 range a.1 [] as b.2
        sync b id=b.2 gen=1
        join b' id=b.2 protocols=range:C
        < b: 27
        join a id=a.1 protocols=range:A
        < a: joined 2 range a.1* [a.1=A b.2=C]
        < b': joined 2 range a.1 [] as b.2
    ",
    );
}

#[test]
fn of_two_joins_of_one_member_the_newer_is_answered_well() {
    play(&stable_pair(
        "
        join b id=b.2 protocols=range:C
        join b' id=b.2 protocols=range:C
        < b: 27 b.2
        join a id=a.1
        < a: joined 2 range a.1* [a.1 b.2=C]
        < b': joined 2 range a.1 [] as b.2
    ",
    ));
}

/// A leader `a.1` that has `x` and a follower `b.2` that has `y`, at 6000.
pub(super) fn stable_pair(rest: &str) -> String {
    let beginning = "
        join a v=3 protocols=range:A
        < log: 0 - - []
        join b v=3 protocols=range:B
        +6000
        < @6000 a: joined 1 range a.1* [a.1=A b.2=B]
        < @6000 b: joined 1 range a.1 [] as b.2
        sync b id=b.2 gen=1
        sync a id=a.1 gen=1 give=a.1:x,b.2:y
        < log: 1 range a.1 [a.1=x b.2=y]
        < a: synced x
        < b: synced y
    ";
    format!("{beginning}\n{rest}")
}
