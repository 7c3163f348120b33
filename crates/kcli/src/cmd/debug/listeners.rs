//! `kcli debug listeners`: the commonest trouble with Kafka is a broker that advertises an address
//! which the client cannot reach.

use client::metadata::Broker;
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Page, Report, Table, Tone, note};

/// Dials every advertised address.
pub(crate) async fn run(context: &Context) -> Result {
    let client = context.client().await?;
    let cluster = client.cluster();
    let mut table = Table::new(vec![
        Column::number("BROKER"),
        Column::new("ADVERTISES"),
        Column::new("FROM HERE"),
        Column::number("MS"),
    ]);
    let (mut json, mut broken): (Vec<Value>, Vec<&Broker>) = (Vec::new(), Vec::new());
    for broker in cluster.brokers.values() {
        let (result, tone, elapsed) = match client.probe(&broker.address).await {
            Ok(elapsed) => ("reachable".to_owned(), Tone::Good, elapsed),
            Err(attempt) => {
                broken.push(broker);
                (attempt.reason, Tone::Bad, attempt.elapsed)
            }
        };
        json.push(json!({
            "broker": broker.id,
            "advertised": broker.address.to_string(),
            "isReachable": tone == Tone::Good,
            "result": result,
            "elapsedMs": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }));
        let row = vec![
            Cell::from(broker.id.to_string()),
            Cell::from(broker.address.to_string()),
            Cell::toned(result, tone),
            Cell::from(elapsed.as_millis().to_string()),
        ];
        table.push(broker.id.to_string(), row);
    }
    let bootstrap = client.bootstrap_address().to_string();
    let page = Page::default()
        .facts(vec![("bootstrap", Cell::from(bootstrap))])
        .table(table);
    context.output.print(&Report::new(&json, page))?;
    for broker in &broken {
        note(&format!(
            "error: broker {} advertises {}, which cannot be reached from here",
            broker.id, broker.address
        ));
    }
    if broken.is_empty() {
        return Ok(());
    }
    note("  hint: set advertised.listeners on these brokers to an address that clients can reach");
    Err(Failure::reported(Exit::Unreachable))
}
