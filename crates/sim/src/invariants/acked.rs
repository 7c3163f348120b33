//! R1–R3: an acknowledged record is on every later leader.

use types::Offset;

use super::Truth;
use crate::log::Log;
use crate::message::Key;

/// Its name in reports.
pub const NAME: &str = "acked records stay";

impl Truth {
    /// The newest offset that was acknowledged, -1 for none.
    #[must_use]
    pub fn newest_acked(&self, key: Key) -> Offset {
        let acked = self
            .partitions
            .get(&key)
            .and_then(|truth| truth.acked.keys().next_back());
        acked.copied().unwrap_or(-1)
    }

    /// That log must have everything that was acknowledged, and everything that was read.
    pub fn check_complete(&mut self, key: Key, log: &Log, whose: &str) {
        let Some(truth) = self.partitions.get(&key).filter(|truth| !truth.is_excused) else {
            return;
        };
        let deleted = truth.deleted_below;
        if log.start() > deleted {
            let start = log.start();
            let text =
                format!("{whose} begins at {start}, and records were deleted below {deleted} only");
            return self.violated(NAME, text);
        }
        let from = deleted;
        let missing = |list: &std::collections::BTreeMap<Offset, u64>| {
            list.range(from..).find_map(|(offset, value)| {
                let found = log.get(*offset).filter(|record| !record.is_torn);
                let found = found.map(|record| record.value);
                (found != Some(*value)).then_some((*offset, *value, found))
            })
        };
        let lost = missing(&truth.acked).map(|lost| (NAME, "acknowledged", lost));
        let lost =
            lost.or_else(|| missing(&truth.read).map(|lost| (super::reads::NAME, "read", lost)));
        if let Some((name, what, (offset, value, found))) = lost {
            let end = log.end();
            let found = found.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
            self.violated(
                name,
                format!("{value} was {what} at offset {offset}; {whose} has {found} there and ends at {end}"),
            );
        }
    }
}

impl Truth {
    /// How many records were acknowledged with acks=all.
    #[must_use]
    pub fn acked_count(&self) -> u64 {
        let counts = self.partitions.values().map(|truth| truth.acked.len());
        counts.map(|count| u64::try_from(count).unwrap_or(0)).sum()
    }
}
