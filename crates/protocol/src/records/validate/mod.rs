//! What a leader checks before a producer's batch enters the log.
//!
//! ```text
//! one batch? → magic → codec → base offset 0 → size → CRC → counts, flags ──→ append as it is
//!                                                             |
//!                    compacted, timestamp limits, full ───────┴→ walk → append, or rewritten
//! ```
//!
//! The order is Kafka's, so that a batch with two faults gets the same answer. Differences, seen
//! side by side with 4.3.1:
//!
//! - Without a reason to walk, what is inside the records is the producer's word: their number,
//!   their form, their maximum timestamp.
//! - Bytes after the batch are refused, not dropped.
//! - Offsets inside that do not count up from 0 are refused, also without compression.
//! - An unknown codec is an invalid record, not an unknown server error.

mod findings;
mod invalid;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use types::TimestampMs;

use super::batch::{Batch, split_batches};
use super::compression::Compression;
use super::error::BatchError;
use super::header::{BatchHeader, TimestampType};
use super::rewrite::{self, RecompressError};
use findings::Findings;
pub use invalid::{Invalid, RECORD_ERRORS_MAX, RecordError};

/// What a topic keeps its batches compressed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TopicCompression {
    /// Whatever the producer chose.
    #[default]
    Producer,
    /// This codec, whatever the producer chose.
    Fixed(Compression),
}

