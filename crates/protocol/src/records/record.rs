//! Records themselves, as clients read them.

use bytes::{Buf, Bytes};

use super::batch::Batch;
use super::compression::{self, Compression};
use super::error::BatchError;
use super::fault::Fault;
use super::varint;
use super::walk::Outline;
use crate::Str;

/// A record of a batch. Add the deltas with [`BatchHeader::offset_at`] and
/// [`BatchHeader::timestamp_at`].
///
/// [`BatchHeader::offset_at`]: super::BatchHeader::offset_at
/// [`BatchHeader::timestamp_at`]: super::BatchHeader::timestamp_at
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Offset, less the batch's base offset.
    pub offset_delta: i32,
    /// Timestamp, less the batch's base timestamp.
    pub timestamp_delta: i64,
    /// The key.
    pub key: Option<Bytes>,
    /// The value. `None` deletes the key in a compacted topic.
    pub value: Option<Bytes>,
    /// Headers, in the sender's order; names may repeat.
    pub headers: Vec<RecordHeader>,
}

/// A header of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordHeader {
    /// Its name. Bytes that are no UTF-8 are read as replacement characters, as Kafka's clients do:
    /// one bad producer must not make a partition unreadable.
    pub key: Str,
    /// Its value.
    pub value: Option<Bytes>,
}

impl RecordHeader {
    /// Puts the two together.
    pub fn new(key: impl Into<Str>, value: Option<Bytes>) -> Self {
        Self {
            key: key.into(),
            value,
        }
    }
}

/// Iterates over the records of a batch; an error is the last item.
///
/// Ends well only if the records are exactly as many as the header says and nothing follows them.
#[derive(Clone, Debug)]
pub struct RecordIter {
    rest: Bytes,
    record_count: i32,
    index: i32,
    is_done: bool,
}

impl RecordIter {
    pub(super) fn new(batch: &Batch, limit_bytes: usize) -> Result<Self, BatchError> {
        let compression = batch.header.compression()?;
        Ok(Self {
            rest: compression::decompress(compression, &batch.payload(), limit_bytes)?,
            record_count: batch.header.record_count,
            index: 0,
            is_done: false,
        })
    }

    fn read_record(&mut self) -> Result<Record, Fault> {
        let size = read_len(&mut self.rest)?;
        let size = usize::try_from(size).map_err(|_negative| Fault::Record("negative size"))?;
        if size > self.rest.len() {
            return Err(Fault::Record("ends early"));
        }
        read_body(&mut self.rest.split_to(size))
    }
}

impl Iterator for RecordIter {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        if self.index >= self.record_count {
            self.is_done = true;
            let record_count = self.record_count;
            return (!self.rest.is_empty())
                .then_some(Err(BatchError::TrailingBytes { record_count }));
        }
        let record = self
            .read_record()
            .map_err(|fault| fault.at(self.index, Compression::None));
        self.is_done = record.is_err();
        self.index += 1;
        Some(record)
    }
}

fn read_body(body: &mut Bytes) -> Result<Record, Fault> {
    let mut slice = &body[..];
    let outline = Outline::read(&mut slice)?;
    body.advance(body.len() - slice.len());
    let key = take_nullable(body, outline.key_len)?;
    let value_len = read_len(body)?;
    let value = take_nullable(body, value_len)?;
    let headers = read_headers(body)?;
    if !body.is_empty() {
        return Err(Fault::Record("bytes remain after the headers"));
    }
    Ok(Record {
        offset_delta: outline.offset_delta,
        timestamp_delta: outline.timestamp_delta,
        key,
        value,
        headers,
    })
}

fn read_headers(body: &mut Bytes) -> Result<Vec<RecordHeader>, Fault> {
    let count = read_len(body)?;
    let count = usize::try_from(count).map_err(|_negative| Fault::Record("negative count"))?;
    // A header takes two bytes or more: a liar gets no memory for what cannot be there.
    if count > body.len() / 2 {
        return Err(Fault::Record("more headers than bytes"));
    }
    let mut headers = Vec::with_capacity(count);
    for _ in 0..count {
        let key_len = read_len(body)?;
        let key = take_nullable(body, key_len)?.ok_or(Fault::Record("header without name"))?;
        let value_len = read_len(body)?;
        let value = take_nullable(body, value_len)?;
        headers.push(RecordHeader {
            key: lossy(key),
            value,
        });
    }
    Ok(headers)
}

fn read_len(from: &mut Bytes) -> Result<i32, Fault> {
    let mut slice = &from[..];
    let len = varint::read_i32(&mut slice)?;
    from.advance(from.len() - slice.len());
    Ok(len)
}

/// Any negative length means null, as it does for Kafka.
fn take_nullable(from: &mut Bytes, len: i32) -> Result<Option<Bytes>, Fault> {
    let Ok(len) = usize::try_from(len) else {
        return Ok(None);
    };
    if len > from.len() {
        return Err(Fault::Record("a field does not fit"));
    }
    Ok(Some(from.split_to(len)))
}

fn lossy(bytes: Bytes) -> Str {
    Str::try_from(bytes.clone())
        .unwrap_or_else(|_not_utf8| String::from_utf8_lossy(&bytes).into_owned().into())
}
