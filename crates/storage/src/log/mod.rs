//! One partition's log: segments, indexes, epochs and producers.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use types::{Clock, LeaderEpoch, Offset, TimestampMs, TopicId, TopicPartition};

use crate::disk::Disk;
use crate::{AppendError, Error, LogConfig, ReadError};

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
    /// The process ended without closing its logs: scan from the recovery point.
    Unclean,
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
    /// Bytes cut from the end of the active segment because they were no whole, sound batch.
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
    bytes: Bytes,
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

/// One partition's log. Owned by one thread at a time (in a broker: behind the partition's lock);
/// [`LogReader`]s read without it.
#[derive(Debug)]
pub struct Log {
    deps: LogDeps,
}

/// A segment that has left the log and whose files still have to go. Persist the log start offset
/// first, then hand it back.
#[derive(Debug)]
#[must_use = "the files stay until they are removed"]
pub struct RetiredSegment {
    /// First offset.
    pub base_offset: Offset,
    /// Size of the log file.
    pub size_bytes: u64,
}

impl ValidatedBatch {
    /// Takes one whole batch whose checksum the caller has verified. Looks at the header only.
    ///
    /// # Errors
    /// [`AppendError::Malformed`] if the bytes are not exactly one batch of format 2.
    pub fn new(bytes: Bytes) -> Result<Self, AppendError> {
        Ok(Self { bytes })
    }

    /// The batch as the producer sent it.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

#[expect(unused_variables, reason = "signatures first")]
impl Log {
    /// Opens a log, creating its folder if there is none. After [`Shutdown::Unclean`] scans from the
    /// recovery point on, cuts a torn tail and reports it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if bytes below the recovery point or in a sealed segment are damaged.
    pub fn open(options: OpenOptions, deps: LogDeps) -> Result<(Self, RecoveryReport), Error> {
        todo!()
    }

    /// Appends as the partition's leader: gives offsets, stamps `leader_epoch`, checks idempotent
    /// producers, writes everything with one call. All batches or none. The bytes are in the page
    /// cache on return (they survive a crash of the process), durable after [`Log::flush`].
    ///
    /// A retry of one of a producer's last five batches writes nothing and returns the offsets of
    /// the first time with `duplicate` set.
    ///
    /// # Errors
    /// See [`AppendError`]; the log is unchanged.
    pub fn append_as_leader(
        &mut self,
        batches: &[ValidatedBatch],
        leader_epoch: LeaderEpoch,
    ) -> Result<AppendInfo, AppendError> {
        todo!()
    }

    /// Appends whole batches copied from the leader; offsets and epochs stay. Checksums are
    /// verified. Durability as in [`Log::append_as_leader`].
    ///
    /// # Errors
    /// See [`AppendError`]; the log is unchanged.
    pub fn append_as_follower(&mut self, bytes: Bytes) -> Result<AppendInfo, AppendError> {
        todo!()
    }

    /// A snapshot to read from, without the log's lock. Cheap.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        todo!()
    }

    /// First offset of the log.
    #[must_use]
    pub fn log_start_offset(&self) -> Offset {
        todo!()
    }

    /// The offset the next record will get.
    #[must_use]
    pub fn log_end_offset(&self) -> Offset {
        todo!()
    }

    /// Everything below is durable.
    #[must_use]
    pub fn recovery_point(&self) -> Offset {
        todo!()
    }

    /// First offset of the oldest transaction that is open, if any: an upper bound of the last
    /// stable offset.
    #[must_use]
    pub fn first_unstable_offset(&self) -> Option<Offset> {
        todo!()
    }

    /// The latest leader epoch, `NONE` for a log that has had no leader.
    #[must_use]
    pub fn latest_epoch(&self) -> LeaderEpoch {
        todo!()
    }

