//! Groups: the sound code survives, and mistakes of coordinators are found. Both within what CI can spend;
//! `sim --groups --runs …` and `sim --mutants` spend more.

mod common;

use common::{Subject, on_two_threads};

/// Seeds of the sound code.
const SEEDS: u64 = 100;

const SUBJECT: Subject = Subject {
    has_groups: true,
    killers: KILLERS,
    rare: RARE,
};

/// A seed that showed the mistake.
const KILLERS: &[(&str, u64)] = &[
    ("coordinator::AnswerBeforeCommit", 1),
    ("coordinator::ServeBeforeLoaded", 4),
    ("coordinator::OldGenerationCommits", 112),
    ("coordinator::AssignBeforeRevoked", 1),
    ("glue::ShardSurvivesResignation", 12),
    ("glue::LoadToHighWatermark", 1),
    ("glue::LateLoadKept", 482),
];

/// Mistakes that need hundreds or thousands of seeds: `sim --mutants` hunts them. A coordinator that is cut
/// off and still answers shows old offsets only if nobody commits there any more: the first commit that it
/// cannot replicate holds back all later answers to the group.
const RARE: &[&str] = &["glue::NoLease"];

#[test]
fn one_seed_twice_gives_identical_bytes() {
    SUBJECT.assert_repeats(3);
}

#[test]
fn sound_coordinators_break_no_promise() {
    let (one, other) = on_two_threads(|half| {
        let mut committed = 0;
        for seed in (1..=SEEDS).filter(|seed| seed % 2 == half) {
            let (options, outcome) = SUBJECT.outcome(seed, None);
            assert_eq!(outcome.violation, None, "{options}");
            committed += outcome.committed_count;
        }
        committed
    });
    let committed = one + other;
    println!("{SEEDS} seeds, {committed} commits acknowledged");
    assert!(committed > SEEDS * 50, "the runs do something: {committed}");
}

#[test]
fn mistakes_of_coordinators_are_found() {
    SUBJECT.assert_mistakes_are_found();
}

#[test]
fn every_mistake_of_coordinators_has_a_seed_or_is_known_to_be_rare() {
    SUBJECT.assert_mistakes_are_known();
}
