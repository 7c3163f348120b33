//! `kcli partition move`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::Admin;
use types::TopicPartition;

use super::list::text;
use super::moves::{self, Manner};
use super::names::{self, Name};
use super::plan::Change;
use super::throttle;
use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};
use crate::output::Report;

pub(super) const EXAMPLES: &str = "\
Examples:
  kcli partition move cities/0 1,2,3            replicas on 1, 2 and 3; 1 is the preferred leader
  kcli partition move cities/0 1,2 cities/1 2,3 several at once
  kcli partition move cities 4,5,6              all partitions of a topic
  kcli partition move cities/0 4,5 --throttle 10MB/s
  kcli partition move cities/0 4,5 --no-wait    then watch with `kcli partition status`";

/// Move partitions to other brokers, and watch until they are there.
#[derive(Debug, Args)]
pub(crate) struct Move {
    /// A partition and the brokers it shall be on, preferred leader first; pairs may repeat
    #[arg(required = true, num_args = 2.., value_name = "TOPIC/N BROKERS", add = ArgValueCompleter::new(complete::partitions))]
    words: Vec<String>,
    /// Bytes a second that each broker may copy: 10MB/s
    #[arg(long, value_name = "RATE", value_parser = throttle::rate)]
    throttle: Option<u64>,
    /// Return at once
    #[arg(long)]
    no_wait: bool,
}

/// Moves them.
pub(crate) async fn run(command: Move, context: &Context) -> Result {
    let orders = orders(&command.words)?;
    let admin = context.admin().await?;
    let mut changes = Vec::new();
    let mut items = Vec::new();
    for (name, to) in orders {
        let (cluster, partitions) = names::resolve(&admin, &[name]).await?;
        for partition in partitions {
            let topic = names::find(&cluster, &partition.topic)?;
            let known = topic.partition(partition.partition);
            let from = known.map(|p| p.replicas.clone()).unwrap_or_default();
            match from == to {
                true => items.push(there(&partition)),
                false => changes.push(Change {
                    partition,
                    from,
                    to: to.clone(),
                }),
            }
        }
    }
    tell_of_absent(&admin, &changes, context).await?;
    if context.is_dry_run {
        let table = moves::plan_table(&changes);
        return context
            .output
            .print(&Report::new(&moves::plan_json(&changes), table));
    }
    if !changes.is_empty() {
        let manner = Manner {
            throttle: command.throttle,
            is_waiting: !command.no_wait,
        };
        items.extend(moves::carry_out(context, &admin, &changes, manner).await?);
    }
    items::finish(context, "PARTITION", &items)
}

fn there(partition: &TopicPartition) -> Item {
    Item::done(text(partition), "is there")
}

/// Pairs of partitions and brokers.
fn orders(words: &[String]) -> Result<Vec<(Name, Vec<i32>)>> {
    let pairs = words.chunks(2).map(|pair| match pair {
        [name, brokers] => {
            let name = names::parse(name).map_err(Failure::usage)?;
            Ok((name, names::brokers(brokers).map_err(Failure::usage)?))
        }
        _ => Err(Failure::usage("a partition without brokers")
            .hint("write pairs: kcli partition move cities/0 1,2,3 cities/1 2,3,1")),
    });
    pairs.collect()
}

/// Brokers that do not exist are refused by the cluster; those that are only away hold a move up.
async fn tell_of_absent(admin: &Admin, changes: &[Change], context: &Context) -> Result {
    let cluster = admin.describe_cluster().await?;
    let mut fenced = cluster.brokers.iter().filter(|b| b.is_fenced == Some(true));
    let is_needed = |id: i32| changes.iter().any(|change| change.adding().contains(&id));
    if let Some(broker) = fenced.find(|broker| is_needed(broker.broker.id)) {
        context.remark(&format!(
            "note: broker {} is fenced; the move waits until it is back",
            broker.broker.id
        ));
    }
    let known = |id: &i32| cluster.brokers.iter().any(|b| b.broker.id == *id);
    let stranger = changes
        .iter()
        .flat_map(Change::adding)
        .find(|id| !known(id));
    match stranger {
        None => Ok(()),
        Some(id) => {
            let ids: Vec<_> = cluster
                .brokers
                .iter()
                .map(|b| b.broker.id.to_string())
                .collect();
            Err(Failure::failed(format!("there is no broker {id}"))
                .hint(format!("brokers are {}", ids.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_pairs() {
        let words = ["a/0", "1,2", "b", "3"].map(ToOwned::to_owned);
        let orders = orders(&words).expect("pairs");
        assert_eq!(
            (orders[0].1.clone(), orders[1].1.clone()),
            (vec![1, 2], vec![3])
        );
        assert!(super::orders(&words[..3]).is_err());
    }
}
