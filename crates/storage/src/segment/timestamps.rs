//! Finding records by timestamp within one segment, exact inside batches.

use protocol::records::{Batch, BatchError, TimestampType};
use types::{Offset, TimestampMs};

use super::Segment;
use super::index::TimeEntry;
use super::scan::{Scan, Scanned, Stop};
use crate::{Error, ReadError, TimestampOffset};

/// Compressed records are walked over in constant memory; this bounds the time.
const DECOMPRESSED_BYTES_MAX: usize = 1 << 30;

/// Offsets a search may answer with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    /// Inclusive.
    pub(crate) from: Offset,
    /// Exclusive.
    pub(crate) up_to: Offset,
}

impl Range {
    fn contains(&self, offset: Offset) -> bool {
        (self.from..self.up_to).contains(&offset)
    }
}

/// The batch with the largest timestamp of a search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaxBatch {
    pub(crate) timestamp: TimestampMs,
    scanned: Scanned,
}

impl Segment {
    /// The largest timestamp of a sealed segment, as its time index has it.
    pub(crate) fn max_of_time_index(&self) -> Result<Option<TimeEntry>, Error> {
        let indexes = self.indexes.read();
        let last = indexes.times.last();
        last.map_err(|e| Error::io(indexes.times.path(), e))
    }

    /// The first record in `range` with a timestamp of `target` or later.
    pub(crate) fn first_at_or_after(
        &self,
        target: TimestampMs,
        range: Range,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let below = {
            let indexes = self.indexes.read();
            let entry = indexes.times.floor(target);
            entry.map_err(|e| Error::io(indexes.times.path(), e))?
        };
        let from = below.map_or(self.base_offset(), |entry| self.absolute(&entry));
        let mut scan = self.scan_near(from.max(range.from))?;
        while let Some(scanned) = scan.next().map_err(|stop| self.corrupt(stop))? {
            let header = &scanned.header;
            if header.base_offset >= range.up_to {
                break;
            }
            let may_match = header.max_timestamp >= target && header.last_offset() >= range.from;
            if may_match && let Some(found) = self.find_in(&scan, &scanned, target, range)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The batch with the largest timestamp among those in `range`; the first, if several. With
    /// `is_covered` the time index knows all of this segment and all of it is in range.
    pub(crate) fn max_batch(
        &self,
        range: Range,
        is_covered: bool,
    ) -> Result<Option<MaxBatch>, ReadError> {
        let usable = self.last_entry_in(range)?;
        let from = usable.map_or(range.from, |entry| self.absolute(&entry));
        let mut scan = self.scan_near(from)?;
        let mut best: Option<MaxBatch> = None;
        while let Some(scanned) = scan.next().map_err(|stop| self.corrupt(stop))? {
            if scanned.header.base_offset >= range.up_to {
                break;
            }
            let Some(timestamp) = self.max_timestamp_in(&scan, &scanned, range)? else {
                continue;
            };
            if best.is_none_or(|best| timestamp > best.timestamp) {
                best = Some(MaxBatch { timestamp, scanned });
            }
            if is_covered && usable.is_some_and(|entry| timestamp == entry.timestamp) {
                break;
            }
        }
        Ok(best)
    }

    /// The last time entry that speaks of nothing outside `range`: it knows the largest timestamp of
    /// everything before it.
    fn last_entry_in(&self, range: Range) -> Result<Option<TimeEntry>, ReadError> {
        if range.from > self.base_offset() {
            return Ok(None);
        }
        let indexes = self.indexes.read();
        let entries = indexes.times.load();
        let entries = entries.map_err(|e| Error::io(indexes.times.path(), e))?;
        let mut newest_first = entries.into_iter().rev();
        Ok(newest_first.find(|entry| self.absolute(entry) < range.up_to))
    }

    /// The first record of that batch in `range` with its largest timestamp.
    pub(crate) fn max_record(
        &self,
        best: &MaxBatch,
        range: Range,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let scan = self.scan(best.scanned.position, best.scanned.header.base_offset);
        let scan = scan.map_err(|e| self.corrupt(Stop::Io(e)))?;
        self.find_in(&scan, &best.scanned, best.timestamp, range)
    }

    /// The header knows the largest timestamp, unless only a part of the batch is in range.
    fn max_timestamp_in(
        &self,
        scan: &Scan,
        scanned: &Scanned,
        range: Range,
    ) -> Result<Option<TimestampMs>, ReadError> {
        let header = &scanned.header;
        if header.last_offset() < range.from || header.record_count == 0 {
            return Ok(None);
        }
        if header.base_offset >= range.from && header.next_offset() <= range.up_to {
            return Ok(Some(header.max_timestamp));
        }
        self.look_into(scan, scanned, |batch| max_in(batch, range))
    }

    fn absolute(&self, entry: &TimeEntry) -> Offset {
        self.base_offset() + i64::from(entry.relative_offset)
    }

    fn find_in(
        &self,
        scan: &Scan,
        scanned: &Scanned,
        target: TimestampMs,
        range: Range,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        let found = self.look_into(scan, scanned, |batch| first_in(batch, target, range))?;
        Ok(found.map(|(offset, timestamp)| TimestampOffset {
            timestamp,
            offset,
            leader_epoch: scanned.header.partition_leader_epoch,
        }))
    }

    /// Reads the whole batch and looks at its records.
    fn look_into<T>(
        &self,
        scan: &Scan,
        scanned: &Scanned,
        look: impl Fn(&Batch) -> Result<T, BatchError>,
    ) -> Result<T, ReadError> {
        let bytes = scan.read_batch(scanned);
        let bytes = bytes.map_err(|e| self.corrupt(Stop::Io(e)))?;
        let result = Batch::parse(&bytes).and_then(|batch| {
            batch.check_crc()?;
            look(&batch)
        });
        let bad = |error: BatchError| {
            self.corrupt(Stop::Bad {
                position: scanned.position,
                offset: scanned.header.base_offset,
                reason: error.to_string(),
            })
        };
        Ok(result.map_err(bad)?)
    }
}

fn first_in(
    batch: &Batch,
    target: TimestampMs,
    range: Range,
) -> Result<Option<(Offset, TimestampMs)>, BatchError> {
    for record in timestamps(batch)? {
        let (offset, timestamp) = record?;
        if timestamp >= target && range.contains(offset) {
            return Ok(Some((offset, timestamp)));
        }
    }
    Ok(None)
}

fn max_in(batch: &Batch, range: Range) -> Result<Option<TimestampMs>, BatchError> {
    let mut max = None;
    for record in timestamps(batch)? {
        let (offset, timestamp) = record?;
        if range.contains(offset) {
            max = max.max(Some(timestamp));
        }
    }
    Ok(max)
}

/// Offset and timestamp of each record.
fn timestamps(
    batch: &Batch,
) -> Result<impl Iterator<Item = Result<(Offset, TimestampMs), BatchError>>, BatchError> {
    let header = &batch.header;
    let walk = batch.walk(DECOMPRESSED_BYTES_MAX)?;
    Ok(walk.map(|shape| {
        let shape = shape?;
        let delta = i64::from(shape.offset_delta);
        let timestamp = match header.timestamp_type() {
            TimestampType::CreateTime => {
                header.base_timestamp.saturating_add(shape.timestamp_delta)
            }
            TimestampType::LogAppendTime => header.max_timestamp,
        };
        Ok((header.base_offset.saturating_add(delta), timestamp))
    }))
}
