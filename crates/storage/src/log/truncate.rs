//! Cutting a log back to an offset, with everything that follows from it.
//!
//! Order: the lowered recovery point is durable before anything is cut, so that after a crash the
//! missing bytes are not taken for damage. Whole segments go from the end backwards; at every moment
//! the log on disk is a longer or shorter prefix of what it was.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use types::Offset;

use super::{LOWERED_RECOVERY_POINT_FILE, Log};
use crate::Error;
use crate::files::names::Kind;
use crate::segment::index::{OffsetEntry, TimeEntry};
use crate::segment::{IndexBuilder, Indexes, Segment};

/// Where to cut a segment.
struct Cut {
    position: u64,
    /// The offset after the last batch kept. Exclusive.
    end_offset: Offset,
}

impl Log {
    /// Cuts every batch that reaches `offset` or beyond, rolling back epochs and producers. Durable
    /// on return. The log may end below `offset`, if that lies within a batch, or in a gap that compaction
    /// has left.
    ///
    /// # Errors
    /// If the disk refuses. Unless that was before anything changed, the log is then offline; with a
    /// failing disk the whole directory is.
    pub fn truncate_to(&mut self, offset: Offset) -> Result<(), Error> {
        self.check_online()?;
        if offset >= self.log_end_offset {
            return self.truncate_epochs(offset);
        }
        let first = self
            .segments
            .first()
            .map_or(0, |segment| segment.base_offset());
        if offset < first {
            return self.truncate_fully_and_start_at(offset);
        }
        let index = self.segment_of(offset);
        let segment = Arc::clone(&self.segments[index]);
        // Nothing has changed as long as these fail.
        self.cancel_swap_from(offset)?;
        let cut = find_cut(&segment, offset).map_err(|error| self.dir_state.judge(error))?;
        self.lower_recovery_point(cut.end_offset)
            .map_err(|error| self.dir_state.judge(error))?;
        let result = self.cut_at(index, &segment, &cut);
        result.map_err(|error| self.on_failed_truncation(error))
    }

    /// Drops everything and starts empty at `offset` (a follower whose log ends below the leader's
    /// start).
    ///
    /// # Errors
    /// If the disk refuses; the log is then offline.
    pub fn truncate_fully_and_start_at(&mut self, offset: Offset) -> Result<(), Error> {
        self.check_online()?;
        let first = self
            .segments
            .first()
            .map_or(0, |segment| segment.base_offset());
        // Nothing has changed as long as these fail.
        self.be_born()
            .map_err(|error| self.dir_state.judge(error))?;
        self.cancel_swap()?;
        self.lower_recovery_point(first.min(offset))
            .map_err(|error| self.dir_state.judge(error))?;
        let result = self.restart_at(offset);
        result.map_err(|error| self.on_failed_truncation(error))
    }

    /// Half a truncation: only opening the log again can tell what it is now.
    fn on_failed_truncation(&mut self, error: Error) -> Error {
        let error = self.dir_state.judge(error);
        let offline = self.go_offline(format!("truncation failed: {error}"));
        if error.is_offline() { error } else { offline }
    }

    fn restart_at(&mut self, offset: Offset) -> Result<(), Error> {
        self.drop_segments_from(0)?;
        for snapshot in std::mem::take(&mut self.snapshots) {
            self.remove_snapshot(snapshot)?;
        }
        self.start_empty(offset)?;
        self.producers.clear();
        let mut epochs = self.epochs.clone();
        epochs.clear();
        self.set_epochs(epochs)?;
        self.flush()
    }

    /// Elections without a write leave epochs that start at the log end; they go although no record
    /// does (KAFKA-10706).
    fn truncate_epochs(&mut self, offset: Offset) -> Result<(), Error> {
        let mut epochs = self.epochs.clone();
        if epochs.truncate_end(offset) {
            self.set_epochs(epochs)?;
        }
        Ok(())
    }

    /// Which segment holds the offset.
    pub(super) fn segment_of(&self, offset: Offset) -> usize {
        self.segments
            .partition_point(|s| s.base_offset() <= offset)
            .saturating_sub(1)
    }

    fn cut_at(&mut self, index: usize, segment: &Arc<Segment>, cut: &Cut) -> Result<(), Error> {
        self.drop_segments_from(index + 1)?;
        self.cut_segment(segment, cut)?;
        self.log_end_offset = cut.end_offset;
        self.log_start_offset = self.log_start_offset.min(cut.end_offset);
        let mut epochs = self.epochs.clone();
        epochs.truncate_end(cut.end_offset);
        self.set_epochs(epochs)?;
        self.load_producers()?;
        self.flush()
    }

    /// Leaves word of the cut that is to come, durably: the directory's checkpoints still have the old
    /// recovery point and log start, and if this process is killed before the cut is synced, the next one
    /// has to sync it.
    fn lower_recovery_point(&mut self, offset: Offset) -> Result<(), Error> {
        self.truncation_count += 1;
        self.lower_clean_offset(offset);
        let path = self.dir.join(LOWERED_RECOVERY_POINT_FILE);
        let text = format!("{offset}\n");
        let result = self.disk().replace(&path, text.as_bytes(), true);
        result.map_err(|e| Error::io(&path, e))?;
        self.is_recovery_point_lowered = true;
        self.recovery_point = self.recovery_point.min(offset);
        Ok(())
    }

