//! Reading beside the log that is being written.

use std::sync::Arc;

use bytes::Bytes;
use types::Offset;

use super::{Log, ReadResult};
use crate::ReadError;
use crate::dir_state::DirState;
use crate::segment::{Mode, Segment, Wanted};

/// A log as it was at one moment. Reads go straight to the files: no lock of the log is needed, and
/// cloning is cheap. Segments deleted or truncated since give [`ReadError::Changed`].
#[derive(Debug, Clone)]
pub struct LogReader {
    segments: Arc<[Arc<Segment>]>,
    dir_state: DirState,
    log_start_offset: Offset,
    log_end_offset: Offset,
    verifies_crc: bool,
    index_interval_bytes: u64,
}

impl Log {
    /// A snapshot to read from, without the log's lock. Cheap.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        LogReader {
            segments: Arc::clone(&self.segments),
            dir_state: self.dir_state.clone(),
            log_start_offset: self.log_start_offset,
            log_end_offset: self.log_end_offset,
            verifies_crc: self.config.verify_reads,
            index_interval_bytes: self.config.index_interval_bytes,
        }
    }
}

impl LogReader {
    /// First offset at that moment.
    #[must_use]
    pub fn log_start_offset(&self) -> Offset {
        self.log_start_offset
    }

    /// End of the log at that moment, exclusive.
    #[must_use]
    pub fn log_end_offset(&self) -> Offset {
        self.log_end_offset
    }

    /// Whether reads verify checksums of what may have come from the disk.
    #[must_use]
    pub fn verifies_crc(&self) -> bool {
        self.verifies_crc
    }

    /// The same log, but damaged content is handed out for the caller to judge. Lengths and offsets are
    /// checked all the same.
    #[must_use]
    pub fn without_crc(mut self) -> Self {
        self.verifies_crc = false;
        self
    }

    pub(super) fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    pub(super) fn index_interval_bytes(&self) -> u64 {
        self.index_interval_bytes
    }

    /// Reads whole batches from the one that contains `offset`, at most `max_bytes` and from one
    /// segment, only batches that end below or at `max_offset_exclusive`. With `min_one_batch` the
    /// first batch is returned even if it is larger than `max_bytes`. May block for the disk.
    /// Takes memory for `max_bytes` if the log has as much.
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
        self.read_in(
            Mode::Blocking,
            offset,
            max_bytes,
            max_offset_exclusive,
            min_one_batch,
        )
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
        self.read_in(
            Mode::Cached,
            offset,
            max_bytes,
            max_offset_exclusive,
            min_one_batch,
        )
    }

    fn read_in(
        &self,
        mode: Mode,
        offset: Offset,
        max_bytes: usize,
        max_offset_exclusive: Offset,
        min_one_batch: bool,
    ) -> Result<ReadResult, ReadError> {
        if !(self.log_start_offset..=self.log_end_offset).contains(&offset) {
            return Err(ReadError::OffsetOutOfRange {
                offset,
                log_start_offset: self.log_start_offset,
                log_end_offset: self.log_end_offset,
            });
        }
        let wanted = Wanted {
            offset,
            max_bytes,
            max_offset_exclusive: max_offset_exclusive.min(self.log_end_offset),
            min_one_batch,
            mode,
            verifies_crc: self.verifies_crc,
            index_interval_bytes: self.index_interval_bytes,
        };
        let first = self.segments.partition_point(|s| s.base_offset() <= offset);
        for segment in self.segments.iter().skip(first.saturating_sub(1)) {
            if segment.base_offset() >= wanted.max_offset_exclusive {
                break;
            }
            let found = segment.read(&wanted).map_err(|error| self.judge(error))?;
            if let Some(found) = found {
                return Ok(ReadResult {
                    bytes: found.bytes,
                    first_offset: found.first_offset,
                    next_offset: found.next_offset,
                });
            }
        }
        Ok(ReadResult {
            bytes: Bytes::new(),
            first_offset: offset,
            next_offset: offset,
        })
    }

    /// A disk that fails to read takes its directory offline, as one that fails to write does.
    fn judge(&self, error: ReadError) -> ReadError {
        match error {
            ReadError::Storage(error) => self.dir_state.judge(error).into(),
            error => error,
        }
    }
}
