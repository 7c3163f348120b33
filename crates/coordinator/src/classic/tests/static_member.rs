//! Static members (KIP-345).

use super::script::play;

const PAIR: &str = "
    join a instance=i protocols=range:A
    < log: 0 - - []
    join b instance=j protocols=range:B
    +6000
    < @6000 a: joined 1 range i.1* [i.1=A j.2=B]
    < @6000 b: joined 1 range i.1 [] as j.2
    sync b id=j.2 gen=1 instance=j
    sync a id=i.1 gen=1 instance=i give=i.1:x,j.2:y
    < log: 1 range i.1 [i.1=x j.2=y]
    < a: synced x
    < b: synced y
";

fn pair(rest: &str) -> String {
    format!("{PAIR}\n{rest}")
}

#[test]
fn a_static_follower_that_returns_disturbs_nobody() {
    play(&pair(
        "
        join b instance=j protocols=range:B
        < log: 1 range i.1 [i.1=x j.5=y]
        < b: joined 1 range i.1 [] as j.5
        sync b id=j.5 gen=1 instance=j
        < b: synced y
        heartbeat a id=i.1 gen=1 instance=i
        < a: 0
    ",
    ));
}

#[test]
fn a_static_leader_that_returns_is_told_not_to_assign() {
    play(&pair(
        "
        join a instance=i protocols=range:A
        < log: 1 range i.5 [i.5=x j.2=y]
        < a: joined 1 range i.5* [i.5=A j.2=B] skip
        sync a id=i.5 gen=1 instance=i
        < a: synced x
    ",
    ));
}

#[test]
fn a_static_leader_of_an_old_version_is_shown_another_leader() {
    play(&pair(
        "
        join a instance=i protocols=range:A v=8
        < log: 1 range i.5 [i.5=x j.2=y]
        < a: joined 1 range i.1 [] as i.5
    ",
    ));
}

#[test]
fn the_id_of_a_replaced_member_is_fenced_everywhere() {
    play(&pair(
        "
        join b instance=j protocols=range:B
        < log: 1 range i.1 [i.1=x j.5=y]
        < b: joined 1 range i.1 [] as j.5
        heartbeat b id=j.2 gen=1 instance=j
        < b: 82
        sync b id=j.2 gen=1 instance=j
        < b: 82
        join b id=j.2 instance=j
        < b: 82 j.2
        leave b who=j.2:j
        < b: left 0 [82]
        commit id=j.2 gen=1 instance=j
        < 82
        heartbeat b id=j.2 gen=1
        < b: 25
        heartbeat b id=j.2 gen=1 instance=unheard
        < b: 25
    ",
    ));
}

#[test]
fn a_returned_member_that_would_change_the_protocol_rebalances() {
    play(
        "
        join a instance=i protocols=range,own
        < log: 0 - - []
        join b instance=j protocols=range,own
        +6000
        < @6000 a: joined 1 range i.1* [i.1 j.2]
        < @6000 b: joined 1 range i.1 [] as j.2
        sync a id=i.1 gen=1 instance=i
        < log: 1 range i.1 [i.1 j.2]
        < a: synced
        sync b id=j.2 gen=1 instance=j
        < b: synced
        join b instance=j protocols=own
        heartbeat a id=i.1 gen=1 instance=i
        < a: 27
        join a id=i.1 instance=i protocols=range,own
        < a: joined 2 own i.1* [i.1 j.5]
        < b: joined 2 own i.1 [] as j.5
    ",
    );
}

#[test]
fn a_member_that_returns_while_members_join_takes_over_the_wait() {
    play(&pair(
        "
        join b id=j.2 instance=j protocols=range:C
        join b' instance=j protocols=range:D
        < b: 82 j.2
        join a id=i.1 instance=i
        < a: joined 2 range i.1* [i.1 j.6=D]
        < b': joined 2 range i.1 [] as j.6
    ",
    ));
}

#[test]
fn a_member_that_returns_while_the_leader_assigns_starts_over() {
    play(
        "
        join a instance=i
        < log: 0 - - []
        join b instance=j
        +6000
        < @6000 a: joined 1 range i.1* [i.1 j.2]
        < @6000 b: joined 1 range i.1 [] as j.2
        sync b id=j.2 gen=1 instance=j
        join b' instance=j
        < b: 82
        sync a id=i.1 gen=1 instance=i give=j.2:y
        < a: 27
        join a id=i.1 instance=i
        < a: joined 2 range i.1* [i.1 j.4]
        < b': joined 2 range i.1 [] as j.4
    ",
    );
}

