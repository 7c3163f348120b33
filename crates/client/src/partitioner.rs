//! Which partition a record goes to: by its key, as every Kafka client does, or else sticky.
//!
//! The hash is murmur2 with the seed of the Java client. It is part of the contract between
//! producers of different languages: records of one key must meet in one partition whoever wrote
//! them.

use rand::RngExt as _;
use types::PartitionIndex;

/// The partition for a key, among `partition_count` (one or more).
#[must_use]
pub fn for_key(key: &[u8], partition_count: usize) -> PartitionIndex {
    let positive = murmur2(key) & 0x7fff_ffff;
    let count = u32::try_from(partition_count.max(1)).unwrap_or(u32::MAX);
    PartitionIndex::try_from(positive % count).unwrap_or(0)
}

/// Murmur2 as in `org.apache.kafka.common.utils.Utils.murmur2`.
#[must_use]
pub fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the length enters the hash modulo 2^32 by definition"
    )]
    let mut hash = SEED ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let word: [u8; 4] = word.try_into().unwrap_or_default();
        let mut k = u32::from_le_bytes(word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        for (i, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// Sends records without a key to one partition until a batch is full, then to another: full
/// batches at low latency (KIP-480).
#[derive(Debug, Default)]
pub(crate) struct Sticky {
    current: Option<PartitionIndex>,
}

impl Sticky {
    /// The partition to use now, among those that have a leader (all, if none has).
    pub(crate) fn partition(&mut self, usable: &[PartitionIndex]) -> PartitionIndex {
        match self.current {
            Some(partition) if usable.contains(&partition) => partition,
            _ => self.switch(usable),
        }
    }

    /// Moves on to another partition, as a batch has been filled.
    pub(crate) fn switch(&mut self, usable: &[PartitionIndex]) -> PartitionIndex {
        let others: Vec<_> = usable
            .iter()
            .copied()
            .filter(|p| Some(*p) != self.current)
            .collect();
        let pool = if others.is_empty() { usable } else { &others };
        let chosen = match pool.len() {
            0 => 0,
            n => pool[rand::rng().random_range(0..n)],
        };
        self.current = Some(chosen);
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn murmur2_agrees_with_kafkas_vectors() {
        let vectors: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ];
        for (key, expected) in vectors {
            assert_eq!(murmur2(key.as_bytes()), expected.cast_unsigned(), "{key}");
        }
    }

    #[test]
    fn a_key_always_meets_the_same_partition() {
        assert_eq!(for_key(b"foobar", 1), 0);
        let positive = (-790_332_482_i32).cast_unsigned() & 0x7fff_ffff;
        assert_eq!(
            for_key(b"foobar", 10),
            i32::try_from(positive % 10).expect("small")
        );
    }

    #[test]
    fn sticky_stays_until_told_to_switch() {
        let mut sticky = Sticky::default();
        let first = sticky.partition(&[0, 1, 2]);
        assert_eq!(sticky.partition(&[0, 1, 2]), first);
        let second = sticky.switch(&[0, 1, 2]);
        assert_ne!(first, second);
        assert_eq!(sticky.partition(&[0, 1, 2]), second);
    }

    #[test]
    fn sticky_leaves_a_partition_that_lost_its_leader() {
        let mut sticky = Sticky::default();
        assert_eq!(sticky.partition(&[1]), 1);
        assert_eq!(sticky.partition(&[2]), 2);
        assert_eq!(sticky.switch(&[2]), 2);
    }
}
