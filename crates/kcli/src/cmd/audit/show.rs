//! What is said about an audit, and how far it has come.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use types::Offset;

use super::partition::{Audited, State};
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table, Tone, note};

/// Progress on a terminal.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub(super) fn new(context: &Context) -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} offsets {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        if context.is_quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { bar }
    }

    /// A partition begins.
    pub(super) fn begin(&self, partition: i32, from: Offset, end: Offset) {
        self.bar.reset();
        self.bar.set_message(format!("partition {partition}"));
        self.bar.set_length(u64::try_from(end).unwrap_or(0));
        self.at(from);
    }

    /// So far.
    pub(super) fn at(&self, offset: Offset) {
        self.bar.set_position(u64::try_from(offset).unwrap_or(0));
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Prints the table, and what is wrong line by line.
pub(super) fn print(topic: &str, all: &[Audited], context: &Context) -> Result {
    let mut table = Table::new(vec![
        Column::number("PARTITION"),
        Column::new("BROKERS"),
        Column::new("BY"),
        Column::number("FROM"),
        Column::number("END"),
        Column::number("BATCHES"),
        Column::number("BYTES"),
        Column::new("RESULT"),
    ]);
    for it in all {
        let tone = match it.state {
            State::Same | State::Alone => Tone::Good,
            State::Incomplete => Tone::Warn,
            State::Differs(_) | State::Damaged => Tone::Bad,
        };
        let brokers: Vec<_> = it.compared.iter().map(|(broker, _)| *broker).collect();
        let mut ways: Vec<_> = it.compared.iter().map(|(_, way)| *way).collect();
        ways.sort_unstable();
        ways.dedup();
        table.push(
            format!("{topic}-{}", it.partition),
            vec![
                Cell::from(it.partition.to_string()),
                Cell::list(&brokers),
                Cell::list(&ways),
                Cell::from(it.from.to_string()),
                Cell::from(it.end.to_string()),
                Cell::from(it.batches.to_string()),
                Cell::from(it.bytes.to_string()),
                Cell::toned(it.state.name(), tone),
            ],
        );
    }
    let json = json!({
        "topic": topic,
        "partitions": all.iter().map(to_json).collect::<Vec<_>>(),
    });
    context.output.print(&Report::new(&json, table))?;
    for it in all {
        let name = format!("{topic}-{}", it.partition);
        for (broker, why) in &it.missing {
            note(&format!(
                "error: {name} on broker {broker} was not compared: {why}"
            ));
        }
        if let State::Differs(difference) = &it.state {
            note(&format!(
                "error: {name}: replicas part at offset {}: {}",
                difference.offset,
                difference.fields().join(", ")
            ));
            difference
                .lines()
                .iter()
                .for_each(|line| note(&format!("  {line}")));
        }
    }
    Ok(())
}

fn to_json(it: &Audited) -> serde_json::Value {
    let compared = it
        .compared
        .iter()
        .map(|(broker, way)| json!({ "broker": broker, "by": way }));
    let missing = it
        .missing
        .iter()
        .map(|(broker, why)| json!({ "broker": broker, "why": why }));
    let difference = match &it.state {
        State::Differs(difference) => Some(difference.to_json()),
        State::Same | State::Damaged | State::Incomplete | State::Alone => None,
    };
    json!({
        "partition": it.partition,
        "result": it.state.name().to_lowercase(),
        "compared": compared.collect::<Vec<_>>(),
        "notCompared": missing.collect::<Vec<_>>(),
        "from": it.from,
        "end": it.end,
        "batches": it.batches,
        "bytes": it.bytes,
        "firstDifference": difference,
    })
}
