//! One seed, one run; and which of its faults a failure needs.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::invariants::Violation;
use crate::mutant::{self, Mutant};
use crate::plan::Plan;
use crate::world::World;

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The seed.
    pub seed: u64,
    /// Faults of the plan, by index, that do not happen.
    pub without: Vec<usize>,
    /// Whether there are consumer groups.
    pub has_groups: bool,
    /// A mistake to commit.
    pub mutant: Option<Mutant>,
    /// Whether the trace is kept.
    pub is_traced: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The promise that was broken.
    pub violation: Option<Violation>,
    /// How many events happened.
    pub step_count: u64,
    /// How many commits of groups were acknowledged.
    pub committed_count: u64,
    /// How many records were acknowledged to producers that asked for all.
    pub acked_count: u64,
    /// Virtual time at the end.
    pub ended_at: std::time::Duration,
    /// The trace, if it was kept.
    pub trace: Vec<String>,
}

/// Runs a seed.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    let mut plan = options.plan();
    let mut index = 0;
    plan.faults.retain(|_| {
        let stays = !options.without.contains(&index);
        index += 1;
        stays
    });
    mutant::set(options.mutant);
    let mut world = World::new(plan, options.is_traced);
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    mutant::set(None);
    if let Err(panic) = result {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        world.violated("no panic", text.unwrap_or_else(|| "a panic".to_owned()));
    }
    Outcome {
        violation: world.truth.violation.take(),
        step_count: world.trace.step_count,
        committed_count: world.truth.register.acked_count(),
        acked_count: world.truth.acked_count(),
        ended_at: world.now,
        trace: world.trace.into_lines(),
    }
}

/// Leaves out faults one by one, as long as the same promise is broken. Bounded by the square of the
/// number of faults.
#[must_use]
pub fn shrink(options: &Options) -> Options {
    let count = options.plan().faults.len();
    let mut smallest = options.clone();
    let invariant = run(options).violation.map(|violation| violation.invariant);
    loop {
        let before = smallest.without.len();
        for index in (0..count).rev() {
            if smallest.without.contains(&index) {
                continue;
            }
            let mut fewer = smallest.clone();
            fewer.without.push(index);
            let violation = run(&fewer).violation;
            if violation.is_some_and(|v| invariant.is_none_or(|known| known == v.invariant)) {
                smallest = fewer;
            }
        }
        if smallest.without.len() == before {
            smallest.without.sort_unstable();
            return smallest;
        }
    }
}

impl Options {
    /// What the seed stands for.
    #[must_use]
    pub fn plan(&self) -> Plan {
        if self.has_groups {
            Plan::with_groups(self.seed)
        } else {
            Plan::of(self.seed)
        }
    }
}

/// The command line that runs it again.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo run -p sim -- --seed {} --trace", self.seed)?;
        if self.has_groups {
            write!(f, " --groups")?;
        }
        if !self.without.is_empty() {
            let list: Vec<String> = self.without.iter().map(usize::to_string).collect();
            write!(f, " --without {}", list.join(","))?;
        }
        if let Some(mutant) = self.mutant {
            write!(f, " --mutant {mutant}")?;
        }
        Ok(())
    }
}