    /// Removes whole segments, the last one first.
    fn drop_segments_from(&mut self, index: usize) -> Result<(), Error> {
        let dropped: Vec<_> = self.segments.iter().skip(index).cloned().collect();
        for segment in dropped.iter().rev() {
            segment.mark_changed();
            self.remove_segment_files(segment.base_offset())?;
        }
        self.change_segments(|segments| segments.truncate(index));
        if dropped.is_empty() {
            return Ok(());
        }
        self.sync_names()
    }

    /// Replaces the segment by one over the shorter file.
    fn cut_segment(&mut self, old: &Arc<Segment>, cut: &Cut) -> Result<(), Error> {
        let path = old.path(Kind::Log);
        let (offsets, times) = kept_entries(old, cut)?;
        old.mark_changed();
        let file = old.file().map_err(|e| Error::io(&path, e))?;
        file.set_len(cut.position)
            .map_err(|e| Error::io(&path, e))?;
        let base = old.base_offset();
        let mut indexes = Indexes::of_files(self.disk(), old.dir(), base, 0, 0);
        indexes
            .times
            .replace(&times)
            .map_err(|e| Error::io(&path, e))?;
        indexes
            .offsets
            .replace(&offsets)
            .map_err(|e| Error::io(&path, e))?;
        let now_ms = self.now_ms();
        let segment = Segment::new(self.disk(), old.dir(), base, cut.position, now_ms, indexes);
        let segment = Arc::new(segment);
        segment.sync()?;
        self.start_active(base, now_ms);
        self.active.builder = resume(&segment, &offsets, &times, self.config.index_interval_bytes)?;
        self.change_segments(|segments| {
            segments.pop();
            segments.push(segment);
        });
        Ok(())
    }

    /// Called once the directory's checkpoint, with `recovery_point` for this log, is durable.
    pub(crate) fn on_recovery_point_persisted(&mut self, recovery_point: Offset) {
        if !self.is_recovery_point_lowered || recovery_point > self.recovery_point {
            return;
        }
        // Another log may have the folder's name by now, and a file of its own there.
        if self.is_retired.load(Ordering::Acquire) {
            return;
        }
        let path = self.dir.join(LOWERED_RECOVERY_POINT_FILE);
        // If it stays, the next recovery reads more than it must.
        match self.disk().remove(&path) {
            Ok(()) => self.is_recovery_point_lowered = false,
            Err(error) => tracing::warn!(path = %path.display(), %error, "not removed"),
        }
    }
}

/// The first batch that reaches `offset`. What stays ends where the batch before it does, also if
/// compaction has left a gap there: that is what recovery finds, and what replicas can copy.
fn find_cut(segment: &Segment, offset: Offset) -> Result<Cut, Error> {
    let mut scan = segment.scan_near(offset.saturating_sub(1))?;
    let mut end_offset = segment.base_offset();
    loop {
        match scan.next().map_err(|stop| segment.corrupt(stop))? {
            Some(scanned) if scanned.header.next_offset() <= offset => {
                end_offset = scanned.header.next_offset();
            }
            Some(scanned) => {
                return Ok(Cut {
                    position: scanned.position,
                    end_offset,
                });
            }
            None => {
                return Ok(Cut {
                    position: segment.size_bytes(),
                    end_offset,
                });
            }
        }
    }
}

/// Index entries of the batches that stay.
fn kept_entries(segment: &Segment, cut: &Cut) -> Result<(Vec<OffsetEntry>, Vec<TimeEntry>), Error> {
    let path = segment.path(Kind::OffsetIndex);
    let indexes = segment.indexes.read();
    let mut offsets = indexes.offsets.load().map_err(|e| Error::io(&path, e))?;
    let mut times = indexes.times.load().map_err(|e| Error::io(&path, e))?;
    offsets.retain(|entry| u64::try_from(entry.position).is_ok_and(|p| p < cut.position));
    if let Some(last) = offsets.last()
        && !segment.points_to_batch(last)?
    {
        offsets.clear();
    }
    // Later times are found again by walking on from the last offset entry.
    let last = offsets.last().map_or(-1, |entry| entry.relative_offset);
    times.retain(|entry| entry.relative_offset <= last);
    Ok((offsets, times))
}

/// A builder that has seen the whole segment.
fn resume(
    segment: &Segment,
    offsets: &[OffsetEntry],
    times: &[TimeEntry],
    interval_bytes: u64,
) -> Result<IndexBuilder, Error> {
    let builder = IndexBuilder::new(segment.base_offset(), interval_bytes);
    let mut builder = builder.resume(times.last().copied());
    let position = offsets
        .last()
        .map_or(0, |entry| u64::try_from(entry.position).unwrap_or(0));
    let scan = segment.scan(position, segment.base_offset());
    let mut scan = scan.map_err(|e| segment.corrupt(e.into()))?;
    while let Some(scanned) = scan.next().map_err(|stop| segment.corrupt(stop))? {
        // The entries are there already, or would come a little later: sparse is fine.
        let _entries = builder.on_batch(scanned.position, &scanned.header);
    }
    Ok(builder)
}
