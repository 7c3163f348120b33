//! Batches whose bytes lie in several pieces, as a connection brought them. Nothing is put together: a
//! header that is cut is read through a copy of its 61 bytes, the rest stays where it is.
//!
//! ```text
//!  pieces:   |    16    |        64 KiB        | 16 |  30 KiB   |     34 KiB      |
//!  batches:  |              first              |             second               |
//! ```

use bytes::{Bytes, BytesMut};
use crc_fast::{CrcAlgorithm::Crc32Iscsi, Digest};
use smallvec::SmallVec;

use super::batch::Batch;
use super::crc;
use super::error::BatchError;
use super::header::{BatchHeader, HEADER_LEN};

/// One batch: its header and exactly its bytes, in order, none of the pieces empty.
#[derive(Clone, Debug)]
pub struct PiecedBatch {
    /// The header, parsed.
    pub header: BatchHeader,
    /// `header.size_in_bytes()` bytes, slices of what they were cut from.
    pub pieces: SmallVec<[Bytes; 2]>,
}

impl PiecedBatch {
    /// Compares the checksum.
    ///
    /// # Errors
    /// [`BatchError::Crc`].
    pub fn check_crc(&self) -> Result<(), BatchError> {
        crc::compare(&self.header, self.computed_crc())
    }

    fn computed_crc(&self) -> u32 {
        let mut skipped = crc::CRC_START;
        let mut covered = self.pieces.iter().filter_map(|piece| {
            let skip = skipped.min(piece.len());
            skipped -= skip;
            piece.get(skip..).filter(|rest| !rest.is_empty())
        });
        let first = covered.next().unwrap_or_default();
        let Some(second) = covered.next() else {
            return crc::crc32c(first);
        };
        let mut digest = Digest::new(Crc32Iscsi);
        digest.update(first);
        digest.update(second);
        covered.for_each(|piece| digest.update(piece));
        crc::low_half(digest.finalize())
    }

    /// The batch in one piece: a copy, unless it is in one already.
    #[must_use]
    pub fn to_batch(&self) -> Batch {
        Batch {
            header: self.header,
            bytes: joined(&self.pieces),
        }
    }
}

/// All pieces in one: a copy, unless there is only one.
#[must_use]
pub fn joined(pieces: &[Bytes]) -> Bytes {
    if let [only] = pieces {
        return only.clone();
    }
    let mut all = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces {
        all.extend_from_slice(piece);
    }
    all.freeze()
}

/// Cuts a record set in pieces into its batches: what [`split_batches`](super::split_batches) does, for
/// bytes that were not put together. Checks bounds, not the CRC. The first error ends the iteration.
#[must_use]
pub fn split_pieces(pieces: &[Bytes]) -> PiecedBatches<'_> {
    PiecedBatches {
        pieces,
        taken: 0,
        remaining: pieces.iter().map(Bytes::len).sum(),
    }
}

/// See [`split_pieces`].
#[derive(Clone, Debug)]
pub struct PiecedBatches<'a> {
    pieces: &'a [Bytes],
    /// Bytes of the first piece that are cut off already.
    taken: usize,
    /// Bytes not cut off.
    remaining: usize,
}

impl PiecedBatches<'_> {
    fn header(&self) -> Result<BatchHeader, BatchError> {
        let first = self.pieces.first().and_then(|it| it.get(self.taken..));
        if let Some(whole) = first.and_then(|first| first.get(..HEADER_LEN)) {
            return BatchHeader::parse(whole);
        }
        let mut head = SmallVec::<[u8; 64]>::new();
        let mut taken = self.taken;
        for piece in self.pieces {
            let rest = piece.get(taken..).unwrap_or_default();
            taken = 0;
            let missing = HEADER_LEN - head.len();
            head.extend_from_slice(rest.get(..missing).unwrap_or(rest));
            if head.len() == HEADER_LEN {
                break;
            }
        }
        BatchHeader::parse(&head)
    }

    /// Cuts off that many bytes; so many are there.
    fn cut(&mut self, mut size: usize) -> SmallVec<[Bytes; 2]> {
        self.remaining -= size;
        let mut cut = SmallVec::new();
        while let Some(piece) = self.pieces.first()
            && size > 0
        {
            let len = size.min(piece.len() - self.taken);
            if len > 0 {
                cut.push(piece.slice(self.taken..self.taken + len));
            }
            size -= len;
            self.taken += len;
            if self.taken == piece.len() {
                self.pieces = self.pieces.get(1..).unwrap_or_default();
                self.taken = 0;
            }
        }
        cut
    }
}

impl Iterator for PiecedBatches<'_> {
    type Item = Result<PiecedBatch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        let cut = self.header().and_then(|header| {
            let needed = header.size_in_bytes();
            let available = self.remaining;
            if available < needed {
                return Err(BatchError::Incomplete { needed, available });
            }
            let pieces = self.cut(needed);
            Ok(PiecedBatch { header, pieces })
        });
        if cut.is_err() {
            self.remaining = 0;
        }
        Some(cut)
    }
}

impl std::iter::FusedIterator for PiecedBatches<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::records::{BatchBuilder, Compression, split_batches};

    fn batch(value_len: usize) -> Bytes {
        let mut builder = BatchBuilder::new(Compression::None);
        let value = vec![b'v'; value_len];
        builder.append(1, Some(b"k"), Some(&value), &[]).unwrap();
        builder.build().unwrap().bytes
    }

    fn cut(mut bytes: Bytes, lens: &[usize]) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        for len in lens {
            pieces.push(bytes.split_to((*len).min(bytes.len())));
        }
        pieces.push(bytes);
        pieces
    }

    proptest! {
        #[test]
        fn batches_are_the_same_however_their_bytes_are_cut(
            values in prop::collection::vec(0_usize..300, 0..5),
            lens in prop::collection::vec(0_usize..200, 0..12),
            missing in 0_usize..80,
            damaged in prop::option::of(0_usize..2000),
        ) {
            let all: Vec<Bytes> = values.iter().map(|len| batch(*len)).collect();
            let mut bytes = joined(&all).to_vec();
            bytes.truncate(bytes.len().saturating_sub(missing));
            if let Some(byte) = damaged.and_then(|at| bytes.get_mut(at)) {
                *byte ^= 0x40;
            }
            let bytes = Bytes::from(bytes);
            let whole: Vec<_> = split_batches(bytes.clone()).collect();
            let pieces = cut(bytes, &lens);
            let pieced: Vec<_> = split_pieces(&pieces).collect();
            prop_assert_eq!(whole.len(), pieced.len());
            for (whole, pieced) in whole.into_iter().zip(pieced) {
                match (whole, pieced) {
                    (Ok(whole), Ok(pieced)) => {
                        prop_assert!(pieced.pieces.iter().all(|piece| !piece.is_empty()));
                        prop_assert_eq!(pieced.check_crc(), whole.check_crc());
                        prop_assert_eq!(pieced.to_batch(), whole);
                    }
                    (whole, pieced) => prop_assert_eq!(whole.err(), pieced.err()),
                }
            }
        }
    }

    #[test]
    fn nothing_is_copied() {
        let bytes = batch(1000);
        let pieces = cut(bytes.clone(), &[16, 500]);
        let cut = split_pieces(&pieces).next().unwrap().unwrap();
        let at: Vec<_> = cut.pieces.iter().map(|piece| piece.as_ptr()).collect();
        assert_eq!(
            at,
            [&bytes[0], &bytes[16], &bytes[516]].map(std::ptr::from_ref)
        );
    }
}
