//! `kcli broker`.

mod describe;
pub(crate) mod draining;
pub(crate) mod list;
mod logdirs;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use client::admin::{Resource, ResourceKind};

use crate::complete;
use crate::context::Context;
use crate::failure::Result;

/// Verbs on brokers.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List brokers
    #[command(visible_alias = "ls")]
    List,
    /// One broker: address, partitions, disks
    Describe(OneBroker),
    /// Disks of brokers: what lies on them, how full they are
    Logdirs(logdirs::LogDirs),
    /// Settings of a broker, as `kcli config describe broker/ID`
    Config(ConfigOf),
}

/// A broker by id.
#[derive(Debug, Args)]
pub(crate) struct OneBroker {
    /// Its id
    #[arg(value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    pub(crate) id: i32,
}

/// Settings of a broker.
#[derive(Debug, Args)]
pub(crate) struct ConfigOf {
    /// Its id
    #[arg(value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    id: i32,
    /// Every key, also those at their defaults
    #[arg(long)]
    all: bool,
    /// What each key is for
    #[arg(long)]
    docs: bool,
}

/// Runs a verb.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::List => list::run(context).await,
        Command::Describe(one) => describe::run(&one, context).await,
        Command::Logdirs(log_dirs) => logdirs::run(log_dirs, context).await,
        Command::Config(config) => {
            let describe = super::config::Describe {
                resource: Resource {
                    kind: ResourceKind::Broker,
                    name: config.id.to_string(),
                },
                all: config.all,
                docs: config.docs,
            };
            super::config::describe(describe, context).await
        }
    }
}
