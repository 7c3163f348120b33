//! Bytes as the connection brought them: slices of what it read, one behind the other, not put
//! together. Records are taken out as slices of slices, so that the first copy of them is the one into
//! the page cache.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

/// Smaller slices are copied together: a slice keeps all of what it was cut from in memory.
const SLICE_BYTES_MIN: usize = 16 << 10;

/// A queue of bytes. None of the slices is empty.
#[derive(Debug, Default)]
pub(super) struct Slices {
    slices: VecDeque<Bytes>,
    /// Small ones, copied; stand behind the others.
    copied: BytesMut,
    len: usize,
}

impl Slices {
    pub(super) fn push(&mut self, slice: Bytes) {
        if slice.is_empty() {
            return;
        }
        self.len += slice.len();
        let follows_small = !self.copied.is_empty()
            || (self.slices.back()).is_some_and(|last| last.len() < SLICE_BYTES_MIN);
        if slice.len() < SLICE_BYTES_MIN && follows_small {
            self.copied.extend_from_slice(&slice);
            return;
        }
        if !self.copied.is_empty() {
            self.slices.push_back(self.copied.split().freeze());
        }
        self.slices.push_back(slice);
    }

    /// Takes that many bytes off as they lie. `None`, and nothing is taken, if there are fewer.
    pub(super) fn take_pieces(&mut self, mut len: usize, pieces: &mut Vec<Bytes>) -> Option<()> {
        if len > self.len {
            return None;
        }
        self.len -= len;
        while len > 0 {
            let Some(first) = self.slices.front_mut() else {
                pieces.push(self.copied.split_to(len).freeze());
                return Some(());
            };
            if first.len() > len {
                pieces.push(first.split_to(len));
                return Some(());
            }
            len -= first.len();
            pieces.extend(self.slices.pop_front());
        }
        Some(())
    }
}

impl Buf for Slices {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.slices.front().map_or(&*self.copied, |first| first)
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len, "more than there is");
        self.len -= count;
        while let Some(first) = self.slices.front_mut() {
            if first.len() > count {
                return first.advance(count);
            }
            count -= first.len();
            self.slices.pop_front();
        }
        self.copied.advance(count);
    }
}
