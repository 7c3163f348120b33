//! `kcli broker decommission`: everything moves away, then the cluster forgets the broker.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::Admin;
use tokio::time::Instant;

use super::{drain, draining};
use crate::cmd::partition::moves::{self, Manner};
use crate::cmd::partition::plan;
use crate::cmd::partition::{rebalance, throttle};
use crate::complete;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};
use crate::output::Report;

pub(super) const EXAMPLES: &str = "\
Examples:
  kcli broker decommission 4 --dry-run            only show what would move
  kcli broker decommission 4 --throttle 20MB/s    show, ask, move, wait for its end, forget it

When nothing is left on it, stop the broker's process: the command waits for that (--timeout) and
then unregisters it. Run again, it goes on where it was.";

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Move everything off a broker and make the cluster forget it.
#[derive(Debug, Args)]
pub(crate) struct Decommission {
    /// Its id
    #[arg(value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    id: i32,
    /// Bytes a second that each broker may copy: 10MB/s
    #[arg(long, value_name = "RATE", value_parser = throttle::rate)]
    throttle: Option<u64>,
    /// Leave it registered when it is empty
    #[arg(long)]
    keep_registered: bool,
    /// Unregister it though its process runs, which then ends with an error
    #[arg(long, conflicts_with = "keep_registered")]
    while_running: bool,
}

/// Plans, shows, asks, drains, moves, waits, unregisters.
pub(super) async fn run(command: &Decommission, context: &Context) -> Result {
    let admin = context.admin().await?;
    let is_up = super::find(&admin, command.id).await?.is_fenced != Some(true);
    let cluster = admin.describe_cluster().await?;
    let left = rebalance::usable(&admin, &cluster, &[command.id]).await;
    let placed = rebalance::placed(&admin, &[]).await?;
    let on_it: Vec<_> = placed
        .into_iter()
        .filter(|p| p.replicas.contains(&command.id))
        .collect();
    // Replicas on brokers that are only away for a while stay there.
    let away = cluster.brokers.iter().filter(|b| b.broker.id != command.id);
    let away = away.filter(|b| !left.iter().any(|usable| usable.id == b.broker.id));
    let away: Vec<i32> = away.map(|b| b.broker.id).collect();
    let changes = plan::leave(&on_it, &left, command.id, &away)
        .map_err(|no_room| rebalance::explain(&no_room))?;
    if context.is_dry_run {
        let table = moves::plan_table(&changes);
        return context
            .output
            .print(&Report::new(&moves::plan_json(&changes), table));
    }
    if !changes.is_empty() {
        rebalance::show(context, &changes)?;
    }
    let question = rebalance::question(&changes);
    context.confirm(&format!("decommission broker {}: {question}", command.id))?;
    let draining = match is_up {
        true => draining::is_draining(&admin, command.id).await,
        false => None,
    };
    if draining == Some(false) {
        draining::set(&admin, command.id, true).await?;
        drain::wait_until_drained(&admin, command.id, context).await?;
    }
    if !changes.is_empty() {
        let manner = Manner {
            throttle: command.throttle,
            is_waiting: true,
        };
        let moved = moves::carry_out(context, &admin, &changes, manner).await?;
        if moved.iter().any(|item| item.failure.is_some()) {
            return items::finish(context, "PARTITION", &moved);
        }
    }
    let result = forget(command, draining.is_some(), &admin, context).await?;
    let copies: usize = changes.iter().map(|change| change.adding().len()).sum();
    let item = Item::done(command.id.to_string(), result).with("PARTITIONS", changes.len());
    items::finish(context, "BROKER", &[item.with("COPIED", copies)])
}

/// Unregisters it once its process is gone, and ends its draining if that can be.
async fn forget(
    command: &Decommission,
    drains: bool,
    admin: &Admin,
    context: &Context,
) -> Result<&'static str> {
    if command.keep_registered {
        return Ok("empty");
    }
    if !command.while_running {
        wait_until_down(command.id, admin, context).await?;
    }
    // Only the broker itself takes a change of its configs, and one that does not drain is given new
    // partitions: so it is as late as can be, and not at all once the process is gone.
    let is_resumed =
        command.while_running && drains && draining::set(admin, command.id, false).await.is_ok();
    admin.unregister_broker(command.id).await?;
    if drains && !is_resumed {
        context.remark(&format!(
            "note: should a broker {0} join again, it drains until `kcli broker resume {0}`",
            command.id
        ));
    }
    Ok("decommissioned")
}

async fn wait_until_down(id: i32, admin: &Admin, context: &Context) -> Result {
    let until = Instant::now() + context.settings.client.api_timeout;
    let mut is_told = false;
    loop {
        let cluster = admin.describe_cluster().await?;
        let broker = cluster.brokers.iter().find(|b| b.broker.id == id);
        if broker.is_none_or(|broker| broker.is_fenced == Some(true)) {
            return Ok(());
        }
        if !std::mem::replace(&mut is_told, true) {
            context.remark(&format!(
                "broker {id} holds nothing any more: stop its process now"
            ));
        }
        if Instant::now() + LOOK_EVERY >= until {
            let message =
                format!("broker {id} is empty but still runs, so it was not unregistered");
            return Err(Failure::new(Exit::Failed, message)
                .hint("stop its process and run this again, or add --while-running"));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = context.interrupt.cancelled() => return Err(Failure::reported(Exit::Interrupted)),
        }
    }
}
