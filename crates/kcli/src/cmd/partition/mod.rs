//! `kcli partition`: who leads, where the replicas are, and moving both.

mod cancel;
mod elect;
mod list;
mod r#move;
pub(crate) mod moves;
mod names;
pub(crate) mod plan;
pub(crate) mod rebalance;
mod status;
pub(crate) mod throttle;
mod transfer;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Result;

/// Verbs on partitions.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List partitions with leader, replicas and state
    #[command(visible_alias = "ls", after_help = list::EXAMPLES)]
    List(list::List),
    /// Move partitions to other brokers, and watch until they are there
    #[command(after_help = r#move::EXAMPLES)]
    Move(r#move::Move),
    /// Hand leadership to another replica
    #[command(after_help = transfer::EXAMPLES)]
    Transfer(transfer::Transfer),
    /// Give leadership back to the first replica of each partition
    #[command(after_help = elect::EXAMPLES)]
    ElectPreferred(elect::ElectPreferred),
    /// Let a replica that lacks events lead a partition that has no leader
    ElectUnclean(elect::ElectUnclean),
    /// Spread replicas and leaders evenly over brokers and racks: shows a plan, asks, moves
    #[command(after_help = rebalance::EXAMPLES)]
    Rebalance(rebalance::Rebalance),
    /// Partitions on the move, and how far they are
    Status(status::Status),
    /// Stop moving partitions; they stay where they were
    Cancel(cancel::Cancel),
    /// Take throttles away that an interrupted move has left behind
    Unthrottle,
}

/// Runs a verb.
pub(crate) async fn run(command: Command, context: &Context) -> Result {
    match command {
        Command::List(list) => list::run(list, context).await,
        Command::Move(command) => r#move::run(command, context).await,
        Command::Transfer(transfer) => transfer::run(transfer, context).await,
        Command::ElectPreferred(elect) => elect::preferred(elect, context).await,
        Command::ElectUnclean(elect) => elect::unclean(elect, context).await,
        Command::Rebalance(rebalance) => rebalance::run(rebalance, context).await,
        Command::Status(status) => status::run(status, context).await,
        Command::Cancel(cancel) => cancel::run(cancel, context).await,
        Command::Unthrottle => throttle::unthrottle(context).await,
    }
}
