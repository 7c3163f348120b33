//! The Raudal server: one process that is a broker, a controller, or both.
//!
//! This crate knows everything else and decides nothing: it gathers the configuration, puts the
//! parts together in order, and takes them apart in the reverse order when asked to stop.

mod apart;
mod args;
mod check_config;
mod data;
mod failure;
mod format;
mod founders;
mod logging;
mod machine;
mod node;
mod quorum;
mod settings;
mod signals;
mod supervisor;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::Failure;

/// Many threads allocate and free buffers of a few sizes; mimalloc is quick at that and gives
/// memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let clock = types::SystemClock::new();
    let cli = Cli::parse();
    let outcome = match &cli.command {
        None => run(&cli, clock),
        Some(Command::Format(args)) => format::run(args),
        Some(Command::CheckConfig(args)) => check_config::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            ExitCode::from(&failure)
        }
    }
}

/// Runs the node until it is asked to stop.
fn run(cli: &Cli, clock: types::SystemClock) -> Result<(), Failure> {
    let config = settings::load(cli.run.file.as_deref(), &cli.run.overrides.overrides)?;
    logging::start(cli.run.log_format);
    machine::raise_open_files();
    let runtime = machine::runtime()
        .thread_name("raudal")
        .enable_all()
        .build()
        .map_err(|error| Failure::Other(format!("cannot start threads: {error}")))?;
    runtime.block_on(node::run(config, clock))
}

#[expect(clippy::print_stderr, reason = "the last word before the exit code")]
fn complain(failure: &Failure) {
    for line in failure.to_string().lines() {
        eprintln!("raudal: {line}");
    }
}
