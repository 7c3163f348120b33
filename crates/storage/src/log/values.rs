//! What goes into a log and what comes out, as values.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use protocol::records::{Batch, BatchHeader, Validated};
use types::{Clock, LeaderEpoch, Offset, TimestampMs, TopicId, TopicPartition};

use crate::disk::Disk;
use crate::{AppendError, LogConfig};

/// What a log needs from the outside.
#[derive(Debug, Clone)]
pub struct LogDeps {
    /// Where the files are.
    pub disk: Arc<dyn Disk>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// How the process that wrote the log last ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Everything was flushed and the marker written: nothing is scanned.
    Clean,
    /// The process ended without closing its logs, but the machine stayed up: what was written is
    /// there. Scan from the recovery point; only the end of the active segment may be torn.
    Unclean,
    /// The machine went down: what was not synced may be gone, in any order. Scan from the recovery
    /// point; the log may be cut anywhere above it.
    PowerLoss,
}

/// How to open a log.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The partition's folder; created if it is not there.
    pub dir: PathBuf,
    /// Which partition.
    pub topic_partition: TopicPartition,
    /// Written to `partition.metadata` if that is not there; refused if that names another one.
    pub topic_id: Option<TopicId>,
    /// The settings.
    pub config: LogConfig,
    /// Bytes below this offset were durable; they are trusted.
    pub recovery_point: Offset,
    /// Lower bound of the first offset, from the checkpoint.
    pub log_start_offset: Offset,
    /// How the last process ended.
    pub shutdown: Shutdown,
}

/// What opening a log found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Bytes whose checksums were verified; zero after a clean shutdown.
    pub scanned_bytes: u64,
    /// Bytes cut from the end of the log because they were no whole, sound batch, or followed one.
    pub cut_bytes: u64,
    /// Where the log ends after the cut, if something was cut.
    pub cut_at_offset: Option<Offset>,
    /// Why the first cut batch was unsound.
    pub cut_reason: Option<String>,
    /// Index files that were missing or doubtful and were built anew.
    pub rebuilt_indexes: u32,
}

/// A batch that has passed `protocol::records::validate_for_append`.
#[derive(Debug, Clone)]
pub struct ValidatedBatch {
    batch: Batch,
}

impl From<Validated> for ValidatedBatch {
    fn from(validated: Validated) -> Self {
        Self {
            batch: validated.batch,
        }
    }
}

impl ValidatedBatch {
    /// Takes one whole batch whose checksum is known to be right: one that this node has built.
    ///
    /// # Errors
    /// [`AppendError::Malformed`] if the bytes are not exactly one batch of format 2.
    pub fn new(bytes: &Bytes) -> Result<Self, AppendError> {
        let malformed = |reason: String| AppendError::Malformed { offset: 0, reason };
        let batch = Batch::parse(bytes).map_err(|e| malformed(e.to_string()))?;
        if batch.bytes.len() != bytes.len() {
            return Err(malformed("bytes follow the batch".to_owned()));
        }
        Ok(Self { batch })
    }

    /// The batch's header, as the producer sent it.
    #[must_use]
    pub fn header(&self) -> &BatchHeader {
        &self.batch.header
    }

    /// The batch as the producer sent it.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.batch.bytes
    }
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendInfo {
    /// First offset given (or, for a duplicate, the one given the first time).
    pub base_offset: Offset,
    /// Last offset given, inclusive.
    pub last_offset: Offset,
    /// What `Produce` reports: the append time for `LogAppendTime` batches, else -1.
    pub log_append_time: TimestampMs,
    /// The log's first offset.
    pub log_start_offset: Offset,
    /// The producer sent this before; nothing was written.
    pub duplicate: bool,
}

/// Where a timestamp was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampOffset {
    /// The record's timestamp.
    pub timestamp: TimestampMs,
    /// The record's offset.
    pub offset: Offset,
    /// Leader epoch of its batch.
    pub leader_epoch: LeaderEpoch,
}

/// What a read returned: whole batches.
#[derive(Debug, Clone)]
pub struct ReadResult {
    /// Whole batches, the first of which contains the offset asked for. Empty at the end.
    pub bytes: Bytes,
    /// Base offset of the first batch (it may lie below the offset asked for), or that offset itself
    /// if nothing was read.
    pub first_offset: Offset,
    /// Where to go on reading: the offset after the last batch, or the offset asked for.
    pub next_offset: Offset,
}
