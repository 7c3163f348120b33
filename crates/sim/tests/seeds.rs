//! The sound code survives, and mistakes are found. Both within what CI can spend; `make sim RUNS=…` and
//! `sim --mutants --runs …` spend more.

use sim::mutant::Mutant;
use sim::run::{Options, Outcome, run};

/// Seeds of the sound code.
const SEEDS: u64 = 60;
/// Seeds that are tried for a mistake that its known seed no longer shows: another version of the code
/// is another world.
const MUTANT_SEEDS: u64 = 150;

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
    ("glue::NewBootIsProcessCrash", 100),
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
    "controller::NoBrokerEpochCheck",
    "glue::MarkerDeletionNotSynced",
    "glue::AnswerBeforeCommit",
];

fn outcome(seed: u64, mutant: Option<Mutant>) -> (Options, Outcome) {
    let options = Options {
        seed,
        mutant,
        ..Options::default()
    };
    let outcome = run(&options);
    (options, outcome)
}

/// Runs on both cores.
fn on_two_threads<T: Send>(work: impl Fn(u64) -> T + Sync) -> (T, T) {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| work(1));
        let one = work(0);
        (one, other.join().expect("the other half ran"))
    })
}

#[test]
fn one_seed_twice_gives_identical_bytes() {
    for seed in [3, 8] {
        let options = Options {
            seed,
            is_traced: true,
            ..Options::default()
        };
        let (one, other) = (run(&options).trace, run(&options).trace);
        assert!(one.len() > 100, "seed {seed} does something");
        assert!(one == other, "seed {seed} differs");
    }
}

#[test]
fn the_sound_code_breaks_no_promise() {
    let (one, other) = on_two_threads(|half| {
        let (mut acked, mut steps) = (0, 0);
        for seed in (1..=SEEDS).filter(|seed| seed % 2 == half) {
            let (options, outcome) = outcome(seed, None);
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
    let (one, other) = on_two_threads(|half| {
        let mut survivors = Vec::new();
        for (index, (name, known)) in (0..).zip(KILLERS) {
            if index % 2 != half {
                continue;
            }
            let mutant = Mutant::named(name).expect("a mutant of that name");
            let seeds = std::iter::once(*known).chain(1..=MUTANT_SEEDS);
            let mut kills =
                seeds.filter_map(|seed| Some((seed, outcome(seed, Some(mutant)).1.violation?)));
            match kills.next() {
                Some((seed, violation)) => {
                    println!("{mutant}: seed {seed}: {}", violation.invariant);
                }
                None => survivors.push(*name),
            }
        }
        survivors
    });
    let survivors = [one, other].concat();
    assert!(survivors.is_empty(), "survived: {survivors:?}");
}

#[test]
fn every_mistake_has_a_seed_or_is_known_to_be_rare() {
    // Those of coordinators: see groups.rs.
    for mutant in Mutant::all().into_iter().filter(|it| !it.is_of_groups()) {
        let name = mutant.to_string();
        let is_known = KILLERS.iter().any(|(known, _)| *known == name);
        assert!(
            is_known || RARE.contains(&&*name),
            "{name}: find a seed for it"
        );
    }
}
