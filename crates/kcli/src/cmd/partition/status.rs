//! `kcli partition status`.

use clap::Args;
use client::admin::Reassignment;
use serde_json::{Value, json};

use super::list::text;
use super::moves::Sizes;
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table};

/// Partitions on the move, and how far they are.
#[derive(Debug, Args)]
pub(crate) struct Status {}

/// Shows them.
pub(crate) async fn run(_status: Status, context: &Context) -> Result {
    let admin = context.admin().await?;
    let moving = admin.list_reassignments(None).await?;
    let live = admin.client().all_topics().await?;
    let involved = moving.iter().flat_map(|m| &m.replicas).copied();
    let sizes = Sizes::measure(&admin, involved.filter(|id| live.brokers.contains_key(id))).await;
    let mut table = Table::new(vec![
        Column::new("PARTITION"),
        Column::new("REPLICAS"),
        Column::new("ADDING"),
        Column::new("REMOVING"),
        Column::number("COPIED"),
        Column::number("TOTAL"),
        Column::number("DONE"),
    ]);
    let mut json: Vec<Value> = Vec::new();
    for moved in &moving {
        let name = text(&moved.partition);
        let (copied, total) = progress(moved, &sizes);
        let percent = (copied * 100).checked_div(total);
        let row = vec![
            Cell::from(name.as_str()),
            Cell::list(&moved.replicas),
            Cell::list(&moved.adding),
            Cell::list(&moved.removing),
            Cell::from(copied.to_string()),
            Cell::from(total.to_string()),
            Cell::optional(percent.map(|percent| format!("{percent} %"))),
        ];
        table.push(name, row);
        json.push(json!({
            "topic": &*moved.partition.topic,
            "partition": moved.partition.partition,
            "replicas": moved.replicas,
            "adding": moved.adding,
            "removing": moved.removing,
            "target": moved.target(),
            "copiedBytes": copied,
            "totalBytes": total,
        }));
    }
    if moving.is_empty() {
        context.remark("no partition is on the move");
    }
    context.output.print(&Report::new(&json, table))
}

/// Bytes on the new replicas, and bytes there will be.
fn progress(moved: &Reassignment, sizes: &Sizes) -> (i64, i64) {
    let of = |id: &i32| sizes.get(&moved.partition, *id);
    let is_old = |id: &&i32| !moved.adding.contains(id);
    let one = moved
        .replicas
        .iter()
        .filter(is_old)
        .filter_map(of)
        .max()
        .unwrap_or(0);
    let copied = moved
        .adding
        .iter()
        .map(|id| of(id).unwrap_or(0).min(one))
        .sum();
    let count = i64::try_from(moved.adding.len()).unwrap_or(i64::MAX);
    (copied, one.saturating_mul(count))
}