#[test]
fn a_static_member_that_does_not_join_again_stays_until_its_session_ends() {
    play(
        "
        join a instance=i rebalance=20000 session=10000
        < log: 0 - - []
        join b instance=j rebalance=20000 session=100000
        +6000
        < @6000 a: joined 1 range i.1* [i.1 j.2]
        < @6000 b: joined 1 range i.1 [] as j.2
        sync a id=i.1 gen=1 instance=i
        < log: 1 range i.1 [i.1 j.2]
        < a: synced
        sync b id=j.2 gen=1 instance=j
        < b: synced
        join a id=i.1 instance=i rebalance=20000 session=60000
        +20000
        < @26000 a: joined 2 range i.1* [i.1 j.2]
        sync a id=i.1 gen=2 instance=i give=j.2:y
        < log: 2 range i.1 [i.1 j.2=y]
        < a: synced
        sync b id=j.2 gen=2 instance=j
        < b: synced y
    ",
    );
}

#[test]
fn an_absent_static_leader_stays_but_does_not_lead() {
    play(
        "
        join a instance=i rebalance=20000 session=100000
        < log: 0 - - []
        join b instance=j rebalance=20000 session=100000
        +6000
        < @6000 a: joined 1 range i.1* [i.1 j.2]
        < @6000 b: joined 1 range i.1 [] as j.2
        sync a id=i.1 gen=1 instance=i
        < log: 1 range i.1 [i.1 j.2]
        < a: synced
        sync b id=j.2 gen=1 instance=j
        < b: synced
        join b id=j.2 instance=j protocols=range:news rebalance=20000
        +20000
        < @26000 b: joined 2 range j.2* [i.1 j.2=news]
    ",
    );
}

#[test]
fn static_members_that_are_all_away_are_waited_for_until_their_sessions_end() {
    play(
        "
        join a instance=i rebalance=10000 session=60000
        < log: 0 - - []
        join b instance=j rebalance=10000 session=60000
        +6000
        < @6000 a: joined 1 range i.1* [i.1 j.2]
        < @6000 b: joined 1 range i.1 [] as j.2
        sync a id=i.1 gen=1 instance=i
        < log: 1 range i.1 [i.1 j.2]
        < a: synced
        sync b id=j.2 gen=1 instance=j
        < b: synced
        leave op who=:j
        < op: left 0 [0]
        +30000
        heartbeat a id=i.1 gen=1 instance=i
        < a: 27
        +59999
        +10001
        < @96000 log: 2 - - []
    ",
    );
}

#[test]
fn an_operator_removes_static_members_by_instance() {
    play(&pair(
        "
        leave op who=:j,:k,wrong:i
        < op: left 0 [0 25 82]
        join a id=i.1 instance=i
        < a: joined 2 range i.1* [i.1]
    ",
    ));
}

#[test]
fn a_returned_member_is_waited_for_as_long_as_it_says_now() {
    play(&pair(
        "
        join b instance=j protocols=range:B session=30000
        < log: 1 range i.1 [i.1=x j.5=y]
        < b: joined 1 range i.1 [] as j.5
        +9000
        heartbeat a id=i.1 gen=1 instance=i
        < a: 0
        +9000
        heartbeat a id=i.1 gen=1 instance=i
        < a: 0
        +9000
        heartbeat a id=i.1 gen=1 instance=i
        < a: 0
        heartbeat b id=j.5 gen=1 instance=j
        < b: 0
    ",
    ));
}

#[test]
fn a_static_member_that_is_away_and_takes_no_time_to_rejoin_is_looked_for_once_a_second() {
    play(
        "
        join a instance=i rebalance=10000 session=60000
        < log: 0 - - []
        join b instance=j rebalance=10000 session=60000
        +6000
        < @6000 a: joined 1 range i.1* [i.1 j.2]
        < @6000 b: joined 1 range i.1 [] as j.2
        sync a id=i.1 gen=1 instance=i
        < log: 1 range i.1 [i.1 j.2]
        < a: synced
        sync b id=j.2 gen=1 instance=j
        < b: synced
        join a instance=i rebalance=0 session=60000
        < log: 1 range i.5 [i.5 j.2]
        < a: joined 1 range i.5* [i.5 j.2] skip
        leave op who=:j
        < op: left 0 [0]
        +59999
        +1
        < @66000 log: 2 - - []
    ",
    );
}
