//! What was acknowledged against what is there. Everything here is arithmetic on numbers that were
//! read back; nothing waits.
//!
//! ```text
//! acknowledged ⊆ read back        else lost
//! one offset for each record      else written twice
//! sequence rises with offset      else out of order
//! offset as it was acknowledged   else moved
//! read once ⇒ still there         else vanished
//! ```

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use types::{Offset, PartitionIndex};

/// So many examples of each kind are named.
const SAMPLES_MAX: usize = 20;

/// One record as it was read: offset and sequence number.
pub(super) type Seen = (Offset, u64);

/// What is claimed about one partition.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims {
    /// The partition.
    pub(super) partition: PartitionIndex,
    /// Numbers of acknowledged records, as ranges with both ends inclusive.
    pub(super) acked: Vec<(u64, u64)>,
    /// Where each was acknowledged to be, if that is known.
    pub(super) offsets: HashMap<u64, Offset>,
    /// What a reader was given meanwhile.
    pub(super) seen: Vec<Seen>,
}

/// What came of comparing. Anything but zero in the middle five is a broken promise, as far as the
/// topic's settings promised it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verdict {
    /// Records acknowledged.
    pub(super) acknowledged: u64,
    /// Records of this drill that are there.
    pub(super) found: u64,
    /// Acknowledged and not there.
    pub(super) lost: u64,
    /// There more than once: copies beyond the first.
    pub(super) duplicated: u64,
    /// There behind a later one.
    pub(super) out_of_order: u64,
    /// There, but not where the acknowledgement said.
    pub(super) moved: u64,
    /// Given to a reader, and not there any more.
    pub(super) vanished: u64,
    /// There without an acknowledgement: the answer got lost, not the record. No harm.
    pub(super) unacknowledged_found: u64,
    /// Some of the trouble, by name.
    pub(super) samples: Vec<String>,
}

impl Verdict {
    /// Whether anything that should not be is.
    pub(super) fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.out_of_order + self.moved + self.vanished == 0
    }

    /// Adds another partition's.
    pub(super) fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.found += other.found;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.moved += other.moved;
        self.vanished += other.vanished;
        self.unacknowledged_found += other.unacknowledged_found;
        let room = SAMPLES_MAX.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.into_iter().take(room));
    }

    fn sample(&mut self, what: impl FnOnce() -> String) {
        if self.samples.len() < SAMPLES_MAX {
            self.samples.push(what());
        }
    }
}

/// Compares one partition's claims with what was read back, in order of offset.
pub(super) fn judge(claims: &Claims, read_back: &[Seen]) -> Verdict {
    let mut verdict = Verdict::default();
    let partition = claims.partition;
    let mut places: HashMap<u64, Offset> = HashMap::with_capacity(read_back.len());
    let mut highest: Option<u64> = None;
    for (offset, sequence) in read_back {
        if let Some(first) = places.get(sequence) {
            verdict.duplicated += 1;
            verdict.sample(|| {
                format!("partition {partition}: record {sequence} at offset {first} and again at {offset}")
            });
            continue;
        }
        places.insert(*sequence, *offset);
        if highest.is_some_and(|highest| *sequence < highest) {
            verdict.out_of_order += 1;
            verdict.sample(|| {
                format!("partition {partition}: record {sequence} at offset {offset} is behind a later one")
            });
        }
        highest = highest.max(Some(*sequence));
        let said = claims.offsets.get(sequence).filter(|said| **said >= 0);
        if let Some(said) = said.filter(|said| *said != offset) {
            verdict.moved += 1;
            verdict.sample(|| {
                format!("partition {partition}: record {sequence} was acknowledged at offset {said} and is at {offset}")
            });
        }
    }
    verdict.found = places.len() as u64;
    let mut acked_found = 0;
    for sequence in claims.acked.iter().flat_map(|(first, last)| *first..=*last) {
        verdict.acknowledged += 1;
        match places.contains_key(&sequence) {
            true => acked_found += 1,
            false => {
                verdict.lost += 1;
                let offset = claims.offsets.get(&sequence).copied().unwrap_or(-1);
                verdict.sample(|| {
                    format!("partition {partition}: record {sequence}, acknowledged at offset {offset}, is lost")
                });
            }
        }
    }
    verdict.unacknowledged_found = verdict.found - acked_found;
    for (offset, sequence) in &claims.seen {
        let is_there = places.get(sequence) == Some(offset);
        let is_again = || read_back.binary_search(&(*offset, *sequence)).is_ok();
        if !is_there && !is_again() {
            verdict.vanished += 1;
            verdict.sample(|| {
                format!("partition {partition}: record {sequence} was read at offset {offset} and is gone")
            });
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(acked: &[(u64, u64)]) -> Claims {
        Claims {
            acked: acked.to_vec(),
            ..Claims::default()
        }
    }

    #[test]
    fn what_is_all_there_in_order_is_clean() {
        let verdict = judge(&claims(&[(0, 2)]), &[(10, 0), (11, 1), (12, 2), (13, 3)]);
        assert!(verdict.is_clean(), "{verdict:?}");
        assert_eq!(verdict.acknowledged, 3);
        assert_eq!(verdict.found, 4);
        assert_eq!(verdict.unacknowledged_found, 1);
    }

    #[test]
    fn an_acknowledged_record_that_is_not_there_is_lost() {
        let verdict = judge(&claims(&[(0, 3)]), &[(10, 0), (11, 1), (12, 3)]);
        assert_eq!(verdict.lost, 1);
        assert_eq!(verdict.samples.len(), 1);
        assert!(verdict.samples[0].contains("record 2"), "{verdict:?}");
    }

    #[test]
    fn a_second_copy_is_a_duplicate_and_not_out_of_order() {
        let verdict = judge(&claims(&[(0, 1)]), &[(10, 0), (11, 1), (12, 0), (13, 1)]);
        assert_eq!((verdict.duplicated, verdict.out_of_order), (2, 0));
    }

    #[test]
    fn a_record_behind_a_later_one_is_out_of_order() {
        let verdict = judge(&claims(&[(0, 2)]), &[(10, 0), (11, 2), (12, 1)]);
        assert_eq!((verdict.out_of_order, verdict.lost), (1, 0));
    }

    #[test]
    fn an_offset_other_than_the_acknowledged_one_is_told() {
        let mut claims = claims(&[(0, 1)]);
        claims.offsets = HashMap::from([(0, 10), (1, -1)]);
        let verdict = judge(&claims, &[(11, 0), (12, 1)]);
        assert_eq!(verdict.moved, 1);
    }

    #[test]
    fn what_a_reader_had_and_nobody_has_now_has_vanished() {
        let mut claims = claims(&[]);
        claims.seen = vec![(10, 0), (11, 1), (12, 7)];
        let verdict = judge(&claims, &[(10, 0), (11, 2)]);
        assert_eq!(verdict.vanished, 2);
        assert!(!verdict.is_clean());
    }

    #[test]
    fn a_reader_that_was_given_both_copies_saw_nothing_vanish() {
        let mut claims = claims(&[(0, 0)]);
        claims.seen = vec![(10, 0), (11, 0)];
        assert_eq!(judge(&claims, &[(10, 0), (11, 0)]).vanished, 0);
    }

    #[test]
    fn partitions_add_up() {
        let mut sum = judge(&claims(&[(0, 0)]), &[]);
        sum.add(judge(&claims(&[(0, 1)]), &[(1, 0)]));
        assert_eq!((sum.acknowledged, sum.lost, sum.samples.len()), (3, 2, 2));
    }
}
