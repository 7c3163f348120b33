//! `kcli partition transfer`: another replica leads. The protocol can only elect the first replica,
//! so the replica is put first, which moves no data, and elected.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::Admin;
use client::admin::Election;
use client::metadata::Partition;
use tokio::time::Instant;
use types::{ErrorCode, TopicPartition};

use super::list::text;
use super::names::{self, Name};
use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};

pub(super) const EXAMPLES: &str = "\
Examples:
  kcli partition transfer cities/0 --to 2       broker 2 leads, and is preferred from now on
  kcli partition transfer cities --to 2         all partitions of the topic that have a replica there";

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long an election may take to show.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);

/// Hand leadership to another replica.
#[derive(Debug, Args)]
pub(crate) struct Transfer {
    /// TOPIC/PARTITION, or TOPIC for all its partitions
    #[arg(required = true, value_name = "TOPIC[/N]", value_parser = names::parse, add = ArgValueCompleter::new(complete::partitions))]
    names: Vec<Name>,
    /// The broker that shall lead; it must be in sync
    #[arg(long, value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    to: i32,
}

/// Transfers it.
pub(crate) async fn run(transfer: Transfer, context: &Context) -> Result {
    let admin = context.admin().await?;
    let (cluster, partitions) = names::resolve(&admin, &transfer.names).await?;
    let mut items = Vec::new();
    let mut orders = Vec::new();
    for name in partitions {
        let topic = names::find(&cluster, &name.topic)?;
        let Some(partition) = topic.partition(name.partition) else {
            continue;
        };
        if partition.leader == transfer.to && partition.replicas.first() == Some(&transfer.to) {
            items.push(Item::done(text(&name), "leads already").with("LEADER", transfer.to));
            continue;
        }
        match may_lead(partition, transfer.to) {
            Err(reason) => items.push(Item::failed(
                text(&name),
                Failure::failed(format!("{}: {reason}", text(&name))),
            )),
            Ok(()) if context.is_dry_run => {
                let item = Item::done(text(&name), "would be transferred");
                items.push(
                    item.with("FROM", partition.leader)
                        .with("LEADER", transfer.to),
                );
            }
            Ok(()) => orders.push((
                name,
                partition.leader,
                first(&partition.replicas, transfer.to),
            )),
        }
    }
    if !orders.is_empty() {
        items.extend(carry_out(&admin, &orders, transfer.to).await?);
    }
    items::finish(context, "PARTITION", &items)
}

fn may_lead(partition: &Partition, to: i32) -> Result<(), String> {
    let list = |ids: &[i32]| {
        ids.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    };
    if !partition.replicas.contains(&to) {
        let replicas = list(&partition.replicas);
        return Err(format!(
            "broker {to} has no replica of it (they are on {replicas}); move it there first"
        ));
    }
    if !partition.isr.contains(&to) {
        return Err(format!(
            "broker {to} is not in sync (in sync are {})",
            list(&partition.isr)
        ));
    }
    Ok(())
}

fn first(replicas: &[i32], id: i32) -> Vec<i32> {
    let others = replicas.iter().filter(|other| **other != id);
    std::iter::once(&id).chain(others).copied().collect()
}

type Order = (TopicPartition, i32, Vec<i32>);

async fn carry_out(admin: &Admin, orders: &[Order], to: i32) -> Result<Vec<Item>> {
    let reorders = orders
        .iter()
        .map(|(name, _, replicas)| (name.clone(), Some(replicas.clone())));
    let mut failed: Vec<(TopicPartition, Failure)> = Vec::new();
    for (name, result) in admin
        .alter_reassignments(&reorders.collect::<Vec<_>>())
        .await?
    {
        failed.extend(result.err().map(|error| (name, Failure::from(error))));
    }
    let is_open = |name: &TopicPartition, failed: &[(TopicPartition, Failure)]| {
        !failed.iter().any(|(other, _)| other == name)
    };
    let open: Vec<_> = orders
        .iter()
        .map(|(name, ..)| name.clone())
        .filter(|name| is_open(name, &failed))
        .collect();
    wait_until_settled(admin).await?;
    for (name, result) in admin
        .elect_leaders(Election::Preferred, Some(&open))
        .await?
    {
        match result {
            Err(error) if error.code() != Some(ErrorCode::ElectionNotNeeded) => {
                failed.push((name, error.into()));
            }
            _ => {}
        }
    }
    let mut items = Vec::new();
    for (name, from, _) in orders {
        let failure = failed.iter().find(|(other, _)| other == name);
        items.push(match failure {
            Some((_, failure)) => Item::failed(text(name), failure.clone()),
            None => {
                wait_until_leads(admin, name, to).await;
                Item::done(text(name), "transferred")
                    .with("FROM", *from)
                    .with("LEADER", to)
            }
        });
    }
    Ok(items)
}

/// A new order of the same replicas is in force at once, or nearly.
async fn wait_until_settled(admin: &Admin) -> Result {
    let until = Instant::now() + SHOWN_WITHIN;
    while Instant::now() < until {
        let moving = admin.list_reassignments(None).await?;
        if moving
            .iter()
            .all(|m| !m.adding.is_empty() || !m.removing.is_empty())
        {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Waits until a broker shows the new leader, so that the next command meets it. Gives up quietly.
async fn wait_until_leads(admin: &Admin, name: &TopicPartition, leader: i32) {
    let leads = |topic: Option<&client::metadata::Topic>| {
        let partition = topic.and_then(|topic| topic.partition(name.partition));
        partition.is_none_or(|partition| partition.leader == leader)
    };
    crate::topics::wait_until(admin.client(), &Arc::clone(&name.topic), leads).await;
}
