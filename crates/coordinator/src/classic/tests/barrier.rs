//! How long the join phase takes.

use super::join::stable_pair;
use super::script::{play, play_with};
use crate::settings::Settings;

#[test]
fn newcomers_prolong_the_initial_delay_up_to_the_rebalance_timeout() {
    play(
        "
        join a v=3 rebalance=7000
        < log: 0 - - []
        +2000
        join b v=3 rebalance=7000
        +3000
        join c v=3 rebalance=7000
        +1500
        join d v=3 rebalance=7000
        +499
        +1
        < @7000 a: joined 1 range a.1* [a.1 b.2 c.3 d.4]
        < @7000 b: joined 1 range a.1 [] as b.2
        < @7000 c: joined 1 range a.1 [] as c.3
        < @7000 d: joined 1 range a.1 [] as d.4
    ",
    );
}

#[test]
fn without_newcomers_the_initial_delay_ends() {
    play(
        "
        join a v=3
        < log: 0 - - []
        +1000
        join b v=3
        +4999
        +1
        < @6000 a: joined 1 range a.1* [a.1 b.2]
        < @6000 b: joined 1 range a.1 [] as b.2
    ",
    );
}

#[test]
fn there_may_be_no_initial_delay() {
    let settings = Settings {
        initial_rebalance_delay: std::time::Duration::ZERO,
        ..Settings::default()
    };
    play_with(
        settings,
        "
        join a v=3
        < log: 0 - - []
        +0
        < @0 a: joined 1 range a.1* [a.1]
    ",
    );
}

#[test]
fn members_that_do_not_join_again_are_removed_when_the_largest_timeout_has_passed() {
    play(
        "
        join a v=3 rebalance=20000 session=300000
        < log: 0 - - []
        join b v=3 rebalance=30000 session=300000
        join c v=3 rebalance=10000 session=300000
        +6000
        < @6000 a: joined 1 range a.1* [a.1 b.2 c.3]
        < @6000 b: joined 1 range a.1 [] as b.2
        < @6000 c: joined 1 range a.1 [] as c.3
        join c id=c.3 rebalance=10000 session=300000 protocols=range:news
        +29999
        +1
        < @36000 c: joined 2 range c.3* [c.3=news]
        heartbeat a id=a.1 gen=1
        < a: 25
    ",
    );
}

#[test]
fn a_leader_that_stays_away_loses_leadership() {
    play(&stable_pair(
        "
        join b id=b.2 protocols=range:C
        +9000
        heartbeat a id=a.1 gen=1
        < a: 27
        +9999
        +1
        < @25000 b: joined 2 range b.2* [b.2=C]
        sync a id=a.1 gen=1 give=b.2:z
        < a: 25
    ",
    ));
}

#[test]
fn a_member_that_waits_is_not_held_to_be_silent() {
    play(&stable_pair(
        "
        join b id=b.2 protocols=range:C session=10000
        +5000
        heartbeat a id=a.1 gen=1
        < a: 27
        +9000
        heartbeat a id=a.1 gen=1
        < a: 27
        +9000
        heartbeat a id=a.1 gen=1
        < a: 27
        join a id=a.1
        < a: joined 2 range a.1* [a.1 b.2=C]
        < b: joined 2 range a.1 [] as b.2
        +9999
        heartbeat b id=b.2 gen=2
        < b: 0
    ",
    ));
}

#[test]
fn the_first_join_of_a_member_that_is_gone_does_not_wait_forever() {
    play(
        "
        join a v=3 rebalance=900000 session=1800000
        < log: 0 - - []
        +3000
        < @3000 a: joined 1 range a.1* [a.1]
        sync a id=a.1 gen=1
        < log: 1 range a.1 [a.1]
        < a: synced
        join b v=3 rebalance=900000
        +299999
        +1
        < @303000 b: 25
        join a id=a.1 rebalance=900000 session=1800000
        < a: joined 2 range a.1* [a.1]
    ",
    );
}
