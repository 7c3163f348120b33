//! Which value is at which offset: C1, C2, C5, and epochs by offset and leader, C20.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::log::Log;
use super::{Check, Finding};
use crate::history::{Phase, Value};

pub(super) fn check(log: &Log, findings: &mut Vec<Finding>) {
    one_value_per_offset(log, findings);
    one_offset_per_value(log, findings);
    only_what_was_sent(log, findings);
    one_leader_per_epoch(log, findings);
    epochs_never_go_down(log, findings);
}

fn one_value_per_offset(log: &Log, findings: &mut Vec<Finding>) {
    for (offset, values) in log.placed.iter().filter(|(_, values)| values.len() > 1) {
        let detail = format!("offset {offset} holds {values:x?}");
        findings.push(Finding::new(Check::C1, &log.tp, offset, detail));
    }
}

fn one_offset_per_value(log: &Log, findings: &mut Vec<Finding>) {
    let mut offsets: BTreeMap<Value, BTreeSet<i64>> = BTreeMap::new();
    for (offset, values) in &log.placed {
        for value in values {
            offsets.entry(*value).or_default().insert(*offset);
        }
    }
    for (value, offsets) in offsets.iter().filter(|(_, offsets)| offsets.len() > 1) {
        let detail = format!("{value:x} is at offsets {offsets:?}");
        findings.push(Finding::new(Check::C2, &log.tp, value, detail));
    }
}

fn only_what_was_sent(log: &Log, findings: &mut Vec<Finding>) {
    let ends: HashMap<Value, Phase> = log.sends.iter().map(|s| (s.value, s.phase)).collect();
    for value in log.read_values() {
        let detail = match ends.get(&value) {
            None => format!("{value:x} was read, but nobody sent it"),
            Some(Phase::Fail) => format!("{value:x} was read, but its send was refused"),
            Some(_) => continue,
        };
        findings.push(Finding::new(Check::C5, &log.tp, value, detail));
    }
}

fn one_leader_per_epoch(log: &Log, findings: &mut Vec<Finding>) {
    let mut leaders: BTreeMap<i32, BTreeSet<i32>> = BTreeMap::new();
    // Without a leader (-1) an epoch is nobody's.
    for seen in log.leaders.iter().filter(|seen| seen.leader >= 0) {
        leaders.entry(seen.epoch).or_default().insert(seen.leader);
        if !seen.isr.contains(&seen.leader) {
            let (epoch, leader) = (seen.epoch, seen.leader);
            let detail = format!(
                "{leader} leads epoch {epoch}, but in sync are {:?}",
                seen.isr
            );
            findings.push(Finding::new(
                Check::C20,
                &log.tp,
                format!("isr {epoch}"),
                detail,
            ));
        }
    }
    for (epoch, nodes) in leaders.iter().filter(|(_, nodes)| nodes.len() > 1) {
        let detail = format!("epoch {epoch} has the leaders {nodes:?}");
        findings.push(Finding::new(
            Check::C20,
            &log.tp,
            format!("leaders {epoch}"),
            detail,
        ));
    }
}

fn epochs_never_go_down(log: &Log, findings: &mut Vec<Finding>) {
    let mut epochs: BTreeMap<i64, BTreeSet<i32>> = BTreeMap::new();
    for seen in log.all_seen().filter(|seen| seen.epoch >= 0) {
        epochs.entry(seen.offset).or_default().insert(seen.epoch);
    }
    let mut highest = i32::MIN;
    for (offset, epochs) in &epochs {
        let (Some(first), Some(last)) = (epochs.first(), epochs.last()) else {
            continue;
        };
        if *first < highest {
            let detail = format!("epoch {first} at offset {offset} follows epoch {highest}");
            findings.push(Finding::new(
                Check::C20,
                &log.tp,
                format!("epoch at {offset}"),
                detail,
            ));
        }
        if first != last {
            let detail = format!("offset {offset} was read with epochs {epochs:?}");
            findings.push(Finding::new(
                Check::C20,
                &log.tp,
                format!("epochs at {offset}"),
                detail,
            ));
        }
        highest = highest.max(*last);
    }
}
