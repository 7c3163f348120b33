//! `kcli topic`.

mod add_partitions;
mod create;
mod delete;
mod describe;
mod groups;
mod list;
mod offsets;
mod trim;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

/// Verbs on topics.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create topics
    Create(create::Create),
    /// List topics
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show partitions, leaders, replicas and configs of topics
    Describe(describe::Describe),
    /// Delete topics and all their events
    #[command(visible_alias = "rm")]
    Delete(delete::Delete),
    /// Give a topic more partitions
    AddPartitions(add_partitions::AddPartitions),
    /// Show the first and the next offset of each partition
    Offsets(offsets::Offsets),
    /// Delete the oldest events of a topic
    Trim(trim::Trim),
    /// Write events, as `kcli produce`
    Produce(Box<super::produce::Produce>),
    /// Read events, as `kcli consume`
    Consume(Box<super::consume::Consume>),
}

/// Runs a verb.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Create(create) => create::run(create, context).await,
        Command::List(list) => list::run(list, context).await,
        Command::Describe(describe) => describe::run(describe, context).await,
        Command::Delete(delete) => delete::run(delete, context).await,
        Command::AddPartitions(add) => add_partitions::run(add, context).await,
        Command::Offsets(offsets) => offsets::run(offsets, context).await,
        Command::Trim(trim) => trim::run(trim, context).await,
        Command::Produce(produce) => super::produce::run(*produce, context).await,
        Command::Consume(consume) => super::consume::run(*consume, context).await,
    }
}
