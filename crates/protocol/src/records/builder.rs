//! Writes batches: the producer's side, and the broker's own markers.

use std::io;

use bytes::Bytes;
use types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};

use super::batch::Batch;
use super::compression::{self, Compression};
use super::crc;
use super::header::{BatchHeader, HEADER_LEN, LOG_OVERHEAD, MAGIC, NO_TIMESTAMP};
use super::record::RecordHeader;
use super::varint;

/// More than the fixed fields of any record need: five varints, a varlong, the attributes.
const RECORD_OVERHEAD_MAX: usize = 36;
/// More than the lengths of any header need.
const HEADER_OVERHEAD_MAX: usize = 10;

/// Collects records and makes a batch of them. Records are encoded as they come; compression
/// happens at the end, at once.
///
/// Sequence numbers may be given late, when the batch is about to be sent.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    compression: Compression,
    header: BatchHeader,
    /// Room for the header, then the records.
    buffer: Vec<u8>,
    /// The record being encoded.
    record: Vec<u8>,
}

/// Why a batch cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// It would have no records.
    #[error("a batch needs at least one record")]
    Empty,
    /// A length would not fit its field.
    #[error("a batch cannot hold more than 2 GiB")]
    TooLarge,
    /// The timestamp's distance from the first record's does not fit its field.
    #[error("timestamp {timestamp} is too far from {base_timestamp}, the batch's first")]
    Timestamp {
        /// The record's.
        timestamp: TimestampMs,
        /// The first record's.
        base_timestamp: TimestampMs,
    },
    /// The codec failed.
    #[error("{compression} failed")]
    Compress {
        /// The codec.
        compression: Compression,
        /// Its error.
        source: io::Error,
    },
}

