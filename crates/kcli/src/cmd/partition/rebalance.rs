//! `kcli partition rebalance`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::Admin;
use client::admin::{ClusterDescription, Election};
use types::ErrorCode;

use super::moves::{self, Manner};
use super::names::{self, Name};
use super::plan::{self, Broker, Change, NoRoom, Placed};
use super::throttle;
use crate::cmd::broker::draining;
use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items;
use crate::output::{Report, note};

pub(super) const EXAMPLES: &str = "\
Examples:
  kcli partition rebalance --plan               only show what would move
  kcli partition rebalance                      show, ask, move
  kcli partition rebalance cities --throttle 20MB/s -y
  kcli partition rebalance --exclude 4          empty broker 4, as before it goes";

/// Spread replicas and leaders evenly over brokers and racks: shows a plan, asks, moves.
#[derive(Debug, Args)]
pub(crate) struct Rebalance {
    /// Only these topics
    #[arg(value_name = "TOPIC", value_parser = names::parse, add = ArgValueCompleter::new(complete::topics))]
    topics: Vec<Name>,
    /// Show the plan and stop
    #[arg(long)]
    plan: bool,
    /// Brokers that shall have nothing
    #[arg(long, value_name = "IDS", value_delimiter = ',', add = ArgValueCompleter::new(complete::brokers))]
    exclude: Vec<i32>,
    /// Bytes a second that each broker may copy: 10MB/s
    #[arg(long, value_name = "RATE", value_parser = throttle::rate)]
    throttle: Option<u64>,
    /// Return as soon as the moves have begun
    #[arg(long)]
    no_wait: bool,
}

/// Plans, shows, asks, moves, elects.
pub(crate) async fn run(rebalance: Rebalance, context: &Context) -> Result {
    let admin = context.admin().await?;
    let moving = admin.list_reassignments(None).await?;
    if !moving.is_empty() {
        return Err(Failure::failed(format!(
            "{} partitions are on the move already",
            moving.len()
        ))
        .hint("see `kcli partition status`"));
    }
    let cluster = admin.describe_cluster().await?;
    let brokers = usable(&admin, &cluster, &rebalance.exclude).await;
    let placed = placed(&admin, &rebalance.topics).await?;
    let changes = plan::balance(&placed, &brokers).map_err(|no_room| explain(&no_room))?;
    let table = moves::plan_table(&changes);
    let is_only_plan = rebalance.plan || context.is_dry_run;
    if is_only_plan || changes.is_empty() {
        if changes.is_empty() {
            context.remark("replicas and preferred leaders are spread evenly: nothing to move");
        }
        return context
            .output
            .print(&Report::new(&moves::plan_json(&changes), table));
    }
    show(context, &changes)?;
    context.confirm(&question(&changes))?;
    let manner = Manner {
        throttle: rebalance.throttle,
        is_waiting: !rebalance.no_wait,
    };
    let items = moves::carry_out(context, &admin, &changes, manner).await?;
    if manner.is_waiting {
        elect(&admin, &changes).await;
    }
    items::finish(context, "PARTITION", &items)
}

/// The plan on standard error, before the question.
pub(crate) fn show(context: &Context, changes: &[Change]) -> Result {
    let mut output = context.output.clone();
    output.format = crate::output::Format::Table;
    note(moves::plan_table(changes).text(&output)?.trim_end());
    Ok(())
}

/// What is asked before it is done.
pub(crate) fn question(changes: &[Change]) -> String {
    let copies: usize = changes.iter().map(|change| change.adding().len()).sum();
    let partitions = if changes.len() == 1 {
        "partition"
    } else {
        "partitions"
    };
    format!(
        "change {} {partitions}, copying {copies} replicas",
        changes.len()
    )
}

/// Brokers that may get replicas: neither fenced, nor draining, nor left out.
pub(crate) async fn usable(
    admin: &Admin,
    cluster: &ClusterDescription,
    left_out: &[i32],
) -> Vec<Broker> {
    let mut usable = Vec::new();
    for described in &cluster.brokers {
        let id = described.broker.id;
        let is_out = described.is_fenced == Some(true) || left_out.contains(&id);
        if !is_out && draining::is_draining(admin, id).await != Some(true) {
            usable.push(Broker {
                id,
                rack: described.broker.rack.clone(),
            });
        }
    }
    usable
}

/// Partitions of these topics, or all.
pub(crate) async fn placed(admin: &Admin, topics: &[Name]) -> Result<Vec<Placed>> {
    let (cluster, partitions) = names::resolve(admin, topics).await?;
    let placed = partitions.into_iter().filter_map(|name| {
        let partition = cluster.topics.get(&name.topic)?.partition(name.partition)?;
        Some(Placed {
            replicas: partition.replicas.clone(),
            partition: name,
        })
    });
    Ok(placed.collect())
}

/// Why there is no plan.
pub(crate) fn explain(no_room: &NoRoom) -> Failure {
    let NoRoom {
        partition,
        replica_count,
        broker_count,
    } = no_room;
    let name = super::list::text(partition);
    let brokers = if *broker_count == 1 {
        "broker is"
    } else {
        "brokers are"
    };
    Failure::failed(format!(
        "{name} has {replica_count} replicas, and only {broker_count} {brokers} left for them"
    ))
    .hint(format!(
        "add a broker, or give it fewer replicas: kcli partition move {name} IDS"
    ))
}

/// New first replicas shall lead; those that cannot yet will be elected by the cluster later.
async fn elect(admin: &Admin, changes: &[Change]) {
    let names: Vec<_> = changes
        .iter()
        .map(|change| change.partition.clone())
        .collect();
    let elected = admin.elect_leaders(Election::Preferred, Some(&names)).await;
    for (name, result) in elected.unwrap_or_default() {
        match result {
            Err(error) if error.code() != Some(ErrorCode::ElectionNotNeeded) => {
                tracing::warn!(partition = %name, %error, "its first replica does not lead yet");
            }
            _ => {}
        }
    }
}
