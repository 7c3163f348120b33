//! Every record that was handed over, and what was said about it. Records of one partition are
//! numbered from 0 without a gap, so the number is the place in the ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use types::{Offset, PartitionIndex};

/// No drill writes more.
pub(super) const RECORDS_MAX: usize = 20_000_000;

/// What is known about one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing yet.
    None,
    /// It is written, at this offset (-1 if the broker did not tell), as of this time.
    Acked { offset: Offset, at: Duration },
    /// The producer gave up. The record may be there or not.
    Failed { at: Duration },
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// When it was handed over.
    pub(super) sent: Duration,
    /// What became of it.
    pub(super) answer: Answer,
}

impl Entry {
    /// When it was acknowledged.
    pub(super) fn acked_at(&self) -> Option<Duration> {
        match self.answer {
            Answer::Acked { at, .. } => Some(at),
            _ => None,
        }
    }
}

/// One partition's records, by sequence number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PartitionLedger {
    /// Where the log ended before the first one.
    pub(super) start_offset: Offset,
    /// The records.
    pub(super) entries: Vec<Entry>,
}

impl PartitionLedger {
    /// The next record's number.
    pub(super) fn next_sequence(&self) -> u64 {
        self.entries.len() as u64
    }

    /// When acknowledgements came, in order.
    pub(super) fn ack_times(&self) -> Vec<Duration> {
        let mut times: Vec<_> = self.entries.iter().filter_map(Entry::acked_at).collect();
        times.sort_unstable();
        times
    }

    /// How many were acknowledged.
    pub(super) fn acked_count(&self) -> u64 {
        self.entries
            .iter()
            .filter(|entry| entry.acked_at().is_some())
            .count() as u64
    }

    /// The numbers of acknowledged records as ranges, both ends inclusive.
    pub(super) fn acked_ranges(&self) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (sequence, entry) in (0..).zip(&self.entries) {
            if entry.acked_at().is_none() {
                continue;
            }
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == sequence => *last = sequence,
                _ => ranges.push((sequence, sequence)),
            }
        }
        ranges
    }
}

/// All partitions.
pub(super) type Ledger = BTreeMap<PartitionIndex, PartitionLedger>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledged_numbers_become_ranges() {
        let acked = Answer::Acked {
            offset: 7,
            at: Duration::ZERO,
        };
        let failed = Answer::Failed { at: Duration::ZERO };
        let answers = [acked, acked, failed, acked, Answer::None, acked];
        let entries = answers.map(|answer| Entry {
            sent: Duration::ZERO,
            answer,
        });
        let ledger = PartitionLedger {
            start_offset: 0,
            entries: entries.into(),
        };
        assert_eq!(ledger.acked_ranges(), [(0, 1), (3, 3), (5, 5)]);
        assert_eq!(ledger.acked_count(), 4);
    }
}
