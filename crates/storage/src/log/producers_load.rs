//! Getting the producers back: the newest usable snapshot, then the headers after it.

use std::sync::Arc;

use protocol::records::{Batch, ControlRecord};
use types::Offset;

use super::Log;
use crate::Error;
use crate::files::SMALL_FILE_BYTES_MAX;
use crate::files::names::{self, Kind};
use crate::producers::snapshot;
use crate::segment::Segment;
use crate::segment::scan::{Scan, Scanned};

/// Snapshots kept beside those at the segments' base offsets.
const NEWEST_SNAPSHOTS_KEPT: usize = 2;

impl Log {
    /// Makes the producers those of the log as it is now. Snapshots that are beyond its end or
    /// unusable are removed.
    pub(super) fn load_producers(&mut self) -> Result<(), Error> {
        let beyond = self
            .snapshots
            .split_off(&self.log_end_offset.saturating_add(1));
        for offset in beyond {
            self.remove_snapshot(offset)?;
        }
        self.producers.clear();
        let mut from = self.log_start_offset;
        while let Some(offset) = self.snapshots.last().copied() {
            if self.load_snapshot(offset) {
                from = offset;
                break;
            }
            self.remove_snapshot(offset)?;
        }
        self.replay_producers(from)
    }

    fn load_snapshot(&mut self, offset: Offset) -> bool {
        let path = names::path(&self.dir, offset, Kind::Snapshot);
        let bytes = self.disk().read(&path, SMALL_FILE_BYTES_MAX);
        let decoded = bytes
            .map_err(|e| e.to_string())
            .and_then(|bytes| snapshot::decode(&bytes, offset).map_err(|e| e.to_string()));
        match decoded {
            Ok(producers) => {
                self.producers = producers;
                true
            }
            Err(reason) => {
                tracing::warn!(path = %path.display(), reason, "producer snapshot is unusable");
                false
            }
        }
    }

    fn replay_producers(&mut self, from: Offset) -> Result<(), Error> {
        if from >= self.log_end_offset {
            return Ok(());
        }
        let first = self
            .segments
            .partition_point(|s| s.base_offset() <= from)
            .saturating_sub(1);
        let segments: Vec<_> = self.segments.iter().skip(first).cloned().collect();
        for segment in segments {
            self.replay_segment(&segment, from)?;
        }
        Ok(())
    }

    fn replay_segment(&mut self, segment: &Arc<Segment>, from: Offset) -> Result<(), Error> {
        let mut scan = segment.scan_near(from)?;
        while let Some(scanned) = scan.next().map_err(|stop| segment.corrupt(stop))? {
            if scanned.header.has_producer() && scanned.header.base_offset >= from {
                self.replay_batch(segment, &scan, &scanned)?;
            }
        }
        Ok(())
    }

    fn replay_batch(
        &mut self,
        segment: &Segment,
        scan: &Scan,
        scanned: &Scanned,
    ) -> Result<(), Error> {
        let header = &scanned.header;
        if !header.is_control() {
            self.producers.on_batch(header, header.max_timestamp);
            return Ok(());
        }
        let bytes = scan
            .read_batch(scanned)
            .map_err(|e| segment.corrupt(e.into()))?;
        let marker = Batch::parse(&bytes).and_then(|batch| batch.control_record());
        if let Ok(Some(ControlRecord::EndTxn(marker))) = marker {
            let _ended = self
                .producers
                .on_marker(header, marker, header.max_timestamp);
        }
        Ok(())
    }

    pub(super) fn remove_snapshot(&mut self, offset: Offset) -> Result<(), Error> {
        let path = names::path(&self.dir, offset, Kind::Snapshot);
        self.disk().remove(&path).map_err(|e| Error::io(&path, e))?;
        self.snapshots.remove(&offset);
        self.mark_names();
        Ok(())
    }

    /// Keeps the snapshots that recovery and truncation start from: at the segments' base offsets,
    /// and the newest.
    pub(super) fn remove_surplus_snapshots(&mut self) {
        let is_base = |offset: &Offset| {
            self.segments
                .binary_search_by_key(offset, |s| s.base_offset())
                .is_ok()
        };
        let newest = self.snapshots.iter().rev().skip(NEWEST_SNAPSHOTS_KEPT);
        let surplus: Vec<_> = newest.copied().filter(|offset| !is_base(offset)).collect();
        for offset in surplus {
            if let Err(error) = self.remove_snapshot(offset) {
                tracing::warn!(partition = %self.topic_partition, %error, "snapshot not removed");
            }
        }
    }

    /// Forgets producers that have been silent too long, and transactions that every reader knows the
    /// end of.
    pub fn expire_producers(&mut self, now_ms: types::TimestampMs, high_watermark: Offset) {
        self.producers
            .expire(now_ms, self.config.producer_id_expiration_ms);
        self.producers.on_high_watermark(high_watermark);
    }
}
