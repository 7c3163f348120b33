//! Walking over records without keeping them.
//!
//! ```text
//! | size | attributes | timestamp delta | offset delta | key length | key … value … headers … |
//!          `------------------- outline ------------------'          `------ skipped ------'
//! ```
//!
//! Memory stays constant: the records are decompressed into a small buffer, looked at and dropped.

use std::io::{self, BufRead, Read};

use types::{Offset, TimestampMs};

use super::batch::Batch;
use super::compression::{self, Compression};
use super::error::BatchError;
use super::fault::Fault;
use super::header::{BatchHeader, TimestampType};
use super::varint;

/// What a walk sees of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordShape {
    /// Place in the batch, from 0.
    pub index: i32,
    /// Offset, less the batch's base offset.
    pub offset_delta: i32,
    /// Timestamp, less the batch's base timestamp.
    pub timestamp_delta: i64,
    /// Whether the key is there, be it empty.
    pub has_key: bool,
    /// Bytes of the record without its size field.
    pub size_bytes: usize,
}

/// A record that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundRecord {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp.
    pub timestamp: TimestampMs,
}

/// Iterates over the outlines of a batch's records; an error is the last item.
///
/// Ends well only if the records are exactly as many as the header says and nothing follows them.
#[expect(missing_debug_implementations, reason = "holds a decompressor")]
pub struct RecordWalk<'a> {
    reader: Box<dyn BufRead + 'a>,
    compression: Compression,
    record_count: i32,
    index: i32,
    is_done: bool,
}

impl<'a> RecordWalk<'a> {
    pub(super) fn new(batch: &'a Batch, limit_bytes: usize) -> Result<Self, BatchError> {
        let compression = batch.header.compression()?;
        Ok(Self {
            reader: compression::stream(compression, batch.payload_slice(), limit_bytes)?,
            compression,
            record_count: batch.header.record_count,
            index: 0,
            is_done: false,
        })
    }

    fn read_shape(&mut self) -> Result<RecordShape, Fault> {
        let size = varint::read_i32(&mut *self.reader)?;
        let size = u32::try_from(size).map_err(|_negative| Fault::Record("negative size"))?;
        let mut body = (&mut *self.reader).take(u64::from(size));
        let outline = Outline::read(&mut body)?;
        if i64::from(outline.key_len) > body.limit().cast_signed() {
            return Err(Fault::Record("the key does not fit"));
        }
        skip_rest(&mut body)?;
        Ok(RecordShape {
            index: self.index,
            offset_delta: outline.offset_delta,
            timestamp_delta: outline.timestamp_delta,
            has_key: outline.key_len >= 0,
            size_bytes: size as usize,
        })
    }

    fn check_end(&mut self) -> Result<(), BatchError> {
        match self.reader.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(BatchError::TrailingBytes {
                record_count: self.record_count,
            }),
            Err(error) => Err(Fault::from(error).at(self.index, self.compression)),
        }
    }
}

impl Iterator for RecordWalk<'_> {
    type Item = Result<RecordShape, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        if self.index >= self.record_count {
            self.is_done = true;
            return self.check_end().err().map(Err);
        }
        let shape = self
            .read_shape()
            .map_err(|fault| fault.at(self.index, self.compression));
        self.is_done = shape.is_err();
        self.index += 1;
        Some(shape)
    }
}

/// The start of a record's body. A negative key length means that there is no key.
pub(super) struct Outline {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) key_len: i32,
}

impl Outline {
    pub(super) fn read<R: BufRead>(from: &mut R) -> Result<Self, Fault> {
        let _attributes = varint::read_byte(from)?;
        Ok(Self {
            timestamp_delta: varint::read_i64(from)?,
            offset_delta: varint::read_i32(from)?,
            key_len: varint::read_i32(from)?,
        })
    }
}

fn skip_rest<R: BufRead>(body: &mut io::Take<R>) -> io::Result<()> {
    while body.limit() > 0 {
        let count = body.fill_buf()?.len();
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        body.consume(count);
    }
    Ok(())
}

pub(super) fn first_record_at_or_after(
    batch: &Batch,
    target: TimestampMs,
    limit_bytes: usize,
) -> Result<Option<FoundRecord>, BatchError> {
    if batch.header.max_timestamp < target {
        return Ok(None);
    }
    for shape in batch.walk(limit_bytes)? {
        let found = batch.header.locate(&shape?);
        if found.timestamp >= target {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

pub(super) fn record_with_max_timestamp(
    batch: &Batch,
    limit_bytes: usize,
) -> Result<Option<FoundRecord>, BatchError> {
    let mut best: Option<FoundRecord> = None;
    for shape in batch.walk(limit_bytes)? {
        let found = batch.header.locate(&shape?);
        if best.is_none_or(|best| best.timestamp < found.timestamp) {
            best = Some(found);
        }
    }
    Ok(best)
}

impl BatchHeader {
    /// The timestamp of a record with this delta. Saturates, as a liar may overflow it.
    #[must_use]
    pub fn timestamp_at(&self, timestamp_delta: i64) -> TimestampMs {
        match self.timestamp_type() {
            TimestampType::LogAppendTime => self.max_timestamp,
            TimestampType::CreateTime => self.base_timestamp.saturating_add(timestamp_delta),
        }
    }

    /// The offset of a record with this delta.
    #[must_use]
    pub fn offset_at(&self, offset_delta: i32) -> Offset {
        self.base_offset.saturating_add(i64::from(offset_delta))
    }

    fn locate(&self, shape: &RecordShape) -> FoundRecord {
        FoundRecord {
            offset: self.offset_at(shape.offset_delta),
            timestamp: self.timestamp_at(shape.timestamp_delta),
        }
    }
}
