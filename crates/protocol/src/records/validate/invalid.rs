//! Why a batch may not be appended.

use types::{Offset, TimestampMs};

use crate::records::error::BatchError;

/// At most so many records of a batch are named in an error.
pub const RECORD_ERRORS_MAX: usize = 1000;

/// One record that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Its place in the batch, from 0.
    pub index: i32,
    /// Why.
    pub message: String,
}

/// Why a record set may not be appended. Each variant names the error that clients know it by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing to append, or not all of it (`INVALID_RECORD`).
    #[error("a produce request must have one record batch per partition, this has no whole one")]
    NoBatch,
    /// Something follows the batch (`INVALID_RECORD`).
    #[error("a produce request must have one record batch per partition, this has more")]
    MoreThanOneBatch,
    /// Format v0 or v1 (`INVALID_RECORD`).
    #[error("record batches of magic {magic} cannot be produced, only of magic 2")]
    OldMagic {
        /// The magic byte.
        magic: i8,
    },
    /// Length field, checksum or a magic from the future (`CORRUPT_MESSAGE`, which clients retry).
    #[error("the record batch is corrupt: {0}")]
    Corrupt(#[source] BatchError),
    /// Larger than the topic allows (`MESSAGE_TOO_LARGE`).
    #[error("the record batch has {size_bytes} bytes, the topic allows {max_bytes}")]
    TooLarge {
        /// The batch, compressed, header included.
        size_bytes: usize,
        /// `max.message.bytes`.
        max_bytes: usize,
    },
    /// Larger than a segment (`RECORD_LIST_TOO_LARGE`).
    #[error("the record batch has {size_bytes} bytes, a segment {segment_bytes}")]
    LargerThanSegment {
        /// The batch, compressed, header included.
        size_bytes: usize,
        /// `segment.bytes`.
        segment_bytes: usize,
    },
    /// zstd in a request too old for it (`UNSUPPORTED_COMPRESSION_TYPE`).
    #[error("zstd needs produce requests of version 7 or later")]
    ZstdNotAllowed,
    /// Offsets are the leader's to give (`INVALID_RECORD`).
    #[error("the base offset of a produced batch must be 0, this is {base_offset}")]
    BaseOffset {
        /// The header's.
        base_offset: Offset,
    },
    /// Count and offsets disagree (`INVALID_RECORD`).
    #[error("{record_count} records do not fit a last offset delta of {last_offset_delta}")]
    Count {
        /// The header's.
        record_count: i32,
        /// The header's.
        last_offset_delta: i32,
    },
    /// Only brokers write control batches (`INVALID_RECORD`).
    #[error("clients are not allowed to write control records")]
    Control,
    /// An idempotent producer without sequence number (`INVALID_RECORD`).
    #[error("sequence number {base_sequence} of an idempotent producer is negative")]
    Sequence {
        /// The header's.
        base_sequence: i32,
    },
    /// A transaction needs somebody who ends it (`INVALID_RECORD`).
    #[error("a transactional batch needs a producer id")]
    TransactionWithoutProducer,
    /// Records out of the time window (`INVALID_TIMESTAMP`).
    #[error("one or more records have been rejected due to invalid timestamp")]
    Timestamps {
        /// Which, and those without key where one is needed; at most [`RECORD_ERRORS_MAX`].
        records: Vec<RecordError>,
    },
    /// Records without key in a compacted topic (`INVALID_RECORD`).
    #[error("one or more records have been rejected since a compacted topic needs keys")]
    NullKeys {
        /// Which, at most [`RECORD_ERRORS_MAX`].
        records: Vec<RecordError>,
    },
    /// Inside, the batch is not what it says (`INVALID_RECORD`).
    #[error("the records are invalid: {0}")]
    Records(#[source] BatchError),
    /// The topic's codec failed (`UNKNOWN_SERVER_ERROR`).
    #[error("the records cannot be recompressed: {reason}")]
    Recompress {
        /// The codec's words.
        reason: String,
    },
}

impl Invalid {
    /// The records to blame; empty when it is the batch as a whole.
    #[must_use]
    pub fn record_errors(&self) -> &[RecordError] {
        match self {
            Self::Timestamps { records } | Self::NullKeys { records } => records,
            _ => &[],
        }
    }
}

impl RecordError {
    pub(super) fn null_key(index: i32) -> Self {
        Self {
            index,
            message: "a compacted topic cannot accept a record without key".into(),
        }
    }

    pub(super) fn timestamp(index: i32, timestamp: TimestampMs) -> Self {
        Self {
            index,
            message: format!("timestamp {timestamp} of the record is out of range"),
        }
    }
}
