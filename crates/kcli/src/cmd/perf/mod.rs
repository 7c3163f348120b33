//! `kcli perf`: how fast is it?

mod consume;
mod meter;
mod produce;
mod report;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write events as fast as can be, or at a rate, and measure until each is acknowledged
    Produce(produce::Produce),
    /// Read events as fast as can be
    Consume(consume::Consume),
}

/// Measures.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Produce(produce) => produce::run(produce, context).await,
        Command::Consume(consume) => consume::run(consume, context).await,
    }
}
