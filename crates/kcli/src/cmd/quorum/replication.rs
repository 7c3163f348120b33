//! `kcli quorum replication`.

use client::admin::QuorumReplica;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table, Tone};
use crate::when;

/// Shows each replica of the metadata log.
pub(crate) async fn run(context: &Context) -> Result {
    let quorum = context.admin().await?.describe_quorum().await?;
    let end = quorum.voters.iter().find(|v| v.node_id == quorum.leader_id);
    let end = end.map_or(quorum.high_watermark, |leader| leader.log_end_offset);
    let mut table = Table::new(vec![
        Column::number("NODE"),
        Column::new("ROLE"),
        Column::number("LOG END"),
        Column::number("LAG"),
        Column::new("LAST FETCH"),
        Column::new("CAUGHT UP"),
        Column::wide("DIRECTORY"),
    ]);
    let mut json: Vec<Value> = Vec::new();
    let voters = quorum.voters.iter().map(|replica| (replica, "voter"));
    let observers = quorum.observers.iter().map(|replica| (replica, "observer"));
    for (replica, role) in voters.chain(observers) {
        let is_leader = replica.node_id == quorum.leader_id && role == "voter";
        let role = if is_leader { "leader" } else { role };
        table.push(
            replica.node_id.to_string(),
            row(replica, role, end, context.now_ms()),
        );
        json.push(json!({
            "nodeId": replica.node_id,
            "role": role,
            "directoryId": replica.directory_id.to_string(),
            "logEndOffset": replica.log_end_offset,
            "lag": (end - replica.log_end_offset).max(0),
            "lastFetchTimestamp": replica.last_fetch_ms,
            "lastCaughtUpTimestamp": replica.last_caught_up_ms,
        }));
    }
    context.output.print(&Report::new(&json, table))
}

fn row(replica: &QuorumReplica, role: &str, end: i64, now_ms: i64) -> Vec<Cell> {
    let ago = |at: i64| match at {
        ..=0 => Cell::from("-"),
        at => Cell::from(format!("{} ago", when::age(at, now_ms))),
    };
    let lag = (end - replica.log_end_offset).max(0);
    vec![
        Cell::from(replica.node_id.to_string()),
        Cell::toned(
            role,
            if role == "leader" {
                Tone::Good
            } else {
                Tone::Plain
            },
        ),
        Cell::from(replica.log_end_offset.to_string()),
        Cell::toned(
            lag.to_string(),
            if lag == 0 { Tone::Plain } else { Tone::Warn },
        ),
        ago(replica.last_fetch_ms),
        ago(replica.last_caught_up_ms),
        Cell::from(replica.directory_id.to_string()),
    ]
}
