//! The 61 bytes in front of the records.

use bytes::{Buf, BufMut};
use types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, TimestampMs};

use super::compression::Compression;
use super::error::BatchError;

/// Bytes of the batch header, base offset and length included.
pub const HEADER_LEN: usize = 61;
/// Bytes that the length field does not count: base offset and the field itself.
pub const LOG_OVERHEAD: usize = 12;
/// The only format that is read and written.
pub const MAGIC: i8 = 2;
/// "No timestamp" in a record or a header.
pub const NO_TIMESTAMP: TimestampMs = -1;

/// Bytes up to and including the magic byte.
const PREFIX_LEN: usize = 17;
/// The smallest length field of any format (an empty v0 message). Below it lie zeros and garbage.
const ANY_FORMAT_LENGTH_MIN: i32 = 14;
/// The smallest length field of format v2.
const LENGTH_MIN: i32 = 49;

const COMPRESSION_MASK: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
const DELETE_HORIZON: i16 = 1 << 6;

/// Who set the timestamps of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer, record by record.
    #[default]
    CreateTime,
    /// The leader at append: every record has the header's maximum timestamp.
    LogAppendTime,
}

/// The header of a v2 batch, as read. Only what [`BatchHeader::parse`] says is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record. Survives compaction of that record. Outside the CRC.
    pub base_offset: Offset,
    /// Bytes after this field.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch. Outside the CRC.
    pub partition_leader_epoch: LeaderEpoch,
    /// Format, always [`MAGIC`].
    pub magic: i8,
    /// CRC-32C of everything after it.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: i16,
    /// Offset of the last record, less the base offset.
    pub last_offset_delta: i32,
    /// Timestamp to which the records' deltas are added: that of the first record.
    pub base_timestamp: TimestampMs,
    /// The largest timestamp of a record, or the append time.
    pub max_timestamp: TimestampMs,
    /// Idempotent producer, or none.
    pub producer_id: ProducerId,
    /// Its incarnation.
    pub producer_epoch: ProducerEpoch,
    /// Sequence number of the first record, -1 without producer.
    pub base_sequence: i32,
    /// Number of records.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`; more may follow, and the records need not be there.
    ///
    /// Promises of the result: magic is 2 and `batch_length` covers at least the header. The
    /// checksum, counts and attributes are the sender's claims.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let incomplete = BatchError::Incomplete {
            needed: HEADER_LEN,
            available: bytes.len(),
        };
        let Some(mut prefix) = bytes.get(..PREFIX_LEN) else {
            return Err(incomplete);
        };
        let base_offset = prefix.get_i64();
        let batch_length = prefix.get_i32();
        let partition_leader_epoch = LeaderEpoch(prefix.get_i32());
        let magic = prefix.get_i8();
        if batch_length < ANY_FORMAT_LENGTH_MIN {
            return Err(BatchError::Length { batch_length });
        }
        if magic != MAGIC {
            return Err(BatchError::Magic { magic });
        }
        if batch_length < LENGTH_MIN {
            return Err(BatchError::Length { batch_length });
        }
        let Some(mut rest) = bytes.get(PREFIX_LEN..HEADER_LEN) else {
            return Err(incomplete);
        };
        Ok(Self {
            base_offset,
            batch_length,
            partition_leader_epoch,
            magic,
            crc: rest.get_u32(),
            attributes: rest.get_i16(),
            last_offset_delta: rest.get_i32(),
            base_timestamp: rest.get_i64(),
            max_timestamp: rest.get_i64(),
            producer_id: ProducerId(rest.get_i64()),
            producer_epoch: ProducerEpoch(rest.get_i16()),
            base_sequence: rest.get_i32(),
            record_count: rest.get_i32(),
        })
    }

    /// The header as bytes, with `crc` as it stands.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let mut out = &mut bytes[..];
        out.put_i64(self.base_offset);
        out.put_i32(self.batch_length);
        out.put_i32(self.partition_leader_epoch.0);
        out.put_i8(self.magic);
        out.put_u32(self.crc);
        out.put_i16(self.attributes);
        out.put_i32(self.last_offset_delta);
        out.put_i64(self.base_timestamp);
        out.put_i64(self.max_timestamp);
        out.put_i64(self.producer_id.0);
        out.put_i16(self.producer_epoch.0);
        out.put_i32(self.base_sequence);
        out.put_i32(self.record_count);
        bytes
    }

    /// Bytes of the whole batch, header included.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        LOG_OVERHEAD + usize::try_from(self.batch_length).unwrap_or(0)
    }

    /// Offset of the last record. Inclusive.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        self.base_offset
            .saturating_add(i64::from(self.last_offset_delta))
    }

    /// Offset after the last record: where the next batch begins. Exclusive.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.last_offset().saturating_add(1)
    }

    /// The codec of the records.
    pub fn compression(&self) -> Result<Compression, BatchError> {
        let id = (self.attributes & COMPRESSION_MASK).to_le_bytes()[0];
        Compression::from_id(id).ok_or(BatchError::UnknownCompression { id })
    }

    /// Names another codec in the attributes.
    pub fn set_compression(&mut self, compression: Compression) {
        self.attributes = self.attributes & !COMPRESSION_MASK | i16::from(compression.id());
    }

    /// Who set the timestamps.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        if self.has(LOG_APPEND_TIME) {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        }
    }

    /// Says who set the timestamps.
    pub fn set_timestamp_type(&mut self, timestamp_type: TimestampType) {
        self.set(
            LOG_APPEND_TIME,
            timestamp_type == TimestampType::LogAppendTime,
        );
    }

    /// Whether the records belong to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.has(TRANSACTIONAL)
    }

    /// Marks the records as part of a transaction, or not.
    pub fn set_transactional(&mut self, transactional: bool) {
        self.set(TRANSACTIONAL, transactional);
    }

    /// Whether the batch is for the machinery (transaction markers), not for applications.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.has(CONTROL)
    }

    /// Marks the batch as one for the machinery, or not.
    pub fn set_control(&mut self, control: bool) {
        self.set(CONTROL, control);
    }

    /// Whether `base_timestamp` is also the time at which tombstones may go (KIP-534).
    #[must_use]
    pub fn has_delete_horizon(&self) -> bool {
        self.has(DELETE_HORIZON)
    }

    /// When its tombstones may go, in milliseconds since 1970, if compaction has said so.
    #[must_use]
    pub fn delete_horizon_ms(&self) -> Option<TimestampMs> {
        self.has_delete_horizon().then_some(self.base_timestamp)
    }

    /// Says when its tombstones may go. The records' timestamps are counted from there then.
    pub fn set_delete_horizon(&mut self, horizon_ms: TimestampMs) {
        self.set(DELETE_HORIZON, true);
        self.base_timestamp = horizon_ms;
    }

    /// Takes the word about tombstones back. What timestamps are counted from has to be set anew.
    pub fn clear_delete_horizon(&mut self) {
        self.set(DELETE_HORIZON, false);
    }

    /// Whether an idempotent producer wrote the batch.
    #[must_use]
    pub fn has_producer(&self) -> bool {
        self.producer_id.is_known()
    }

    /// Sequence number of the last record, past `i32::MAX` counted on from 0; -1 without producer.
    #[must_use]
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        add_to_sequence(self.base_sequence, self.last_offset_delta)
    }

    fn has(&self, flag: i16) -> bool {
        self.attributes & flag != 0
    }

    fn set(&mut self, flag: i16, on: bool) {
        self.attributes = if on {
            self.attributes | flag
        } else {
            self.attributes & !flag
        };
    }
}

/// The sequence number after `sequence`: `i32::MAX` is followed by 0, never by a negative number.
#[must_use]
pub fn next_sequence(sequence: i32) -> i32 {
    add_to_sequence(sequence, 1)
}

/// `sequence + delta` modulo 2³¹. A negative delta (a lying header) counts as nothing.
fn add_to_sequence(sequence: i32, delta: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(delta.max(0));
    i32::try_from(sum & i64::from(i32::MAX)).unwrap_or(0)
}

/// The first 16 bytes of a batch (base offset, length, leader epoch) as the leader appends them.
///
/// The rest is written from the request's own bytes: nothing is copied, and the CRC stays valid,
/// since it begins after these bytes.
#[must_use]
pub fn patched_prefix(
    header: &BatchHeader,
    base_offset: Offset,
    leader_epoch: LeaderEpoch,
) -> [u8; 16] {
    let mut bytes = [0; 16];
    let mut out = &mut bytes[..];
    out.put_i64(base_offset);
    out.put_i32(header.batch_length);
    out.put_i32(leader_epoch.0);
    bytes
}
