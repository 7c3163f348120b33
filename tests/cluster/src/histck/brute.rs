//! The checks once more, word by word and without regard to time, against random histories.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::Check;
use crate::history::{Event, Phase, Seen, Tp, Value, What};

type Found = BTreeSet<(Check, String)>;

#[derive(Debug, Clone)]
struct Sent {
    value: Value,
    client: u32,
    begins: u64,
    ends: Option<(u64, Phase, Option<i64>)>,
}

/// Everything, gathered with plain loops.
#[derive(Default)]
struct All {
    sends: Vec<Sent>,
    /// Reader, start, what it was given.
    runs: Vec<(u32, i64, Vec<Seen>)>,
    scans: Vec<(i32, i64, i64, Vec<Seen>)>,
}

fn gather(history: &[Event]) -> All {
    let mut all = All::default();
    for event in history {
        match &event.what {
            What::Send {
                phase: Phase::Invoke,
                value,
                ..
            } => all.sends.push(Sent {
                value: *value,
                client: event.client,
                begins: event.t_ns,
                ends: None,
            }),
            What::Send {
                phase,
                value,
                offset,
                ..
            } => {
                for send in &mut all.sends {
                    if send.value == *value {
                        send.ends = Some((event.t_ns, *phase, *offset));
                    }
                }
            }
            What::Assign { offset, .. } => all.runs.push((event.client, *offset, Vec::new())),
            What::Poll { records, .. } => {
                let mut mine = all.runs.iter_mut().rev();
                if let Some(run) = mine.find(|run| run.0 == event.client) {
                    run.2.extend(records);
                }
            }
            What::Scan {
                replica,
                from,
                to,
                records,
                ..
            } => {
                all.scans.push((*replica, *from, *to, records.clone()));
            }
            _ => {}
        }
    }
    all
}

impl All {
    fn seen(&self) -> Vec<Seen> {
        let mut seen: Vec<Seen> = self.runs.iter().flat_map(|run| run.2.clone()).collect();
        seen.extend(self.scans.iter().flat_map(|scan| scan.3.clone()));
        seen
    }

    fn acked(&self) -> Vec<(Value, u32, u64, u64, Option<i64>)> {
        let acked = |s: &Sent| match s.ends {
            Some((t, Phase::Ok, offset)) => Some((s.value, s.client, s.begins, t, offset)),
            _ => None,
        };
        self.sends.iter().filter_map(acked).collect()
    }

    fn placed(&self) -> Vec<(i64, Value)> {
        let mut placed: Vec<_> = self.seen().iter().map(|s| (s.offset, s.value)).collect();
        placed.extend(self.acked().iter().filter_map(|a| Some((a.4?, a.0))));
        placed
    }
}

fn brute(history: &[Event]) -> Found {
    let all = gather(history);
    let mut found = Found::new();
    for (offset, value) in all.placed() {
        for (other_offset, other) in all.placed() {
            if offset == other_offset && value != other {
                found.insert((Check::C1, offset.to_string()));
            }
            if offset != other_offset && value == other {
                found.insert((Check::C2, value.to_string()));
            }
        }
    }
    for seen in all.seen() {
        let send = all.sends.iter().find(|send| send.value == seen.value);
        let phase = send.map(|send| send.ends.map_or(Phase::Info, |end| end.1));
        if matches!(phase, None | Some(Phase::Fail)) {
            found.insert((Check::C5, seen.value.to_string()));
        }
    }
    lost(&all, &mut found);
    read_in_order(&all, &mut found);
    written_in_order(&all, &mut found);
    found
}

fn lost(all: &All, found: &mut Found) {
    for (value, _, _, _, offset) in all.acked() {
        let is_read = all.seen().iter().any(|seen| seen.value == value);
        let of_run = |run: &(u32, i64, Vec<Seen>), at: i64| {
            at >= run.1 && run.2.iter().any(|seen| seen.offset >= at)
        };
        if let Some(at) = offset {
            let by_run = all.runs.iter().any(|run| of_run(run, at));
            let by_scan = all.scans.iter().any(|scan| at >= scan.1 && at < scan.2);
            if !is_read && (by_run || by_scan) {
                found.insert((Check::C3, value.to_string()));
            }
        }
        for (replica, from, _, records) in &all.scans {
            let expected = offset.map_or(*from == 0, |offset| offset >= *from);
            if expected && !records.iter().any(|seen| seen.value == value) {
                found.insert((Check::C4, format!("{value} in {replica}")));
            }
        }
    }
}

