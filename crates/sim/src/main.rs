//! `sim`: runs seeds, and shows what a failing one did.
//!
//! ```text
//! sim                         2,000 seeds from 1, until one fails
//! sim --seed 7 --trace        one seed, with everything that happened
//! sim --seed 1000 --runs 500  these seeds
//! sim --mutant glue::LogByName --runs 5000   until the mistake is found
//! sim --mutants --runs 4000   every mistake, each with so many seeds at most
//! ```

use std::io::Write;
use std::process::ExitCode;

use sim::mutant::Mutant;
use sim::run::{Options, Outcome, run, shrink};

const DEFAULT_RUNS: u64 = 2_000;

/// What was asked for.
#[derive(Debug, Default)]
struct Arguments {
    options: Options,
    seed: Option<u64>,
    runs: Option<u64>,
    all_mutants: bool,
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    match parse(std::env::args().skip(1)) {
        Ok(arguments) if arguments.all_mutants => hunt_all(&arguments),
        Ok(arguments) => run_seeds(&arguments),
        Err(problem) => {
            print(&format!("{problem}; see crates/sim/README.md"));
            ExitCode::from(2)
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--trace" => arguments.options.is_traced = true,
            "--groups" => arguments.options.has_groups = true,
            "--mutants" => arguments.all_mutants = true,
            "--seed" => arguments.seed = Some(number(&value()?)?),
            "--runs" => arguments.runs = Some(number(&value()?)?),
            "--mutant" => {
                let name = value()?;
                let mutant =
                    Mutant::named(&name).ok_or_else(|| format!("no mutant is called {name}"))?;
                arguments.options.mutant = Some(mutant);
            }
            "--without" => {
                for index in value()?.split(',') {
                    let index = index
                        .parse()
                        .map_err(|_invalid| format!("{index} is no number"))?;
                    arguments.options.without.push(index);
                }
            }
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(arguments)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_invalid| format!("{text} is no number"))
}

fn run_seeds(arguments: &Arguments) -> ExitCode {
    let first = arguments.seed.unwrap_or(1);
    let default = if arguments.seed.is_some() {
        1
    } else {
        DEFAULT_RUNS
    };
    let runs = arguments.runs.unwrap_or(default);
    let (mut steps, mut acked, mut committed) = (0, 0, 0);
    for seed in first..first.saturating_add(runs) {
        let options = Options {
            seed,
            ..arguments.options.clone()
        };
        let outcome = run(&options);
        if options.is_traced {
            show(&options, &outcome);
        }
        steps += outcome.step_count;
        acked += outcome.acked_count;
        committed += outcome.committed_count;
        if let Some(violation) = &outcome.violation {
            print(&format!(
                "seed {seed} after {} seeds: {violation}",
                seed - first + 1
            ));
            if !options.is_traced {
                print(&format!("  again:    {options}"));
                print(&format!("  smallest: {}", shrink(&options)));
            }
            return ExitCode::FAILURE;
        }
    }
    print(&format!(
        "{runs} seeds, {steps} steps, {acked} records acknowledged, {committed} of them commits, 0 violations"
    ));
    ExitCode::SUCCESS
}

fn show(options: &Options, outcome: &Outcome) {
    let plan = options.plan();
    print(&format!("seed {}: {plan}", options.seed));
    for (index, (at, fault)) in plan.faults.iter().enumerate() {
        let mark = if options.without.contains(&index) {
            "without"
        } else {
            ""
        };
        print(&format!(
            "  fault {index:>2} at {at:>8.1?} {fault:?} {mark}"
        ));
    }
    for line in &outcome.trace {
        print(line);
    }
    print(&format!(
        "ended at {:?} after {} steps",
        outcome.ended_at, outcome.step_count
    ));
}

fn hunt_all(arguments: &Arguments) -> ExitCode {
    let first = arguments.seed.unwrap_or(1);
    let runs = arguments.runs.unwrap_or(DEFAULT_RUNS);
    let mut survivors = 0;
    for mutant in Mutant::all() {
        let options = |seed| Options {
            seed,
            mutant: Some(mutant),
            has_groups: mutant.is_of_groups(),
            ..Options::default()
        };
        let killer = (first..first.saturating_add(runs))
            .find_map(|seed| Some((seed, run(&options(seed)).violation?)));
        match killer {
            Some((seed, violation)) => {
                let text: String = violation.to_string().chars().take(150).collect();
                print(&format!("{mutant}: killed by seed {seed}: {text}"));
            }
            None => {
                survivors += 1;
                print(&format!("{mutant}: SURVIVED {runs} seeds"));
            }
        }
    }
    ExitCode::from(u8::from(survivors > 0))
}

/// A line for whoever runs this. Nobody listening is no reason to stop.
fn print(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}
