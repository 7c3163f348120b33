//! Which segments may go, and how they go.
//!
//! ```text
//!  delete_old_segments ─▶ [persist the log start offset] ─▶ remove_retired: rename to ….deleted
//!                   … file.delete.delay.ms … ─▶ take_due_removals ─▶ unlink, without the log's lock
//! ```

use std::path::PathBuf;
use std::sync::Arc;

use types::{Offset, TimestampMs};

use super::Log;
use crate::Error;
use crate::files::names::{self, Kind};
use crate::segment::Segment;

/// A segment that has left the log and whose files still have to go. Persist the log start offset
/// first, then hand it back to [`Log::remove_retired`].
#[derive(Debug)]
#[must_use = "the files stay until they are removed"]
pub struct RetiredSegment {
    /// First offset.
    pub base_offset: Offset,
    /// Size of the log file.
    pub size_bytes: u64,
    segment: Arc<Segment>,
}

/// Renamed files that wait for their removal.
#[derive(Debug)]
pub(super) struct Removal {
    due_ms: TimestampMs,
    paths: Vec<PathBuf>,
}

impl Log {
    /// Takes segments out of the log that retention by time or size, or the log start offset, has
    /// passed; never beyond `high_watermark`. Moves the log start offset. The files are still there:
    /// persist the log start offset, then [`Log::remove_retired`].
    ///
    /// # Errors
    /// If the log is offline or an index cannot be read.
    pub fn delete_old_segments(
        &mut self,
        high_watermark: Offset,
        now_ms: TimestampMs,
    ) -> Result<Vec<RetiredSegment>, Error> {
        self.check_online()?;
        let count = self
            .count_below_log_start()
            .max(self.count_beyond_size(high_watermark))
            .max(self.count_too_old(high_watermark, now_ms)?);
        if count == self.segments.len() {
            // The active segment goes as well, if another one can take its place.
            if let Err(error) = self.roll(self.log_end_offset) {
                tracing::warn!(partition = %self.topic_partition, %error, "cannot roll");
            }
        }
        let count = count.min(self.segments.len() - 1);
        if count == 0 {
            return Ok(Vec::new());
        }
        let retire = |segment: Arc<Segment>| RetiredSegment {
            base_offset: segment.base_offset(),
            size_bytes: segment.size_bytes(),
            segment,
        };
        self.cancel_swap()?;
        let start = self.segments.get(count).map_or(0, |s| s.base_offset());
        self.move_log_start(start.max(self.log_start_offset));
        let mut retired = Vec::new();
        self.change_segments(|segments| retired.extend(segments.drain(..count).map(retire)));
        Ok(retired)
    }

    /// Moves the log start offset up (`DeleteRecords`, or the leader's log start). Does nothing if it
    /// is not higher. Durable once [`LogDirs::checkpoint_log_starts`](crate::LogDirs::checkpoint_log_starts)
    /// has run. Returns whether it moved.
    ///
    /// # Errors
    /// [`Error::Invalid`] beyond the log end.
    pub fn increment_log_start(&mut self, offset: Offset) -> Result<bool, Error> {
        self.check_online()?;
        if offset > self.log_end_offset {
            let end = self.log_end_offset;
            return Err(Error::Invalid(format!(
                "offset {offset} is beyond the log end {end}"
            )));
        }
        if offset <= self.log_start_offset {
            return Ok(false);
        }
        self.move_log_start(offset);
        Ok(true)
    }

    fn move_log_start(&mut self, offset: Offset) {
        self.log_start_offset = offset;
        let mut epochs = self.epochs.clone();
        if !epochs.truncate_start(offset) {
            return;
        }
        // Written if it can be: a full disk must not keep old segments from being deleted, and the
        // epochs are cut to the log start again when the log is opened.
        if let Err(error) = self.set_epochs(epochs.clone()) {
            tracing::warn!(partition = %self.topic_partition, %error, "leader epochs not written");
            self.epochs = epochs;
        }
    }

    /// Where a segment ends. Exclusive.
    fn end_of(&self, index: usize) -> Offset {
        let next = self.segments.get(index + 1);
        next.map_or(self.log_end_offset, |next| next.base_offset())
    }

    /// Counts segments from the oldest on that may go; an empty active segment never may.
    fn count_while(&self, mut may_go: impl FnMut(usize, &Segment) -> bool) -> usize {
        let is_empty_active = |index: usize, segment: &Segment| {
            index + 1 == self.segments.len() && segment.is_empty()
        };
        let mut segments = self.segments.iter().enumerate();
        segments
            .position(|(i, segment)| is_empty_active(i, segment) || !may_go(i, segment))
            .unwrap_or(self.segments.len())
    }

    fn count_below_log_start(&self) -> usize {
        let last = self.segments.len() - 1;
        self.count_while(|i, _| i < last && self.end_of(i) <= self.log_start_offset)
    }

