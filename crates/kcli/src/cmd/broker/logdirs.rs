//! `kcli broker logdirs`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::admin::LogDir;
use serde_json::{Value, json};

use crate::complete;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Report, Table, Tone, note};

/// Disks of brokers: what lies on them, how full they are.
#[derive(Debug, Args)]
pub(crate) struct LogDirs {
    /// Their ids; all brokers if none is given
    #[arg(value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    ids: Vec<i32>,
    /// One line for each replica
    #[arg(long)]
    replicas: bool,
}

/// Shows them.
pub(crate) async fn run(command: LogDirs, context: &Context) -> Result {
    let admin = context.admin().await?;
    let mut ids = command.ids.clone();
    if ids.is_empty() {
        ids = admin.client().cluster().brokers.keys().copied().collect();
    }
    let (mut all, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        match admin.describe_log_dirs(id).await {
            Ok(dirs) => all.push((id, dirs)),
            Err(error) => failures.push((id, Failure::from(error))),
        }
    }
    if let ([(_, failure)], true) = (failures.as_slice(), all.is_empty()) {
        return Err(failure.clone());
    }
    let table = if command.replicas {
        replica_table(&all)
    } else {
        table(&all)
    };
    let with_replicas = command.replicas || context.output.format.is_json();
    let dirs = all
        .iter()
        .flat_map(|(id, dirs)| dirs.iter().map(|dir| json(*id, dir, with_replicas)));
    let failed = failures
        .iter()
        .map(|(id, failure)| json!({ "broker": id, "error": failure.to_json() }));
    let json: Vec<Value> = dirs.chain(failed).collect();
    context.output.print(&Report::new(&json, table))?;
    failures
        .iter()
        .for_each(|(_, failure)| note(&format!("error: {failure}")));
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Failed)),
    }
}

fn used_bytes(dir: &LogDir) -> i64 {
    dir.replicas.iter().map(|replica| replica.size_bytes).sum()
}

/// Directories for people.
pub(super) fn table(all: &[(i32, Vec<LogDir>)]) -> Table {
    let mut table = Table::new(vec![
        Column::number("BROKER"),
        Column::new("DIRECTORY"),
        Column::number("REPLICAS"),
        Column::number("BYTES"),
        Column::number("DISK FREE"),
        Column::number("DISK SIZE"),
        Column::new("STATUS"),
    ]);
    for (id, dir) in all
        .iter()
        .flat_map(|(id, dirs)| dirs.iter().map(move |dir| (id, dir)))
    {
        let status = match &dir.error {
            None => Cell::toned("online", Tone::Good),
            Some(error) => {
                let name = error.refusal().map_or("no answer", client::Refusal::name);
                Cell::toned(format!("OFFLINE ({name})"), Tone::Bad)
            }
        };
        table.push(
            dir.path.as_str(),
            vec![
                Cell::from(id.to_string()),
                Cell::from(dir.path.as_str()),
                Cell::from(dir.replicas.len().to_string()),
                Cell::from(used_bytes(dir).to_string()),
                Cell::optional(dir.usable_bytes),
                Cell::optional(dir.total_bytes),
                status,
            ],
        );
    }
    table
}

fn replica_table(all: &[(i32, Vec<LogDir>)]) -> Table {
    let mut table = Table::new(vec![
        Column::number("BROKER"),
        Column::new("PARTITION"),
        Column::number("BYTES"),
        Column::number("LAG"),
        Column::new("DIRECTORY"),
    ]);
    for (id, dir) in all
        .iter()
        .flat_map(|(id, dirs)| dirs.iter().map(move |dir| (id, dir)))
    {
        for replica in &dir.replicas {
            let partition = replica.partition.to_string();
            let row = vec![
                Cell::from(id.to_string()),
                Cell::from(partition.as_str()),
                Cell::from(replica.size_bytes.to_string()),
                Cell::from(replica.offset_lag.to_string()),
                Cell::from(dir.path.as_str()),
            ];
            table.push(partition, row);
        }
    }
    table
}

/// A directory for programs.
pub(super) fn json(broker: i32, dir: &LogDir, with_replicas: bool) -> Value {
    let replicas = dir.replicas.iter().map(|replica| {
        json!({
            "topic": &*replica.partition.topic,
            "partition": replica.partition.partition,
            "sizeBytes": replica.size_bytes,
            "offsetLag": replica.offset_lag,
            "isFuture": replica.is_future,
        })
    });
    let mut json = json!({
        "broker": broker,
        "directory": dir.path,
        "replicaCount": dir.replicas.len(),
        "sizeBytes": used_bytes(dir),
        "diskFreeBytes": dir.usable_bytes,
        "diskSizeBytes": dir.total_bytes,
        "error": dir.error.as_ref().map(ToString::to_string),
    });
    if with_replicas {
        json["replicas"] = replicas.collect();
    }
    json
}
