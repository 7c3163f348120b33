//! What an array can hold: structs and primitive values alike.

use types::Uuid;

use super::{DecodeError, EncodeError, Reader, Writer};
use crate::Str;

/// A value inside a message. Its encoding depends on the message's version and on whether that
/// version is flexible, which the reader or writer was told at the start of the message.
pub trait Part: Sized {
    /// Reads the value.
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError>;

    /// Writes the value.
    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError>;

    /// How many bytes it takes at most, record sets not counted.
    fn encoded_len(&self) -> usize;
}

/// How many bytes an array takes at most.
pub fn array_len<T: Part>(items: &[T]) -> usize {
    5 + items.iter().map(Part::encoded_len).sum::<usize>()
}

/// How many bytes a string or byte string takes at most.
#[must_use]
pub fn bytes_len(bytes: &[u8]) -> usize {
    5 + bytes.len()
}

macro_rules! integer_part {
    ($($kind:ident)*) => {$(
        impl Part for $kind {
            fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
                r.$kind()
            }

            fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
                w.$kind(*self);
                Ok(())
            }

            fn encoded_len(&self) -> usize {
                size_of::<Self>()
            }
        }
    )*};
}

integer_part!(i8 i16 i32 i64);

impl Part for Uuid {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        r.uuid()
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.uuid(*self);
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        size_of::<Self>()
    }
}

impl Part for Str {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        r.string()
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(self)
    }

    fn encoded_len(&self) -> usize {
        bytes_len(self.as_bytes())
    }
}
