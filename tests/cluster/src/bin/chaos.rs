//! `make chaos`: random faults by seed, for as long as asked.
//!
//! | variable | default | |
//! |---|---|---|
//! | `DURATION` | 120 | seconds; no run begins after them |
//! | `RUNS` | none | runs at most |
//! | `RUN_SECONDS` | 30 | faults of one run |
//! | `SEED` | of the clock | the first run's; later runs count upward |
//! | `TARGET` | `raudal` | or `kafka`, from the jars in `KAFKA_LIBS` |
//!
//! Exit codes: 0 nothing was found, 1 something was, 2 a wrong setting, 11 an acknowledged record is
//! lost.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use cluster_tests::chaos::{Sum, play};
use cluster_tests::target::{Kind, Target};
use tokio::time::Instant;
use types::{Clock as _, SystemClock};

const LOST: u8 = 11;

struct Settings {
    duration: Duration,
    runs: u64,
    length: Duration,
    seed: u64,
    target: Target,
}

fn main() -> ExitCode {
    let settings = match settings() {
        Ok(settings) => settings,
        Err(error) => {
            say(&format!("{error:#}"));
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(&settings)),
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> ExitCode {
    let until = Instant::now() + settings.duration;
    let mut sum = Sum::default();
    for seed in settings.seed..settings.seed.saturating_add(settings.runs) {
        // Ctrl-C ends the run in hand, and the processes with it.
        let outcome = tokio::select! {
            outcome = play(&settings.target, seed, settings.length) => outcome,
            _ = tokio::signal::ctrl_c() => break,
        };
        say(&outcome.to_string());
        sum.add(&outcome);
        if Instant::now() >= until {
            break;
        }
    }
    say(&format!("\n{} chaos\n{sum}", settings.target.kind.name()));
    match (sum.is_lossy(), sum.is_clean()) {
        (true, _) => ExitCode::from(LOST),
        (_, false) => ExitCode::FAILURE,
        (_, true) => ExitCode::SUCCESS,
    }
}

fn settings() -> Result<Settings> {
    let target = match text("TARGET").as_deref() {
        None | Some("raudal") => Kind::Raudal,
        Some("kafka") => Kind::ApacheKafka,
        Some(other) => bail!("TARGET={other}: raudal or kafka"),
    };
    let clock_seed = u64::try_from(SystemClock::new().wall_ms()).unwrap_or(1);
    Ok(Settings {
        duration: Duration::from_secs(number("DURATION")?.unwrap_or(120)),
        runs: number("RUNS")?.unwrap_or(u64::MAX),
        length: Duration::from_secs(number("RUN_SECONDS")?.unwrap_or(30)),
        seed: number("SEED")?.unwrap_or(clock_seed),
        target: Target::find(target).map_err(anyhow::Error::msg)?,
    })
}

/// A setting that is there and not empty.
fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn number(name: &str) -> Result<Option<u64>> {
    let parse = |text: String| {
        let parsed = text.parse();
        parsed.with_context(|| format!("{name}={text}: a number is needed"))
    };
    text(name).map(parse).transpose()
}

#[expect(clippy::print_stdout, reason = "a program's result")]
fn say(text: &str) {
    println!("{text}");
}
