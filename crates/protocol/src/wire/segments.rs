//! A message ready to be written: pieces of memory in order.

use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};
use smallvec::SmallVec;

/// An encoded message as a list of byte slices, for one vectored write.
///
/// It is a [`Buf`]: a writer advances it by what the socket took.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    /// None is empty.
    pieces: SmallVec<[Bytes; 4]>,
    /// Pieces before this index are used up.
    first: usize,
    len: usize,
}

impl Segments {
    /// An empty message with room for this many pieces.
    #[must_use]
    pub fn with_capacity(pieces: usize) -> Self {
        Self {
            pieces: SmallVec::with_capacity(pieces),
            ..Self::default()
        }
    }

    /// Adds bytes at the end, by reference.
    pub fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.pieces.push(piece);
        }
    }

    /// How many bytes are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none are left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The pieces that are left, none of them empty.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = &Bytes> {
        self.pieces.iter().skip(self.first)
    }

    /// What is left in one piece: no copy unless there are several.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut pieces = self.pieces();
        match (pieces.next(), pieces.len()) {
            (None, _) => Bytes::new(),
            (Some(one), 0) => one.clone(),
            _ => {
                let mut whole = BytesMut::with_capacity(self.len);
                self.pieces()
                    .for_each(|piece| whole.extend_from_slice(piece));
                whole.freeze()
            }
        }
    }
}

impl From<Bytes> for Segments {
    fn from(bytes: Bytes) -> Self {
        let mut segments = Self::default();
        segments.push(bytes);
        segments
    }
}

impl Buf for Segments {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.get(self.first).map_or(&[], |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(self.pieces());
        filled
            .map(|(slice, piece)| *slice = IoSlice::new(piece))
            .count()
    }

    /// # Panics
    ///
    /// If fewer than `count` bytes are left, as [`Buf`] demands.
    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len, "advanced past the end of a message");
        self.len -= count;
        while let Some(piece) = self.pieces.get_mut(self.first) {
            if count < piece.len() {
                piece.advance(count);
                return;
            }
            count -= piece.len();
            *piece = Bytes::new();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_pieces() -> Segments {
        let mut segments = Segments::default();
        for piece in [&b"abc"[..], b"", b"de", b"f"] {
            segments.push(Bytes::from_static(piece));
        }
        segments
    }

    #[test]
    fn advancing_lets_go_of_what_was_written() {
        let mut segments = three_pieces();
        assert_eq!((segments.len(), segments.pieces().len()), (6, 3));
        segments.advance(4);
        assert_eq!(segments.to_bytes(), Bytes::from_static(b"ef"));
        segments.advance(2);
        assert!(segments.is_empty());
        assert!(!segments.has_remaining());
    }

    #[test]
    fn a_vectored_write_sees_every_piece() {
        let mut segments = three_pieces();
        segments.advance(1);
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!(segments.chunks_vectored(&mut slices), 3);
        assert_eq!(&*slices[0], b"bc");
        assert_eq!(&*slices[2], b"f");
    }

    #[test]
    #[should_panic(expected = "past the end")]
    fn advancing_past_the_end_is_our_own_mistake() {
        three_pieces().advance(7);
    }
}
