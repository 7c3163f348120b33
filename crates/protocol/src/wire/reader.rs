//! Reads a message without copying and without trusting it.

use std::ops::RangeInclusive;

use bytes::Bytes;
use types::Uuid;

use super::{DecodeError, Part, RecordSet, STRING_BYTES_MAX};
use crate::Str;

/// What one input may make us allocate: this much for each of its bytes …
const MEMORY_PER_BYTE: usize = 16;
/// … and this much for itself.
const MEMORY_BASE: usize = 64 * 1024;

/// A cursor over the bytes of one frame.
///
/// What it hands out are slices of the frame. Only arrays take memory, and each array is paid for
/// from an allowance of sixteen times the input plus 64 KiB before it is allocated.
#[derive(Debug, Clone)]
pub struct Reader {
    bytes: Bytes,
    /// Always within `bytes`.
    position: usize,
    allowance: usize,
    flexible: bool,
}

impl Reader {
    /// Starts at the first byte.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        let allowance = bytes.len().saturating_mul(MEMORY_PER_BYTE);
        Self {
            bytes,
            position: 0,
            allowance: allowance.saturating_add(MEMORY_BASE),
            flexible: false,
        }
    }

    /// How many bytes have been read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many bytes have not been read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The bytes that have not been read.
    #[must_use]
    pub fn rest(&self) -> Bytes {
        self.bytes.slice(self.position..)
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
    ) -> Result<(), DecodeError> {
        if !versions.contains(&version) {
            return Err(DecodeError::UnsupportedVersion { message, version });
        }
        self.flexible = flexible;
        Ok(())
    }

    /// Reads a field that this version may lack: its default if so.
    #[inline]
    pub fn field<T: Default>(
        &mut self,
        present: bool,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if present {
            read(self)
        } else {
            Ok(T::default())
        }
    }

    /// Reads a field that this version may lack: `default` if so.
    #[inline]
    pub fn field_or<T>(
        &mut self,
        present: bool,
        default: T,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if present { read(self) } else { Ok(default) }
    }

    /// Reads a field whose null only some versions allow.
    #[inline]
    pub fn null_if<T>(
        &mut self,
        allowed: bool,
        read: impl FnOnce(&mut Self) -> Result<Option<T>, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        let value = read(self)?;
        if value.is_none() && !allowed {
            return Err(self.unexpected_null());
        }
        Ok(value)
    }

    /// Zero is false, everything else is true.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? != 0)
    }

    /// One byte.
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        Ok(i8::from_be_bytes(self.chunk()?))
    }

    /// Two bytes.
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.chunk()?))
    }

    /// Two bytes, unsigned.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.chunk()?))
    }

    /// Four bytes.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.chunk()?))
    }

    /// Eight bytes.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_be_bytes(self.chunk()?))
    }

    /// Eight bytes of IEEE 754.
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_be_bytes(self.chunk()?))
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        Ok(Uuid::from_bytes(self.chunk()?))
    }

    /// An unsigned integer of seven bits per byte, lowest first, at most 32 bits.
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in (0..32).step_by(7) {
            let [byte] = self.chunk()?;
            let bits = u32::from(byte & 0x7f);
            if bits.leading_zeros() < shift {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        let position = self.position;
        Err(DecodeError::VarintTooLong { position })
    }

    /// A string, which shares the frame's memory.
    pub fn string(&mut self) -> Result<Str, DecodeError> {
        let text = self.nullable_string()?;
        text.ok_or_else(|| self.unexpected_null())
    }

    /// A string or null.
    pub fn nullable_string(&mut self) -> Result<Option<Str>, DecodeError> {
        let length = if self.flexible {
            self.compact_length()?
        } else {
            let length = self.i16()?;
            self.length(i32::from(length))?
        };
        let Some(length) = length else {
            return Ok(None);
        };
        if length > STRING_BYTES_MAX {
            let position = self.position;
            return Err(DecodeError::StringTooLong { position, length });
        }
        let bytes = self.take(length)?;
        match Str::try_from(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(DecodeError::InvalidUtf8 {
                position: self.position,
            }),
        }
    }

    /// A byte string, which shares the frame's memory.
    pub fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let bytes = self.nullable_bytes()?;
        bytes.ok_or_else(|| self.unexpected_null())
    }

    /// A byte string or null.
    pub fn nullable_bytes(&mut self) -> Result<Option<Bytes>, DecodeError> {
        match self.long_length()? {
            Some(length) => Ok(Some(self.take(length)?)),
            None => Ok(None),
        }
    }

    /// A record set, which shares the frame's memory.
    pub fn records(&mut self) -> Result<RecordSet, DecodeError> {
        Ok(self.bytes()?.into())
    }

    /// A record set or null.
    pub fn nullable_records(&mut self) -> Result<Option<RecordSet>, DecodeError> {
        Ok(self.nullable_bytes()?.map(RecordSet::from))
    }

    /// An array.
    pub fn array<T: Part>(&mut self, version: i16) -> Result<Vec<T>, DecodeError> {
        let items = self.nullable_array(version)?;
        items.ok_or_else(|| self.unexpected_null())
    }

    /// An array or null.
    pub fn nullable_array<T: Part>(&mut self, version: i16) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.long_length()? else {
            return Ok(None);
        };
        self.pay_for_array(count, size_of::<T>())?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(T::decode(self, version)?);
        }
        Ok(Some(items))
    }

    /// A struct or null: a byte says which.
    pub fn nullable_part<T: Part>(&mut self, version: i16) -> Result<Option<T>, DecodeError> {
        match self.i8()? {
            ..0 => Ok(None),
            0.. => Ok(Some(T::decode(self, version)?)),
        }
    }

    /// A struct in a tagged field. Unlike elsewhere, zero in front of it says that it is null.
    pub fn nullable_tagged_part<T: Part>(
        &mut self,
        version: i16,
    ) -> Result<Option<T>, DecodeError> {
        match self.uvarint()? {
            0 => Ok(None),
            1.. => Ok(Some(T::decode(self, version)?)),
        }
    }

    /// Reads the tagged fields at the end of a struct. `known` reads the value of a tag it knows,
    /// or answers false, and the value is skipped. A version that is not flexible has none.
    #[inline]
    pub fn tags(
        &mut self,
        mut known: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.uvarint()? {
            let (tag, end) = self.tag()?;
            if !known(self, tag)? {
                self.position = end;
            } else if self.position != end {
                let position = self.position;
                return Err(DecodeError::TagSize { tag, position });
            }
        }
        Ok(())
    }

    /// Skips the tagged fields at the end of a struct that has no known ones.
    #[inline]
    pub fn skip_tags(&mut self) -> Result<(), DecodeError> {
        self.tags(|_, _| Ok(false))
    }

    /// A tag and where its value ends.
    fn tag(&mut self) -> Result<(u32, usize), DecodeError> {
        let tag = self.uvarint()?;
        let size = self.uvarint()? as usize;
        if size > self.remaining() {
            return Err(self.unexpected_end(size));
        }
        Ok((tag, self.position + size))
    }

    /// The length of a byte string or the count of an array.
    fn long_length(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.flexible {
            self.compact_length()
        } else {
            let length = self.i32()?;
            self.length(length)
        }
    }

    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok((self.uvarint()? as usize).checked_sub(1))
    }

    fn length(&self, length: i32) -> Result<Option<usize>, DecodeError> {
        match (length, usize::try_from(length)) {
            (_, Ok(length)) => Ok(Some(length)),
            (-1, _) => Ok(None),
            _ => Err(DecodeError::NegativeLength {
                position: self.position,
                length,
            }),
        }
    }

    /// Every element takes at least one byte of input, so a larger count is a lie.
    fn pay_for_array(&mut self, count: usize, element_bytes: usize) -> Result<(), DecodeError> {
        let (position, remaining) = (self.position, self.remaining());
        if count > remaining {
            return Err(DecodeError::TooManyElements {
                position,
                count,
                remaining,
            });
        }
        let wanted = count.saturating_mul(element_bytes);
        match self.allowance.checked_sub(wanted) {
            Some(rest) => self.allowance = rest,
            None => {
                return Err(DecodeError::TooMuchMemory {
                    position,
                    wanted,
                    allowed: self.allowance,
                });
            }
        }
        Ok(())
    }

    /// The next `length` bytes as a slice of the frame.
    fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        if length > self.remaining() {
            return Err(self.unexpected_end(length));
        }
        let start = self.position;
        self.position += length;
        Ok(self.bytes.slice(start..self.position))
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some(chunk) = rest.first_chunk() else {
            return Err(self.unexpected_end(N));
        };
        self.position += N;
        Ok(*chunk)
    }

    #[cold]
    fn unexpected_end(&self, wanted: usize) -> DecodeError {
        DecodeError::UnexpectedEnd {
            position: self.position,
            wanted,
            remaining: self.remaining(),
        }
    }

    #[cold]
    fn unexpected_null(&self) -> DecodeError {
        DecodeError::UnexpectedNull {
            position: self.position,
        }
    }
}
