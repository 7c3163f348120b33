//! `kcli drill`: break something on purpose, under load, and prove what came of it.
//!
//! ```text
//! scene ─▶ preflight (what should survive) ─▶ plan, confirmed
//!   load ─▶ ledger (what was acknowledged, when)  ─┐
//!   reader ─▶ what was read meanwhile              ├─▶ analysis ─▶ outcome ─▶ report
//!   watch ─▶ events (leaders, ISR, fencing)        │                  ▲
//!   method ─▶ strikes, restores                   ─┘                  │
//!   afterwards everything is read back ─▶ verdict (lost, twice, out of order)
//! ```
//!
//! All that decides is pure (preflight, victim, ledger, analysis, verdict); all that waits is in
//! session, load, reader, watch and method.

mod analysis;
mod args;
mod ending;
mod event;
mod kill;
mod ledger;
mod load;
mod method;
mod outcome;
mod payload;
mod plan;
mod preflight;
mod reader;
mod report;
mod rolling;
mod scene;
mod session;
mod verdict;
mod verify;
mod victim;
mod watch;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

/// The drills.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Strike a node down while records are written, and count what is lost
    Kill(Box<kill::Kill>),
    /// Stop and start one broker after the other while records are written
    RollingRestart(Box<rolling::Rolling>),
    /// Read back what an earlier drill had acknowledged, by its report
    Verify(verify::Verify),
}

/// Runs one.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::Kill(kill) => kill::run(*kill, context).await,
        Command::RollingRestart(rolling) => rolling::run(*rolling, context).await,
        Command::Verify(verify) => verify::run(&verify, context).await,
    }
}
