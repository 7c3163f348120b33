//! Writes a message into as few pieces of memory as possible.

use std::ops::RangeInclusive;

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;
use types::Uuid;

use super::record_set::COPIED_PIECE_BYTES_MAX;
use super::{EncodeError, Part, RecordSet, STRING_BYTES_MAX, Segments};
use crate::Str;

/// Gathers a message in one buffer, which is cut only where a record set goes in by reference.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: BytesMut,
    /// Record sets and the place in `buffer` before which each belongs, ascending.
    inserts: SmallVec<[(usize, Bytes); 4]>,
    inserted_bytes: usize,
    flexible: bool,
}

/// The tagged fields of one struct while they are written.
#[derive(Debug)]
#[must_use]
pub struct Tags {
    count_at: usize,
}

impl Writer {
    /// Starts with room for `capacity` bytes beside record sets.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            buffer: BytesMut::with_capacity(capacity),
            ..Self::default()
        }
    }

    /// How many bytes have been written, record sets included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len() + self.inserted_bytes
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message as written.
    #[must_use]
    pub fn finish(self) -> Segments {
        let whole = self.buffer.freeze();
        let mut segments = Segments::with_capacity(2 * self.inserts.len() + 1);
        let mut start = 0;
        for (at, records) in self.inserts {
            segments.push(whole.slice(start..at));
            segments.push(records);
            start = at;
        }
        segments.push(whole.slice(start..));
        segments
    }

    /// The message with its first four bytes, which the caller left free, set to the size of the
    /// rest.
    pub fn finish_frame(mut self) -> Result<Segments, EncodeError> {
        let size = int32(self.len().saturating_sub(size_of::<i32>()))?;
        if let Some(prefix) = self.buffer.first_chunk_mut() {
            *prefix = size.to_be_bytes();
        }
        Ok(self.finish())
    }

    /// Says whether what follows has compact lengths and tagged fields.
    pub fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    /// Starts a message: checks that the version exists and notes whether it is flexible.
    pub fn begin(
        &mut self,
        message: &'static str,
        version: i16,
        versions: RangeInclusive<i16>,
        flexible: bool,
    ) -> Result<(), EncodeError> {
        if !versions.contains(&version) {
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        self.flexible = flexible;
        Ok(())
    }

    /// A field that this version lacks must have its default, unless it is ignorable.
    #[inline]
    pub fn absent(
        &mut self,
        is_default: bool,
        field: &'static str,
        version: i16,
    ) -> Result<(), EncodeError> {
        if is_default {
            return Ok(());
        }
        Err(EncodeError::FieldNotInVersion { field, version })
    }

    /// A field whose null only some versions allow.
    #[inline]
    pub fn null_if<T>(
        &mut self,
        allowed: bool,
        value: &Option<T>,
        field: &'static str,
        version: i16,
    ) -> Result<(), EncodeError> {
        if allowed || value.is_some() {
            return Ok(());
        }
        Err(EncodeError::NullNotAllowed { field, version })
    }

    /// One byte.
    pub fn bool(&mut self, value: bool) {
        self.buffer.put_u8(u8::from(value));
    }

    /// One byte.
    pub fn i8(&mut self, value: i8) {
        self.buffer.put_i8(value);
    }

    /// Two bytes.
    pub fn i16(&mut self, value: i16) {
        self.buffer.put_i16(value);
    }

    /// Two bytes, unsigned.
    pub fn u16(&mut self, value: u16) {
        self.buffer.put_u16(value);
    }

    /// Four bytes.
    pub fn i32(&mut self, value: i32) {
        self.buffer.put_i32(value);
    }

    /// Eight bytes.
    pub fn i64(&mut self, value: i64) {
        self.buffer.put_i64(value);
    }

    /// Eight bytes of IEEE 754.
    pub fn f64(&mut self, value: f64) {
        self.buffer.put_f64(value);
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.buffer.put_slice(value.as_bytes());
    }

    /// An unsigned integer of seven bits per byte, lowest first.
    pub fn uvarint(&mut self, value: u32) {
        let (bytes, length) = uvarint(value);
        self.buffer.put_slice(bytes.get(..length).unwrap_or(&bytes));
    }

    /// A string.
    pub fn string(&mut self, value: &Str) -> Result<(), EncodeError> {
        self.nullable_string(Some(value))
    }

    /// A string or null.
    pub fn nullable_string(&mut self, value: Option<&Str>) -> Result<(), EncodeError> {
        let length = value.map(|text| text.len());
        if let Some(length) = length.filter(|length| *length > STRING_BYTES_MAX) {
            return Err(EncodeError::StringTooLong { length });
        }
        if self.flexible {
            self.long_length(length)?;
        } else {
            let length = length.map_or(Ok(-1), i16::try_from);
            self.i16(length.unwrap_or(i16::MAX));
        }
        if let Some(text) = value {
            self.buffer.put_slice(text.as_bytes());
        }
        Ok(())
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &Bytes) -> Result<(), EncodeError> {
        self.nullable_bytes(Some(value))
    }

    /// A byte string or null.
    pub fn nullable_bytes(&mut self, value: Option<&Bytes>) -> Result<(), EncodeError> {
        self.long_length(value.map(Bytes::len))?;
        if let Some(bytes) = value {
            self.buffer.put_slice(bytes);
        }
        Ok(())
    }

    /// A record set, by reference.
    pub fn records(&mut self, value: &RecordSet) -> Result<(), EncodeError> {
        self.nullable_records(Some(value))
    }

    /// A record set by reference, or null.
    pub fn nullable_records(&mut self, value: Option<&RecordSet>) -> Result<(), EncodeError> {
        self.long_length(value.map(RecordSet::len))?;
        value
            .into_iter()
            .flat_map(RecordSet::pieces)
            .for_each(|piece| self.insert(piece));
        Ok(())
    }

    /// Bytes as they are, by reference unless they are few.
    pub fn insert(&mut self, piece: &Bytes) {
        if piece.len() <= COPIED_PIECE_BYTES_MAX {
            self.buffer.put_slice(piece);
        } else {
            self.inserted_bytes += piece.len();
            self.inserts.push((self.buffer.len(), piece.clone()));
        }
    }

    /// An array.
    pub fn array<T: Part>(&mut self, items: &[T], version: i16) -> Result<(), EncodeError> {
        self.long_length(Some(items.len()))?;
        for item in items {
            item.encode(self, version)?;
        }
        Ok(())
    }

    /// An array or null.
    pub fn nullable_array<T: Part>(
        &mut self,
        items: Option<&[T]>,
        version: i16,
    ) -> Result<(), EncodeError> {
        match items {
            Some(items) => self.array(items, version),
            None => self.long_length(None),
        }
    }

    /// A struct or null: a byte says which.
    pub fn nullable_part<T: Part>(
        &mut self,
        value: Option<&T>,
        version: i16,
    ) -> Result<(), EncodeError> {
        match value {
            Some(value) => {
                self.i8(1);
                value.encode(self, version)
            }
            None => {
                self.i8(-1);
                Ok(())
            }
        }
    }

    /// A struct in a tagged field. Unlike elsewhere, zero in front of it says that it is null.
    pub fn nullable_tagged_part<T: Part>(
        &mut self,
        value: Option<&T>,
        version: i16,
    ) -> Result<(), EncodeError> {
        self.i8(i8::from(value.is_some()));
        value.map_or(Ok(()), |value| value.encode(self, version))
    }

    /// Starts the tagged fields of a struct; to be called in flexible versions only.
    pub fn begin_tags(&mut self) -> Tags {
        let count_at = self.buffer.len();
        self.buffer.put_u8(0);
        Tags { count_at }
    }

    /// Writes one tagged field. Tags must ascend, and there are fewer than 128.
    pub fn tag(
        &mut self,
        tags: &mut Tags,
        tag: u32,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.uvarint(tag);
        let start = self.buffer.len();
        write(self)?;
        self.prefix_size(start)?;
        if let Some(count) = self.buffer.get_mut(tags.count_at) {
            *count += 1;
        }
        Ok(())
    }

    /// Ends a struct that has no known tagged fields.
    pub fn no_tags(&mut self) {
        if self.flexible {
            self.buffer.put_u8(0);
        }
    }

    /// Puts the size of what was written since `start` before it.
    fn prefix_size(&mut self, start: usize) -> Result<(), EncodeError> {
        debug_assert!(
            self.inserts.last().is_none_or(|(at, _)| *at < start),
            "no record set inside a tagged field"
        );
        let size = int32(self.buffer.len() - start)?;
        let end = self.buffer.len();
        self.uvarint(size.cast_unsigned());
        let length = self.buffer.len() - end;
        if let Some(value) = self.buffer.get_mut(start..) {
            value.rotate_right(length);
        }
        Ok(())
    }

    /// The length of a byte string or the count of an array.
    fn long_length(&mut self, length: Option<usize>) -> Result<(), EncodeError> {
        let length = length.map_or(Ok(-1), int32)?;
        if self.flexible {
            // At most 2³¹, so this cannot wrap.
            self.uvarint((length.wrapping_add(1)).cast_unsigned());
        } else {
            self.i32(length);
        }
        Ok(())
    }
}

/// The bytes of a variable-length integer and how many of them there are.
fn uvarint(mut value: u32) -> ([u8; 5], usize) {
    let mut bytes = [0; 5];
    for (i, byte) in bytes.iter_mut().enumerate() {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            *byte = low & 0x7f;
            return (bytes, i + 1);
        }
        *byte = low | 0x80;
    }
    (bytes, 5)
}

fn int32(length: usize) -> Result<i32, EncodeError> {
    i32::try_from(length).or(Err(EncodeError::TooLong { length }))
}
