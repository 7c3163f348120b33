//! `kcli config`.

mod alter;
mod describe;
mod get;
mod resource;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

pub(crate) use describe::{Describe, describe};

/// Verbs on settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show values of some keys
    Get(get::Get),
    /// Show what is set, or every key with --all
    Describe(Describe),
    /// Set keys
    Set(alter::Set),
    /// Take keys back to their defaults
    Unset(alter::Unset),
    /// Add to keys that are lists
    Append(alter::Append),
    /// Take from keys that are lists
    Remove(alter::Remove),
}

/// Runs a verb.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Get(get) => get::run(get, context).await,
        Command::Describe(command) => describe(command, context).await,
        Command::Set(set) => alter::run(set.into(), context).await,
        Command::Unset(unset) => alter::run(unset.into(), context).await,
        Command::Append(append) => alter::run(append.into(), context).await,
        Command::Remove(remove) => alter::run(remove.into(), context).await,
    }
}
