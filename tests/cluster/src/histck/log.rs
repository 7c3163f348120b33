//! A history seen partition by partition.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::history::{Event, Phase, Seen, Tp, Value, What};

/// All partitions of a history.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pub(super) logs: BTreeMap<Tp, Log>,
}

/// Everything that is known of one partition.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) tp: Tp,
    /// In the order of their invocation.
    pub(super) sends: Vec<Send>,
    pub(super) runs: Vec<Run>,
    pub(super) scans: Vec<Scan>,
    /// Positions that readers were told do not exist.
    pub(super) out_of_range: Vec<i64>,
    pub(super) ends: Vec<End>,
    pub(super) leaders: Vec<Leadership>,
    /// Who was where, by readers, scans and acknowledgements.
    pub(super) placed: BTreeMap<i64, BTreeSet<Value>>,
    /// What readers and scans were given.
    pub(super) read: BTreeMap<i64, BTreeSet<Value>>,
}

#[derive(Debug)]
pub(super) struct Send {
    pub(super) client: u32,
    pub(super) value: Value,
    pub(super) invoked_ns: u64,
    /// How it ended and when; sends that never ended are `Info`.
    pub(super) phase: Phase,
    pub(super) ended_ns: u64,
    pub(super) offset: Option<i64>,
}

/// What one reader was given from one assignment to the next.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) client: u32,
    pub(super) start: i64,
    pub(super) seen: Vec<Seen>,
}

#[derive(Debug)]
pub(super) struct Scan {
    pub(super) replica: i32,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) records: BTreeMap<i64, Seen>,
}

/// An answer to the question for the end.
#[derive(Debug)]
pub(super) struct End {
    pub(super) invoked_ns: u64,
    pub(super) offset: i64,
}

#[derive(Debug)]
pub(super) struct Leadership {
    pub(super) epoch: i32,
    pub(super) leader: i32,
    pub(super) isr: Vec<i32>,
}

impl Send {
    /// Acknowledged.
    pub(super) fn is_ok(&self) -> bool {
        self.phase == Phase::Ok
    }

    /// Acknowledged, and where.
    pub(super) fn acked_offset(&self) -> Option<i64> {
        self.offset.filter(|_| self.is_ok())
    }
}

impl Log {
    fn new(tp: Tp) -> Self {
        Self {
            tp,
            sends: Vec::new(),
            runs: Vec::new(),
            scans: Vec::new(),
            out_of_range: Vec::new(),
            ends: Vec::new(),
            leaders: Vec::new(),
            placed: BTreeMap::new(),
            read: BTreeMap::new(),
        }
    }

    /// Values that readers or scans were given, anywhere.
    pub(super) fn read_values(&self) -> BTreeSet<Value> {
        self.read.values().flatten().copied().collect()
    }

    /// Everything that readers and scans were given.
    pub(super) fn all_seen(&self) -> impl Iterator<Item = &Seen> {
        let polled = self.runs.iter().flat_map(|run| &run.seen);
        polled.chain(self.scans.iter().flat_map(|scan| scan.records.values()))
    }

    fn place(&mut self) {
        let seen: Vec<Seen> = self.all_seen().copied().collect();
        for seen in seen {
            self.read.entry(seen.offset).or_default().insert(seen.value);
        }
        self.placed = self.read.clone();
        for send in &self.sends {
            if let Some(offset) = send.acked_offset() {
                self.placed.entry(offset).or_default().insert(send.value);
            }
        }
    }
}

/// What is still open while a history is gone through.
#[derive(Debug, Default)]
struct Open {
    /// Where a value's send is, by partition.
    sends: HashMap<(Tp, Value), usize>,
    /// The current run of a reader.
    runs: HashMap<(Tp, u32), usize>,
    /// When a client asked for the end.
    ends: HashMap<(Tp, u32), u64>,
}

impl Logs {
    /// Goes through a history once.
    pub(super) fn new(history: &[Event]) -> Self {
        let mut logs = Self::default();
        let mut open = Open::default();
        for event in history {
            logs.take(event, &mut open);
        }
        logs.logs.values_mut().for_each(Log::place);
        logs
    }

    fn log(&mut self, tp: &Tp) -> &mut Log {
        let new = || Log::new(Tp::clone(tp));
        self.logs.entry(Tp::clone(tp)).or_insert_with(new)
    }

    fn take(&mut self, event: &Event, open: &mut Open) {
        match &event.what {
            What::Send {
                phase,
                tp,
                value,
                offset,
            } => self.take_send(event, *phase, tp, *value, *offset, open),
            What::Assign { tp, offset } => {
                let runs = &mut self.log(tp).runs;
                open.runs.insert((Tp::clone(tp), event.client), runs.len());
                runs.push(Run {
                    client: event.client,
                    start: *offset,
                    seen: Vec::new(),
                });
            }
            What::Poll { tp, records } => {
                let run = open.runs.get(&(Tp::clone(tp), event.client)).copied();
                let runs = &mut self.log(tp).runs;
                if let Some(run) = run.and_then(|at| runs.get_mut(at)) {
                    run.seen.extend(records);
                }
            }
            What::OutOfRange { tp, offset } => self.log(tp).out_of_range.push(*offset),
            What::EndOffset { phase, tp, offset } => {
                let key = (Tp::clone(tp), event.client);
                match (phase, offset) {
                    (Phase::Invoke, _) => drop(open.ends.insert(key, event.t_ns)),
                    (Phase::Ok, Some(offset)) => {
                        let invoked_ns = open.ends.remove(&key).unwrap_or(event.t_ns);
                        let offset = *offset;
                        self.log(tp).ends.push(End { invoked_ns, offset });
                    }
                    _ => drop(open.ends.remove(&key)),
                }
            }
            What::Scan {
                tp,
                replica,
                from,
                to,
                records,
            } => self.log(tp).scans.push(Scan {
                replica: *replica,
                from: *from,
                to: *to,
                records: records.iter().map(|seen| (seen.offset, *seen)).collect(),
            }),
            What::Leader {
                tp,
                epoch,
                leader,
                isr,
            } => self.log(tp).leaders.push(Leadership {
                epoch: *epoch,
                leader: *leader,
                isr: isr.clone(),
            }),
            What::Topic { .. }
            | What::Error { .. }
            | What::Fault { .. }
            | What::Member { .. }
            | What::Owns { .. }
            | What::Commit { .. }
            | What::Committed { .. }
            | What::Owners { .. } => {}
        }
    }

    fn take_send(
        &mut self,
        event: &Event,
        phase: Phase,
        tp: &Tp,
        value: Value,
        offset: Option<i64>,
        open: &mut Open,
    ) {
        let key = (Tp::clone(tp), value);
        let sends = &mut self.log(tp).sends;
        if phase == Phase::Invoke {
            open.sends.insert(key, sends.len());
            sends.push(Send {
                client: event.client,
                value,
                invoked_ns: event.t_ns,
                phase: Phase::Info,
                ended_ns: u64::MAX,
                offset: None,
            });
        } else if let Some(send) = open.sends.remove(&key).and_then(|at| sends.get_mut(at)) {
            send.phase = phase;
            send.ended_ns = event.t_ns;
            send.offset = offset.filter(|offset| *offset >= 0);
        }
    }
}
