//! What readers were given and what is left at the end: C3, C4, C7, C14.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::log::{Log, Run};
use super::{Check, Finding};
use crate::history::Value;

pub(super) fn check(log: &Log, findings: &mut Vec<Finding>) {
    let read = log.read_values();
    passed_over(log, &read, findings);
    missing_at_the_end(log, findings);
    vanished(log, findings);
    for run in &log.runs {
        skips_and_returns(log, run, findings);
    }
}

/// C3: somebody read further than an acknowledged record, and nobody was ever given it.
fn passed_over(log: &Log, read: &BTreeSet<Value>, findings: &mut Vec<Finding>) {
    let ranges = covered(log);
    for send in &log.sends {
        let Some(offset) = send.acked_offset() else {
            continue;
        };
        let before = ranges.range(..=offset).next_back();
        let is_covered = before.is_some_and(|(_, end)| offset < *end);
        if is_covered && !read.contains(&send.value) {
            let detail = format!(
                "{:x}, acknowledged at {offset}, was passed over",
                send.value
            );
            findings.push(Finding::new(Check::C3, &log.tp, send.value, detail));
        }
    }
}

/// Offsets that somebody went through, as disjoint ranges: start to exclusive end.
fn covered(log: &Log) -> std::collections::BTreeMap<i64, i64> {
    let of_run = |run: &Run| {
        let last = run.seen.iter().map(|seen| seen.offset).max()?;
        Some((run.start, last + 1))
    };
    let mut ranges: Vec<(i64, i64)> = log.runs.iter().filter_map(of_run).collect();
    ranges.extend(log.scans.iter().map(|scan| (scan.from, scan.to)));
    ranges.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (start, end) in ranges.into_iter().filter(|(start, end)| start < end) {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined.into_iter().collect()
}

/// C4: in every replica that was read at the end there is every acknowledged record.
fn missing_at_the_end(log: &Log, findings: &mut Vec<Finding>) {
    for scan in &log.scans {
        let there: BTreeSet<Value> = scan.records.values().map(|seen| seen.value).collect();
        for send in log.sends.iter().filter(|send| send.is_ok()) {
            // What the start of the log has passed may be gone.
            let is_expected = match send.offset {
                Some(offset) => offset >= scan.from,
                None => scan.from == 0,
            };
            if is_expected && !there.contains(&send.value) {
                let at = send
                    .offset
                    .map_or("?".to_owned(), |offset| offset.to_string());
                let (value, replica) = (send.value, scan.replica);
                let detail =
                    format!("{value:x}, acknowledged at {at}, is lost in replica {replica}");
                let subject = format!("{value} in {replica}");
                findings.push(Finding::new(Check::C4, &log.tp, subject, detail));
            }
        }
    }
}

/// C14: what a reader was given stays where it was.
fn vanished(log: &Log, findings: &mut Vec<Finding>) {
    for scan in &log.scans {
        for run in &log.runs {
            for seen in run.seen.iter().filter(|seen| seen.offset >= scan.from) {
                let now = scan.records.get(&seen.offset).map(|seen| seen.value);
                if now != Some(seen.value) {
                    let (offset, replica) = (seen.offset, scan.replica);
                    let detail = format!(
                        "{:x} was read at {offset}; replica {replica} has {now:x?} there",
                        seen.value
                    );
                    let subject = format!("{offset} in {replica}");
                    findings.push(Finding::new(Check::C14, &log.tp, subject, detail));
                }
            }
        }
    }
    for offset in &log.out_of_range {
        let detail = format!("a reader at {offset} was told that this is out of range");
        let subject = format!("{offset} out of range");
        findings.push(Finding::new(Check::C14, &log.tp, subject, detail));
    }
}

/// C7: from one record to the next, nothing that others were given lies between.
fn skips_and_returns(log: &Log, run: &Run, findings: &mut Vec<Finding>) {
    let mut next = run.start;
    for seen in &run.seen {
        let (client, offset) = (run.client, seen.offset);
        let subject = format!("{client} at {offset}");
        if offset < next {
            let detail = format!("reader {client} expected {next} and was sent back to {offset}");
            findings.push(Finding::new(Check::C7, &log.tp, subject, detail));
        } else if let Some((between, _)) = log
            .read
            .range((Bound::Included(next), Bound::Excluded(offset)))
            .next()
        {
            let detail = format!("reader {client} went to {offset} past {between}");
            findings.push(Finding::new(Check::C7, &log.tp, subject, detail));
        }
        next = offset + 1;
    }
}