impl BatchBuilder {
    /// An empty batch without producer.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self::with_capacity(compression, 0)
    }

    /// An empty batch with room for so many bytes of records.
    #[must_use]
    pub fn with_capacity(compression: Compression, bytes: usize) -> Self {
        let mut header = BatchHeader {
            base_offset: 0,
            batch_length: 0,
            partition_leader_epoch: LeaderEpoch::NONE,
            magic: MAGIC,
            crc: 0,
            attributes: 0,
            last_offset_delta: -1,
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            base_sequence: -1,
            record_count: 0,
        };
        header.set_compression(compression);
        let mut buffer = Vec::with_capacity(HEADER_LEN + bytes);
        buffer.resize(HEADER_LEN, 0);
        Self {
            compression,
            header,
            buffer,
            record: Vec::new(),
        }
    }

    /// Sets the first record's offset; 0 in what producers send.
    pub fn set_base_offset(&mut self, base_offset: Offset) -> &mut Self {
        self.header.base_offset = base_offset;
        self
    }

    /// Sets the leader epoch; none in what producers send.
    pub fn set_leader_epoch(&mut self, leader_epoch: LeaderEpoch) -> &mut Self {
        self.header.partition_leader_epoch = leader_epoch;
        self
    }

    /// Makes the batch idempotent.
    pub fn set_producer(
        &mut self,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        base_sequence: i32,
    ) -> &mut Self {
        self.header.producer_id = producer_id;
        self.header.producer_epoch = producer_epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Makes the records part of the producer's transaction.
    pub fn set_transactional(&mut self, transactional: bool) -> &mut Self {
        self.header.set_transactional(transactional);
        self
    }

    /// Makes the batch one for the machinery.
    pub fn set_control(&mut self, control: bool) -> &mut Self {
        self.header.set_control(control);
        self
    }

    /// Adds a record and returns its place in the batch, from 0. After an error the batch is as it
    /// was before.
    pub fn append(
        &mut self,
        timestamp: TimestampMs,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[RecordHeader],
    ) -> Result<i32, BuildError> {
        let index = self.header.record_count;
        let is_first = index == 0;
        let base_timestamp = if is_first {
            timestamp
        } else {
            self.header.base_timestamp
        };
        let timestamp_delta =
            timestamp
                .checked_sub(base_timestamp)
                .ok_or(BuildError::Timestamp {
                    timestamp,
                    base_timestamp,
                })?;
        self.encode_record(timestamp_delta, index, key, value, headers)?;
        self.push_record(index)?;
        self.header.base_timestamp = base_timestamp;
        self.header.max_timestamp = self.header.max_timestamp.max(timestamp);
        self.header.last_offset_delta = index;
        self.header.record_count = index + 1;
        Ok(index)
    }

    /// Number of records so far.
    #[must_use]
    pub fn record_count(&self) -> i32 {
        self.header.record_count
    }

    /// Whether there are no records yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.header.record_count == 0
    }

    /// Bytes of the batch so far, header included, before compression.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// An upper bound of what a record adds to the batch, before compression.
    #[must_use]
    pub fn record_size_max(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[RecordHeader],
    ) -> usize {
        let headers: usize = headers
            .iter()
            .map(|h| HEADER_OVERHEAD_MAX + h.key.len() + h.value.as_ref().map_or(0, Bytes::len))
            .sum();
        RECORD_OVERHEAD_MAX + key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + headers
    }

    /// Compresses, counts and seals.
    pub fn build(mut self) -> Result<Batch, BuildError> {
        if self.is_empty() {
            return Err(BuildError::Empty);
        }
        if self.compression != Compression::None {
            let records = &self.buffer[HEADER_LEN..];
            let compressed = compress(self.compression, records)?;
            self.buffer.truncate(HEADER_LEN);
            self.buffer.extend_from_slice(&compressed);
        }
        self.header.batch_length = i32::try_from(self.buffer.len() - LOG_OVERHEAD)
            .map_err(|_too_large| BuildError::TooLarge)?;
        crc::seal(&mut self.header, &self.buffer[HEADER_LEN..]);
        self.buffer[..HEADER_LEN].copy_from_slice(&self.header.encode());
        Ok(Batch {
            header: self.header,
            bytes: self.buffer.into(),
        })
    }

    fn encode_record(
        &mut self,
        timestamp_delta: i64,
        offset_delta: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[RecordHeader],
    ) -> Result<(), BuildError> {
        let out = &mut self.record;
        out.clear();
        out.push(0); // attributes, unused
        varint::write_i64(out, timestamp_delta);
        varint::write_i32(out, offset_delta);
        write_nullable(out, key)?;
        write_nullable(out, value)?;
        varint::write_i32(out, len_field(headers.len())?);
        for header in headers {
            write_nullable(out, Some(header.key.as_bytes()))?;
            write_nullable(out, header.value.as_deref())?;
        }
        Ok(())
    }

    fn push_record(&mut self, index: i32) -> Result<(), BuildError> {
        let size = len_field(self.record.len())?;
        let grown = self.buffer.len() + varint::encoded_len(i64::from(size)) + self.record.len();
        if i32::try_from(grown).is_err() || index == i32::MAX {
            return Err(BuildError::TooLarge);
        }
        varint::write_i32(&mut self.buffer, size);
        self.buffer.extend_from_slice(&self.record);
        Ok(())
    }
}

/// Compresses, with an error that names the codec.
pub(super) fn compress(compression: Compression, records: &[u8]) -> Result<Vec<u8>, BuildError> {
    compression::compress(compression, records).map_err(|source| BuildError::Compress {
        compression,
        source,
    })
}

fn write_nullable(out: &mut Vec<u8>, field: Option<&[u8]>) -> Result<(), BuildError> {
    match field {
        None => varint::write_i32(out, -1),
        Some(bytes) => {
            varint::write_i32(out, len_field(bytes.len())?);
            out.extend_from_slice(bytes);
        }
    }
    Ok(())
}

fn len_field(len: usize) -> Result<i32, BuildError> {
    i32::try_from(len).map_err(|_too_large| BuildError::TooLarge)
}
