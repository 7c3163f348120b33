//! Snappy in xerial's framing, and bare.
//!
//! ```text
//! | 82 S N A P P Y 00 | version 1 | compatible 1 | length | block | length | block | …
//! ```
//!
//! All numbers are big-endian. Nothing marks the end, so a cut between two blocks shows only in the
//! record count.

use std::io::{self, Read};

use snap::raw::{Decoder, Encoder, decompress_len};

use super::capped::LimitExceeded;

const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const VERSION: u32 = 1;
const HEADER_LEN: usize = 16;
const BLOCK_BYTES: usize = 32 * 1024;
/// No snappy element expands further: a copy of three bytes gives 64.
const EXPANSION_MAX: usize = 22;

pub(super) fn compress(input: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new();
    let mut output = Vec::with_capacity(HEADER_LEN + input.len() / 2);
    output.extend_from_slice(&MAGIC);
    output.extend_from_slice(&VERSION.to_be_bytes());
    output.extend_from_slice(&VERSION.to_be_bytes());
    for chunk in input.chunks(BLOCK_BYTES) {
        let block = encoder.compress_vec(chunk)?;
        let len = u32::try_from(block.len()).map_err(io::Error::other)?;
        output.extend_from_slice(&len.to_be_bytes());
        output.extend_from_slice(&block);
    }
    Ok(output)
}

/// Decompresses block by block.
pub(super) struct Reader<'a> {
    /// Blocks not decompressed yet.
    input: &'a [u8],
    is_framed: bool,
    /// The current block.
    block: Vec<u8>,
    /// How much of it was read.
    position: usize,
    left_bytes: usize,
    limit_bytes: usize,
}

impl<'a> Reader<'a> {
    /// Refuses blocks that claim more than what is left of `limit_bytes` before making room for them.
    pub(super) fn new(input: &'a [u8], limit_bytes: usize) -> Self {
        let is_framed = input.len() >= HEADER_LEN && input.starts_with(&MAGIC);
        Self {
            input: if is_framed {
                &input[HEADER_LEN..]
            } else {
                input
            },
            is_framed,
            block: Vec::new(),
            position: 0,
            left_bytes: limit_bytes,
            limit_bytes,
        }
    }

    fn next_block(&mut self) -> io::Result<()> {
        let compressed = if self.is_framed {
            take_block(&mut self.input)?
        } else {
            std::mem::take(&mut self.input)
        };
        let len = decompress_len(compressed)?;
        if len > self.left_bytes {
            return Err(LimitExceeded(self.limit_bytes).into());
        }
        if len > compressed.len().saturating_mul(EXPANSION_MAX) {
            return Err(invalid("a block claims more than it can hold"));
        }
        self.left_bytes -= len;
        self.position = 0;
        self.block.resize(len, 0);
        Decoder::new().decompress(compressed, &mut self.block)?;
        Ok(())
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.position == self.block.len() && !self.input.is_empty() {
            self.next_block()?;
        }
        let rest = &self.block[self.position..];
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}

fn take_block<'a>(input: &mut &'a [u8]) -> io::Result<&'a [u8]> {
    let (len, rest) = input
        .split_first_chunk()
        .ok_or_else(|| invalid("a block length is cut off"))?;
    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(io::Error::other)?;
    let (block, rest) = rest
        .split_at_checked(len)
        .ok_or_else(|| invalid("a block is cut off"))?;
    *input = rest;
    Ok(block)
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
