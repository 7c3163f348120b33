//! Numbers of a run: C22 and C23.

use std::collections::{BTreeMap, HashMap};

use crate::history::{Event, Phase, Tp, Value, What};

/// Numbers of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records handed to producers.
    pub sent: usize,
    /// Acknowledged.
    pub acked: usize,
    /// Refused for sure.
    pub failed: usize,
    /// With an unknown end.
    pub unknown: usize,
    /// Records given to readers.
    pub polled: usize,
    /// Commits of groups' places that were acknowledged.
    pub committed: usize,
    /// Answers to the question where a group is.
    pub asked: usize,
    /// Longest time without an acknowledgement in a partition that was being written to.
    pub gap_ns: u64,
    /// Where that was.
    pub gap_tp: Option<Tp>,
    /// From the acknowledgement of a record to its first reader, at the longest.
    pub lag_ns: u64,
    /// What producers heard instead of an acknowledgement, and how often.
    pub errors: BTreeMap<Tp, usize>,
    /// Faults: what was broken, how often.
    pub faults: BTreeMap<Tp, usize>,
}

/// Counts a history. Gaps count in partitions that are written to all the time.
#[must_use]
pub fn figures(history: &[Event], is_steady: impl Fn(&Tp) -> bool) -> Figures {
    let mut figures = Figures::default();
    let mut first_read: HashMap<Value, u64> = HashMap::new();
    for event in history {
        match &event.what {
            What::Send { phase, .. } => match phase {
                Phase::Invoke => figures.sent += 1,
                Phase::Ok => figures.acked += 1,
                Phase::Fail => figures.failed += 1,
                Phase::Info => figures.unknown += 1,
            },
            What::Poll { records, .. } => {
                figures.polled += records.len();
                for seen in records {
                    first_read.entry(seen.value).or_insert(event.t_ns);
                }
            }
            What::Commit {
                phase: Phase::Ok, ..
            } => figures.committed += 1,
            What::Committed {
                phase: Phase::Ok, ..
            } => figures.asked += 1,
            What::Error { text } => *figures.errors.entry(Tp::clone(text)).or_default() += 1,
            What::Fault { name, is_over } if !is_over => {
                *figures.faults.entry(Tp::clone(name)).or_default() += 1;
            }
            _ => {}
        }
    }
    for gap in gaps(history, 0, u64::MAX) {
        if gap.ns > figures.gap_ns && is_steady(&gap.tp) {
            (figures.gap_ns, figures.gap_tp) = (gap.ns, Some(gap.tp));
        }
    }
    for event in history {
        if let What::Send {
            phase: Phase::Ok,
            value,
            ..
        } = &event.what
            && let Some(read_ns) = first_read.get(value)
        {
            figures.lag_ns = figures.lag_ns.max(read_ns.saturating_sub(event.t_ns));
        }
    }
    figures
}

/// The longest time without an acknowledgement in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which.
    pub tp: Tp,
    /// How long.
    pub ns: u64,
}

/// For each partition its longest time without an acknowledgement that touches this window. From the
/// first send on; after the last one nobody waits for anything.
#[must_use]
pub fn gaps(history: &[Event], from_ns: u64, to_ns: u64) -> Vec<Gap> {
    struct Series {
        last_ns: u64,
        waiting: usize,
        longest_ns: u64,
    }
    let mut all: BTreeMap<Tp, Series> = BTreeMap::new();
    for event in history {
        let What::Send { phase, tp, .. } = &event.what else {
            continue;
        };
        let series = all.entry(Tp::clone(tp)).or_insert(Series {
            last_ns: event.t_ns,
            waiting: 0,
            longest_ns: 0,
        });
        match phase {
            // Nobody was waiting: the gap begins with this send.
            Phase::Invoke => {
                if series.waiting == 0 {
                    series.last_ns = series.last_ns.max(event.t_ns);
                }
                series.waiting += 1;
                continue;
            }
            Phase::Ok | Phase::Info => {
                if event.t_ns >= from_ns && series.last_ns <= to_ns {
                    series.longest_ns = series.longest_ns.max(event.t_ns - series.last_ns);
                }
                if *phase == Phase::Ok {
                    series.last_ns = event.t_ns;
                }
            }
            Phase::Fail => {}
        }
        series.waiting = series.waiting.saturating_sub(1);
    }
    let gap = |(tp, series): (Tp, Series)| Gap {
        tp,
        ns: series.longest_ns,
    };
    all.into_iter().map(gap).collect()
}

#[cfg(test)]
mod tests {
    use super::super::script::history;
    use super::*;

    #[test]
    fn a_gap_is_counted_from_the_send_that_nobody_answered() {
        let events = history(
            "send 1 p a\n ok a 0\n wait 500\n send 1 p b\n wait 40\n ok b 1\n send 1 p c\n ok c 2",
        );
        assert_eq!(figures(&events, |_| true).gap_ns, 41_000_000);
        assert_eq!(figures(&events, |_| true).acked, 3);
    }

    #[test]
    fn gaps_outside_the_window_do_not_count() {
        let events = history("send 1 p a\n wait 90\n ok a 0\n send 1 p b\n wait 9\n ok b 1");
        let ns = |from, to| gaps(&events, from, to)[0].ns;
        assert_eq!(ns(0, u64::MAX), 91_000_000);
        assert_eq!(ns(95_000_000, u64::MAX), 10_000_000);
    }
}
