//! What is said about a drill that is over: a page for people, JSON for programs, and files of both.

mod html;
mod svg;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::analysis::{Latency, ms};
use super::event::{Event, What};
use super::outcome::{Outcome, shown};
use super::verdict::Verdict;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Page, Report, Table, Tone, note};

/// So many partitions are shown to people; JSON has all of them.
const PARTITIONS_SHOWN: usize = 20;
/// So many events are shown to people; JSON has all of them.
const EVENTS_SHOWN: usize = 60;

/// Prints the outcome, writes the files, and ends with its exit code.
pub(super) fn finish(outcome: &Outcome, files: &[PathBuf], context: &Context) -> Result {
    let json = outcome.to_json();
    for path in files {
        write(path, outcome, &json)?;
    }
    context.output.print(&Report::new(&json, page(outcome)))?;
    if let Ok(verdict) = &outcome.verdict {
        verdict
            .samples
            .iter()
            .for_each(|sample| note(&format!("error: {sample}")));
    }
    for path in files {
        context.remark(&format!("report: {}", path.display()));
    }
    match outcome.exit() {
        Exit::Ok if context.interrupt.is_cancelled() => Err(Failure::reported(Exit::Interrupted)),
        Exit::Ok => Ok(()),
        exit => Err(Failure::reported(exit)),
    }
}

fn write(path: &Path, outcome: &Outcome, json: &serde_json::Value) -> Result {
    let text = match path.extension().and_then(|end| end.to_str()) {
        Some("html") => html::page(outcome),
        _ => format!("{json:#}\n"),
    };
    std::fs::write(path, text)
        .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}

fn page(outcome: &Outcome) -> Page {
    let exit = outcome.exit();
    let tone = match exit {
        Exit::Ok => Tone::Good,
        Exit::Broken => Tone::Bad,
        _ => Tone::Warn,
    };
    let mut page = Page::default()
        .title("timeline")
        .table(timeline(outcome))
        .title("partitions")
        .table(partitions(outcome))
        .title("milliseconds from handing over to")
        .table(latencies(outcome));
    if let Ok(verdict) = &outcome.verdict {
        page = page.title("read back").facts(verdict_facts(verdict));
    }
    page.facts(vec![("verdict", Cell::toned(outcome.sentence(), tone))])
}

/// The counts of a verdict, with what is wrong marked.
pub(super) fn verdict_facts(verdict: &Verdict) -> Vec<(&'static str, Cell)> {
    let bad = |count: u64| match count {
        0 => Cell::toned("0", Tone::Good),
        _ => Cell::toned(count.to_string(), Tone::Bad),
    };
    vec![
        ("acknowledged", Cell::from(verdict.acknowledged.to_string())),
        ("found", Cell::from(verdict.found.to_string())),
        ("lost", bad(verdict.lost)),
        ("duplicated", bad(verdict.duplicated)),
        ("out of order", bad(verdict.out_of_order)),
        ("moved", bad(verdict.moved)),
        ("vanished", bad(verdict.vanished)),
        (
            "unanswered, yet there",
            Cell::from(verdict.unacknowledged_found.to_string()),
        ),
    ]
}

/// Events that people want to see: leaders and fencing one by one, ISR changes of many partitions only
/// as far as there is room.
pub(super) fn shown_events(outcome: &Outcome) -> Vec<&Event> {
    let all = &outcome.analysis.timeline;
    if all.len() <= EVENTS_SHOWN {
        return all.iter().collect();
    }
    let without_isr = all
        .iter()
        .filter(|event| !matches!(event.what, What::Isr { .. }));
    without_isr.take(EVENTS_SHOWN).collect()
}

/// How long after the latest blow before it.
pub(super) fn since_blow(outcome: &Outcome, at: Duration) -> Option<Duration> {
    let blows = outcome.strikes.iter().map(|strike| strike.at);
    blows.filter(|blow| *blow <= at).max().map(|blow| at - blow)
}

fn timeline(outcome: &Outcome) -> Table {
    let mut table = Table::new(vec![
        Column::number("SECONDS"),
        Column::number("SINCE BLOW"),
        Column::new("EVENT"),
    ]);
    for event in shown_events(outcome) {
        let tone = match event.what {
            What::Struck { .. } | What::FirstError { .. } | What::Reader { .. } => Tone::Bad,
            What::FirstAck { .. } | What::Whole => Tone::Good,
            _ => Tone::Plain,
        };
        let since = since_blow(outcome, event.at);
        table.push(
            event.what.kind(),
            vec![
                Cell::from(format!("{:.3}", event.at.as_secs_f64())),
                Cell::optional(since.map(|since| format!("{:.0} ms", ms(since)))),
                Cell::toned(event.what.to_string(), tone),
            ],
        );
    }
    table
}

/// Those with the longest gap first.
pub(super) fn by_gap(outcome: &Outcome) -> Vec<&super::analysis::PartitionFigures> {
    let mut all: Vec<_> = outcome.analysis.partitions.iter().collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.longest_gap.map(|gap| gap.length())));
    all.truncate(PARTITIONS_SHOWN);
    all
}

fn partitions(outcome: &Outcome) -> Table {
    let mut table = Table::new(vec![
        Column::number("PARTITION"),
        Column::number("LEADER"),
        Column::number("THEN"),
        Column::number("SENT"),
        Column::number("ACKED"),
        Column::number("NEW LEADER"),
        Column::number("LONGEST GAP"),
        Column::number("READ GAP"),
    ]);
    let gap = |gap: Option<super::analysis::Gap>| match gap {
        None => Cell::from("-"),
        Some(gap) if gap.is_open => {
            Cell::toned(format!("{}, not over", shown(gap.length())), Tone::Bad)
        }
        Some(gap) => Cell::from(shown(gap.length())),
    };
    for it in by_gap(outcome) {
        let new_leader = it.new_leader_at.and_then(|at| since_blow(outcome, at));
        table.push(
            it.partition.to_string(),
            vec![
                Cell::from(it.partition.to_string()),
                Cell::from(it.leader_before.to_string()),
                Cell::from(it.leader_after.to_string()),
                Cell::from(it.sent.to_string()),
                Cell::from(it.acked.to_string()),
                Cell::optional(new_leader.map(shown)),
                gap(it.longest_gap),
                gap(it.longest_read_gap),
            ],
        );
    }
    table
}

fn latencies(outcome: &Outcome) -> Table {
    let mut table = Table::new(vec![
        Column::new("WHAT"),
        Column::new("WHEN"),
        Column::number("RECORDS"),
        Column::number("P50"),
        Column::number("P99"),
        Column::number("MAX"),
    ]);
    for (what, when, latency) in all_latencies(outcome) {
        let number = |value: f64| match latency.count {
            0 => Cell::from("-"),
            _ => Cell::from(format!("{value:.1}")),
        };
        table.push(
            format!("{what} {when}"),
            vec![
                Cell::from(what),
                Cell::from(when),
                Cell::from(latency.count.to_string()),
                number(latency.p50),
                number(latency.p99),
                number(latency.max),
            ],
        );
    }
    table
}

/// Of acknowledgements and reads, before, during and after.
pub(super) fn all_latencies(outcome: &Outcome) -> Vec<(&'static str, &'static str, &Latency)> {
    let (acks, reads) = (&outcome.analysis.acks, &outcome.analysis.reads);
    vec![
        ("acknowledgement", "before", &acks.before),
        ("acknowledgement", "during", &acks.during),
        ("acknowledgement", "after", &acks.after),
        ("reader", "before", &reads.before),
        ("reader", "during", &reads.during),
        ("reader", "after", &reads.after),
    ]
}
