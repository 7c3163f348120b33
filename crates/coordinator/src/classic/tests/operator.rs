//! What operators see and do, and who may commit.

use types::ErrorCode;

use super::join::stable_pair;
use super::room::START_MS;
use super::script::play;
use crate::group::Emptiness;

#[test]
fn members_are_described_with_metadata_in_a_stable_group_only() {
    play(
        "
        describe
        < op: 69 Dead \"\" \"\" []
        describe v=5
        < op: 0 Dead \"\" \"\" []
        join a v=3 protocols=range:A
        < log: 0 - - []
        describe
        < op: 0 PreparingRebalance \"consumer\" \"\" [a.3=/]
        +3000
        < @3000 a: joined 1 range a.3* [a.3=A]
        describe
        < op: 0 CompletingRebalance \"consumer\" \"\" [a.3=/]
        sync a id=a.3 gen=1 give=a.3:x
        < log: 1 range a.3 [a.3=x]
        < a: synced x
        describe
        < op: 0 Stable \"consumer\" \"range\" [a.3=A/x]
        leave a who=a.3
        < log: 2 - - []
        < a: left 0 [0]
        describe
        < op: 0 Empty \"consumer\" \"\" []
    ",
    );
}

#[test]
fn commits_are_for_members_of_this_generation_and_for_nobody_in_an_empty_group() {
    play(
        "
        join a v=3
        < log: 0 - - []
        +3000
        < @3000 a: joined 1 range a.1* [a.1]
        commit id=a.1 gen=1
        < 27
        commit
        < 25
        commit id=a.1
        < 22
        commit id=a.1 gen=7
        < 22
        commit id=stranger
        < 25
        commit gen=1
        < 25
        commit id=a.1 gen=1 instance=i
        < 25
        sync a id=a.1 gen=1
        < log: 1 range a.1 [a.1]
        < a: synced
        commit id=a.1 gen=1
        < 0
        commit
        < 25
        join b v=3
        commit id=a.1 gen=1
        < 0
        leave a who=a.1,b.3
        < log: 2 - - []
        < b: 25
        < a: left 0 [0 0]
        commit
        < 0
        commit id=anybody
        < 0
        commit id=anybody gen=2
        < 25
        commit gen=2
        < 25
    ",
    );
}

#[test]
fn a_group_with_members_is_not_deleted() {
    let room = play(&stable_pair(""));
    assert_eq!(room.group().may_delete(), Err(ErrorCode::NonEmptyGroup));
    assert_eq!(room.group().empty_since(), Emptiness::Occupied);
    let room = play(&stable_pair(
        "
        leave a who=a.1,b.2
        < log: 2 - - []
        < a: left 0 [0 0]
    ",
    ));
    assert_eq!(room.group().may_delete(), Ok(()));
    assert_eq!(
        room.group().empty_since(),
        Emptiness::Since(START_MS + 6000)
    );
}

#[test]
fn a_group_that_nobody_ever_joined_lets_each_offset_grow_old_by_itself() {
    let room = play(
        "
        join a
        < log: 0 - - []
        < a: 79 a.1
    ",
    );
    assert_eq!(room.group().empty_since(), Emptiness::NoGroup);
}

#[test]
fn a_group_whose_subscriptions_are_unknown_gives_up_no_offsets() {
    let room = play(&stable_pair(""));
    // What these members say is no subscription.
    assert!(room.group().is_subscribed("any"));
    assert_eq!(room.group().may_delete_offsets(), Ok(()));
    let room = play(
        "
        join a v=3 type=connect
        < log: 0 - - []
    ",
    );
    assert!(room.group().is_subscribed("any"));
    let refused = Err(ErrorCode::NonEmptyGroup);
    assert_eq!(room.group().may_delete_offsets(), refused);
    let room = play(
        "
        join a v=3
        < log: 0 - - []
        leave a who=a.1
        < a: 25
        < a: left 0 [0]
        +3000
        < @3000 log: 1 - - []
    ",
    );
    assert!(!room.group().is_subscribed("any"));
}
