//! `kcli quorum`.

mod replication;
mod status;
mod voters;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

/// Verbs on the metadata quorum.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Who leads, who votes, how far the slowest is behind, how many may fail
    Status,
    /// Each voter: its disk, its address, how far it is
    Voters,
    /// Each replica of the metadata log, observers too
    Replication,
    /// Make a running controller a voter
    #[command(after_help = voters::ADD_EXAMPLES)]
    AddVoter(voters::AddVoter),
    /// Take the vote from a node
    #[command(after_help = voters::REMOVE_EXAMPLES)]
    RemoveVoter(voters::RemoveVoter),
}

/// Runs a verb.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Status => status::run(context).await,
        Command::Voters => voters::list(context).await,
        Command::Replication => replication::run(context).await,
        Command::AddVoter(add) => voters::add(add, context).await,
        Command::RemoveVoter(remove) => voters::remove(remove, context).await,
    }
}
