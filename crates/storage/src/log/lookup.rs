//! Offsets by timestamp.

use std::sync::Arc;

use types::{Offset, TimestampMs};

use super::{Log, LogReader, TimestampOffset};
use crate::segment::Segment;
use crate::segment::timestamps::{MaxBatch, Range};
use crate::{Error, ReadError};

impl Log {
    /// The first record with a timestamp of `timestamp` or later, among those below `up_to`
    /// (exclusive). Exact: looks into batches. Reads files; [`LogReader`] does the same without the
    /// log's lock.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn offset_for_timestamp(
        &self,
        timestamp: TimestampMs,
        up_to: Offset,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        self.reader().offset_for_timestamp(timestamp, up_to)
    }

    /// The record with the largest timestamp below `up_to` (exclusive), the first if several.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn max_timestamp_offset(
        &self,
        up_to: Offset,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        self.reader().max_timestamp_offset(up_to)
    }
}

impl LogReader {
    /// The first record with a timestamp of `timestamp` or later, among those below `up_to`
    /// (exclusive). Exact: looks into batches. Blocks for the disk.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn offset_for_timestamp(
        &self,
        timestamp: TimestampMs,
        up_to: Offset,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let range = self.range(up_to);
        for (index, segment) in self.in_range(range) {
            if self.is_sealed(index) && is_older(segment, timestamp)? {
                continue;
            }
            let found =
                self.with_sound_index(segment, || segment.first_at_or_after(timestamp, range))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The record with the largest timestamp below `up_to` (exclusive), the first if several. Blocks
    /// for the disk.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn max_timestamp_offset(
        &self,
        up_to: Offset,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let range = self.range(up_to);
        let mut best: Option<(&Arc<Segment>, MaxBatch)> = None;
        for (index, segment) in self.in_range(range) {
            let is_covered = self.is_sealed(index)
                && range.from <= segment.base_offset()
                && self
                    .segments()
                    .get(index + 1)
                    .is_some_and(|s| s.base_offset() <= range.up_to);
            let best_so_far = best.as_ref().map(|(_, best)| best.timestamp);
            if let Some(best) = best_so_far
                && self.is_sealed(index)
                && is_older(segment, best.saturating_add(1))?
            {
                continue;
            }
            let found = self.with_sound_index(segment, || segment.max_batch(range, is_covered))?;
            if let Some(found) = found
                && best_so_far.is_none_or(|best| found.timestamp > best)
            {
                best = Some((segment, found));
            }
        }
        match best {
            Some((segment, best)) if best.timestamp >= 0 => segment.max_record(&best, range),
            _ => Ok(None),
        }
    }

    fn range(&self, up_to: Offset) -> Range {
        Range {
            from: self.log_start_offset(),
            up_to: up_to.min(self.log_end_offset()),
        }
    }

    fn in_range(&self, range: Range) -> impl Iterator<Item = (usize, &Arc<Segment>)> {
        let segments = self.segments().iter().enumerate();
        segments.take_while(move |(_, segment)| segment.base_offset() < range.up_to)
    }

    fn is_sealed(&self, index: usize) -> bool {
        index + 1 < self.segments().len()
    }

    /// Runs a search; if the log looks damaged, once more with indexes built anew.
    fn with_sound_index<T>(
        &self,
        segment: &Segment,
        search: impl Fn() -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mut result = search();
        if matches!(result, Err(ReadError::Storage(Error::Corrupt { .. })))
            && segment.may_rebuild_indexes()
        {
            segment.rebuild_indexes(self.index_interval_bytes())?;
            result = search();
        }
        if segment.is_changed() {
            return Err(ReadError::Changed);
        }
        result
    }
}

/// Whether everything in a sealed segment is older than `timestamp`.
fn is_older(segment: &Segment, timestamp: TimestampMs) -> Result<bool, ReadError> {
    let max = segment.max_of_time_index()?;
    Ok(max.is_some_and(|max| max.timestamp < timestamp))
}
