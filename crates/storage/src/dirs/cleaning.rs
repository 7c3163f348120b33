//! Compaction of the logs of a node: which log first, and how far each has come.

use std::sync::Arc;

use types::{Offset, TimestampMs, TopicPartition};

use super::dir::{Checkpoint, Dir};
use super::{LogDirs, SharedLog};
use crate::compact::{CleanOptions, CleanReport, Pace, Stopped, clean};
use crate::{Dirtiness, Error};

/// A log that compaction should work on.
#[derive(Debug, Clone)]
pub struct Dirty {
    /// Which one.
    pub topic_partition: TopicPartition,
    /// How much there is to do.
    pub dirtiness: Dirtiness,
    /// The log.
    pub log: SharedLog,
    high_watermark: Offset,
}

impl LogDirs {
    /// The compacted logs with more dirt than `min.cleanable.dirty.ratio`, or with some that waits for
    /// longer than `max.compaction.lag.ms`; the dirtiest first. Closes their active segments where that
    /// lag demands it. Reads files; `high_watermark` is asked as in [`housekeep`](Self::housekeep).
    #[must_use]
    pub fn dirty_logs(
        &self,
        now_ms: TimestampMs,
        high_watermark: &dyn Fn(&TopicPartition) -> Option<Offset>,
    ) -> Vec<Dirty> {
        let mut dirty = Vec::new();
        for dir in self.dirs.iter().filter(|dir| !dir.is_offline()) {
            for (topic_partition, log) in self.logs_in(dir) {
                if !log.lock().config().compact {
                    continue;
                }
                let Some(high_watermark) = high_watermark(&topic_partition) else {
                    continue;
                };
                match assess(&log, high_watermark, now_ms) {
                    Ok(None) => {}
                    Ok(Some(dirtiness)) => dirty.push(Dirty {
                        topic_partition,
                        dirtiness,
                        log,
                        high_watermark,
                    }),
                    Err(error) if error.is_offline() => {}
                    Err(error) => {
                        tracing::warn!(partition = %topic_partition, %error, "not assessed");
                    }
                }
            }
        }
        dirty.sort_by(|a, b| b.dirtiness.ratio().total_cmp(&a.dirtiness.ratio()));
        dirty
    }

    /// Compacts a log; see [`clean`]. How far it came is durable on return, unless the disk refuses:
    /// then more than necessary is compacted again some day.
    ///
    /// # Errors
    /// See [`Stopped`].
    pub fn clean(
        &self,
        dirty: &Dirty,
        now_ms: TimestampMs,
        options: &CleanOptions,
        pace: &mut Pace<'_>,
    ) -> Result<Option<CleanReport>, Stopped> {
        let report = clean(&dirty.log, dirty.high_watermark, now_ms, options, pace)?;
        if report.is_some() {
            let dir = {
                let logs = self.logs.read();
                let open = logs.get(&dirty.topic_partition);
                open.map(|open| Arc::clone(&open.dir))
            };
            if let Some(dir) = dir
                && let Err(error) = self.write_clean_offsets(&dir)
            {
                tracing::warn!(path = %dir.path().display(), %error, "clean offsets not written");
            }
        }
        Ok(report)
    }

    /// How many logs compaction has given up. See [`Log::uncleanable`](crate::Log::uncleanable).
    #[must_use]
    pub fn uncleanable_count(&self) -> usize {
        let logs = self.logs();
        let given_up = logs
            .iter()
            .filter(|(_, log)| log.lock().uncleanable().is_some());
        given_up.count()
    }

    pub(super) fn write_clean_offsets(&self, dir: &Arc<Dir>) -> Result<(), Error> {
        dir.write(Checkpoint::Clean, || {
            let logs = self.logs_in(dir).into_iter();
            logs.filter_map(|(tp, log)| Some((tp, log.lock().clean_offset()?)))
                .collect()
        })
    }
}

/// How dirty a log is, if that is enough to begin.
fn assess(
    log: &SharedLog,
    high_watermark: Offset,
    now_ms: TimestampMs,
) -> Result<Option<Dirtiness>, Error> {
    let view = {
        let mut log = log.lock();
        log.roll_for_cleaning(now_ms)?;
        log.cleaning_view(high_watermark)
    };
    let Some(view) = view else {
        return Ok(None);
    };
    let assessed = match view.dirtiness(now_ms) {
        // Segments that are gone by now.
        Err(_) if view.segments.iter().any(|segment| segment.is_changed()) => None,
        assessed => assessed?,
    };
    let ratio_min = view.config.min_cleanable_dirty_ratio;
    Ok(assessed.filter(|dirtiness| dirtiness.is_overdue || dirtiness.ratio() > ratio_min))
}
