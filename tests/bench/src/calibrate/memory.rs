//! Moving bytes within memory, and reading them once.

use std::hint::black_box;

use anyhow::Result;
use serde_json::Value;

use super::per_byte;

/// More than any cache holds.
const RING_BYTES: usize = 64 << 20;
const PIECE_BYTES: usize = 256 << 10;

/// One copy from memory to memory.
pub(super) fn copy() -> Result<Value> {
    per_byte(|_core| {
        let from = vec![1_u8; RING_BYTES];
        let mut to = vec![2_u8; RING_BYTES];
        let mut at = 0;
        Ok(move || {
            let piece = at..at + PIECE_BYTES;
            to[piece.clone()].copy_from_slice(&from[piece]);
            black_box(&mut to);
            at = (at + PIECE_BYTES) % RING_BYTES;
            Ok(PIECE_BYTES)
        })
    })
}

/// The checksum as the broker computes it, over bytes that are in the cache.
pub(super) fn crc32c(piece_bytes: usize) -> Result<Value> {
    per_byte(|_core| {
        let piece = vec![1_u8; piece_bytes];
        Ok(move || {
            black_box(protocol::records::crc32c(black_box(&piece)));
            Ok(piece_bytes)
        })
    })
}
