//! `kcli broker`.

mod decommission;
mod describe;
mod drain;
pub(crate) mod draining;
pub(crate) mod list;
mod logdirs;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use client::Admin;
use client::admin::{DescribedBroker, Resource, ResourceKind};

use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};

/// Verbs on brokers.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List brokers
    #[command(visible_alias = "ls")]
    List,
    /// One broker: address, partitions, disks
    Describe(OneBroker),
    /// Hand its leaderships to others, so that it can be stopped without anybody noticing
    #[command(after_help = drain::EXAMPLES)]
    Drain(drain::Drain),
    /// Let a drained broker lead again
    Resume(drain::Resume),
    /// Move everything off a broker and make the cluster forget it
    #[command(after_help = decommission::EXAMPLES)]
    Decommission(decommission::Decommission),
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
        Command::Drain(command) => drain::drain(&command, context).await,
        Command::Resume(command) => drain::resume(&command, context).await,
        Command::Decommission(command) => decommission::run(&command, context).await,
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

/// The broker, or which there are.
pub(crate) async fn find(admin: &Admin, id: i32) -> Result<DescribedBroker> {
    let mut description = admin.describe_cluster().await?;
    let position = description.brokers.iter().position(|b| b.broker.id == id);
    position
        .map(|position| description.brokers.swap_remove(position))
        .ok_or_else(|| {
            let ids = description.brokers.iter().map(|b| b.broker.id.to_string());
            let ids: Vec<_> = ids.collect();
            Failure::failed(format!("there is no broker {id}"))
                .hint(format!("brokers are {}", ids.join(", ")))
        })
}
