//! Starting a new segment, and keeping the index of the active one.

use std::sync::Arc;

use types::{Offset, TimestampMs};

use super::reserve::Reservation;
use super::{Active, Log};
use crate::Error;
use crate::files::names::{self, Kind};
use crate::producers::snapshot;
use crate::segment::index::{OffsetEntry, TimeEntry};
use crate::segment::{IndexBuilder, Segment};

/// Bytes of an entry of each index.
const OFFSET_ENTRY_BYTES: u64 = 8;
const TIME_ENTRY_BYTES: u64 = 12;

impl Log {
    /// Rolls a non-empty active segment older than `segment.ms`. Returns whether it did.
    ///
    /// # Errors
    /// If the new segment cannot be created.
    pub fn maybe_roll(&mut self, now_ms: TimestampMs) -> Result<bool, Error> {
        self.check_online()?;
        if self.active_segment().is_empty() {
            return Ok(false);
        }
        let first_ms = self.first_timestamp()?.unwrap_or(self.active.created_ms);
        if now_ms.saturating_sub(first_ms) <= self.segment_ms_max() {
            return Ok(false);
        }
        self.roll(self.log_end_offset)
            .map_err(|error| self.dir_state.judge(error))?;
        Ok(true)
    }

    /// Rolls if batches of this size and kind do not belong into the active segment any more.
    /// `base_offset` is the first of them.
    pub(super) fn roll_before(
        &mut self,
        size_bytes: u64,
        max_timestamp: TimestampMs,
        last_offset: Offset,
        base_offset: Offset,
    ) -> Result<(), Error> {
        let active = Arc::clone(self.active_segment());
        let is_in_reach = last_offset - active.base_offset() <= i64::from(i32::MAX);
        if active.is_empty() && is_in_reach {
            return Ok(());
        }
        let is_too_large = active.size_bytes() + size_bytes > self.segment_bytes_max();
        if is_too_large || !is_in_reach || self.is_index_full() || self.is_too_old(max_timestamp)? {
            // A follower's batches may begin beyond the log end (a compacted topic).
            let base = if is_in_reach {
                self.log_end_offset
            } else {
                base_offset
            };
            self.roll(base)?;
        }
        Ok(())
    }

    /// `segment.ms` counts in record time, so that a log that is copied rolls where its original
    /// did; records without a timestamp fall back on the clock.
    fn is_too_old(&mut self, max_timestamp: TimestampMs) -> Result<bool, Error> {
        let (from, to) = match self.first_timestamp()? {
            Some(first) if first >= 0 => (first, max_timestamp),
            _ => (self.active.created_ms, self.now_ms()),
        };
        Ok(to.saturating_sub(from) > self.segment_ms_max())
    }

    fn is_index_full(&self) -> bool {
        let indexes = self.active_segment().indexes.read();
        let bytes = self.config.segment_index_bytes;
        let offsets_max = (bytes / OFFSET_ENTRY_BYTES).max(1);
        // One slot is for the last entry, written when the segment is closed.
        let times_max = (bytes / TIME_ENTRY_BYTES).saturating_sub(1).max(1);
        indexes.offsets.len() >= offsets_max || indexes.times.len() >= times_max
    }

    /// How old a segment gets: a compacted topic's waits for compaction no longer than it has to, and
    /// only closed segments are compacted.
    fn segment_ms_max(&self) -> i64 {
        let segment_ms = self.jittered_segment_ms();
        if self.config.compact && self.config.max_compaction_lag_ms > 0 {
            return segment_ms.min(self.config.max_compaction_lag_ms);
        }
        segment_ms
    }

    /// `segment.ms` less this segment's share of `segment.jitter.ms`.
    fn jittered_segment_ms(&self) -> i64 {
        let jitter_max = self
            .config
            .segment_jitter_ms
            .min(self.config.segment_ms)
            .max(0);
        if jitter_max == 0 {
            return self.config.segment_ms;
        }
        let seed = (&self.topic_partition, self.active_segment().base_offset());
        let spread = fnv(format!("{seed:?}").as_bytes()) % jitter_max.unsigned_abs();
        self.config.segment_ms - i64::try_from(spread).unwrap_or(0)
    }