    /// Epoch of the batch at an offset, `NONE` if unknown.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> LeaderEpoch {
        todo!()
    }

    /// The largest epoch up to `epoch` and where it ends (exclusive): what `OffsetForLeaderEpoch`
    /// answers. `(NONE, -1)` if the epoch is newer than any known here.
    #[must_use]
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        todo!()
    }

    /// Notes that `epoch` starts at `offset`; called with the log end when becoming leader. Written
    /// to `leader-epoch-checkpoint` before returning (durable with the next flush).
    ///
    /// # Errors
    /// If the checkpoint cannot be written.
    pub fn assign_epoch_start(&mut self, epoch: LeaderEpoch, offset: Offset) -> Result<(), Error> {
        todo!()
    }

    /// The first record with a timestamp of `timestamp` or later, among those below `up_to`
    /// (exclusive). Exact: looks into batches. Reads files.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn offset_for_timestamp(
        &self,
        timestamp: TimestampMs,
        up_to: Offset,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        todo!()
    }

    /// The record with the largest timestamp below `up_to` (exclusive), the first if several.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn max_timestamp_offset(
        &self,
        up_to: Offset,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        todo!()
    }

    /// Moves the log start offset up (`DeleteRecords`, or the leader's log start). Does nothing if it
    /// is not higher. Durable once [`LogDirs::checkpoint_log_starts`](crate::LogDirs::checkpoint_log_starts)
    /// has run. Returns whether it moved.
    ///
    /// # Errors
    /// [`Error::Invalid`] beyond the log end.
    pub fn increment_log_start(&mut self, offset: Offset) -> Result<bool, Error> {
        todo!()
    }

    /// Cuts everything at and above `offset`, rolling back epochs and producers. Durable on return.
    ///
    /// # Errors
    /// If the disk refuses; the log is then offline.
    pub fn truncate_to(&mut self, offset: Offset) -> Result<(), Error> {
        todo!()
    }

    /// Drops everything and starts empty at `offset` (a follower whose log ends below the leader's
    /// start).
    ///
    /// # Errors
    /// If the disk refuses; the log is then offline.
    pub fn truncate_fully_and_start_at(&mut self, offset: Offset) -> Result<(), Error> {
        todo!()
    }

    /// Takes segments out of the log that retention by time or size, or the log start offset, has
    /// passed; never beyond `high_watermark`. Moves the log start offset. The files are still there:
    /// persist the log start offset, then [`Log::remove_retired`].
    ///
    /// # Errors
    /// If rolling the active segment fails.
    pub fn delete_old_segments(
        &mut self,
        high_watermark: Offset,
        now_ms: TimestampMs,
    ) -> Result<Vec<RetiredSegment>, Error> {
        todo!()
    }

    /// Renames the files of retired segments to `….deleted` and removes those renamed long enough ago
    /// (`file.delete.delay.ms`). The log start offset must be durable by now.
    ///
    /// # Errors
    /// If the disk refuses; what is left is tried again the next time.
    pub fn remove_retired(
        &mut self,
        retired: Vec<RetiredSegment>,
        now_ms: TimestampMs,
    ) -> Result<(), Error> {
        todo!()
    }

    /// Rolls a non-empty active segment older than `segment.ms`. Returns whether it did.
    ///
    /// # Errors
    /// If the new segment cannot be created.
    pub fn maybe_roll(&mut self, now_ms: TimestampMs) -> Result<bool, Error> {
        todo!()
    }

    /// Makes everything appended so far durable and moves the recovery point. Blocks for the disk.
    ///
    /// # Errors
    /// A failed fsync takes the whole log directory offline.
    pub fn flush(&mut self) -> Result<(), Error> {
        todo!()
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        todo!()
    }

    /// Replaces the settings; they hold from the next append, roll or retention check.
    pub fn set_config(&mut self, config: LogConfig) {
        todo!()
    }

    /// Flushes, writes indexes and a producer snapshot as Kafka leaves them, and closes the files.
    ///
    /// # Errors
    /// As [`Log::flush`].
    pub fn close(&mut self) -> Result<(), Error> {
        todo!()
    }
}

/// A log as it was at one moment. Reads go straight to the files: no lock of the log is needed.
#[derive(Debug, Clone)]
pub struct LogReader {}

#[expect(unused_variables, reason = "signatures first")]
impl LogReader {
    /// First offset at that moment.
    #[must_use]
    pub fn log_start_offset(&self) -> Offset {
        todo!()
    }

    /// End of the log at that moment, exclusive.
    #[must_use]
    pub fn log_end_offset(&self) -> Offset {
        todo!()
    }

    /// Reads whole batches from the one that contains `offset`, at most `max_bytes`, only batches
    /// that end below or at `max_offset_exclusive`. With `min_one_batch` the first batch is returned
    /// even if it is larger than `max_bytes`. May block for the disk.
    ///
    /// # Errors
    /// [`ReadError::OffsetOutOfRange`], [`ReadError::Changed`], or damage.
    pub fn read(
        &self,
        offset: Offset,
        max_bytes: usize,
        max_offset_exclusive: Offset,
        min_one_batch: bool,
    ) -> Result<ReadResult, ReadError> {
        todo!()
    }

    /// Like [`read`](Self::read), but never waits for the disk.
    ///
    /// # Errors
    /// [`ReadError::WouldBlock`] if the bytes are not in memory, else as [`read`](Self::read).
    pub fn try_read_cached(
        &self,
        offset: Offset,
        max_bytes: usize,
        max_offset_exclusive: Offset,
        min_one_batch: bool,
    ) -> Result<ReadResult, ReadError> {
        todo!()
    }
}
