//! `kcli cluster`.

mod checks;
mod doctor;
mod features;
mod health;
mod info;
mod look;
pub(crate) mod reasons;

use clap::Subcommand;
use serde_json::json;

use crate::context::Context;
use crate::failure::Result;
use crate::output::Report;

/// Verbs on the cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Its id, controller, brokers and topics
    Info,
    /// Is all well? Exit code 10 if not
    #[command(after_help = health::EXAMPLES)]
    Health(health::Health),
    /// What is wrong or will be, and what to do about it
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Doctor),
    /// Its id alone
    Id,
    /// Features in force, and what the brokers support
    Features,
}

/// Runs a verb.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Info => info::run(context).await,
        Command::Health(health) => health::run(&health, context).await,
        Command::Doctor(doctor) => doctor::run(&doctor, context).await,
        Command::Features => features::run(context).await,
        Command::Id => {
            let cluster = context.client().await?.cluster();
            let id = cluster.cluster_id.clone().unwrap_or_default();
            let page = format!("{id}\n");
            context
                .output
                .print(&Report::new(&json!({ "clusterId": id }), page))
        }
    }
}
