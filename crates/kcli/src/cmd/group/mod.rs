//! `kcli group`: groups, how far they have read, and where they shall read next.
//!
//! ```text
//! names (which groups) ─▶ standing (description + committed offsets + ends of the logs) ─▶ lag, describe
//! reset: target (--to and Kafka's words) ─▶ plan (before and after, within the logs) ─▶ asked, committed
//! ```

mod delete;
mod delete_offsets;
mod describe;
mod lag;
mod list;
mod members;
mod names;
mod reset;
pub(super) mod standing;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

/// Verbs on groups.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List groups
    #[command(visible_alias = "ls")]
    List(list::List),
    /// Show state, lag and members of groups
    Describe(describe::Describe),
    /// Show how far groups have read, partition by partition
    Lag(lag::Lag),
    /// Let a group read on from elsewhere: shows before and after, then asks
    Reset(Box<reset::Reset>),
    /// Delete groups with all their offsets
    #[command(visible_alias = "rm")]
    Delete(delete::Delete),
    /// Delete offsets that a group has committed
    DeleteOffsets(delete_offsets::DeleteOffsets),
}

/// Runs a verb.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::List(list) => list::run(list, context).await,
        Command::Describe(describe) => describe::run(describe, context).await,
        Command::Lag(lag) => lag::run(lag, context).await,
        Command::Reset(reset) => reset::run(*reset, context).await,
        Command::Delete(delete) => delete::run(delete, context).await,
        Command::DeleteOffsets(delete) => delete_offsets::run(delete, context).await,
    }
}
