//! `kcli broker list`.

use std::collections::BTreeMap;
use std::time::Duration;

use client::Admin;
use client::admin::{ClusterDescription, DescribedBroker};
use client::metadata::Cluster;
use serde_json::{Value, json};

use super::draining;
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table, Tone};

/// A list must not wait long for a broker that hangs.
const SAID_WITHIN: Duration = Duration::from_secs(2);

/// Lists brokers.
pub(crate) async fn run(context: &Context) -> Result {
    let admin = context.admin().await?;
    let description = admin.describe_cluster().await?;
    let topics = admin.client().all_topics().await?;
    let drains = &draining(&admin, &description).await;
    let report = Report::new(
        &json(&description, &topics, drains),
        table(&description, &topics, drains),
    );
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
pub(super) fn status(broker: &DescribedBroker, drains: Option<bool>) -> Cell {
    match (broker.is_fenced, drains) {
        (Some(true), _) => Cell::toned("fenced", Tone::Bad),
        (_, Some(true)) => Cell::toned("draining", Tone::Warn),
        _ => Cell::toned("up", Tone::Good),
    }
}

/// Which of the live brokers drain; those that do not say are missing.
pub(crate) async fn draining(
    admin: &Admin,
    description: &ClusterDescription,
) -> BTreeMap<i32, bool> {
    let up = description
        .brokers
        .iter()
        .filter(|b| b.is_fenced != Some(true));
    let asked = up.map(|broker| async {
        let id = broker.broker.id;
        let drains = draining::is_draining(admin, id);
        let drains = tokio::time::timeout(SAID_WITHIN, drains).await;
        Some((id, drains.ok()??))
    });
    let said = futures_util::future::join_all(asked).await;
    said.into_iter().flatten().collect()
}

/// Brokers for people.
pub(crate) fn table(
    description: &ClusterDescription,
    topics: &Cluster,
    drains: &BTreeMap<i32, bool>,
) -> Table {
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
                status(described, drains.get(&broker.id).copied()),
                Cell::from(leads.to_string()),
                Cell::from(replicas.to_string()),
                Cell::optional(broker.rack.as_ref()),
            ],
        );
    }
    table
}

/// Brokers for programs.
pub(crate) fn json(
    description: &ClusterDescription,
    topics: &Cluster,
    drains: &BTreeMap<i32, bool>,
) -> Vec<Value> {
    let brokers = description.brokers.iter().map(|described| {
        let broker = &described.broker;
        let (leads, replicas) = counts(topics, broker.id);
        json!({
            "id": broker.id,
            "host": broker.address.host,
            "port": broker.address.port,
            "rack": broker.rack,
            "isFenced": described.is_fenced,
            "isDraining": drains.get(&broker.id),
            "leads": leads,
            "replicas": replicas,
        })
    });
    brokers.collect()
}
