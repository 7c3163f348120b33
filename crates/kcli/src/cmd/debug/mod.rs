//! `kcli debug`.

mod api_versions;
mod dump_log;
mod dump_segment;
mod error;
mod listeners;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

/// Looks under the hood.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What a Kafka error code means
    Error(error::Lookup),
    /// Test from here every address that the brokers advertise
    Listeners,
    /// Which requests a broker understands, in which versions
    ApiVersions(api_versions::ApiVersions),
    /// Show the batches of segment files, without a broker
    DumpLog(dump_log::DumpLog),
}

/// Runs it.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Error(lookup) => error::run(&lookup, context),
        Command::Listeners => listeners::run(context).await,
        Command::ApiVersions(command) => api_versions::run(&command, context).await,
        Command::DumpLog(command) => dump_log::run(&command, context),
    }
}
