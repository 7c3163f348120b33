//! What has to be done from time to time, for all logs by one thread.
//!
//! ```text
//!  every call      flush what was appended, remove files whose delay is over: only of logs that say so
//!  at intervals    high watermarks │ recovery points, log starts, unused files and memory │
//!                  retention, rolls │ silent producers
//! ```

use std::sync::Arc;

use types::{Offset, TimestampMs, TopicPartition};

use super::dir::{Checkpoint, Dir};
use super::flush::flush;
use super::{DirStatus, LogDirs, SharedLog};
use crate::segment::buffers;
use crate::{Error, Log, RetiredSegment};

/// How often each chore is due. The flush is due at every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// `log.retention.check.interval.ms`.
    pub retention_check_ms: i64,
    /// `log.flush.offset.checkpoint.interval.ms`, also for log starts.
    pub checkpoint_ms: i64,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub high_watermark_checkpoint_ms: i64,
    /// `producer.id.expiration.check.interval.ms`.
    pub producer_expiration_check_ms: i64,
}

impl Default for Intervals {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            retention_check_ms: 300_000,
            checkpoint_ms: 60_000,
            high_watermark_checkpoint_ms: 5_000,
            producer_expiration_check_ms: 600_000,
        }
    }
}

/// What one round of housekeeping did.
#[derive(Debug, Default)]
pub struct HousekeepingReport {
    /// Segments that retention took out of their logs.
    pub deleted_segments: usize,
    /// Logs whose new bytes were made durable.
    pub flushed_logs: usize,
    /// Directories that went offline since the last round.
    pub newly_offline: Vec<DirStatus>,
}

/// When each chore was last done.
#[derive(Debug)]
pub(super) struct Rounds {
    intervals: Intervals,
    retention_ms: TimestampMs,
    checkpoint_ms: TimestampMs,
    high_watermark_ms: TimestampMs,
    producers_ms: TimestampMs,
}

/// Which chores are due now.
#[derive(Debug, Clone, Copy)]
struct Due {
    retention: bool,
    checkpoint: bool,
    high_watermark: bool,
    producers: bool,
}

impl Due {
    /// Otherwise only logs that something was done to are looked at.
    fn concerns_all(self) -> bool {
        self.retention || self.checkpoint || self.producers
    }
}

impl Rounds {
    pub(super) fn new(now_ms: TimestampMs) -> Self {
        Self {
            intervals: Intervals::default(),
            retention_ms: now_ms,
            checkpoint_ms: now_ms,
            high_watermark_ms: now_ms,
            producers_ms: now_ms,
        }
    }

    fn take_due(&mut self, now_ms: TimestampMs) -> Due {
        let is_due = |last: &mut TimestampMs, interval: i64| {
            let elapsed = now_ms.saturating_sub(*last);
            // A clock that was set back must not stop the chores.
            let is_due = elapsed >= interval || elapsed < 0;
            if is_due {
                *last = now_ms;
            }
            is_due
        };
        let intervals = self.intervals;
        Due {
            retention: is_due(&mut self.retention_ms, intervals.retention_check_ms),
            checkpoint: is_due(&mut self.checkpoint_ms, intervals.checkpoint_ms),
            high_watermark: is_due(
                &mut self.high_watermark_ms,
                intervals.high_watermark_checkpoint_ms,
            ),
            producers: is_due(
                &mut self.producers_ms,
                intervals.producer_expiration_check_ms,
            ),
        }
    }
}

/// The high watermark of a partition, as its owner knows it.
type HighWatermark<'a> = &'a dyn Fn(&TopicPartition) -> Option<Offset>;

impl LogDirs {
    /// Replaces the intervals of [`housekeep`](Self::housekeep).
    pub fn set_intervals(&self, intervals: Intervals) {
        self.rounds.lock().intervals = intervals;
    }

