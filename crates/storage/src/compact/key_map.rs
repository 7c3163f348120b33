//! The last offset of each key, in a bounded piece of memory.
//!
//! Keys are hashed to 128 bits under a secret of this process, so that nobody can make two keys meet
//! on purpose: a key that met another would take its records along.

use std::hash::{BuildHasher, Hasher, RandomState};

use types::Offset;

/// Bytes of one entry: the hash and the offset.
pub(super) const ENTRY_BYTES: usize = 24;
/// An entry nobody has taken. Offsets are never negative.
const FREE: [u64; 3] = [0, 0, u64::MAX];

/// Open addressing over a table that never grows.
#[derive(Debug)]
pub(super) struct KeyMap {
    secrets: [RandomState; 2],
    entries: Vec<[u64; 3]>,
    count: usize,
    count_max: usize,
}

/// The map is full: the record was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl KeyMap {
    /// Room for `key_count` keys, but for no more than `bytes_max` of memory filled up to
    /// `load_factor`; for one key at least.
    pub(super) fn new(key_count: u64, bytes_max: u64, load_factor: f64) -> Self {
        let load_factor = if load_factor > 0.0 && load_factor <= 1.0 {
            load_factor
        } else {
            1.0
        };
        let slots_max = usize::try_from(bytes_max).unwrap_or(usize::MAX) / ENTRY_BYTES;
        let wanted = usize::try_from(key_count).unwrap_or(usize::MAX);
        let slots = scaled(wanted, 1.0 / load_factor)
            .saturating_add(2)
            .min(slots_max)
            .max(2);
        // One slot stays free: a search ends there.
        let count_max = scaled(slots, load_factor).clamp(1, slots - 1);
        Self {
            secrets: [RandomState::new(), RandomState::new()],
            entries: vec![FREE; slots],
            count: 0,
            count_max,
        }
    }

    /// Notes that `key` has a record at `offset`, which is larger than all before.
    pub(super) fn put(&mut self, key: &[u8], offset: Offset) -> Result<(), Full> {
        if self.count >= self.count_max {
            return Err(Full);
        }
        let hash = self.hash(key);
        let slot = self.find(hash);
        if let Some(entry) = self.entries.get_mut(slot) {
            self.count += usize::from(*entry == FREE);
            *entry = [hash[0], hash[1], offset.cast_unsigned()];
        }
        Ok(())
    }

    /// The last offset noted for `key`.
    pub(super) fn get(&self, key: &[u8]) -> Option<Offset> {
        let slot = self.find(self.hash(key));
        let entry = self.entries.get(slot).filter(|entry| **entry != FREE)?;
        Some(entry[2].cast_signed())
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    fn hash(&self, key: &[u8]) -> [u64; 2] {
        self.secrets.each_ref().map(|secret| {
            let mut hasher = secret.build_hasher();
            hasher.write(key);
            hasher.finish()
        })
    }

    /// The entry of the hash, or the free one where it belongs.
    fn find(&self, hash: [u64; 2]) -> usize {
        let slots = self.entries.len();
        // The upper half of the product spreads the hash evenly over any number of slots.
        let spread = (u128::from(hash[0]) * slots as u128) >> 64;
        let mut slot = usize::try_from(spread).unwrap_or(0);
        while let Some(entry) = self.entries.get(slot) {
            if *entry == FREE || (entry[0] == hash[0] && entry[1] == hash[1]) {
                break;
            }
            slot = if slot + 1 == slots { 0 } else { slot + 1 };
        }
        slot
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a count of slots, not less than zero; a few more or fewer do not matter"
)]
fn scaled(count: usize, factor: f64) -> usize {
    (count as f64 * factor) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_map_says_so_and_keeps_what_it_has() {
        let mut map = KeyMap::new(1000, 10 * ENTRY_BYTES as u64, 0.9);
        for i in 0..9 {
            assert_eq!(map.put(format!("k{i}").as_bytes(), i), Ok(()));
        }
        assert_eq!(map.put(b"k0", 9), Err(Full));
        assert_eq!(map.put(b"another", 9), Err(Full));
        assert_eq!(
            (map.len(), map.get(b"k8"), map.get(b"x")),
            (9, Some(8), None)
        );
    }

    #[test]
    fn the_smallest_map_takes_one_key() {
        for (bytes, factor) in [(0, 0.9), (1, 0.0), (48, f64::NAN), (48, 1e-9)] {
            let mut map = KeyMap::new(0, bytes, factor);
            assert_eq!(map.put(b"k", 5), Ok(()));
            assert_eq!(map.get(b"k"), Some(5));
            assert_eq!(map.get(b""), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn agrees_with_a_map_of_the_standard_library(
            keys in prop::collection::vec(0..60u8, 0..200),
            slots in 2..80u64,
        ) {
            let mut map = KeyMap::new(slots, slots * ENTRY_BYTES as u64, 0.75);
            let mut model = HashMap::new();
            for (key, offset) in keys.into_iter().zip(0..) {
                if map.put(&[key], offset).is_ok() {
                    model.insert(key, offset);
                }
            }
            prop_assert_eq!(map.len(), model.len());
            for key in 0..60u8 {
                prop_assert_eq!(map.get(&[key]), model.get(&key).copied());
            }
        }
    }
}