/// A topic's demands on a batch, and the moment.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `max.message.bytes`: the largest batch, compressed, header included.
    pub message_bytes_max: usize,
    /// `segment.bytes`: a batch must fit into a segment.
    pub segment_bytes: usize,
    /// `cleanup.policy` contains `compact`: every record needs a key.
    pub is_compacted: bool,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`; `i64::MAX` is no limit.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// `compression.type`.
    pub compression: TopicCompression,
    /// Whether the request's version may carry zstd (Produce v7 and later).
    pub is_zstd_allowed: bool,
    /// Walk over the records of every batch, not only where it is needed.
    pub is_full_validation: bool,
    /// The largest records, decompressed, that are walked over or recompressed.
    pub decompressed_bytes_max: usize,
    /// The wall clock: the append time.
    pub now_ms: TimestampMs,
}

impl Rules {
    /// Whether the header alone cannot tell.
    fn needs_walk(&self, header: &BatchHeader) -> bool {
        self.is_full_validation
            || self.is_compacted
            || self.recompression(header).is_some()
            || self.needs_timestamps(header)
    }

    /// The header knows the maximum, so only a limit on old timestamps needs all of them; and a
    /// maximum out of range needs the list of who is.
    fn needs_timestamps(&self, header: &BatchHeader) -> bool {
        self.timestamp_type == TimestampType::CreateTime
            && (self.timestamp_before_max_ms != i64::MAX
                || !self.is_in_window(header.base_timestamp)
                || !self.is_in_window(header.max_timestamp))
    }

    /// Whether a record may have this timestamp. None at all is always fine.
    fn is_in_window(&self, timestamp: TimestampMs) -> bool {
        let age_ms = self.now_ms.saturating_sub(timestamp);
        timestamp == super::NO_TIMESTAMP
            || (age_ms <= self.timestamp_before_max_ms
                && age_ms.saturating_neg() <= self.timestamp_after_max_ms)
    }

    /// The codec to change to, if the batch does not have it already.
    fn recompression(&self, header: &BatchHeader) -> Option<Compression> {
        match self.compression {
            TopicCompression::Producer => None,
            TopicCompression::Fixed(codec) => (header.compression() != Ok(codec)).then_some(codec),
        }
    }
}

/// A batch that may be appended: write [`patched_prefix`](super::patched_prefix), then its bytes
/// from the sixteenth on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// The batch as it is to be stored. A slice of the request unless it had to be rewritten.
    pub batch: Batch,
    /// The timestamp that all records got, with `LogAppendTime`.
    pub log_append_time_ms: Option<TimestampMs>,
}

/// Checks a partition's record set from a produce request.
///
/// Cost: one pass for the CRC. Records are walked over only where [`Rules`] ask for it, in constant
/// memory; recompression holds them once in memory, at most `decompressed_bytes_max`.
pub fn validate_for_append(records: &Bytes, rules: &Rules) -> Result<Validated, Invalid> {
    let batch = only_batch(records)?;
    check_header(&batch.header, rules)?;
    batch.check_crc().map_err(Invalid::Corrupt)?;
    check_claims(&batch.header)?;
    let batch = check_records(as_create_time(batch), rules)?;
    if rules.timestamp_type == TimestampType::LogAppendTime {
        return Ok(Validated {
            batch: rewrite::with_log_append_time(&batch, rules.now_ms),
            log_append_time_ms: Some(rules.now_ms),
        });
    }
    Ok(Validated {
        batch,
        log_append_time_ms: None,
    })
}

fn only_batch(records: &Bytes) -> Result<Batch, Invalid> {
    let mut batches = split_batches(records.clone());
    let batch = match batches.next() {
        None => return Err(Invalid::NoBatch),
        // Corruption is retried, and a cut batch would be cut again: Kafka calls it none at all.
        Some(Err(BatchError::Incomplete { .. })) => return Err(Invalid::NoBatch),
        Some(Err(BatchError::Magic {
            magic: magic @ 0..=1,
        })) => {
            return Err(Invalid::OldMagic { magic });
        }
        Some(Err(error)) => return Err(Invalid::Corrupt(error)),
        Some(Ok(batch)) => batch,
    };
    match batches.next() {
        None => Ok(batch),
        Some(_) => Err(Invalid::MoreThanOneBatch),
    }
}

/// What can be told before the CRC.
fn check_header(header: &BatchHeader, rules: &Rules) -> Result<(), Invalid> {
    let is_zstd = header.compression() == Ok(Compression::Zstd);
    if is_zstd && !rules.is_zstd_allowed {
        return Err(Invalid::ZstdNotAllowed);
    }
    if header.base_offset != 0 {
        return Err(Invalid::BaseOffset {
            base_offset: header.base_offset,
        });
    }
    check_size(header.size_in_bytes(), rules)
}

fn check_size(size_bytes: usize, rules: &Rules) -> Result<(), Invalid> {
    if size_bytes > rules.message_bytes_max {
        return Err(Invalid::TooLarge {
            size_bytes,
            max_bytes: rules.message_bytes_max,
        });
    }
    if size_bytes > rules.segment_bytes {
        return Err(Invalid::LargerThanSegment {
            size_bytes,
            segment_bytes: rules.segment_bytes,
        });
    }
    Ok(())
}

/// What the header says about records, flags and producer, now that its CRC is known to be right.
fn check_claims(header: &BatchHeader) -> Result<(), Invalid> {
    let BatchHeader {
        record_count,
        last_offset_delta,
        base_sequence,
        ..
    } = *header;
    if record_count <= 0 || last_offset_delta != record_count - 1 {
        return Err(Invalid::Count {
            record_count,
            last_offset_delta,
        });
    }
    if header.is_control() {
        return Err(Invalid::Control);
    }
    if header.has_producer() && base_sequence < 0 {
        return Err(Invalid::Sequence { base_sequence });
    }
    if header.is_transactional() && !header.has_producer() {
        return Err(Invalid::TransactionWithoutProducer);
    }
    header.compression().map_err(Invalid::Records)?;
    Ok(())
}

/// Append times are for leaders to set; a producer's are taken back, as Kafka does.
fn as_create_time(batch: Batch) -> Batch {
    match batch.header.timestamp_type() {
        TimestampType::CreateTime => batch,
        TimestampType::LogAppendTime => rewrite::with_create_time(&batch),
    }
}

/// Walks over the records if there is a reason to, and rewrites what the walk gives reason for.
fn check_records(batch: Batch, rules: &Rules) -> Result<Batch, Invalid> {
    if !rules.needs_walk(&batch.header) {
        return Ok(batch);
    }
    let max_timestamp = Findings::collect(&batch, rules)?.into_max_timestamp()?;
    let batch = if max_timestamp == batch.header.max_timestamp {
        batch
    } else {
        rewrite::with_max_timestamp(&batch, max_timestamp)
    };
    let Some(codec) = rules.recompression(&batch.header) else {
        return Ok(batch);
    };
    let batch =
        rewrite::recompress(&batch, codec, rules.decompressed_bytes_max).map_err(|error| {
            match error {
                RecompressError::Read(error) => Invalid::Records(error),
                RecompressError::Write(error) => Invalid::Recompress {
                    reason: error.to_string(),
                },
            }
        })?;
    check_size(batch.header.size_in_bytes(), rules)?;
    Ok(batch)
}
