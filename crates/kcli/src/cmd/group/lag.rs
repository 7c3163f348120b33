//! `kcli group lag`.

use clap::Args;
use serde_json::{Value, json};

use super::names::{self, Groups};
use super::standing::{Progress, Standing, standings};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Page, Report, Table, Tone, note};

const EXAMPLES: &str = "\
Examples:
  kcli group lag teams                     committed, end and lag of each partition; who reads it
  kcli group lag --all -o json | jq '.[] | {group, totalLag}'

LAG counts offsets between what is committed and the end of the log. A consumer commits every few
seconds (auto.commit.interval.ms), so it may be further than its committed offset.";

/// Show how far groups have read, partition by partition.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lag {
    #[command(flatten)]
    groups: Groups,
}

/// Shows it.
pub(crate) async fn run(lag: Lag, context: &Context) -> Result {
    lag.groups.check()?;
    let admin = context.admin().await?;
    let names = lag.groups.names(&admin).await?;
    let (mut json, mut failures, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for (name, result) in standings(&admin, &names).await? {
        match result {
            Ok(standing) => {
                json.push(to_json(&standing));
                shown.push(standing);
            }
            Err(error) => {
                let failure = names::explain(&admin, &name, error).await;
                json.push(json!({ "group": name, "error": failure.to_json() }));
                failures.push(failure);
            }
        }
    }
    finish(&json, page(&shown), &failures, names.len(), context)
}

/// Prints what worked and tells what did not; the failure of a single group is the command's own.
pub(super) fn finish(
    json: &[Value],
    page: Page,
    failures: &[Failure],
    asked_count: usize,
    context: &Context,
) -> Result {
    if let ([failure], 1) = (failures, asked_count) {
        return Err(failure.clone());
    }
    context.output.print(&Report::new(&json, page))?;
    for failure in failures {
        note(&format!("error: {failure}"));
        failure
            .hints
            .iter()
            .for_each(|hint| note(&format!("  hint: {hint}")));
    }
    match failures {
        [] => Ok(()),
        [first, rest @ ..] if rest.iter().all(|f| f.exit == first.exit) => {
            Err(Failure::reported(first.exit))
        }
        _ => Err(Failure::reported(Exit::Failed)),
    }
}

fn page(standings: &[Standing]) -> Page {
    let mut all = empty_table();
    standings
        .iter()
        .for_each(|standing| all.append(table(standing)));
    let page = Page::default().table(all);
    match standings {
        [] => page,
        _ => {
            let known = standings.iter().filter_map(Standing::total_lag);
            let total = known.reduce(|sum, lag| sum + lag);
            page.facts(vec![("total lag", lag_cell(total))])
        }
    }
}

fn empty_table() -> Table {
    Table::new(vec![
        Column::new("GROUP"),
        Column::new("TOPIC"),
        Column::number("PARTITION"),
        Column::number("COMMITTED"),
        Column::number("END"),
        Column::number("LAG"),
        Column::new("CLIENT ID"),
        Column::new("HOST"),
        Column::wide("MEMBER"),
        Column::wide("EPOCH"),
        Column::wide("METADATA"),
    ])
}

/// One row for each partition.
pub(super) fn table(standing: &Standing) -> Table {
    let mut table = empty_table();
    for progress in &standing.partitions {
        let partition = &progress.partition;
        let committed = progress.committed.as_ref();
        let reader = standing.reader(progress);
        let metadata = committed
            .map(|c| c.metadata.as_str())
            .filter(|m| !m.is_empty());
        table.push(
            partition.to_string(),
            vec![
                Cell::from(standing.group.group_id.as_str()),
                Cell::from(&*partition.topic),
                Cell::from(partition.partition.to_string()),
                Cell::optional(committed.map(|c| c.offset)),
                Cell::optional(progress.log_end),
                lag_cell(progress.lag()),
                Cell::optional(reader.map(|m| m.client_id.as_str())),
                Cell::optional(reader.map(|m| host(&m.client_host))),
                Cell::optional(reader.map(|m| m.member_id.as_str())),
                Cell::optional(committed.map(|c| c.leader_epoch)),
                Cell::optional(metadata),
            ],
        );
    }
    table
}

/// Nothing to read is good; something may be.
pub(super) fn lag_cell(lag: Option<i64>) -> Cell {
    match lag {
        None => Cell::from("-"),
        Some(0) => Cell::toned("0", Tone::Good),
        Some(n) => Cell::toned(n.to_string(), Tone::Warn),
    }
}

/// Kafka writes hosts with a slash in front.
pub(super) fn host(client_host: &str) -> &str {
    client_host.trim_start_matches('/')
}

fn to_json(standing: &Standing) -> Value {
    json!({
        "group": standing.group.group_id,
        "state": standing.group.state,
        "totalLag": standing.total_lag(),
        "partitions": partitions_json(standing),
    })
}

/// The partitions for programs.
pub(super) fn partitions_json(standing: &Standing) -> Vec<Value> {
    let one = |progress: &Progress| {
        let committed = progress.committed.as_ref();
        let reader = standing.reader(progress);
        json!({
            "topic": &*progress.partition.topic,
            "partition": progress.partition.partition,
            "committed": committed.map(|c| c.offset),
            "leaderEpoch": committed.map(|c| c.leader_epoch).filter(|epoch| *epoch >= 0),
            "metadata": committed.map(|c| c.metadata.as_str()),
            "logEnd": progress.log_end,
            "lag": progress.lag(),
            "memberId": reader.map(|m| m.member_id.as_str()),
            "instanceId": reader.and_then(|m| m.instance_id.as_deref()),
            "clientId": reader.map(|m| m.client_id.as_str()),
            "host": reader.map(|m| host(&m.client_host)),
        })
    };
    standing.partitions.iter().map(one).collect()
}
