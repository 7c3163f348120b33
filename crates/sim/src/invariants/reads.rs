//! R5: nothing is read that is later gone, or something else.

use types::{NodeId, Offset};

use super::Truth;
use crate::log::Record;
use crate::message::Key;

/// Its name in reports.
pub const NAME: &str = "read records stay";

impl Truth {
    /// A consumer was given records. (That they stay is looked at with those that were acknowledged.)
    pub fn on_read(&mut self, key: Key, offset: Offset, records: &[Record], from: NodeId) {
        for (offset, record) in (offset..).zip(records) {
            let truth = self.partition(key);
            if offset < truth.deleted_below || truth.is_excused {
                continue;
            }
            let known = *truth.read.entry(offset).or_insert(record.value);
            let acked = truth.acked.get(&offset).copied().unwrap_or(known);
            let value = record.value;
            if record.is_torn {
                self.violated(
                    NAME,
                    format!("half a record at offset {offset} was read from {from}"),
                );
            } else if known != value || acked != value {
                self.violated(
                    NAME,
                    format!("{value} was read from {from} at offset {offset}, where {known} had been read and {acked} acknowledged"),
                );
            }
        }
    }
}
