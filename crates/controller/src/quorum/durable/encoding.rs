//! How entries lie in sled: cut into pieces.
//!
//! sled moves large values into files of their own, which its flush does not cover. A leaf holds at
//! most sixteen values before it splits, so pieces of this size keep every leaf well below that
//! limit (a quarter of a segment).
//!
//! ```text
//! 'e' index(8) piece(4)  ─▶  piece of:  length(4) crc32c(4) entry
//! ```

use bytes::{Buf, Bytes};

use crate::quorum::raft_types::{Entry, LogId};
use crate::quorum::wire::{decode_entry, encode_entry};

const PREFIX: u8 = b'e';
const PIECE_BYTES: usize = 4 << 10;
const HEADER_BYTES: usize = 8;
pub(super) const KEY_BYTES: usize = 13;

pub(super) type Key = [u8; KEY_BYTES];

/// The pieces of one entry, in order.
pub(super) fn pieces(entry: &Entry) -> impl Iterator<Item = (Key, Vec<u8>)> {
    let index = entry.log_id.index;
    let body = encode_entry(entry);
    let length = u32::try_from(body.len()).expect("entries are bounded far below four gigabytes");
    let mut whole = Vec::with_capacity(HEADER_BYTES + body.len());
    whole.extend_from_slice(&length.to_be_bytes());
    whole.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
    whole.extend_from_slice(&body);
    let count = u32::try_from(whole.len().div_ceil(PIECE_BYTES)).unwrap_or(u32::MAX);
    (0..count).map(move |piece| {
        let start = piece as usize * PIECE_BYTES;
        let end = whole.len().min(start + PIECE_BYTES);
        (key(index, piece), whole[start..end].to_vec())
    })
}

/// First key of an entry. Everything before it belongs to entries before it.
pub(super) fn first_key(index: u64) -> Key {
    key(index, 0)
}

/// A key behind the last one that any entry can have.
pub(super) const fn end_key() -> [u8; 1] {
    [PREFIX + 1]
}

fn key(index: u64, piece: u32) -> Key {
    let mut key = [0; KEY_BYTES];
    key[0] = PREFIX;
    key[1..9].copy_from_slice(&index.to_be_bytes());
    key[9..].copy_from_slice(&piece.to_be_bytes());
    key
}

/// Puts entries together again from pieces in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    index: Option<u64>,
    bytes: Vec<u8>,
    pieces: u32,
    entries: Vec<Entry>,
}

impl Assembler {
    /// Takes the next piece.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let (index, piece) = parse_key(key).ok_or_else(|| format!("strange key {key:02x?}"))?;
        if self.index != Some(index) {
            self.finish_entry()?;
            self.index = Some(index);
        }
        if piece != self.pieces {
            return Err(format!("entry {index} lacks piece {}", self.pieces));
        }
        self.pieces += 1;
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    /// All entries, without gaps, from the one after `purged` on. What a purge had not removed yet
    /// is left out.
    pub(super) fn finish(mut self, purged: Option<LogId>) -> Result<Vec<Entry>, String> {
        self.finish_entry()?;
        let first = purged.map_or(0, |id| id.index + 1);
        self.entries.retain(|e| e.log_id.index >= first);
        let mut before = purged;
        for (expected, entry) in (first..).zip(&self.entries) {
            let id = entry.log_id;
            if id.index != expected {
                return Err(format!("entry {expected} is missing before {}", id.index));
            }
            if before.is_some_and(|b| b.leader_id > id.leader_id) {
                return Err(format!("entry {id} follows one of a later term"));
            }
            before = Some(id);
        }
        Ok(self.entries)
    }

    fn finish_entry(&mut self) -> Result<(), String> {
        let Some(index) = self.index.take() else {
            return Ok(());
        };
        self.pieces = 0;
        let mut bytes = Bytes::from(std::mem::take(&mut self.bytes));
        if bytes.len() < HEADER_BYTES {
            return Err(format!("entry {index} is cut"));
        }
        let (length, checksum) = (bytes.get_u32(), bytes.get_u32());
        if bytes.len() != length as usize || crc32c::crc32c(&bytes) != checksum {
            return Err(format!("entry {index} is damaged"));
        }
        let entry = decode_entry(bytes).map_err(|error| format!("entry {index}: {error}"))?;
        if entry.log_id.index != index {
            return Err(format!("entry {index} says it is {}", entry.log_id.index));
        }
        self.entries.push(entry);
        Ok(())
    }
}

fn parse_key(key: &[u8]) -> Option<(u64, u32)> {
    let key: &Key = key.try_into().ok()?;
    let index = key.get(1..9)?.try_into().ok()?;
    let piece = key.get(9..)?.try_into().ok()?;
    Some((u64::from_be_bytes(index), u32::from_be_bytes(piece)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::testing::{entry, log_id};

    fn assemble(entries: &[Entry], purged: Option<LogId>) -> Result<Vec<Entry>, String> {
        let mut assembler = Assembler::default();
        for (key, value) in entries.iter().flat_map(pieces) {
            assembler.push(&key, &value)?;
        }
        assembler.finish(purged)
    }

    #[test]
    fn entries_of_every_size_come_back() {
        let sizes = [0, 1, 4000, 4080, 4096, 5000, 100_000];
        let entries: Vec<_> = (0..)
            .zip(sizes)
            .map(|(i, size)| entry(1, i, size))
            .collect();
        let back = assemble(&entries, None).expect("whole");
        assert_eq!(format!("{back:?}"), format!("{entries:?}"));
        assert!(pieces(&entries[6]).all(|(_, piece)| piece.len() <= PIECE_BYTES));
    }

    #[test]
    fn a_gap_is_an_error_and_purged_entries_are_left_out() {
        let entries = [entry(1, 3, 1), entry(1, 4, 1), entry(2, 5, 1)];
        let left = assemble(&entries, Some(log_id(1, 3))).expect("whole");
        assert_eq!(left.len(), 2);
        assert!(assemble(&entries, None).is_err());
        assert!(assemble(&entries, Some(log_id(1, 1))).is_err());
        assert!(assemble(&[entry(1, 0, 1), entry(1, 2, 1)], None).is_err());
        assert!(assemble(&[entry(2, 0, 1), entry(1, 1, 1)], None).is_err());
    }

    #[test]
    fn a_missing_or_damaged_piece_is_an_error() {
        let all: Vec<_> = pieces(&entry(1, 0, 10_000)).collect();
        for missing in 0..all.len() {
            let mut assembler = Assembler::default();
            let mut pushed = (0..).zip(&all).filter(|(i, _)| *i != missing);
            let result = pushed.try_for_each(|(_, (key, value))| assembler.push(key, value));
            assert!(
                result.is_err() || assembler.finish(None).is_err(),
                "{missing}"
            );
        }
        let mut assembler = Assembler::default();
        for (key, value) in &all {
            let mut value = value.clone();
            value[100] ^= 1;
            assembler.push(key, &value).expect("in order");
        }
        assert!(assembler.finish(None).is_err());
    }
}
