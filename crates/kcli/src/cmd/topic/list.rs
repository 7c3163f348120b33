//! `kcli topic list`.

use std::sync::Arc;

use clap::Args;
use client::metadata::Topic;
use regex::Regex;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table, Tone};

/// List topics.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The cluster's own topics, too
    #[arg(long)]
    internal: bool,
    /// Only names that match
    #[arg(long, value_name = "RE")]
    regex: Option<Regex>,
    /// More columns (as -o wide)
    #[arg(long)]
    detail: bool,
}

/// Lists them.
pub(crate) async fn run(list: List, context: &Context) -> Result {
    let cluster = context.client().await?.all_topics().await?;
    let is_wanted = |topic: &&Arc<Topic>| {
        let matches = list
            .regex
            .as_ref()
            .is_none_or(|re| re.is_match(&topic.name));
        matches && (list.internal || !topic.is_internal)
    };
    let mut topics: Vec<_> = cluster.topics.values().filter(is_wanted).collect();
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    let optional = if list.detail {
        Column::new
    } else {
        Column::wide
    };
    let mut table = Table::new(vec![
        Column::new("TOPIC"),
        Column::number("PARTITIONS"),
        Column::number("REPLICAS"),
        Column::new("HEALTH"),
        optional("ID"),
        optional("INTERNAL"),
    ]);
    for topic in &topics {
        let (health, tone) = health(topic);
        table.push(
            &*topic.name,
            vec![
                Cell::from(&*topic.name),
                Cell::from(topic.partitions.len().to_string()),
                Cell::from(replication_factor(topic).to_string()),
                Cell::toned(health, tone),
                Cell::from(topic.id.to_string()),
                Cell::from(topic.is_internal.to_string()),
            ],
        );
    }
    let json: Vec<Value> = topics.iter().map(|topic| to_json(topic)).collect();
    context.output.print(&Report::new(&json, table))
}

fn to_json(topic: &Topic) -> Value {
    json!({
        "name": &*topic.name,
        "id": topic.id.to_string(),
        "partitions": topic.partitions.len(),
        "replicationFactor": replication_factor(topic),
        "isInternal": topic.is_internal,
        "leaderless": leaderless(topic),
        "underReplicated": under_replicated(topic),
    })
}

fn replication_factor(topic: &Topic) -> usize {
    topic
        .partitions
        .iter()
        .map(|p| p.replicas.len())
        .max()
        .unwrap_or(0)
}

fn leaderless(topic: &Topic) -> usize {
    topic.partitions.iter().filter(|p| !p.has_leader()).count()
}

fn under_replicated(topic: &Topic) -> usize {
    topic
        .partitions
        .iter()
        .filter(|p| p.isr.len() < p.replicas.len())
        .count()
}

fn health(topic: &Topic) -> (String, Tone) {
    match (leaderless(topic), under_replicated(topic)) {
        (0, 0) => ("ok".to_owned(), Tone::Good),
        (0, n) => (format!("{n} under-replicated"), Tone::Warn),
        (n, _) => (format!("{n} without leader"), Tone::Bad),
    }
}