    /// One round of background work over all logs: flush, roll, retention, expiry of producers,
    /// removal of deleted files, checkpoints; each at its own interval. Blocks for the disk; call it
    /// about once a second on a thread of its own.
    ///
    /// `high_watermark` is asked for each partition without any lock of ours being held. Partitions
    /// it does not know are flushed, but nothing of them is deleted.
    pub fn housekeep(
        &self,
        now_ms: TimestampMs,
        high_watermark: &dyn Fn(&TopicPartition) -> Option<Offset>,
    ) -> HousekeepingReport {
        let due = self.rounds.lock().take_due(now_ms);
        let mut report = HousekeepingReport::default();
        for dir in self.dirs.iter().filter(|dir| !dir.is_offline()) {
            let noted = dir.state().take_noted();
            let logs = if due.concerns_all() {
                self.logs_in(dir)
            } else {
                self.logs_of(noted)
            };
            report.flushed_logs += flush(dir, &logs);
            if due.retention {
                report.deleted_segments += self.apply_retention(dir, &logs, now_ms, high_watermark);
            }
            for (tp, log) in &logs {
                self.tend(tp, log, due, now_ms, high_watermark);
            }
            if due.checkpoint {
                warn_of("checkpoints", self.checkpoint(dir));
            }
            if due.high_watermark {
                let written = self.checkpoint_high_watermarks(dir, high_watermark);
                warn_of("high watermarks", written);
            }
            self.remove_folders(dir, now_ms);
        }
        if due.checkpoint {
            buffers::trim();
        }
        let newly_offline = self.dirs.iter().filter(|dir| dir.is_newly_offline());
        report.newly_offline = newly_offline.map(|dir| dir.status()).collect();
        report
    }

    /// Takes out what has expired, persists the new log starts, then removes the files.
    fn apply_retention(
        &self,
        dir: &Arc<Dir>,
        logs: &[(TopicPartition, SharedLog)],
        now_ms: TimestampMs,
        high_watermark: HighWatermark<'_>,
    ) -> usize {
        let mut retired: Vec<(&SharedLog, Vec<RetiredSegment>)> = Vec::new();
        for (tp, log) in logs {
            let Some(high_watermark) = high_watermark(tp) else {
                continue;
            };
            let mut locked = log.lock();
            warn_of("roll", locked.maybe_roll(now_ms).map(drop));
            match locked.delete_old_segments(high_watermark, now_ms) {
                Ok(segments) if segments.is_empty() => {}
                Ok(segments) => retired.push((log, segments)),
                Err(error) => tracing::warn!(partition = %tp, %error, "retention failed"),
            }
        }
        if retired.is_empty() {
            return 0;
        }
        if let Err(error) = self.write_log_starts(dir) {
            tracing::warn!(path = %dir.path().display(), %error, "log starts not written");
            // The files stay until the next start, unless they are what fills the disk: the first
            // segment that is left tells the log start as well.
            if !error.is_disk_full() {
                return 0;
            }
        }
        let count = retired.iter().map(|(_, segments)| segments.len()).sum();
        for (log, segments) in retired {
            warn_of("removal", log.lock().remove_retired(segments, now_ms));
        }
        count
    }

