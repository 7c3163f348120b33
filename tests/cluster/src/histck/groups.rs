//! Groups: C13, C16 and C17.
//!
//! A group's place in a partition only ever grows here: members begin at the start, commit what they
//! have read, and nobody sets it back. A member that is cut off or stands still may try to commit what
//! is old; whoever lets it is at fault.
//!
//! The history may learn of a commit a little after it happened, never before: members are processes
//! whose words are read from a pipe.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::log::Logs;
use super::{Check, Finding};
use crate::history::{Event, Phase, Tp, What};

/// A group's place in a partition.
type Key = (Tp, Tp);

pub(super) fn check(history: &[Event], logs: &Logs, findings: &mut Vec<Finding>) {
    let places = Places::new(history, findings);
    owners(history, findings);
    at_least_once(history, &places, logs, findings);
}

#[derive(Debug, Default)]
struct Place {
    /// Everything that somebody wanted to commit.
    attempts: BTreeSet<i64>,
    /// The furthest acknowledged commit so far.
    acked: Option<i64>,
    /// The furthest place that somebody was told so far.
    told: Option<i64>,
}

#[derive(Debug, Default)]
struct Places {
    places: BTreeMap<Key, Place>,
}

impl Places {
    /// Goes through all commits and questions: C16.
    fn new(history: &[Event], findings: &mut Vec<Finding>) -> Self {
        let mut places = Self::default();
        // What was certain when a commit or a question began.
        let mut begun: HashMap<(u32, bool, Key), Option<i64>> = HashMap::new();
        let mut answers = Vec::new();
        for event in history {
            let (is_commit, phase, key, offset) = match &event.what {
                What::Commit {
                    phase,
                    group,
                    tp,
                    offset,
                } => (
                    true,
                    *phase,
                    (Tp::clone(group), Tp::clone(tp)),
                    Some(*offset),
                ),
                What::Committed {
                    phase,
                    group,
                    tp,
                    offset,
                } => (false, *phase, (Tp::clone(group), Tp::clone(tp)), *offset),
                _ => continue,
            };
            let place = places.places.entry(key.clone()).or_default();
            let who = (event.client, is_commit, key.clone());
            if phase == Phase::Invoke {
                if let Some(offset) = offset.filter(|_| is_commit) {
                    place.attempts.insert(offset);
                }
                begun.insert(who, place.acked.max(place.told));
                continue;
            }
            let certain = begun.remove(&who).flatten();
            if phase != Phase::Ok {
                continue;
            }
            if offset < certain {
                findings.push(went_back(&key, is_commit, offset, certain));
            }
            match is_commit {
                true => place.acked = place.acked.max(offset),
                false => place.told = place.told.max(offset),
            }
            if let Some(offset) = offset.filter(|_| !is_commit) {
                answers.push((key, offset));
            }
        }
        for (key, offset) in answers {
            let place = places.places.get(&key);
            if place.is_none_or(|place| !place.attempts.contains(&offset)) {
                let detail = format!("group {} is at {offset}, which nobody has committed", key.0);
                findings.push(Finding::new(Check::C16, &key.1, offset, detail));
            }
        }
        places
    }
}

fn went_back(key: &Key, is_commit: bool, offset: Option<i64>, certain: Option<i64>) -> Finding {
    let (group, tp) = key;
    let said = |place: Option<i64>| place.map_or("nowhere".to_owned(), |place| place.to_string());
    let did = match is_commit {
        true => "had a commit acknowledged of",
        false => "is at",
    };
    let (now, before) = (said(offset), said(certain));
    let detail = format!("group {group} was at {before} and {did} {now}");
    Finding::new(Check::C16, tp, format!("{group} {now} {before}"), detail)
}

/// C17.
fn owners(history: &[Event], findings: &mut Vec<Finding>) {
    let mut owner: HashMap<(&Tp, i32, &Tp), u32> = HashMap::new();
    let mut reached: HashMap<(&Tp, u32), i32> = HashMap::new();
    for event in history {
        match &event.what {
            What::Owns {
                group,
                generation: Some(generation),
                tps,
            } if *generation > 0 => {
                let last = reached.insert((group, event.client), *generation);
                if last.is_some_and(|last| last > *generation) {
                    let member = event.client;
                    let detail = format!("member {member} went from {last:?} to {generation}");
                    let subject = format!("{member} {generation}");
                    findings.push(Finding::new(Check::C17, group, subject, detail));
                }
                for tp in tps {
                    let first = *owner
                        .entry((group, *generation, tp))
                        .or_insert(event.client);
                    if first != event.client {
                        let (second, tp) = (event.client, tp);
                        let detail = format!(
                            "generation {generation} gives {tp} to members {first} and {second}"
                        );
                        let subject = format!("{tp} {generation}");
                        findings.push(Finding::new(Check::C17, group, subject, detail));
                    }
                }
            }
            What::Owners { group, members } => {
                let mut seen: HashSet<&Tp> = HashSet::new();
                for (member, tp) in members
                    .iter()
                    .flat_map(|(m, tps)| tps.iter().map(move |t| (m, t)))
                {
                    if !seen.insert(tp) {
                        let detail = format!("{tp} belongs to {member} and to another member");
                        findings.push(Finding::new(Check::C17, group, tp, detail));
                    }
                }
            }
            _ => {}
        }
    }
}

/// C13: whatever lies below a group's place was given to one of its members.
fn at_least_once(history: &[Event], places: &Places, logs: &Logs, findings: &mut Vec<Finding>) {
    let mut group_of: HashMap<u32, &Tp> = HashMap::new();
    let mut given: HashMap<Key, BTreeSet<i64>> = HashMap::new();
    for event in history {
        match &event.what {
            What::Member { group } => drop(group_of.insert(event.client, group)),
            What::Poll { tp, records } => {
                if let Some(group) = group_of.get(&event.client) {
                    let given = given.entry((Tp::clone(group), Tp::clone(tp))).or_default();
                    given.extend(records.iter().map(|seen| seen.offset));
                }
            }
            _ => {}
        }
    }
    let none = BTreeSet::new();
    for (key, place) in &places.places {
        let Some(end) = place.acked.max(place.told) else {
            continue;
        };
        let given = given.get(key).unwrap_or(&none);
        let Some(log) = logs.logs.get(&key.1) else {
            continue;
        };
        for (offset, _) in log
            .placed
            .range(..end)
            .filter(|(at, _)| !given.contains(at))
        {
            let group = &key.0;
            let detail = format!("group {group} is at {end} and was never given {offset}");
            findings.push(Finding::new(
                Check::C13,
                &key.1,
                format!("{group} {offset}"),
                detail,
            ));
        }
    }
}
