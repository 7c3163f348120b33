//! The part of the log that no snapshot covers yet, in memory.
//!
//! Snapshots bound it by entries and by bytes, so that Raft, restarts and the metadata tail read
//! without touching the disk.
//!
//! ```text
//! purged < first … applied … last < next
//! ```

use std::collections::VecDeque;

use bytes::Bytes;

use super::durable::Recovered;
use super::raft_types::{Entry, LogId, effective_records, size_bytes};

/// Consecutive entries. Shared behind a short lock between Raft, which writes, and readers.
#[derive(Debug, Default)]
pub(crate) struct MemoryLog {
    purged: Option<LogId>,
    entries: VecDeque<Entry>,
}

impl MemoryLog {
    pub(crate) fn of(recovered: &Recovered) -> Self {
        Self {
            purged: recovered.purged,
            entries: recovered.entries.iter().cloned().collect(),
        }
    }

    pub(crate) const fn purged(&self) -> Option<LogId> {
        self.purged
    }

    pub(crate) fn last_log_id(&self) -> Option<LogId> {
        self.entries.back().map(|e| e.log_id).or(self.purged)
    }

    /// Index of the first entry that is, or will be, here.
    pub(crate) fn first_index(&self) -> u64 {
        self.entries.front().map_or_else(
            || self.purged.map_or(0, |id| id.index + 1),
            |e| e.log_id.index,
        )
    }

    pub(crate) fn append(&mut self, entry: Entry) {
        // The very first append may start anywhere: a snapshot has come in its place.
        let follows = self.entries.back().map(|last| last.log_id.index + 1);
        assert!(
            follows.is_none_or(|next| next == entry.log_id.index),
            "raft appends without gaps"
        );
        self.entries.push_back(entry);
    }

    pub(crate) fn truncate(&mut self, from: u64) {
        let keep = from.saturating_sub(self.first_index());
        self.entries.truncate(to_len(keep));
    }

    pub(crate) fn purge(&mut self, upto: LogId) {
        let gone = (upto.index + 1).saturating_sub(self.first_index());
        let gone = to_len(gone).min(self.entries.len());
        self.entries.drain(..gone);
        self.purged = self.purged.max(Some(upto));
    }

    /// Entries with `from ≤ index < until`, those that are here, at least one and then as many as
    /// fit into `bytes_max`.
    pub(crate) fn read(&self, from: u64, until: u64, bytes_max: usize) -> Vec<Entry> {
        let mut read = Vec::new();
        let mut bytes = 0_usize;
        for entry in self.from(from).take_while(|e| e.log_id.index < until) {
            bytes = bytes.saturating_add(size_bytes(entry));
            if !read.is_empty() && bytes > bytes_max {
                break;
            }
            read.push(entry.clone());
        }
        read
    }

    /// What the entries from `from` to `upto`, inclusive, bring into effect. `None` if the first of
    /// them is gone.
    pub(crate) fn effects(&self, from: u64, upto: u64, bytes_max: usize) -> Option<Vec<Bytes>> {
        if from < self.first_index() {
            return None;
        }
        let mut effects = Vec::new();
        let mut bytes = 0_usize;
        for entry in self.from(from).take_while(|e| e.log_id.index <= upto) {
            bytes = bytes.saturating_add(size_bytes(entry));
            if !effects.is_empty() && bytes > bytes_max {
                break;
            }
            effects.push(effective_records(entry));
        }
        Some(effects)
    }

    fn from(&self, index: u64) -> impl Iterator<Item = &Entry> {
        let skip = to_len(index.saturating_sub(self.first_index())).min(self.entries.len());
        self.entries.range(skip..)
    }
}

fn to_len(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::testing::{entry, log_id};

    fn log(entries: std::ops::Range<u64>) -> MemoryLog {
        let mut log = MemoryLog::default();
        for index in entries {
            log.append(entry(1, index, 100));
        }
        log
    }

    fn indexes(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|e| e.log_id.index).collect()
    }

    #[test]
    fn truncate_and_purge_take_from_either_end() {
        let mut log = log(0..10);
        log.truncate(8);
        log.purge(log_id(1, 2));
        assert_eq!(
            (log.first_index(), log.last_log_id()),
            (3, Some(log_id(1, 7)))
        );
        assert_eq!(indexes(&log.read(0, 5, usize::MAX)), [3, 4]);
        log.purge(log_id(1, 20));
        assert_eq!(
            (log.first_index(), log.last_log_id()),
            (21, Some(log_id(1, 20)))
        );
        log.append(entry(2, 21, 0));
        assert_eq!(indexes(&log.read(21, 99, usize::MAX)), [21]);
    }

    #[test]
    fn a_read_is_bounded_but_never_empty() {
        let log = log(0..10);
        assert_eq!(indexes(&log.read(4, 9, 1)), [4]);
        assert_eq!(indexes(&log.read(4, 9, 400)), [4, 5]);
        assert!(log.read(10, 12, 400).is_empty());
    }

    #[test]
    fn effects_of_purged_entries_are_no_longer_known() {
        let mut log = log(0..10);
        log.purge(log_id(1, 2));
        assert_eq!(log.effects(2, 9, usize::MAX), None);
        assert_eq!(log.effects(3, 5, usize::MAX).map(|e| e.len()), Some(3));
        assert_eq!(log.effects(10, 9, usize::MAX), Some(Vec::new()));
    }

    #[test]
    fn a_decision_in_another_place_has_no_effect() {
        let mut log = MemoryLog::default();
        let mut moved = entry(1, 0, 100);
        log.append(entry(1, 0, 100));
        moved.log_id = log_id(2, 1);
        log.append(moved);
        let effects = log.effects(0, 1, usize::MAX).expect("present");
        assert_eq!(effects.iter().map(Bytes::len).collect::<Vec<_>>(), [100, 0]);
    }
}