    /// Persists the log start offsets, durable on return. Call after `DeleteRecords`, before acking.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn checkpoint_log_starts(&self) -> Result<(), Error> {
        for dir in self.dirs.iter().filter(|dir| !dir.is_offline()) {
            self.write_log_starts(dir)?;
        }
        Ok(())
    }

    fn write_log_starts(&self, dir: &Arc<Dir>) -> Result<(), Error> {
        // A log that starts at 0 has a line too: one it has may say more (after a truncation).
        dir.write(Checkpoint::LogStart, || {
            let logs = self.logs_in(dir).into_iter();
            logs.filter_map(|(tp, log)| Some((tp, of_born(&log, Log::log_start_offset)?)))
                .collect()
        })
    }

    /// Persists log starts, clean offsets and recovery points.
    pub(super) fn checkpoint(&self, dir: &Arc<Dir>) -> Result<(), Error> {
        self.write_log_starts(dir)?;
        // A truncation may have lowered one, and must not be forgotten before that is written.
        self.write_clean_offsets(dir)?;
        let mut points = Vec::new();
        dir.write(Checkpoint::RecoveryPoint, || {
            let logs = self.logs_in(dir).into_iter();
            let point_of = |(tp, log): (TopicPartition, SharedLog)| {
                let point = of_born(&log, Log::recovery_point)?;
                points.push((log, point));
                Some((tp, point))
            };
            logs.filter_map(point_of).collect()
        })?;
        for (log, point) in points {
            log.lock().on_recovery_point_persisted(point);
        }
        Ok(())
    }

    /// Their owner is asked without any lock; what it says of a log that is gone by then is dropped.
    pub(super) fn checkpoint_high_watermarks(
        &self,
        dir: &Arc<Dir>,
        high_watermark: HighWatermark<'_>,
    ) -> Result<(), Error> {
        let asked = self.logs_in(dir).into_iter();
        let known: Vec<_> = asked
            .filter(|(_, log)| !log.lock().is_unborn())
            .filter_map(|(tp, log)| high_watermark(&tp).map(|offset| (tp, log, offset)))
            .collect();
        dir.write(Checkpoint::HighWatermark, || {
            let is_open = |tp: &TopicPartition, log: &SharedLog| {
                self.log(tp).is_some_and(|open| Arc::ptr_eq(&open, log))
            };
            let open = known.into_iter().filter(|(tp, log, _)| is_open(tp, log));
            open.map(|(tp, _, offset)| (tp, offset)).collect()
        })
    }

    /// Small chores of one log.
    fn tend(
        &self,
        tp: &TopicPartition,
        log: &SharedLog,
        due: Due,
        now_ms: TimestampMs,
        high_watermark: HighWatermark<'_>,
    ) {
        let high_watermark = if due.producers {
            high_watermark(tp)
        } else {
            None
        };
        let paths = {
            let mut log = log.lock();
            if let Some(high_watermark) = high_watermark {
                log.expire_producers(now_ms, high_watermark);
            }
            if due.checkpoint {
                log.close_unused_files();
            }
            log.take_due_removals(now_ms)
        };
        let mut kept = Vec::new();
        for path in paths {
            if let Err(error) = self.deps.disk.remove(&path) {
                warn_of("removal", Err(Error::io(&path, error)));
                kept.push(path);
            }
        }
        if !kept.is_empty() {
            log.lock().put_back_removals(kept, now_ms);
        }
        log.lock().settle();
    }

    fn logs_of(&self, names: Vec<TopicPartition>) -> Vec<(TopicPartition, SharedLog)> {
        let found = names.into_iter().filter_map(|tp| {
            let log = self.log(&tp)?;
            Some((tp, log))
        });
        found.collect()
    }

    /// Removes folders whose delay is over.
    fn remove_folders(&self, dir: &Dir, now_ms: TimestampMs) {
        let due: Vec<_> = {
            let mut removals = dir.removals.lock();
            let (due, later) = removals
                .drain(..)
                .partition(|(due_ms, _)| *due_ms <= now_ms);
            *removals = later;
            due
        };
        for (_, path) in due {
            if let Err(error) = self.deps.disk.remove_dir(&path) {
                // It is found again by its name at the next start.
                tracing::warn!(path = %path.display(), %error, "folder not removed");
            }
        }
    }
}

/// For checkpoints: one without a folder has no lines in them.
fn of_born(log: &SharedLog, offset: impl Fn(&Log) -> Offset) -> Option<Offset> {
    let log = log.lock();
    (!log.is_unborn()).then(|| offset(&log))
}

fn warn_of(what: &str, result: Result<(), Error>) {
    if let Err(error) = result
        && !error.is_offline()
    {
        tracing::warn!(%error, what, "housekeeping failed, will be tried again");
    }
}
