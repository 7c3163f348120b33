//! The sound code survives, and mistakes are found. Both within what CI can spend; `make sim RUNS=…` and
//! `sim --mutants --runs …` spend more.

mod common;

use common::{Subject, on_two_threads};

/// Seeds of the sound code.
const SEEDS: u64 = 60;

const SUBJECT: Subject = Subject {
    has_groups: false,
    killers: KILLERS,
    rare: RARE,
};

/// A seed that showed the mistake.
const KILLERS: &[(&str, u64)] = &[
    ("replication::NoMaximalIsr", 8),
    ("replication::HighWatermarkIgnoresMinIsr", 9),
    ("replication::NoTruncationByEpoch", 26),
    ("replication::NoEpochStartRule", 22),
    ("replication::ProgressBeforeReconciled", 74),
    ("replication::FollowerIgnoresEpoch", 55),
    ("replication::LeaderShrinksAlone", 2),
    ("replication::RollbackOnTimeout", 58),
    ("replication::LeaderCountsUnsynced", 23),
    ("replication::FollowerAcksUnsynced", 53),
    ("metadata::NoElr", 33),
    ("metadata::ElrNotCleared", 9),
    ("metadata::ElectFenced", 17),
    ("metadata::LossyKeptInElr", 9),
    ("controller::StalePartitionEpoch", 242),
    ("controller::FencedMember", 126),
    ("controller::CleanClaimBelieved", 9),
    ("glue::AckBeforeWrite", 17),
    ("glue::EpochsNotTruncated", 26),
    ("glue::ProducersNotRolledBack", 103),
    ("glue::FollowerReadAboveHighWatermark", 26),
    ("glue::DurableCountsUnsynced", 1),
    ("glue::MarkerNotDeleted", 68),
    ("glue::NewBootIsProcessCrash", 56),
    ("glue::BootIdStoredTooEarly", 1047),
    ("glue::AnswerBeforeImage", 1981),
    ("glue::LogByName", 37),
    ("glue::VoteNotSynced", 4),
    ("glue::AppendNotSynced", 4),
    ("glue::PurgeBeforeSync", 8),
];

/// Mistakes that need hundreds or thousands of seeds: `sim --mutants` hunts them.
const RARE: &[&str] = &[
    "replication::NoBrokerEpochAtLeader",
    "replication::PositionCountsUnsynced",
    "controller::NoBrokerEpochCheck",
    "glue::MarkerDeletionNotSynced",
    "glue::AnswerBeforeCommit",
];

#[test]
fn one_seed_twice_gives_identical_bytes() {
    SUBJECT.assert_repeats(3);
    SUBJECT.assert_repeats(8);
}

#[test]
fn the_sound_code_breaks_no_promise() {
    let (one, other) = on_two_threads(|half| {
        let (mut acked, mut steps) = (0, 0);
        for seed in (1..=SEEDS).filter(|seed| seed % 2 == half) {
            let (options, outcome) = SUBJECT.outcome(seed, None);
            assert_eq!(outcome.violation, None, "{options}");
            acked += outcome.acked_count;
            steps += outcome.step_count;
        }
        (acked, steps)
    });
    let (acked, steps) = (one.0 + other.0, one.1 + other.1);
    println!("{SEEDS} seeds, {steps} steps, {acked} records acknowledged");
    assert!(acked > SEEDS * 50, "the runs do something: {acked} records");
}

#[test]
fn mistakes_are_found() {
    SUBJECT.assert_mistakes_are_found();
}

#[test]
fn every_mistake_has_a_seed_or_is_known_to_be_rare() {
    SUBJECT.assert_mistakes_are_known();
}
