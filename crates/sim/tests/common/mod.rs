//! What the tests of seeds and of groups have in common: runs, on both cores, and the hunt for mistakes.

use sim::mutant::Mutant;
use sim::run::{Options, Outcome, run};

/// Seeds that are tried for a mistake that its known seed no longer shows: another version of the code is
/// another world.
const MUTANT_SEEDS: u64 = 150;

/// What a test is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// Whether coordinators and their members take part.
    pub(crate) has_groups: bool,
    /// A seed that showed each mistake.
    pub(crate) killers: &'static [(&'static str, u64)],
    /// Mistakes that need hundreds or thousands of seeds.
    pub(crate) rare: &'static [&'static str],
}

impl Subject {
    pub(crate) fn outcome(self, seed: u64, mutant: Option<Mutant>) -> (Options, Outcome) {
        let options = Options {
            seed,
            mutant,
            has_groups: self.has_groups,
            ..Options::default()
        };
        let outcome = run(&options);
        (options, outcome)
    }

    /// One seed, run twice, gives the same bytes.
    pub(crate) fn assert_repeats(self, seed: u64) {
        let options = Options {
            seed,
            is_traced: true,
            has_groups: self.has_groups,
            ..Options::default()
        };
        let (one, other) = (run(&options).trace, run(&options).trace);
        assert!(one.len() > 100, "seed {seed} does something");
        assert!(one == other, "seed {seed} differs");
    }

    /// The known seed of each mistake finds it, or another one does.
    #[expect(
        clippy::print_stdout,
        reason = "what a test found, shown with --nocapture"
    )]
    pub(crate) fn assert_mistakes_are_found(self) {
        let (one, other) = on_two_threads(|half| {
            let mut survivors = Vec::new();
            for (index, (name, known)) in (0..).zip(self.killers) {
                if index % 2 != half {
                    continue;
                }
                let mutant = Mutant::named(name).expect("a mutant of that name");
                let seeds = std::iter::once(*known).chain(1..=MUTANT_SEEDS);
                let mut kills = seeds
                    .filter_map(|seed| Some((seed, self.outcome(seed, Some(mutant)).1.violation?)));
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

    /// No mistake is forgotten.
    pub(crate) fn assert_mistakes_are_known(self) {
        let all = Mutant::all().into_iter();
        for mutant in all.filter(|it| it.is_of_groups() == self.has_groups) {
            let name = mutant.to_string();
            let is_known = self.killers.iter().any(|(known, _)| *known == name);
            assert!(
                is_known || self.rare.contains(&&*name),
                "{name}: find a seed for it"
            );
        }
    }
}

/// Runs on both cores.
pub(crate) fn on_two_threads<T: Send>(work: impl Fn(u64) -> T + Sync) -> (T, T) {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| work(1));
        let one = work(0);
        (one, other.join().expect("the other half ran"))
    })
}
