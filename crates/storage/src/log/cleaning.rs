//! What compaction wants to know of a log, and what it leaves behind in it.
//!
//! ```text
//!  log start          clean offset              upper bound       active segment
//!      ▼                   ▼                         ▼                  ▼
//!  [ clean: one record per key ][ dirty             ][ not yet         ][
//!                                                    `- beyond the last stable offset, not durable,
//!                                                       or younger than min.compaction.lag.ms
//! ```
//!
//! The clean offset only says where to begin next. Lost, it is the log start: everything is looked at
//! once more, and nothing else changes.

use std::collections::HashMap;
use std::sync::Arc;

use types::{Offset, ProducerId, TimestampMs};

use super::Log;
use crate::segment::Segment;
use crate::{Error, LogConfig};

/// How much compaction would find to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dirtiness {
    /// Bytes of the segments that would be looked at for new keys.
    pub cleanable_bytes: u64,
    /// Those, and the bytes of the segments before them.
    pub total_bytes: u64,
    /// Some of them have waited for longer than `max.compaction.lag.ms`.
    pub is_overdue: bool,
}

impl Dirtiness {
    /// Share of the log that is dirty, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    pub fn ratio(&self) -> f64 {
        self.cleanable_bytes as f64 / self.total_bytes.max(1) as f64
    }
}

/// What a log remembers of its compaction.
#[derive(Debug, Default)]
pub(super) struct Cleaning {
    /// Below, no key has two records. Exclusive; `None` before the first compaction.
    clean_offset: Option<Offset>,
    /// Somebody is at it.
    is_running: bool,
    /// Why it is not tried again until the log is opened anew.
    uncleanable: Option<String>,
    /// First offset of the segment that waits as `.swap` to be renamed into its place.
    pub(super) pending: Option<Pending>,
}

/// Segments that a cleaned one is about to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) base_offset: Offset,
    /// Where the last of them ends. Exclusive.
    pub(super) end_offset: Offset,
}

/// A log as compaction sees it, at one moment. Needs no lock.
#[derive(Debug)]
pub(crate) struct CleaningView {
    pub(crate) segments: Arc<[Arc<Segment>]>,
    pub(crate) config: LogConfig,
    /// The clean offset, or the log start.
    pub(crate) first_dirty_offset: Offset,
    /// Neither what is beyond it, nor the segment that contains it, may be cleaned.
    limit_offset: Offset,
}

impl Log {
    /// Where the part of the log ends in which no key has two records. Exclusive; `None` before the
    /// first compaction.
    #[must_use]
    pub fn clean_offset(&self) -> Option<Offset> {
        self.cleaning.clean_offset
    }

    /// Why compaction has given this log up until it is opened again, if it has.
    #[must_use]
    pub fn uncleanable(&self) -> Option<&str> {
        self.cleaning.uncleanable.as_deref()
    }

    /// Gives compaction of this log up until it is opened again. Said once, here.
    pub fn mark_uncleanable(&mut self, reason: String) {
        tracing::error!(partition = %self.topic_partition, reason, "log cannot be compacted");
        self.cleaning.uncleanable.get_or_insert(reason);
    }

    /// Takes over what the checkpoint says. More than the log has is not believed.
    pub(crate) fn restore_clean_offset(&mut self, offset: Offset) {
        let max = self.clean_offset_max.min(self.recovery_point);
        self.cleaning.clean_offset = Some(offset.min(max)).filter(|offset| *offset >= 0);
    }

    /// What was clean beyond `end` is gone.
    pub(super) fn lower_clean_offset(&mut self, end: Offset) {
        if let Some(offset) = &mut self.cleaning.clean_offset {
            *offset = end.min(*offset);
        }
    }

    /// What compaction could work on; `None` if the log is not compacted, offline, given up, or being
    /// compacted already.
    pub(crate) fn cleaning_view(&self, high_watermark: Offset) -> Option<CleaningView> {
        let cleaning = &self.cleaning;
        let is_excluded = cleaning.is_running || cleaning.uncleanable.is_some();
        if !self.config.compact || is_excluded || self.is_offline() {
            return None;
        }
        let clean_offset = cleaning.clean_offset.unwrap_or(0);
        Some(CleaningView {
            segments: Arc::clone(&self.segments),
            config: self.config.clone(),
            first_dirty_offset: clean_offset.max(self.log_start_offset),
            // What is cleaned is durable already, so that recovery never meets half of it.
            limit_offset: self
                .last_stable_offset(high_watermark)
                .min(self.recovery_point),
        })
    }