fn read_in_order(all: &All, found: &mut Found) {
    for (client, start, seen) in &all.runs {
        let mut expected = *start;
        for one in seen {
            let passed = all
                .seen()
                .iter()
                .any(|other| other.offset >= expected && other.offset < one.offset);
            if one.offset < expected || passed {
                found.insert((Check::C7, format!("{client} at {}", one.offset)));
            }
            expected = one.offset + 1;
        }
        for (replica, from, _, records) in &all.scans {
            for one in seen.iter().filter(|one| one.offset >= *from) {
                let is_there =
                    |other: &Seen| other.offset == one.offset && other.value == one.value;
                if !records.iter().any(is_there) {
                    found.insert((Check::C14, format!("{} in {replica}", one.offset)));
                }
            }
        }
    }
}

fn written_in_order(all: &All, found: &mut Found) {
    let acked: Vec<_> = all
        .acked()
        .into_iter()
        .filter_map(|a| Some((a.0, a.1, a.2, a.3, a.4?)))
        .collect();
    for (at, later) in acked.iter().enumerate() {
        let before = acked[..at].iter().rev().find(|before| before.1 == later.1);
        if before.is_some_and(|before| before.4 >= later.4) {
            found.insert((Check::C10, later.0.to_string()));
        }
        let is_wrong =
            |earlier: &&(Value, u32, u64, u64, i64)| earlier.3 < later.2 && earlier.4 >= later.4;
        if acked.iter().any(|earlier| is_wrong(&earlier)) {
            found.insert((Check::C15, later.0.to_string()));
        }
    }
}

/// Kind, client, phase, offset, records.
type Step = (u8, u32, u8, i64, Vec<(i64, u64)>);

/// Few values, few offsets, few clients: almost every history is wrong in some way.
fn step() -> impl Strategy<Value = Step> {
    let records = prop::collection::vec((0_i64..6, 1_u64..8), 0..4);
    (0_u8..9, 1_u32..4, 0_u8..4, 0_i64..6, records)
}

fn build(steps: Vec<Step>, picks: &[Index]) -> Vec<Event> {
    let tp: Tp = "p-0".into();
    let mut open: Vec<(u32, Value)> = Vec::new();
    let mut events = Vec::new();
    let mut next_value = 1;
    for (at, (kind, client, phase, offset, records)) in steps.into_iter().enumerate() {
        let t_ns = u64::try_from(at).expect("small") / 2;
        let mut seen: Vec<Seen> = Vec::new();
        for (offset, value) in records {
            if seen.iter().all(|other| other.offset != offset) {
                seen.push(Seen {
                    offset,
                    epoch: 0,
                    value,
                });
            }
        }
        let tp = Tp::clone(&tp);
        let (client, what) = match kind {
            0..=2 => {
                let value = next_value;
                next_value += 1;
                open.push((client, value));
                (
                    client,
                    What::Send {
                        phase: Phase::Invoke,
                        tp,
                        value,
                        offset: None,
                    },
                )
            }
            3..=5 if !open.is_empty() => {
                let (client, value) = open.remove(picks[at % picks.len()].index(open.len()));
                let phase = [Phase::Ok, Phase::Ok, Phase::Fail, Phase::Info][usize::from(phase)];
                let offset = (phase == Phase::Ok && records_known(offset)).then_some(offset);
                (
                    client,
                    What::Send {
                        phase,
                        tp,
                        value,
                        offset,
                    },
                )
            }
            6 => (
                client + 10,
                What::Assign {
                    tp,
                    offset: offset / 3,
                },
            ),
            7 => (client + 10, What::Poll { tp, records: seen }),
            _ => {
                let (from, to) = (offset / 4, 6);
                seen.retain(|one| one.offset >= from);
                let replica = i32::try_from(at).expect("small");
                (
                    0,
                    What::Scan {
                        tp,
                        replica,
                        from,
                        to,
                        records: seen,
                    },
                )
            }
        };
        events.push(Event { t_ns, client, what });
    }
    events
}

/// Offset 5 stands for an answer without one.
fn records_known(offset: i64) -> bool {
    offset < 5
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_checker_finds_what_plain_loops_find(
        steps in prop::collection::vec(step(), 0..40),
        picks in prop::collection::vec(any::<Index>(), 1..8),
    ) {
        let history = build(steps, &picks);
        let found: Found = super::check(&history)
            .into_iter()
            .map(|finding| (finding.check, finding.subject))
            .collect();
        prop_assert_eq!(found, brute(&history));
    }
}
