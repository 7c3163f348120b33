//! Which leader epoch wrote which offsets: the history by which replicas find where they part
//! (KIP-101, KIP-279).
//!
//! ```text
//! epoch       0         2       5
//! start       0         25      31
//! offsets     0 … 24    25 … 30 31 … log end
//! ```
//!
//! Epochs and start offsets both grow strictly. Knows no files: [`Log`](crate::Log) writes it down.

use types::{LeaderEpoch, Offset};

/// What "no such epoch" is as an end offset.
pub(crate) const NO_OFFSET: Offset = -1;

/// The epochs of one log and where each starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Epochs {
    entries: Vec<(LeaderEpoch, Offset)>,
}

impl Epochs {
    /// Takes entries as read from a file. `None` if they do not grow.
    pub(crate) fn from_entries(entries: Vec<(LeaderEpoch, Offset)>) -> Option<Self> {
        let grows = entries.windows(2).all(|pair| match pair {
            [a, b] => a.0 < b.0 && a.1 < b.1,
            _ => true,
        });
        grows.then_some(Self { entries })
    }

    pub(crate) fn entries(&self) -> &[(LeaderEpoch, Offset)] {
        &self.entries
    }

    pub(crate) fn latest(&self) -> LeaderEpoch {
        self.entries
            .last()
            .map_or(LeaderEpoch::NONE, |(epoch, _)| *epoch)
    }

