//! `kcli dev`: a cluster on this machine, of separate processes that can be killed one by one.
//!
//! ```text
//! layout (ids, roles, ports, properties) ─▶ node (format, spawn) ─▶ health ─▶ table
//!      │                                        │
//!      └────▶ state file: who was started ◀─────┘   looked at before any signal is sent
//! ```

mod binary;
mod health;
mod layout;
mod node;
mod process;
mod show;
mod start;
mod state;
mod verbs;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::failure::Result;

pub(crate) use state::running_bootstrap;
pub(crate) use state::{Cluster, Node};
pub(crate) use verbs::Blow;

/// Where the cluster lives.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Place {
    /// Its folder [default: `KCLI_DEV_DIR`, or raudal/dev among the user's state]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
}

/// Verbs on it.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a cluster, or what of it is down
    Start(start::Start),
    /// Who is up? Exit code 10 if somebody is not
    Status(Place),
    /// End a node without warning
    Kill(verbs::Kill),
    /// Make a node hang (SIGSTOP)
    Pause(verbs::OneNode),
    /// Let it go on
    Resume(verbs::OneNode),
    /// Ask a node, or all of them, to stop, and wait
    Stop(verbs::Stop),
    /// Start a node again, after stopping it if it is up
    Restart(verbs::Restart),
    /// Kill all nodes and delete everything they have written
    Wipe(Place),
}

/// Runs a verb.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Start(start) => start::run(start, context).await,
        Command::Status(place) => show::status(&place, context),
        Command::Kill(kill) => verbs::kill(&kill, context).await,
        Command::Pause(node) => verbs::pause(&node, context).await,
        Command::Resume(node) => verbs::resume(&node, context).await,
        Command::Stop(stop) => verbs::stop(&stop, context).await,
        Command::Restart(restart) => verbs::restart(&restart, context).await,
        Command::Wipe(place) => verbs::wipe(&place, context).await,
    }
}