    /// Reserves the log for one compaction, until [`end_cleaning`](Self::end_cleaning).
    pub(crate) fn begin_cleaning(&mut self, high_watermark: Offset) -> Option<CleaningView> {
        let view = self.cleaning_view(high_watermark)?;
        self.cleaning.is_running = true;
        Some(view)
    }

    /// Ends a compaction. `clean_offset` is how far it came, if it came to its end.
    pub(crate) fn end_cleaning(&mut self, clean_offset: Option<Offset>) {
        self.cleaning.is_running = false;
        if let Some(offset) = clean_offset {
            self.cleaning.clean_offset = Some(offset);
        }
    }

    /// Closes a non-empty active segment that `max.compaction.lag.ms` wants compacted, or that is older
    /// than `segment.ms`.
    pub(crate) fn roll_for_cleaning(&mut self, now_ms: TimestampMs) -> Result<(), Error> {
        if self.config.compact && !self.is_offline() {
            self.maybe_roll(now_ms)?;
        }
        Ok(())
    }

    /// Where the last batch of every producer ends (inclusive) that has not been silent for too long.
    pub(crate) fn last_offsets_of_producers(&self) -> HashMap<ProducerId, Offset> {
        self.producers.last_offsets()
    }
}

impl CleaningView {
    /// The first offset that may not be cleaned: where a segment begins.
    ///
    /// # Errors
    /// If an index cannot be read.
    pub(crate) fn upper_bound(&self, now_ms: TimestampMs) -> Result<Offset, Error> {
        let (Some(active), Some(first)) = (self.segments.last(), self.segments.first()) else {
            return Ok(0);
        };
        let limit = self.limit_offset.min(active.base_offset());
        let mut bound = first.base_offset();
        for (segment, end) in self.sealed() {
            if end > limit || self.is_too_young(segment, end, now_ms)? {
                break;
            }
            bound = end;
        }
        Ok(bound)
    }

    /// Whether the segment has dirty records that are younger than `min.compaction.lag.ms`.
    fn is_too_young(
        &self,
        segment: &Segment,
        end: Offset,
        now_ms: TimestampMs,
    ) -> Result<bool, Error> {
        let lag_ms = self.config.min_compaction_lag_ms;
        if lag_ms <= 0 || end <= self.first_dirty_offset {
            return Ok(false);
        }
        let newest = segment.max_of_time_index()?.map(|max| max.timestamp);
        let newest = newest.unwrap_or_else(|| segment.modified_ms());
        Ok(newest > now_ms.saturating_sub(lag_ms))
    }

    /// How much there is to do; `None` if nothing.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn dirtiness(&self, now_ms: TimestampMs) -> Result<Option<Dirtiness>, Error> {
        let bound = self.upper_bound(now_ms)?;
        if bound <= self.first_dirty_offset {
            return Ok(None);
        }
        let mut dirtiness = Dirtiness {
            cleanable_bytes: 0,
            total_bytes: 0,
            is_overdue: false,
        };
        for (segment, end) in self.sealed().filter(|(_, end)| *end <= bound) {
            dirtiness.total_bytes += segment.size_bytes();
            if end > self.first_dirty_offset {
                dirtiness.cleanable_bytes += segment.size_bytes();
                dirtiness.is_overdue = dirtiness.is_overdue || self.is_overdue(segment, now_ms)?;
            }
        }
        Ok(Some(dirtiness).filter(|dirtiness| dirtiness.cleanable_bytes > 0))
    }

    /// Whether the first record of the segment is older than `max.compaction.lag.ms`.
    fn is_overdue(&self, segment: &Segment, now_ms: TimestampMs) -> Result<bool, Error> {
        let lag_ms = self.config.max_compaction_lag_ms;
        if lag_ms == i64::MAX || segment.is_empty() {
            return Ok(false);
        }
        let scan = segment.scan(0, segment.base_offset());
        let mut scan = scan.map_err(|e| segment.corrupt(e.into()))?;
        let first = scan.next().map_err(|stop| segment.corrupt(stop))?;
        let timestamp = first.map_or(-1, |scanned| scanned.header.max_timestamp);
        Ok(timestamp > 0 && timestamp < now_ms.saturating_sub(lag_ms))
    }

    /// All segments but the active one, each with where it ends (exclusive).
    pub(crate) fn sealed(&self) -> impl Iterator<Item = (&Arc<Segment>, Offset)> {
        let ends = self.segments.iter().skip(1).map(|next| next.base_offset());
        self.segments.iter().zip(ends)
    }
}
