//! What stays of a batch. No files here.
//!
//! | record | stays |
//! |---|---|
//! | beyond the end of this round | yes |
//! | without key | no |
//! | a later record has its key | no |
//! | with a value | yes |
//! | tombstone | until the delete horizon, which the first round it takes part in puts into the batch |
//!
//! A batch that loses all records goes, unless it is the last of an active producer, whose sequence
//! numbers it keeps, or the last of its group: every segment still ends where the next one begins, and
//! whoever copies or reads the log gets to its end.
//!
//! Transactions: control batches stay for ever. A record of a transaction may have been aborted, so it
//! takes the place of no earlier record, and its tombstones stay; a later record from outside
//! transactions takes its place as any other's. What that keeps too much of is no longer kept once
//! aborted transactions are known here.

use std::collections::HashMap;

use protocol::records::{BatchHeader, KeyedRecord};
use types::{Offset, ProducerId, TimestampMs};

use super::key_map::KeyMap;

/// One round of compaction, as the batches see it.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) keys: KeyMap,
    /// Where the keys end. Exclusive.
    pub(super) end_offset: Offset,
    pub(super) now_ms: TimestampMs,
    pub(super) delete_retention_ms: i64,
}

/// What becomes of a batch, before its records are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It stays as it is.
    Keep,
    /// Its records decide.
    Sift,
}

impl Round {
    /// Whether the records of a batch matter at all.
    pub(super) fn verdict(&self, header: &BatchHeader) -> Verdict {
        if header.is_control() || header.base_offset >= self.end_offset {
            Verdict::Keep
        } else {
            Verdict::Sift
        }
    }

    /// Whether a record of a batch that is sifted stays.
    pub(super) fn keeps(&self, header: &BatchHeader, record: &KeyedRecord<'_>) -> bool {
        if record.offset >= self.end_offset {
            return true;
        }
        let Some(key) = record.key else {
            return false;
        };
        if self.keys.get(key).is_some_and(|last| last > record.offset) {
            return false;
        }
        record.has_value
            || header.is_transactional()
            || header
                .delete_horizon_ms()
                .is_none_or(|horizon| self.now_ms < horizon)
    }

    /// Whether a record that stays is a tombstone that waits for the delete horizon.
    pub(super) fn waits(&self, header: &BatchHeader, record: &KeyedRecord<'_>) -> bool {
        !record.has_value && record.offset < self.end_offset && !header.is_transactional()
    }

    /// The delete horizon that a batch with such tombstones gets, if it has none.
    pub(super) fn new_horizon(&self, header: &BatchHeader) -> Option<TimestampMs> {
        let is_new = !header.has_delete_horizon();
        is_new.then(|| self.now_ms.saturating_add(self.delete_retention_ms))
    }
}

/// Whether a batch without records stays for its producer's sake.
pub(super) fn is_last_of_producer(
    header: &BatchHeader,
    last_offsets: &HashMap<ProducerId, Offset>,
) -> bool {
    last_offsets.get(&header.producer_id) == Some(&header.last_offset())
}
