//! `kcli topic offsets`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::admin::FoundOffset;
use client::{Admin, IsolationLevel, OffsetSpec};
use serde_json::{Value, json};
use types::TopicPartition;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Output, Report, Table, note};
use crate::{complete, topics, when};

/// Show the first and the next offset of each partition.
#[derive(Debug, Args)]
pub(crate) struct Offsets {
    /// The topics
    #[arg(required = true, value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    topics: Vec<String>,
    /// One place instead: earliest, latest, max-timestamp or @TIME
    #[arg(long, value_name = "PLACE")]
    at: Option<String>,
    /// Only these partitions, with commas between
    #[arg(short = 'p', long, value_name = "N", value_delimiter = ',')]
    partitions: Option<Vec<i32>>,
}

type Found = Vec<(TopicPartition, Result<FoundOffset>)>;

/// Shows them.
pub(crate) async fn run(offsets: Offsets, context: &Context) -> Result {
    let at = offsets
        .at
        .as_deref()
        .map(|text| place(text, context))
        .transpose()?;
    let admin = context.admin().await?;
    let mut partitions = Vec::new();
    for name in &offsets.topics {
        let topic = topics::find(admin.client(), name).await?;
        let wanted = offsets.partitions.as_ref();
        let all = topic.partitions.iter().map(|p| p.index);
        let shown = all.filter(|index| wanted.is_none_or(|wanted| wanted.contains(index)));
        partitions.extend(shown.map(|index| TopicPartition::new(name.as_str(), index)));
    }
    match at {
        Some(spec) => {
            let found = look_up(&admin, &partitions, spec).await?;
            print_one(&found, &context.output)
        }
        None => {
            let starts = look_up(&admin, &partitions, OffsetSpec::Earliest).await?;
            let ends = look_up(&admin, &partitions, OffsetSpec::Latest).await?;
            print_both(&starts, &ends, &context.output)
        }
    }
}

fn place(text: &str, context: &Context) -> Result<OffsetSpec> {
    match text {
        "earliest" | "start" => Ok(OffsetSpec::Earliest),
        "latest" | "end" => Ok(OffsetSpec::Latest),
        "max-timestamp" => Ok(OffsetSpec::MaxTimestamp),
        _ => match text.strip_prefix('@') {
            Some(time) => {
                let moment = when::parse(time, context.now_ms()).map_err(Failure::usage)?;
                Ok(OffsetSpec::Timestamp(moment))
            }
            None => Err(Failure::usage(format!(
                "--at {text}: know earliest, latest, max-timestamp and @TIME"
            ))),
        },
    }
}

async fn look_up(admin: &Admin, partitions: &[TopicPartition], spec: OffsetSpec) -> Result<Found> {
    let asked: Vec<_> = partitions.iter().map(|p| (p.clone(), spec)).collect();
    let found = admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await?;
    Ok(found
        .into_iter()
        .map(|(p, result)| (p, result.map_err(Failure::from)))
        .collect())
}

fn print_both(starts: &Found, ends: &Found, output: &Output) -> Result {
    let mut table = Table::new(vec![
        Column::new("TOPIC"),
        Column::number("PARTITION"),
        Column::number("START"),
        Column::number("END"),
        Column::number("COUNT"),
    ]);
    let (mut json, mut failed) = (Vec::new(), Vec::new());
    for ((partition, start), (_, end)) in starts.iter().zip(ends) {
        match (start, end) {
            (Ok(start), Ok(end)) => {
                let (start, end) = (start.offset, end.offset);
                let numbers = [start, end, end - start].map(|n| Cell::from(n.to_string()));
                table.push(partition.to_string(), row(partition, numbers));
                json.push(json!({
                    "topic": &*partition.topic, "partition": partition.partition,
                    "start": start, "end": end, "count": end - start,
                }));
            }
            (Err(failure), _) | (_, Err(failure)) => {
                json.push(failed_json(partition, failure));
                failed.push(failure);
            }
        }
    }
    finish(&json, table, &failed, output)
}

fn print_one(found: &Found, output: &Output) -> Result {
    let mut table = Table::new(vec![
        Column::new("TOPIC"),
        Column::number("PARTITION"),
        Column::number("OFFSET"),
        Column::new("TIMESTAMP"),
        Column::wide("EPOCH"),
    ]);
    let (mut json, mut failed) = (Vec::new(), Vec::new());
    for (partition, result) in found {
        match result {
            Ok(found) => {
                let cells = [
                    Cell::optional((found.offset >= 0).then_some(found.offset)),
                    Cell::from(when::display(found.timestamp_ms)),
                    Cell::from(found.leader_epoch.to_string()),
                ];
                table.push(partition.to_string(), row(partition, cells));
                json.push(json!({
                    "topic": &*partition.topic, "partition": partition.partition,
                    "offset": found.offset, "timestamp": found.timestamp_ms,
                    "leaderEpoch": found.leader_epoch,
                }));
            }
            Err(failure) => {
                json.push(failed_json(partition, failure));
                failed.push(failure);
            }
        }
    }
    finish(&json, table, &failed, output)
}

fn row<const N: usize>(partition: &TopicPartition, cells: [Cell; N]) -> Vec<Cell> {
    let mut row = vec![
        Cell::from(&*partition.topic),
        Cell::from(partition.partition.to_string()),
    ];
    row.extend(cells);
    row
}

fn failed_json(partition: &TopicPartition, failure: &Failure) -> Value {
    json!({
        "topic": &*partition.topic, "partition": partition.partition, "error": failure.to_json(),
    })
}

fn finish(json: &[Value], table: Table, failed: &[&Failure], output: &Output) -> Result {
    output.print(&Report::new(&json, table))?;
    failed
        .iter()
        .for_each(|failure| note(&format!("error: {failure}")));
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Failed)),
    }
}
