//! Order of records against order of time: C10 and C15.

use std::collections::HashMap;

use super::log::{Log, Send};
use super::{Check, Finding};

pub(super) fn check(log: &Log, findings: &mut Vec<Finding>) {
    by_producer(log, findings);
    let acked = Acked::new(log);
    for later in &log.sends {
        let Some(offset) = later.acked_offset() else {
            continue;
        };
        if let Some((earlier, value)) = acked.highest_before(later.invoked_ns)
            && earlier >= offset
            && value != later.value
        {
            let detail = format!(
                "{:x}, sent after {value:x} had been acknowledged at {earlier}, is at {offset}",
                later.value
            );
            findings.push(Finding::new(Check::C15, &log.tp, later.value, detail));
        }
    }
    for end in &log.ends {
        if let Some((highest, value)) = acked.highest_before(end.invoked_ns)
            && highest >= end.offset
        {
            let end = end.offset;
            let detail = format!("the end was {end} after {value:x} was acknowledged at {highest}");
            findings.push(Finding::new(
                Check::C15,
                &log.tp,
                format!("end {end}"),
                detail,
            ));
        }
    }
}

/// C10: a producer's acknowledged records stand in the order in which it sent them.
fn by_producer(log: &Log, findings: &mut Vec<Finding>) {
    let mut last: HashMap<u32, &Send> = HashMap::new();
    for send in &log.sends {
        let Some(offset) = send.acked_offset() else {
            continue;
        };
        if let Some(before) = last.insert(send.client, send)
            && before.offset.is_some_and(|earlier| earlier >= offset)
        {
            let detail = format!(
                "producer {} sent {:x} before {:x}, but they are at {:?} and {offset}",
                send.client, before.value, send.value, before.offset
            );
            findings.push(Finding::new(Check::C10, &log.tp, send.value, detail));
        }
    }
}

/// Acknowledged records by the time of their acknowledgement, each with the highest offset so far.
struct Acked {
    by_time: Vec<(u64, i64, u64)>,
}

impl Acked {
    fn new(log: &Log) -> Self {
        let acked = |send: &Send| Some((send.ended_ns, send.acked_offset()?, send.value));
        let mut by_time: Vec<_> = log.sends.iter().filter_map(acked).collect();
        by_time.sort_unstable();
        let mut highest = (i64::MIN, 0);
        for (_, offset, value) in &mut by_time {
            highest = highest.max((*offset, *value));
            (*offset, *value) = highest;
        }
        Self { by_time }
    }

    /// The highest offset acknowledged before this moment, and whose it is.
    fn highest_before(&self, t_ns: u64) -> Option<(i64, u64)> {
        let count = self.by_time.partition_point(|(at, _, _)| *at < t_ns);
        let (_, offset, value) = self.by_time.get(count.checked_sub(1)?)?;
        Some((*offset, *value))
    }
}