    /// Notes that `epoch` starts at `start`. Entries that contradict it (a later epoch, or one that
    /// starts there or beyond and so has no records) go. Returns whether anything changed.
    pub(crate) fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        if let Some(&(latest, latest_start)) = self.entries.last()
            && latest == epoch
            && latest_start <= start
        {
            return false;
        }
        self.entries.retain(|&(e, s)| e < epoch && s < start);
        self.entries.push((epoch, start));
        true
    }

    /// Forgets epochs that start at or beyond `end`. Also when the log is not shortened: elections
    /// without a write leave empty epochs at its end (KAFKA-10706). Returns whether anything changed.
    pub(crate) fn truncate_end(&mut self, end: Offset) -> bool {
        let before = self.entries.len();
        self.entries.retain(|&(_, start)| start < end);
        self.entries.len() != before
    }

    /// Forgets epochs that end at or below `log_start`; the one that contains it starts there.
    /// Returns whether anything changed.
    pub(crate) fn truncate_start(&mut self, log_start: Offset) -> bool {
        let gone = self
            .entries
            .partition_point(|&(_, start)| start <= log_start);
        let Some(containing) = gone.checked_sub(1) else {
            return false;
        };
        self.entries.drain(..containing);
        let Some(first) = self.entries.first_mut() else {
            return false;
        };
        let changed = containing > 0 || first.1 != log_start;
        first.1 = log_start;
        changed
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The epoch that wrote `offset`.
    pub(crate) fn at(&self, offset: Offset) -> LeaderEpoch {
        let after = self.entries.partition_point(|&(_, start)| start <= offset);
        let entry = after.checked_sub(1).and_then(|i| self.entries.get(i));
        entry.map_or(LeaderEpoch::NONE, |(epoch, _)| *epoch)
    }

    /// The largest epoch up to `epoch`, and where it ends (exclusive). Below the first known epoch:
    /// the asked one itself, ending where the known ones begin. `NONE` beyond the latest.
    pub(crate) fn end_offset_for(
        &self,
        epoch: LeaderEpoch,
        log_end_offset: Offset,
    ) -> (LeaderEpoch, Offset) {
        if !epoch.is_known() || epoch > self.latest() {
            return (LeaderEpoch::NONE, NO_OFFSET);
        }
        let after = self.entries.partition_point(|&(e, _)| e <= epoch);
        let end = self
            .entries
            .get(after)
            .map_or(log_end_offset, |&(_, start)| start);
        let floor = after.checked_sub(1).and_then(|i| self.entries.get(i));
        (floor.map_or(epoch, |&(e, _)| e), end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> Epochs {
        let entries = entries.iter().map(|&(e, s)| (LeaderEpoch(e), s));
        Epochs::from_entries(entries.collect()).expect("entries grow")
    }

    fn end(epochs: &Epochs, epoch: i32) -> (i32, i64) {
        let (found, end) = epochs.end_offset_for(LeaderEpoch(epoch), 40);
        (found.0, end)
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let epochs = epochs(&[(1, 5), (2, 25), (5, 31)]);
        assert_eq!(end(&epochs, 5), (5, 40));
        assert_eq!(end(&epochs, 2), (2, 31));
        assert_eq!(end(&epochs, 4), (2, 31));
        assert_eq!(end(&epochs, 0), (0, 5));
        assert_eq!(end(&epochs, 6), (-1, -1));
        assert_eq!(end(&epochs, -1), (-1, -1));
        assert_eq!(end(&Epochs::default(), 0), (-1, -1));
    }

    #[test]
    fn empty_epochs_at_the_end_go_even_if_the_log_keeps_its_length() {
        let mut epochs = epochs(&[(0, 0), (1, 10), (2, 20)]);
        assert!(epochs.truncate_end(20));
        assert_eq!(epochs.latest(), LeaderEpoch(1));
        assert!(!epochs.truncate_end(20));
    }

    #[test]
    fn the_epoch_that_contains_the_log_start_begins_there() {
        let mut cache = epochs(&[(0, 0), (1, 10), (2, 20)]);
        assert!(cache.truncate_start(15));
        assert_eq!(cache, epochs(&[(1, 15), (2, 20)]));
        assert!(!cache.truncate_start(15));
        assert!(!cache.truncate_start(3));
        assert!(cache.truncate_start(20));
        assert_eq!(cache, epochs(&[(2, 20)]));
    }

    #[test]
    fn two_elections_without_a_write_leave_the_later_epoch() {
        let mut cache = epochs(&[(0, 0)]);
        assert!(cache.assign(LeaderEpoch(3), 10));
        assert!(cache.assign(LeaderEpoch(4), 10));
        assert!(!cache.assign(LeaderEpoch(4), 12));
        assert_eq!(cache, epochs(&[(0, 0), (4, 10)]));
    }

    #[test]
    fn entries_that_do_not_grow_are_refused() {
        for pair in [[(1, 5), (1, 6)], [(1, 5), (2, 5)], [(2, 5), (1, 6)]] {
            let entries = pair.map(|(e, s)| (LeaderEpoch(e), s)).to_vec();
            assert_eq!(Epochs::from_entries(entries), None);
        }
    }

    fn offset_of(count: usize) -> Offset {
        Offset::try_from(count).expect("a small count")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Against the epoch of every single offset.
        #[test]
        fn agrees_with_a_list_of_every_offsets_epoch(
            steps in prop::collection::vec((0..3i32, 0..4usize, 0..6usize), 1..20)
        ) {
            let mut cache = Epochs::default();
            let mut model: Vec<i32> = Vec::new();
            let mut epoch = 0;
            for (bump, records, cut) in steps {
                epoch += bump;
                cache.assign(LeaderEpoch(epoch), offset_of(model.len()));
                model.extend(std::iter::repeat_n(epoch, records));
                let keep = model.len().saturating_sub(cut);
                model.truncate(keep);
                cache.truncate_end(offset_of(keep));
                for (offset, &epoch) in model.iter().enumerate() {
                    prop_assert_eq!(cache.at(offset_of(offset)).0, epoch);
                }
                for asked in 0..=epoch {
                    let expected = model.iter().rposition(|&e| e <= asked).map(|i| offset_of(i) + 1);
                    let (found, end) = cache.end_offset_for(LeaderEpoch(asked), offset_of(keep));
                    if let Some(expected) = expected && found.is_known() {
                        prop_assert_eq!(end, expected);
                    }
                }
                prop_assert!(Epochs::from_entries(cache.entries().to_vec()).is_some());
            }
        }
    }
}
