//! Goodbyes.

use super::join::stable_pair;
use super::script::play;

#[test]
fn each_of_a_batch_gets_its_own_code() {
    play(&stable_pair(
        "
        leave b who=b.2,stranger,:i,a.1:i,b.2
        < b: left 0 [0 25 25 25 25]
        heartbeat a id=a.1 gen=1
        < a: 27
        join a id=a.1
        < a: joined 2 range a.1* [a.1]
    ",
    ));
}

#[test]
fn nobody_is_in_a_group_that_is_not_there() {
    play(
        "
        leave a who=a.1,b.2:i
        < a: left 0 [25 25]
        heartbeat a id=a.1 gen=1
        < a: 25
        sync a id=a.1 gen=1
        < a: 25
    ",
    );
}

#[test]
fn the_last_one_to_leave_leaves_an_empty_group_written_down() {
    play(&stable_pair(
        "
        leave a who=a.1,b.2
        < log: 2 - - []
        < a: left 0 [0 0]
        list
        < Empty \"consumer\"
        heartbeat a id=a.1 gen=1
        < a: 25
    ",
    ));
}

#[test]
fn who_leaves_while_it_waits_to_join_is_told_so() {
    play(&stable_pair(
        "
        join b id=b.2 protocols=range:C
        leave op who=b.2
        < b: 25
        < op: left 0 [0]
        join a id=a.1
        < a: joined 2 range a.1* [a.1]
    ",
    ));
}

#[test]
fn who_leaves_while_it_waits_to_sync_is_told_so() {
    play(
        "
        join a v=3
        < log: 0 - - []
        join b v=3
        +6000
        < @6000 a: joined 1 range a.1* [a.1 b.2]
        < @6000 b: joined 1 range a.1 [] as b.2
        sync b id=b.2 gen=1
        leave op who=b.2
        < b: 25
        < op: left 0 [0]
        sync a id=a.1 gen=1
        < a: 27
    ",
    );
}

#[test]
fn an_id_that_was_handed_out_may_be_given_back() {
    play(&stable_pair(
        "
        join c
        < c: 79 c.5
        leave c who=c.5
        < c: left 0 [0]
        leave c who=c.5
        < c: left 0 [25]
        join c id=c.5
        < c: 25 c.5
        heartbeat a id=a.1 gen=1
        < a: 0
    ",
    ));
    play(&stable_pair(
        "
        join c
        < c: 79 c.5
        join a id=a.1
        join b id=b.2
        leave c who=c.5
        < a: joined 2 range a.1* [a.1 b.2]
        < b: joined 2 range a.1 [] as b.2
        < c: left 0 [0]
    ",
    ));
}

#[test]
fn whoever_joins_completes_the_phase_that_others_left() {
    play(&stable_pair(
        "
        join b id=b.2 protocols=range:C
        leave a who=a.1
        < b: joined 2 range b.2* [b.2=C]
        < a: left 0 [0]
    ",
    ));
}
