//! `kcli quorum`.

mod replication;
mod status;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

/// Verbs on the metadata quorum.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Who leads, who votes, how far the slowest is behind
    Status,
    /// Each replica of the metadata log
    Replication,
}

/// Runs a verb.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Status => status::run(context).await,
        Command::Replication => replication::run(context).await,
    }
}
