//! Groups: the sound code survives, and mistakes of coordinators are found. Both within what CI can spend;
//! `sim --groups --runs …` and `sim --mutants` spend more.

use sim::mutant::Mutant;
use sim::run::{Options, Outcome, run};

/// Seeds of the sound code.
const SEEDS: u64 = 100;
/// Seeds that are tried for a mistake that its known seed no longer shows.
const MUTANT_SEEDS: u64 = 100;

/// A seed that showed the mistake.
const KILLERS: &[(&str, u64)] = &[
    ("coordinator::AnswerBeforeCommit", 1),
    ("coordinator::ServeBeforeLoaded", 4),
    ("coordinator::OldGenerationCommits", 112),
    ("coordinator::AssignBeforeRevoked", 1),
    ("glue::ShardSurvivesResignation", 12),
    ("glue::LoadToHighWatermark", 4),
    ("glue::LateLoadKept", 482),
];

/// Mistakes that need hundreds or thousands of seeds: `sim --mutants` hunts them. A coordinator that is cut
/// off and still answers shows old offsets only if nobody commits there any more: the first commit that it
/// cannot replicate holds back all later answers to the group.
const RARE: &[&str] = &["glue::NoLease"];

fn outcome(seed: u64, mutant: Option<Mutant>) -> (Options, Outcome) {
    let options = Options {
        seed,
        mutant,
        has_groups: true,
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
    let options = Options {
        seed: 3,
        is_traced: true,
        has_groups: true,
        ..Options::default()
    };
    let (one, other) = (run(&options).trace, run(&options).trace);
    assert!(one.len() > 100, "the seed does something");
    assert!(one == other, "it differs");
}

#[test]
fn sound_coordinators_break_no_promise() {
    let (one, other) = on_two_threads(|half| {
        let mut committed = 0;
        for seed in (1..=SEEDS).filter(|seed| seed % 2 == half) {
            let (options, outcome) = outcome(seed, None);
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
fn every_mistake_of_coordinators_has_a_seed_or_is_known_to_be_rare() {
    for mutant in Mutant::all().into_iter().filter(|it| it.is_of_groups()) {
        let name = mutant.to_string();
        let is_known = KILLERS.iter().any(|(known, _)| *known == name);
        assert!(
            is_known || RARE.contains(&&*name),
            "{name}: find a seed for it"
        );
    }
}
