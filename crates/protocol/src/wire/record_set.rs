//! Record batches as they travel: bytes that nobody copies.

use std::fmt;

use bytes::{Bytes, BytesMut};
use smallvec::{SmallVec, smallvec};

/// Pieces up to this size are copied when they are written: that is cheaper than two more pieces
/// in a vectored write.
pub(super) const COPIED_PIECE_BYTES_MAX: usize = 256;

/// Record batches back to back, in one or more pieces of memory.
///
/// Cloning shares the pieces. Two sets are equal if their bytes are, however they are cut.
#[derive(Clone, Default)]
pub struct RecordSet {
    pieces: SmallVec<[Bytes; 2]>,
}

impl RecordSet {
    /// A set without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes at the end, by reference.
    pub fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.pieces.push(piece);
        }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many of the bytes a writer copies, because their piece is small.
    pub(crate) fn copied_len(&self) -> usize {
        let lengths = self.pieces.iter().map(Bytes::len);
        lengths.filter(|len| *len <= COPIED_PIECE_BYTES_MAX).sum()
    }

    /// The pieces in order, none of them empty.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = &Bytes> {
        self.pieces.iter()
    }

    /// All bytes in one piece: no copy unless there are several.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self.pieces.as_slice() {
            [] => Bytes::new(),
            [one] => one.clone(),
            many => {
                let mut whole = BytesMut::with_capacity(self.len());
                many.iter().for_each(|piece| whole.extend_from_slice(piece));
                whole.freeze()
            }
        }
    }
}

impl From<Bytes> for RecordSet {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::new();
        }
        Self {
            pieces: smallvec![bytes],
        }
    }
}

impl FromIterator<Bytes> for RecordSet {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let mut set = Self::new();
        pieces.into_iter().for_each(|piece| set.push(piece));
        set
    }
}

impl PartialEq for RecordSet {
    fn eq(&self, other: &Self) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

impl Eq for RecordSet {}

impl fmt::Debug for RecordSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordSet({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_is_handed_out_without_a_copy() {
        let bytes = Bytes::from(vec![7u8; 100]);
        let set = RecordSet::from(bytes.clone());
        assert_eq!(set.to_bytes().as_ptr(), bytes.as_ptr());
        assert_eq!(set.len(), 100);
    }

    #[test]
    fn sets_are_equal_however_they_are_cut() {
        let whole = RecordSet::from(Bytes::from_static(b"abcdef"));
        let cut: RecordSet = [&b"ab"[..], b"", b"cdef"]
            .into_iter()
            .map(Bytes::from_static)
            .collect();
        assert_eq!(whole, cut);
        assert_eq!(cut.pieces().len(), 2);
        assert_ne!(whole, RecordSet::new());
    }
}
