//! The commands: a module per noun, a file per verb.

pub(crate) mod audit;
pub(crate) mod broker;
pub(crate) mod cheat;
pub(crate) mod cluster;
pub(crate) mod config;
pub(crate) mod consume;
pub(crate) mod debug;
pub(crate) mod dev;
pub(crate) mod drill;
pub(crate) mod generate;
pub(crate) mod group;
pub(crate) mod help;
pub(crate) mod partition;
pub(crate) mod perf;
pub(crate) mod produce;
pub(crate) mod quorum;
pub(crate) mod topic;
pub(crate) mod version;

use crate::cli::Command;
use crate::context::Context;
use crate::failure::Result;

/// Runs a command.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Topic(command) => topic::run(command, context).await,
        Command::Produce(command) => produce::run(*command, context).await,
        Command::Consume(command) => consume::run(*command, context).await,
        Command::Group(command) => group::run(command, context).await,
        Command::Config(command) => config::run(command, context).await,
        Command::Cluster(command) => cluster::run(command, context).await,
        Command::Broker(command) => broker::run(command, context).await,
        Command::Partition(command) => partition::run(command, context).await,
        Command::Quorum(command) => quorum::run(command, context).await,
        Command::Perf(command) => perf::run(command, context).await,
        Command::Dev(command) => dev::run(command, context).await,
        Command::Drill(command) => drill::run(command, context).await,
        Command::Audit(audit) => audit::run(audit, context).await,
        Command::Debug(command) => debug::run(command, context).await,
        Command::Generate(command) => generate::run(&command, context),
        Command::Cheat => cheat::run(),
        Command::Version => version::run(context),
        Command::Help(command) => help::run(&command),
    }
}
