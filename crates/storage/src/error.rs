//! What can go wrong with files, appends and reads, by what the caller does about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

use crate::disk;

/// A log or a log directory could not be opened, written, flushed or deleted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The operating system refused. The state on disk is what it was before the call.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Bytes that were durable are damaged. The replica must be repaired from another one; nothing
    /// was cut or changed.
    #[error(
        "{path} is corrupt at byte {position}, near offset {offset}: {reason}",
        path = path.display()
    )]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// Where in the file.
        position: u64,
        /// The offset expected there.
        offset: Offset,
        /// What is wrong with it.
        reason: String,
    },
    /// The log (or its whole directory) is offline after an earlier failure: a failed fsync, or a
    /// torn write that could not be undone. Only a restart helps.
    #[error("{path} is offline: {reason}", path = path.display())]
    Offline {
        /// The directory.
        path: PathBuf,
        /// What took it offline.
        reason: String,
    },
    /// The directory is not one this node may use: wrong cluster, wrong node, not formatted, in use.
    #[error("log directory {path}: {reason}", path = path.display())]
    Refused {
        /// The log directory.
        path: PathBuf,
        /// Why, and what to do about it.
        reason: String,
    },
    /// The caller asked for what cannot be: an offset outside the log, a partition that exists.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    /// Whether the disk has no room left, so that deleting old segments would help.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }

    /// Whether the file or directory is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether a file could not be opened for want of descriptors or memory, which may pass.
    pub(crate) fn is_short_of_resources(&self) -> bool {
        matches!(self, Self::Io { source, .. } if disk::is_short_of_resources(source))
    }

    /// Whether the disk is failing, so that nothing else in its directory can be relied on.
    pub(crate) fn is_device_failure(&self) -> bool {
        matches!(self, Self::Io { source, .. } if disk::is_device_failure(source))
    }

    /// Whether the log will refuse everything until it is opened again.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        matches!(self, Self::Offline { .. })
    }
}

/// A batch was not appended. The log is as it was before the call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The sequence number neither follows the producer's last one nor repeats one of its last five
    /// batches: `OUT_OF_ORDER_SEQUENCE_NUMBER`.
    #[error(
        "producer {producer_id} sent sequence {sequence} to offset {offset}, \
         its last sequence was {last_sequence}"
    )]
    OutOfOrderSequence {
        /// The producer.
        producer_id: ProducerId,
        /// The batch's first sequence.
        sequence: i32,
        /// The last sequence on record, -1 if none.
        last_sequence: i32,
        /// Where the batch would have gone.
        offset: Offset,
    },
    /// A newer incarnation of the producer has written already: `INVALID_PRODUCER_EPOCH`.
    #[error("producer {producer_id} has epoch {current}, the batch has {epoch}")]
    InvalidProducerEpoch {
        /// The producer.
        producer_id: ProducerId,
        /// The batch's epoch.
        epoch: ProducerEpoch,
        /// The epoch on record.
        current: ProducerEpoch,
    },
    /// The batches are larger than a whole segment may be: `RECORD_LIST_TOO_LARGE`.
    #[error("{size_bytes} bytes do not fit into a segment of {segment_bytes}")]
    LargerThanSegment {
        /// Size of the append.
        size_bytes: u64,
        /// `segment.bytes`.
        segment_bytes: u64,
    },
    /// The batch's leader epoch is older than one the log already has.
    #[error("leader epoch {epoch} is older than {latest}, the log's latest")]
    StaleLeaderEpoch {
        /// The epoch of the append.
        epoch: LeaderEpoch,
        /// The log's latest.
        latest: LeaderEpoch,
    },
    /// The bytes from the leader do not continue this log.
    #[error("bytes for offset {offset} do not continue a log that ends at {log_end_offset}")]
    UnexpectedOffset {
        /// First offset of the refused batch.
        offset: Offset,
        /// Where the log ends.
        log_end_offset: Offset,
    },
    /// The bytes are not whole, checksummed batches of format 2.
    #[error("malformed batch at offset {offset}: {reason}")]
    Malformed {
        /// Offset the batch claims, or was to get.
        offset: Offset,
        /// What is wrong.
        reason: String,
    },
    /// The disk refused, or the log is offline.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// Nothing could be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The offset is below the log start or above the log end.
    #[error("offset {offset} is outside {log_start_offset}..={log_end_offset}")]
    OffsetOutOfRange {
        /// What was asked for.
        offset: Offset,
        /// First offset of the log.
        log_start_offset: Offset,
        /// End of the log, exclusive.
        log_end_offset: Offset,
    },
    /// Only from [`LogReader::try_read_cached`](crate::LogReader::try_read_cached): the bytes are
    /// not in memory. Read again on a thread that may block.
    #[error("the bytes are not in memory")]
    WouldBlock,
    /// The log was truncated, or the segment deleted, after the reader was taken. Take a new reader.
    #[error("the log changed under the reader")]
    Changed,
    /// The bytes on disk are damaged, or the disk refused.
    #[error(transparent)]
    Storage(#[from] Error),
}
