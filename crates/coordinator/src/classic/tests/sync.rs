//! Who gets which assignment, and when.

use super::join::stable_pair;
use super::script::{play, play_with};
use crate::settings::Settings;

const JOINED: &str = "
    join a v=3 protocols=range:A
    < log: 0 - - []
    join b v=3 protocols=range:B
    +6000
    < @6000 a: joined 1 range a.1* [a.1=A b.2=B]
    < @6000 b: joined 1 range a.1 [] as b.2
";

fn joined(rest: &str) -> String {
    format!("{JOINED}\n{rest}")
}

#[test]
fn followers_wait_for_the_leader_and_the_record_comes_first() {
    play(&joined(
        "
        sync b id=b.2 gen=1
        sync a id=a.1 gen=1 give=b.2:y,a.1:x,stranger:z
        < log: 1 range a.1 [a.1=x b.2=y]
        < a: synced x
        < b: synced y
    ",
    ));
}

#[test]
fn a_member_that_the_leader_forgot_gets_an_empty_assignment() {
    play(&joined(
        "
        sync a id=a.1 gen=1 give=a.1:x
        < log: 1 range a.1 [a.1=x b.2]
        < a: synced x
        sync b id=b.2 gen=1
        < b: synced
    ",
    ));
}

#[test]
fn what_the_leader_says_twice_of_a_member_holds_as_said_last() {
    play(&joined(
        "
        sync a id=a.1 gen=1 give=a.1:x,a.1:z
        < log: 1 range a.1 [a.1=z b.2]
        < a: synced z
    ",
    ));
}

#[test]
fn a_stable_group_repeats_its_assignments_and_takes_no_new_ones() {
    play(&stable_pair(
        "
        sync a id=a.1 gen=1 give=a.1:other
        < a: synced x
        sync b id=b.2 gen=1
        < b: synced y
    ",
    ));
}

#[test]
fn a_sync_must_name_the_generation_and_the_protocol() {
    play(&joined(
        "
        sync a id=a.1 gen=2
        < a: 22
        sync a id=a.1 gen=0
        < a: 22
        sync a id=a.1 gen=1 protocol=other
        < a: 23
        sync a id=a.1 gen=1 type=connect
        < a: 23
        sync a id=b.7 gen=1
        < a: 25
        sync a id=a.1 gen=1 instance=i
        < a: 25
    ",
    ));
}

#[test]
fn there_is_no_sync_while_members_join() {
    play(&stable_pair(
        "
        join b id=b.2 protocols=range:C
        sync a id=a.1 gen=1
        < a: 27
        sync a id=a.1 gen=2
        < a: 22
    ",
    ));
}

#[test]
fn of_two_syncs_of_one_member_the_newer_is_answered_well() {
    play(&joined(
        "
        sync b id=b.2 gen=1
        sync b' id=b.2 gen=1
        < b: 27
        sync a id=a.1 gen=1 give=b.2:y
        < log: 1 range a.1 [a.1 b.2=y]
        < a: synced
        < b': synced y
    ",
    ));
}

#[test]
fn members_that_never_sync_are_removed_after_the_rebalance_timeout() {
    play(
        "
        join a v=3 rebalance=20000
        < log: 0 - - []
        join b v=3 rebalance=20000
        +6000
        < @6000 a: joined 1 range a.1* [a.1 b.2]
        < @6000 b: joined 1 range a.1 [] as b.2
        sync a id=a.1 gen=1
        < log: 1 range a.1 [a.1 b.2]
        < a: synced
        +9000
        heartbeat a id=a.1 gen=1
        < a: 0
        heartbeat b id=b.2 gen=1
        < b: 0
        +9000
        heartbeat a id=a.1 gen=1
        < a: 0
        heartbeat b id=b.2 gen=1
        < b: 0
        +2000
        heartbeat b id=b.2 gen=1
        < b: 25
        heartbeat a id=a.1 gen=1
        < a: 27
        join a id=a.1
        < a: joined 2 range a.1* [a.1]
    ",
    );
}

#[test]
fn a_leader_that_never_assigns_is_removed_and_the_others_start_again() {
    play(
        "
        join a v=3 rebalance=20000 session=60000
        < log: 0 - - []
        join b v=3 rebalance=20000 session=6000
        +6000
        < @6000 a: joined 1 range a.1* [a.1 b.2]
        < @6000 b: joined 1 range a.1 [] as b.2
        sync b id=b.2 gen=1
        +19999
        +1
        < @26000 b: 27
        join b id=b.2
        < b: joined 2 range b.2* [b.2]
    ",
    );
}

#[test]
fn an_assignment_too_large_to_be_written_is_refused() {
    let settings = Settings {
        batch_bytes_max: 2000,
        ..Settings::default()
    };
    let big = "x".repeat(2000);
    play_with(
        settings,
        &joined(&format!(
            "
        sync b id=b.2 gen=1
        sync a id=a.1 gen=1 give=a.1:{big}
        < a: -1
        < b: -1
        heartbeat b id=b.2 gen=1
        < b: 27
    "
        )),
    );
}
