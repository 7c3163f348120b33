//! R6 and I1: one order of records, each of them once.

use std::collections::BTreeMap;

use types::Offset;

use super::Truth;
use crate::log::{Log, Record};
use crate::message::Key;

/// Its name in reports.
pub const NAME: &str = "one order, each record once";

impl Truth {
    /// A record was acknowledged to its producer. `floor` is the newest offset that had been
    /// acknowledged to anybody when it was first sent.
    pub fn on_acked(&mut self, key: Key, offset: Offset, value: u64, floor: Offset) {
        let truth = self.partition(key);
        if truth.is_excused {
            return;
        }
        let known = *truth.acked.entry(offset).or_insert(value);
        if known != value {
            self.violated(
                NAME,
                format!("{value} and {known} were both acknowledged at offset {offset}"),
            );
        } else if offset <= floor {
            self.violated(
                NAME,
                format!(
                    "{value} was sent after offset {floor} was acknowledged and got offset {offset}"
                ),
            );
        }
    }

    /// A producer that had everything acknowledged was told of a gap.
    pub fn on_gap(&mut self, key: Key, text: String) {
        let is_excused = self.partition(key).is_excused;
        if !is_excused && self.newest.partition(key.0, key.1).is_some() {
            self.violated(NAME, text);
        }
    }

    /// A retry was answered with an offset: the record must be there.
    pub fn on_duplicate(
        &mut self,
        offset: Offset,
        record: &Record,
        is_kept: bool,
        found: Option<u64>,
    ) {
        if is_kept && found != Some(record.value) {
            self.violated(
                NAME,
                format!(
                    "{} was taken for a duplicate of offset {offset}, where {found:?} is",
                    record.value
                ),
            );
        }
    }

    /// No record of a counting producer is twice in the log.
    pub fn check_duplicates(&mut self, log: &Log) {
        let mut seen = BTreeMap::new();
        for offset in log.start()..log.end() {
            let Some(record) = log.get(offset).filter(|record| record.producer != 0) else {
                continue;
            };
            if let Some(first) = seen.insert(record.value, offset) {
                let value = record.value;
                return self.violated(NAME, format!("{value} is at offsets {first} and {offset}"));
            }
        }
    }
}