    /// Largest timestamp of the active segment's first batch.
    fn first_timestamp(&mut self) -> Result<Option<TimestampMs>, Error> {
        if self.active.first_timestamp.is_some() || self.active_segment().is_empty() {
            return Ok(self.active.first_timestamp);
        }
        let segment = Arc::clone(self.active_segment());
        let scan = segment.scan(0, segment.base_offset());
        let mut scan = scan.map_err(|e| segment.corrupt(e.into()))?;
        let first = scan.next().map_err(|stop| segment.corrupt(stop))?;
        self.active.first_timestamp = first.map(|scanned| scanned.header.max_timestamp);
        Ok(self.active.first_timestamp)
    }

    /// Closes the active segment as Kafka would and starts one at `base_offset`. Nothing is synced
    /// here: that is the next flush's business, and a roll must not stall an append.
    pub(super) fn roll(&mut self, base_offset: Offset) -> Result<(), Error> {
        if self.active_segment().is_empty() && self.active_segment().base_offset() == base_offset {
            return Ok(());
        }
        self.be_born()?;
        if self.seal_active_indexes()? {
            let sealed = Arc::clone(self.active_segment());
            self.unsynced.sealed.push(sealed);
        }
        // Before there is a next segment: recovery looks for reserved blocks in the active one alone.
        self.give_back_reserved();
        self.write_producer_snapshot(base_offset)?;
        let now_ms = self.now_ms();
        let segment = Segment::create(self.disk(), &self.dir, base_offset, now_ms)?;
        self.change_segments(|segments| segments.push(Arc::new(segment)));
        self.log_end_offset = base_offset;
        self.mark_names();
        self.start_active(base_offset, now_ms);
        Ok(())
    }

    pub(super) fn start_active(&mut self, base_offset: Offset, now_ms: TimestampMs) {
        self.active = Active {
            builder: IndexBuilder::new(base_offset, self.config.index_interval_bytes),
            first_timestamp: None,
            created_ms: now_ms,
            reservation: Reservation::default(),
        };
    }

    pub(super) fn push_index_entries(&mut self, offset: OffsetEntry, time: Option<TimeEntry>) {
        let segment = self.active_segment();
        let mut indexes = segment.indexes.write();
        let mut is_due = indexes.offsets.push(offset);
        if let Some(time) = time {
            is_due |= indexes.times.push(time);
        }
        if is_due && let Err(error) = indexes.write() {
            // The entries stay in memory; the next flush or roll writes them or says why not.
            tracing::warn!(partition = %self.topic_partition, %error, "index not written");
        }
    }

    /// Writes what is missing in the active segment's index files, with the last time entry, and
    /// trims them. Returns whether that changed them.
    pub(super) fn seal_active_indexes(&self) -> Result<bool, Error> {
        let segment = self.active_segment();
        let mut indexes = segment.indexes.write();
        if let Some(max) = self.active.builder.max() {
            indexes.times.push(max);
        }
        let result = indexes.seal();
        result.map_err(|e| Error::io(&segment.path(Kind::OffsetIndex), e))
    }

    /// Writes down the producers as of the log end, for recovery to start from. A cache: not synced.
    pub(super) fn write_producer_snapshot(&mut self, offset: Offset) -> Result<(), Error> {
        let path = names::path(&self.dir, offset, Kind::Snapshot);
        let bytes = snapshot::encode(&self.producers);
        let result = self.disk().replace(&path, &bytes, false);
        result.map_err(|e| Error::io(&path, e))?;
        self.snapshots.insert(offset);
        self.mark_names();
        Ok(())
    }
}

/// FNV-1a: spreads segments evenly, and the same way at every run.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
