//! Which batches get index entries, for appends and for building an index anew alike.

use protocol::records::BatchHeader;
use types::{Offset, TimestampMs};

use super::index::{OffsetEntry, TimeEntry};
use super::{Segment, scan::Stop};
use crate::Error;

/// Decides, batch by batch in file order, which get entries: one about every
/// `index.interval.bytes`, as Kafka does.
#[derive(Debug, Clone, Default)]
pub(crate) struct IndexBuilder {
    base_offset: Offset,
    interval_bytes: u64,
    bytes_since_entry: u64,
    max: Option<TimeEntry>,
}

impl IndexBuilder {
    pub(crate) fn new(base_offset: Offset, interval_bytes: u64) -> Self {
        Self {
            base_offset,
            interval_bytes,
            bytes_since_entry: 0,
            max: None,
        }
    }

    /// Goes on after entries that exist: `max` is the last time entry.
    pub(crate) fn resume(mut self, max: Option<TimeEntry>) -> Self {
        self.max = max;
        self
    }

    pub(crate) fn set_interval_bytes(&mut self, interval_bytes: u64) {
        self.interval_bytes = interval_bytes;
    }

    /// Takes in the batch at `position`; returns its entry, and that for the time index.
    pub(crate) fn on_batch(
        &mut self,
        position: u64,
        header: &BatchHeader,
    ) -> Option<(OffsetEntry, Option<TimeEntry>)> {
        let relative_offset = i32::try_from(header.last_offset() - self.base_offset).ok()?;
        let is_newer = self
            .max
            .is_none_or(|max| header.max_timestamp > max.timestamp);
        // Compaction may have left a batch without records: nobody finds a timestamp in there.
        if is_newer && header.max_timestamp >= 0 && header.record_count > 0 {
            self.max = Some(TimeEntry {
                timestamp: header.max_timestamp,
                relative_offset,
            });
        }
        let is_due = self.bytes_since_entry > self.interval_bytes;
        if is_due {
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += header.size_in_bytes() as u64;
        let position = i32::try_from(position).ok().filter(|_| is_due)?;
        let entry = OffsetEntry {
            relative_offset,
            position,
        };
        Some((entry, self.max))
    }

    /// The largest timestamp so far and the end of its batch. Also the last time entry of a segment
    /// that is closed.
    pub(crate) fn max(&self) -> Option<TimeEntry> {
        self.max
    }

    pub(crate) fn max_timestamp(&self) -> Option<TimestampMs> {
        self.max.map(|max| max.timestamp)
    }
}

/// The entries of a whole segment.
#[derive(Debug, Default)]
pub(crate) struct BuiltIndexes {
    pub(crate) offsets: Vec<OffsetEntry>,
    pub(crate) times: Vec<TimeEntry>,
}

impl BuiltIndexes {
    pub(crate) fn push(&mut self, (offset, time): (OffsetEntry, Option<TimeEntry>)) {
        self.offsets.push(offset);
        self.push_time(time);
    }

    pub(crate) fn push_time(&mut self, time: Option<TimeEntry>) {
        let last = self.times.last().map(|last| last.timestamp);
        self.times
            .extend(time.filter(|time| last.is_none_or(|last| time.timestamp > last)));
    }
}

impl Segment {
    /// Builds both index files anew from the headers. Any thread may do this for a sealed segment.
    pub(crate) fn rebuild_indexes(&self, interval_bytes: u64) -> Result<(), Error> {
        let mut builder = IndexBuilder::new(self.base_offset(), interval_bytes);
        let mut built = BuiltIndexes::default();
        let scan = self.scan(0, self.base_offset());
        let mut scan = scan.map_err(|e| self.corrupt(Stop::Io(e)))?;
        while let Some(scanned) = scan.next().map_err(|stop| self.corrupt(stop))? {
            if let Some(entries) = builder.on_batch(scanned.position, &scanned.header) {
                built.push(entries);
            }
        }
        built.push_time(builder.max());
        self.cursors.clear();
        let mut indexes = self.indexes.write();
        let result = indexes.offsets.replace(&built.offsets);
        result.map_err(|e| Error::io(indexes.offsets.path(), e))?;
        let result = indexes.times.replace(&built.times);
        result.map_err(|e| Error::io(indexes.times.path(), e))
    }
}