    fn count_beyond_size(&self, high_watermark: Offset) -> usize {
        let Some(limit) = self.config.retention_bytes.filter(|_| self.config.delete) else {
            return 0;
        };
        let mut surplus = self.size_bytes().saturating_sub(limit);
        self.count_while(|i, segment| {
            let size = segment.size_bytes();
            let may_go = size <= surplus && surplus > 0 && self.end_of(i) <= high_watermark;
            surplus = surplus.saturating_sub(size);
            may_go
        })
    }

    fn count_too_old(&self, high_watermark: Offset, now_ms: TimestampMs) -> Result<usize, Error> {
        let Some(limit_ms) = self.config.retention_ms.filter(|_| self.config.delete) else {
            return Ok(0);
        };
        let mut failed = None;
        let count = self.count_while(|i, segment| match self.newest_ms(i, segment) {
            Ok(newest) => {
                now_ms.saturating_sub(newest) > limit_ms && self.end_of(i) <= high_watermark
            }
            Err(error) => {
                failed = Some(error);
                false
            }
        });
        failed.map_or(Ok(count), Err)
    }

    /// The largest timestamp of a segment, but not later than its last append: one record from the
    /// future must not pin it (KAFKA-18929).
    fn newest_ms(&self, index: usize, segment: &Segment) -> Result<TimestampMs, Error> {
        let is_active = index + 1 == self.segments.len();
        let largest = if is_active {
            self.active.builder.max_timestamp()
        } else {
            segment.max_of_time_index()?.map(|max| max.timestamp)
        };
        let modified = segment.modified_ms();
        Ok(largest.map_or(modified, |largest| largest.min(modified)))
    }

    /// Renames the files of retired segments to `….deleted`, to be removed after
    /// `file.delete.delay.ms`. The log start offset must be durable by now. Does nothing once the log
    /// is out of service: another log may have files of the same names.
    ///
    /// # Errors
    /// If the disk refuses; files that stay are removed when the log is next opened.
    pub fn remove_retired(
        &mut self,
        retired: Vec<RetiredSegment>,
        now_ms: TimestampMs,
    ) -> Result<(), Error> {
        if self.offline.is_some() {
            return Ok(());
        }
        for retired in retired {
            self.rename_away(&retired.segment, now_ms)?;
        }
        self.remove_snapshots_below_log_start()
    }

    pub(super) fn rename_away(
        &mut self,
        segment: &Segment,
        now_ms: TimestampMs,
    ) -> Result<(), Error> {
        segment.mark_changed();
        let mut paths = Vec::new();
        for kind in [
            Kind::Log,
            Kind::OffsetIndex,
            Kind::TimeIndex,
            Kind::TransactionIndex,
        ] {
            let from = segment.path(kind);
            let mut to = from.clone().into_os_string();
            to.push(names::DELETED);
            let to = PathBuf::from(to);
            match self.disk().rename(&from, &to) {
                Ok(()) => paths.push(to),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io(&from, error)),
            }
        }
        self.mark_names();
        let due_ms = now_ms.saturating_add(self.config.file_delete_delay_ms);
        self.removals.push(Removal { due_ms, paths });
        Ok(())
    }

    /// Renamed files whose delay is over. Removing large ones takes long: it is left to the caller,
    /// who holds no lock. None once the log is out of service.
    pub(crate) fn take_due_removals(&mut self, now_ms: TimestampMs) -> Vec<PathBuf> {
        if self.offline.is_some() {
            return Vec::new();
        }
        let due = self
            .removals
            .extract_if(.., |removal| removal.due_ms <= now_ms);
        due.flat_map(|removal| removal.paths).collect()
    }

    /// Files that could not be removed, for the next round.
    pub(crate) fn put_back_removals(&mut self, paths: Vec<PathBuf>, due_ms: TimestampMs) {
        self.removals.push(Removal { due_ms, paths });
    }

    /// Producers at an offset that is gone help nobody; the newest snapshot stays in any case.
    fn remove_snapshots_below_log_start(&mut self) -> Result<(), Error> {
        let first = self.segments.first().map_or(0, |s| s.base_offset());
        let newest = self.snapshots.last().copied().unwrap_or(0);
        let gone: Vec<_> = self.snapshots.range(..first.min(newest)).copied().collect();
        gone.into_iter()
            .try_for_each(|offset| self.remove_snapshot(offset))
    }

    /// Closes files that nobody has used since the last call. They are opened again when needed. A log that is
    /// not written to any more gives back the blocks it has reserved.
    pub(crate) fn close_unused_files(&mut self) {
        self.give_back_if_idle();
        for segment in self.segments.iter() {
            segment.close_if_unused();
        }
    }
}
