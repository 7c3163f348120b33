//! One history or more for each anomaly, and innocent ones that look like it.

use std::collections::BTreeSet;

use super::Check;
use super::Check::{C1, C2, C3, C4, C5, C7, C10, C13, C14, C15, C16, C17, C18, C20};
use super::script::history;

#[track_caller]
fn finds(script: &str, expected: &[Check]) {
    let findings = super::check(&history(script));
    let found: BTreeSet<Check> = findings.iter().map(|f| f.check).collect();
    let expected: BTreeSet<Check> = expected.iter().copied().collect();
    assert_eq!(found, expected, "{findings:#?}");
}

macro_rules! histories {
    ($($name:ident: $script:literal => [$($check:ident),*];)*) => {
        $(#[test] fn $name() { finds($script, &[$($check),*]); })*
    };
}

histories! {
    nothing_is_clean: "" => [];

    acked_read_and_kept_is_clean:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; assign 2 p 0; poll 2 p 0:a 1:b; scan 1 p 0..2 0:a 1:b" => [];

    an_unanswered_send_may_be_there:
        "send 1 p a; info a; assign 2 p 0; poll 2 p 0:a; scan 1 p 0..1 0:a" => [];

    an_unanswered_send_may_be_absent:
        "send 1 p a; info a; send 1 p b; ok b 0; scan 1 p 0..1 0:b" => [];

    a_send_that_never_ended_may_be_either:
        "send 1 p a; send 1 p b; ok b 0; scan 1 p 0..1 0:b" => [];

    a_refused_send_that_is_absent_is_clean:
        "send 1 p a; fail a; scan 1 p 0..0" => [];

    an_unanswered_send_may_land_behind_later_ones:
        "send 1 p a; info a; send 1 p b; ok b 0; scan 1 p 0..2 0:b 1:a" => [];

    offsets_may_have_holes:
        "send 1 p a; ok a 3; send 1 p b; ok b 7; assign 2 p 0; poll 2 p 3:a 7:b; scan 1 p 0..9 3:a 7:b" => [];

    an_acknowledgement_without_offset_is_clean:
        "send 1 p a; ok a; assign 2 p 0; poll 2 p 0:a; scan 1 p 0..1 0:a" => [];

    two_readers_at_different_speed_are_clean:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; assign 2 p 0; assign 3 p 1; poll 2 p 0:a; poll 3 p 1:b;
         poll 2 p 1:b; scan 1 p 0..2 0:a 1:b" => [];

    a_reader_that_is_assigned_again_may_go_back:
        "send 1 p a; ok a 0; assign 2 p 0; poll 2 p 0:a; assign 2 p 0; poll 2 p 0:a; scan 1 p 0..1 0:a" => [];

    what_retention_took_may_be_gone:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; scan 1 p 1..2 1:b" => [];

    the_same_value_in_two_partitions_is_no_duplicate:
        "send 1 p a; ok a 0; scan 1 p 0..1 0:a; send 1 q b; ok b 0; scan 1 q 0..1 0:b" => [];

    c1_two_readers_see_two_values_at_one_offset:
        "send 1 p a; info a; send 1 p b; info b; assign 2 p 0; assign 3 p 0; poll 2 p 0:a; poll 3 p 0:b" => [C1];

    c1_an_acknowledged_offset_holds_another_value:
        "send 1 p a; ok a 0; send 1 p b; info b; assign 2 p 0; poll 2 p 0:b" => [C1, C3];

    c1_two_acknowledgements_of_one_offset:
        "send 1 p a; send 2 p b; ok a 0; ok b 0" => [C1];

    c1_replicas_differ:
        "send 1 p a; info a; send 1 p b; info b; scan 1 p 0..1 0:a; scan 2 p 0..1 0:b" => [C1];

    c2_a_retry_was_appended_twice:
        "send 1 p a; ok a 1; assign 2 p 0; poll 2 p 0:a 1:a" => [C2];

    c2_an_unanswered_send_was_appended_twice:
        "send 1 p a; info a; scan 1 p 0..2 0:a 1:a" => [C2];

    c2_read_elsewhere_than_acknowledged:
        "send 1 p a; ok a 0; assign 2 p 1; poll 2 p 1:a" => [C2];

    c3_a_reader_went_past_an_acknowledged_record:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; assign 2 p 0; poll 2 p 1:b" => [C3];

    c3_a_hole_in_a_replica_at_the_end:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; scan 1 p 0..2 1:b" => [C3, C4];

    c3_not_said_of_what_no_reader_has_reached:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; assign 2 p 0; poll 2 p 0:a" => [];

    c3_not_said_of_what_lies_before_a_reader:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; assign 2 p 1; poll 2 p 1:b" => [];

    c4_the_tail_is_lost:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; scan 1 p 0..1 0:a" => [C4];

    c4_everything_is_lost:
        "send 1 p a; ok a 0; scan 1 p 0..0" => [C4];

    c4_one_replica_of_two_has_lost_it:
        "send 1 p a; ok a 0; scan 1 p 0..1 0:a; scan 2 p 0..0" => [C4];

    c4_acknowledged_without_offset_and_lost:
        "send 1 p a; ok a; scan 1 p 0..0" => [C4];

    c5_a_refused_record_is_read:
        "send 1 p a; fail a; assign 2 p 0; poll 2 p 0:a" => [C5];

    c5_a_record_that_nobody_sent:
        "assign 2 p 0; poll 2 p 0:ghost" => [C5];

    c5_a_record_of_another_partition:
        "send 1 q a; ok a 0; assign 2 p 0; poll 2 p 0:a" => [C5];

    c7_a_reader_skips_what_another_was_given:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; assign 2 p 0; poll 2 p 0:a 1:b; assign 3 p 0; poll 3 p 1:b" => [C7];

    c7_a_reader_skips_between_two_polls:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; send 1 p c; ok c 2; assign 3 p 0; poll 3 p 0:a; poll 3 p 2:c;
         scan 1 p 0..3 0:a 1:b 2:c" => [C7];

    c7_a_reader_is_sent_back:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; assign 2 p 0; poll 2 p 0:a 1:b; poll 2 p 0:a" => [C7];

    c7_a_reader_is_given_a_record_twice:
        "send 1 p a; ok a 0; assign 2 p 0; poll 2 p 0:a; poll 2 p 0:a" => [C7];

    c7_a_reader_is_given_what_lies_before_its_start:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; assign 2 p 1; poll 2 p 0:a 1:b" => [C7];

    c10_a_producers_records_are_swapped:
        "send 1 p a; send 1 p b; ok b 0; ok a 1" => [C10];

    c10_two_producers_may_be_in_any_order:
        "send 1 p a; send 2 p b; ok b 0; ok a 1" => [];

    c10_an_unanswered_record_in_between_hides_nothing:
        "send 1 p a; send 1 p b; send 1 p c; ok a 5; info b; ok c 4" => [C10];

    c14_a_read_record_is_gone_at_the_end:
        "send 1 p a; info a; assign 2 p 0; poll 2 p 0:a; scan 1 p 0..0" => [C14];

    c14_a_read_record_is_another_at_the_end:
        "send 1 p a; info a; send 1 p b; info b; assign 2 p 0; poll 2 p 0:a; scan 1 p 0..1 0:b" => [C1, C14];

    c14_only_a_follower_has_lost_a_read_record:
        "send 1 p a; info a; assign 2 p 0; poll 2 p 0:a; scan 1 p 0..1 0:a; scan 2 p 0..0" => [C14];

    c14_a_reader_stands_beyond_the_end:
        "send 1 p a; info a; assign 2 p 0; poll 2 p 0:a; range 2 p 1" => [C14];

    c15_sent_later_but_placed_before:
        "send 1 p a; ok a 5; send 2 p b; ok b 4" => [C15];

    c15_overlapping_sends_may_be_in_any_order:
        "send 1 p a; send 2 p b; ok a 5; ok b 4" => [];

    c15_other_partitions_do_not_matter:
        "send 1 p a; ok a 5; send 2 q b; ok b 4" => [];

    c15_the_highest_earlier_record_counts:
        "send 1 p a; ok a 9; send 2 p b; ok b 10; send 3 p c; ok c 8" => [C15];

    c15_an_end_in_front_of_an_acknowledged_record:
        "send 1 p a; ok a 5; ask 2 p; end 2 p 5" => [C15];

    c15_an_end_asked_for_before_the_acknowledgement:
        "send 1 p a; ask 2 p; ok a 5; end 2 p 5" => [];

    c15_an_end_behind_everything_is_clean:
        "send 1 p a; ok a 5; ask 2 p; end 2 p 6" => [];

    c18_a_deleted_topic_comes_back:
        "created t x; deleted t x; wait 6000; listed t x" => [C18];

    c18_a_deleted_topic_is_named_for_a_moment:
        "created t x; deleted t x; listed t x; created t y; listed t y" => [];

    c18_two_topics_of_one_name:
        "created t x; created t y" => [C18];

    c18_an_id_is_given_out_twice:
        "created t x; deleted t x; created t x" => [C18];

    c20_two_leaders_in_one_epoch:
        "leader p 5 1 1,2; leader p 5 2 1,2" => [C20];

    c20_a_leader_per_epoch_is_clean:
        "leader p 5 1 1,2; leader p 6 2 2; leader p 5 1 1,2; leader p 7 -1 2" => [];

    c20_a_leader_out_of_sync:
        "leader p 5 1 2,3" => [C20];

    c20_epochs_of_records_go_down:
        "send 1 p a; info a; send 1 p b; info b; assign 2 p 0; poll 2 p 0:a@3 1:b@2" => [C20];

    c20_epochs_of_records_go_up:
        "send 1 p a; info a; send 1 p b; info b; assign 2 p 0; poll 2 p 0:a@2 1:b@3" => [];

    c20_one_record_with_two_epochs:
        "send 1 p a; info a; assign 2 p 0; poll 2 p 0:a@2; scan 1 p 0..1 0:a@3" => [C20];

    a_group_that_reads_and_commits_is_clean:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; member 2 g; member 3 g; owns 2 g 1 p; assign 2 p 0; poll 2 p 0:a; commit 2 g p 1;
         committed 2 g p 1; fetch 9 g p; fetched 9 g p 1; owns 2 g 1; owns 3 g 2 p; assign 3 p 1; poll 3 p 1:b; commit 3 g p 2;
         committed 3 g p 2; fetch 9 g p; fetched 9 g p 2" => [];

    c13_a_member_committed_past_a_record:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; member 2 g; assign 2 p 1; poll 2 p 1:b; commit 2 g p 2; committed 2 g p 2;
         assign 8 p 0; poll 8 p 0:a 1:b" => [C13];

    c13_what_was_given_to_another_group_does_not_count:
        "send 1 p a; ok a 0; member 2 g; member 3 h; assign 3 p 0; poll 3 p 0:a; commit 2 g p 1; committed 2 g p 1" => [C13];

    c13_what_was_given_twice_is_at_least_once:
        "send 1 p a; ok a 0; member 2 g; member 3 g; assign 2 p 0; poll 2 p 0:a; commit 2 g p 1; refused 2 g p 1; assign 3 p 0;
         poll 3 p 0:a; commit 3 g p 1; committed 3 g p 1" => [];

    c13_not_said_of_what_is_not_committed_yet:
        "send 1 p a; ok a 0; send 1 p b; ok b 1; member 2 g; assign 2 p 0; poll 2 p 0:a; commit 2 g p 1; committed 2 g p 1" => [];

    c16_a_commit_is_lost:
        "member 2 g; commit 2 g p 1; committed 2 g p 1; fetch 9 g p; fetched 9 g p" => [C16];

    c16_an_older_commit_is_back:
        "member 2 g; commit 2 g p 1; committed 2 g p 1; commit 2 g p 2; committed 2 g p 2; fetch 9 g p; fetched 9 g p 1" => [C16];

    c16_a_fetch_that_began_before_the_commit_was_acknowledged_may_miss_it:
        "member 2 g; commit 2 g p 1; fetch 9 g p; committed 2 g p 1; fetched 9 g p" => [];

    c16_an_unanswered_commit_may_be_seen:
        "member 2 g; commit 2 g p 1; refused 2 g p 1; fetch 9 g p; fetched 9 g p 1" => [];

    c16_what_was_seen_may_not_vanish:
        "member 2 g; commit 2 g p 1; refused 2 g p 1; fetch 9 g p; fetched 9 g p 1; fetch 9 g p; fetched 9 g p" => [C16];

    c16_a_place_that_nobody_has_committed:
        "member 2 g; commit 2 g p 1; committed 2 g p 1; fetch 9 g p; fetched 9 g p 5" => [C16];

    c16_a_history_may_learn_of_a_commit_late:
        "member 2 g; fetch 9 g p; fetched 9 g p 1; commit 2 g p 1; committed 2 g p 1" => [];

    c16_a_member_of_the_past_commits_over_its_successor:
        "member 2 g; member 3 g; commit 3 g p 9; committed 3 g p 9; commit 2 g p 4; committed 2 g p 4" => [C16];

    c16_groups_and_partitions_have_places_of_their_own:
        "member 2 g; commit 2 g p 9; committed 2 g p 9; fetch 9 g q; fetched 9 g q; fetch 9 h p; fetched 9 h p" => [];

    c17_two_owners_in_one_generation:
        "member 2 g; member 3 g; owns 2 g 4 p,q; owns 3 g 4 q" => [C17];

    c17_a_partition_may_pass_on_with_the_generation:
        "member 2 g; member 3 g; owns 2 g 4 p,q; owns 2 g 4 p; owns 3 g 5 q; owns 2 g 5 p" => [];

    c17_two_groups_may_have_the_same_generation:
        "member 2 g; member 3 h; owns 2 g 4 p; owns 3 h 4 p" => [];

    c17_a_generation_goes_down:
        "member 2 g; owns 2 g 4 p; owns 2 g 3 p" => [C17];

    c17_who_does_not_know_its_generation_says_nothing:
        "member 2 g; member 3 g; owns 2 g -1 p; owns 3 g -1 p; owns 2 g 0" => [];

    c17_the_coordinator_names_two_owners:
        "owners g one:p,q two:q" => [C17];

    c17_the_coordinator_names_each_owner_once:
        "owners g one:p two:q; owners g one:q two:p" => [];
}
