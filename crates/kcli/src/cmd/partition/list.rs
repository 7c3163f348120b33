//! `kcli partition list`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use serde_json::{Value, json};
use types::TopicPartition;

use super::names::{self, Name};
use crate::complete;
use crate::context::Context;
use crate::failure::Result;
use crate::min_isr;
use crate::output::{Cell, Column, Report, Table, Tone};
use crate::replicas::{State, leader_cell};

pub(super) const EXAMPLES: &str = "\
Examples:
  kcli partition list                      all partitions
  kcli partition list cities/0 colores     one partition, and all of another topic
  kcli partition list --leader 2           what broker 2 leads
  kcli partition list --unhealthy          all that is not as it should be";

/// List partitions with leader, replicas and state.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// TOPIC or TOPIC/PARTITION; all if none is given
    #[arg(value_name = "TOPIC[/N]", value_parser = names::parse, add = ArgValueCompleter::new(complete::partitions))]
    names: Vec<Name>,
    /// Only those this broker leads
    #[arg(long, value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    leader: Option<i32>,
    /// Only those this broker has a replica of
    #[arg(long, value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    broker: Option<i32>,
    /// Only those that are not well
    #[arg(long)]
    unhealthy: bool,
    /// Only those whose leader is not their first replica
    #[arg(long)]
    not_preferred: bool,
}

/// Lists them.
pub(crate) async fn run(list: List, context: &Context) -> Result {
    let admin = context.admin().await?;
    let (cluster, wanted) = names::resolve(&admin, &list.names).await?;
    let mut topics: Vec<String> = wanted.iter().map(|p| p.topic.to_string()).collect();
    topics.dedup();
    let min_isrs = min_isr::of_topics(&admin, &topics).await;
    let mut table = Table::new(vec![
        Column::new("PARTITION"),
        Column::number("LEADER"),
        Column::new("REPLICAS"),
        Column::new("IN SYNC"),
        Column::new("OFFLINE"),
        Column::new("STATE"),
        Column::wide("EPOCH"),
    ]);
    let mut json: Vec<Value> = Vec::new();
    for name in &wanted {
        let topic = cluster.topics.get(&name.topic);
        let Some(partition) = topic.and_then(|topic| topic.partition(name.partition)) else {
            continue;
        };
        let min = min_isrs.get(&*name.topic).copied();
        let min = min.map(|min| min.min(partition.replicas.len()));
        let state = State::of(partition.leader, &partition.replicas, &partition.isr, min);
        let is_preferred = partition.replicas.first() == Some(&partition.leader);
        let is_shown = list.leader.is_none_or(|id| partition.leader == id)
            && list
                .broker
                .is_none_or(|id| partition.replicas.contains(&id))
            && (!list.unhealthy || state != State::Ok)
            && (!list.not_preferred || !is_preferred);
        if !is_shown {
            continue;
        }
        let offline = &partition.offline_replicas;
        let tone = if offline.is_empty() {
            Tone::Plain
        } else {
            Tone::Bad
        };
        let text = text(name);
        let row = vec![
            Cell::from(text.as_str()),
            leader_cell(partition.leader),
            Cell::list(&partition.replicas),
            Cell::list(&partition.isr),
            Cell::toned(Cell::list(offline).text, tone),
            state.cell(),
            Cell::from(partition.leader_epoch.to_string()),
        ];
        table.push(text, row);
        json.push(json!({
            "topic": &*name.topic,
            "partition": name.partition,
            "leader": (partition.leader >= 0).then_some(partition.leader),
            "leaderEpoch": partition.leader_epoch,
            "isPreferredLeader": is_preferred,
            "replicas": partition.replicas,
            "inSyncReplicas": partition.isr,
            "offlineReplicas": offline,
            "minInSyncReplicas": min,
            "state": state.code(),
        }));
    }
    context.output.print(&Report::new(&json, table))
}

/// As it is written on the command line.
pub(super) fn text(partition: &TopicPartition) -> String {
    format!("{}/{}", partition.topic, partition.partition)
}
