//! `kcli broker list`.

use client::admin::{ClusterDescription, DescribedBroker};
use client::metadata::Cluster;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table, Tone};

/// Lists brokers.
pub(crate) async fn run(context: &Context) -> Result {
    let admin = context.admin().await?;
    let description = admin.describe_cluster().await?;
    let topics = admin.client().all_topics().await?;
    let report = Report::new(&json(&description, &topics), table(&description, &topics));
    context.output.print(&report)
}

/// Partitions that a broker leads, and replicas it has.
pub(super) fn counts(topics: &Cluster, id: i32) -> (usize, usize) {
    let partitions = || topics.topics.values().flat_map(|topic| &topic.partitions);
    let leads = partitions()
        .filter(|partition| partition.leader == id)
        .count();
    let replicas = partitions()
        .filter(|partition| partition.replicas.contains(&id))
        .count();
    (leads, replicas)
}

/// What the controller makes of a broker.
pub(super) fn status(broker: &DescribedBroker) -> Cell {
    match broker.is_fenced {
        Some(true) => Cell::toned("fenced", Tone::Bad),
        Some(false) | None => Cell::toned("up", Tone::Good),
    }
}

/// Brokers for people.
pub(crate) fn table(description: &ClusterDescription, topics: &Cluster) -> Table {
    let mut table = Table::new(vec![
        Column::number("BROKER"),
        Column::new("ADDRESS"),
        Column::new("STATUS"),
        Column::number("LEADS"),
        Column::number("REPLICAS"),
        Column::new("RACK"),
    ]);
    for described in &description.brokers {
        let broker = &described.broker;
        let (leads, replicas) = counts(topics, broker.id);
        table.push(
            broker.id.to_string(),
            vec![
                Cell::from(broker.id.to_string()),
                Cell::from(broker.address.to_string()),
                status(described),
                Cell::from(leads.to_string()),
                Cell::from(replicas.to_string()),
                Cell::optional(broker.rack.as_ref()),
            ],
        );
    }
    table
}

/// Brokers for programs.
pub(crate) fn json(description: &ClusterDescription, topics: &Cluster) -> Vec<Value> {
    let brokers = description.brokers.iter().map(|described| {
        let broker = &described.broker;
        let (leads, replicas) = counts(topics, broker.id);
        json!({
            "id": broker.id,
            "host": broker.address.host,
            "port": broker.address.port,
            "rack": broker.rack,
            "isFenced": described.is_fenced,
            "leads": leads,
            "replicas": replicas,
        })
    });
    brokers.collect()
}
