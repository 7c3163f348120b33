//! What is tried. Every scenario has topics of its own, since all run at once.

mod admin;
mod configs;
mod errors;
mod events;
mod failover;
mod files;
mod groups;
mod members;
mod placement;
mod reading;
mod reliability;

use crate::target::Cluster;

/// A test body.
pub(crate) type Scenario = fn(&Cluster);

/// A test body that may do to its cluster what it likes.
pub(crate) type OwnScenario = fn(Cluster);

/// Those that have a cluster of their own, because they ill-treat it.
pub(crate) const WITH_OWN_CLUSTER: &[(&str, OwnScenario)] = &[(
    "written_events_survive_a_killed_broker_once_and_in_order",
    reliability::written_events_survive_a_killed_broker_once_and_in_order,
)];

/// A test body with three brokers, which may do to them what it likes: they are mended afterwards.
pub(crate) type ThreeScenario = fn(&mut Cluster);

/// Those that need three brokers.
pub(crate) const WITH_THREE_BROKERS: &[(&str, ThreeScenario)] = &[
    (
        "three_replicas_lie_on_three_brokers_and_four_do_not_fit",
        placement::three_replicas_lie_on_three_brokers_and_four_do_not_fit,
    ),
    (
        "a_partition_moves_with_its_events",
        placement::a_partition_moves_with_its_events,
    ),
    (
        "leadership_is_handed_over_and_given_back",
        placement::leadership_is_handed_over_and_given_back,
    ),
    (
        "a_lopsided_topic_is_spread",
        placement::a_lopsided_topic_is_spread,
    ),
    (
        "a_drained_broker_leads_nothing",
        placement::a_drained_broker_leads_nothing,
    ),
    (
        "any_broker_describes_the_quorum",
        placement::any_broker_describes_the_quorum,
    ),
    (
        "a_voter_leaves_and_returns",
        placement::a_voter_leaves_and_returns,
    ),
    (
        "the_doctor_finds_what_will_hurt",
        placement::the_doctor_finds_what_will_hurt,
    ),
    (
        "a_killed_broker_shows_until_it_is_back",
        failover::a_killed_broker_shows_until_it_is_back,
    ),
    (
        "writing_and_reading_go_on_through_a_killed_leader",
        failover::writing_and_reading_go_on_through_a_killed_leader,
    ),
    (
        "a_stopped_leader_is_left_for_the_next_one",
        failover::a_stopped_leader_is_left_for_the_next_one,
    ),
];

macro_rules! scenarios {
    ($($module:ident::{$($name:ident),* $(,)?})*) => {
        /// All of them, by name.
        pub(crate) const ALL: &[(&str, Scenario)] = &[$($((stringify!($name), $module::$name),)*)*];
    };
}

scenarios! {
    admin::{
        a_topic_is_created_listed_described_and_deleted,
        a_topic_grows_to_a_total_or_by_a_number,
        a_dry_run_changes_nothing,
        the_cluster_and_its_brokers_describe_themselves,
        the_quorum_has_a_leader,
        advertised_addresses_are_reachable,
        trimming_moves_the_log_start,
        trimming_counts_what_is_there,
    }
    configs::{
        a_config_is_set_and_unset,
        a_list_is_appended_to_and_removed_from,
        a_broker_config_is_set_for_all_brokers,
        a_broker_that_is_not_there_is_told_at_once,
    }
    errors::{
        an_unknown_topic_is_answered_with_the_nearest_name,
        a_refusal_names_kafkas_error_and_what_to_do,
        json_stays_valid_when_something_fails,
        some_of_several_items_may_fail,
        nothing_is_destroyed_without_a_yes,
        an_event_too_large_is_named_by_its_line,
    }
    events::{
        a_line_is_an_event,
        keys_headers_and_nulls_survive,
        every_codec_comes_back,
        every_kind_of_acks_writes,
        json_lines_are_the_inverse_of_jsonl,
        a_key_goes_where_every_kafka_client_sends_it,
        offsets_are_printed_in_order,
        a_summary_is_an_object,
    }
    reading::{
        offset_words_choose_where_to_begin_and_end,
        a_time_finds_its_event,
        events_are_sifted_and_laid_out,
        reading_stops_by_count_and_by_silence,
        a_closed_pipe_ends_quietly,
        ctrl_c_says_how_many_were_read,
        two_topics_are_read_together,
        half_a_topic_does_not_pass_for_a_whole_one,
    }
    reliability::{
        many_small_batches_stay_in_order,
        a_batch_too_large_for_the_topic_is_divided,
        large_events_pass,
        perf_measures_both_ways,
    }
    files::{
        dump_log_reads_the_brokers_segments,
    }
    groups::{
        a_group_is_sent_where_a_word_says,
        offsets_are_kept_in_a_file_as_kafka_writes_it,
        groups_and_offsets_are_deleted,
        a_group_has_configs,
        a_group_with_members_is_left_alone,
        dump_log_reads_what_groups_have_written,
    }
    members::{
        a_group_goes_on_where_it_has_come_to,
        without_a_commit_a_group_begins_again,
        members_share_partitions_and_hand_them_over,
        a_killed_member_is_replaced_and_nothing_is_lost,
        a_static_member_finds_its_partitions_again,
        a_pattern_brings_topics_that_come_later,
        what_a_group_decides_is_not_asked_of_it,
    }
}
