//! Compaction: of each key the last record stays.
//!
//! ```text
//!  1  the dirty segments are read: key ▶ last offset, as many keys as there is memory for
//!  2  all segments up to there are read again, and written anew without the records that a later one
//!     has replaced; small neighbours become one
//!  3  each new segment takes the place of the old ones (log::swap)
//!
//!  before  [a1 b2 a3][c4 a5 b6][d7 ‥ active        after  [c4 a5 b6][d7 ‥ active
//! ```
//!
//! Offsets never change, they only get gaps; what stays of a batch is told in [`rules`]. Works without
//! the log's lock, which is taken for the steps of the swap alone. Whatever happens to the log
//! meanwhile (truncation, retention, deletion) wins: the swap of what is gone does not take place.
//!
//! Never cleaned: the active segment, what is beyond the last stable offset or not durable yet, and what
//! is younger than `min.compaction.lag.ms`.

mod batches;
mod cleaned;
mod group;
mod key_map;
mod round;
mod rules;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::ControlFlow;

use parking_lot::Mutex;
use types::{Offset, TimestampMs};

use crate::{Error, Log};

/// Bounds of what compaction may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CleanOptions {
    /// Memory for the offsets of keys (`log.cleaner.dedupe.buffer.size`, one thread's share).
    pub dedupe_buffer_bytes: u64,
    /// How full it gets (`log.cleaner.io.buffer.load.factor`), from 0 to 1.
    pub load_factor: f64,
    /// Bytes read and written at once (`log.cleaner.io.buffer.size`, one thread's share).
    pub io_buffer_bytes: usize,
    /// The most that the records of one batch may inflate to.
    pub decompressed_bytes_max: usize,
}

impl Default for CleanOptions {
    /// Kafka's defaults for one thread.
    fn default() -> Self {
        Self {
            dedupe_buffer_bytes: 128 << 20,
            load_factor: 0.9,
            io_buffer_bytes: 512 << 10,
            decompressed_bytes_max: 100 << 20,
        }
    }
}

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CleanReport {
    /// Where the part began that was looked at for keys.
    pub first_dirty_offset: Offset,
    /// Where it ended: the clean offset now. Exclusive.
    pub clean_offset: Offset,
    /// Bytes of the log that were read.
    pub read_bytes: u64,
    /// Size of the segments looked at before, and after.
    pub before_bytes: u64,
    /// See `before_bytes`.
    pub after_bytes: u64,
    /// Records that went.
    pub dropped_count: u64,
    /// Those among them that had no key.
    pub keyless_count: u64,
    /// Different keys in the dirty part.
    pub key_count: u64,
}

/// Why a round did not come to its end. Nothing is lost; what it has swapped already stays.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The pace said so.
    #[error("stopped")]
    Asked,
    /// The log was truncated, its segments deleted, or it went out of service.
    #[error("the log changed meanwhile")]
    Changed,
    /// The disk, or what is on it. After [`Error::Corrupt`] and [`Error::Invalid`] the log is not tried
    /// again until it is opened anew.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// How fast to go: told what was just read or written, in bytes; waits as long as it likes, and says
/// whether to go on.
pub struct Pace<'a> {
    spend: &'a mut dyn FnMut(usize) -> ControlFlow<()>,
}

impl fmt::Debug for Pace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pace")
    }
}

impl<'a> Pace<'a> {
    /// Asks `spend`.
    pub fn new(spend: &'a mut dyn FnMut(usize) -> ControlFlow<()>) -> Self {
        Self { spend }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Stopped> {
        match (self.spend)(bytes) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stopped::Asked),
        }
    }
}

/// Compacts a log up to its high watermark, as far as its settings allow now and the memory reaches.
/// `None` if there is nothing to do, or somebody is at it. Blocks for the disk; holds the log's lock for
/// moments only.
///
/// The clean offset in the report is the log's from now on; it should get into the checkpoint some day.
///
/// # Errors
/// See [`Stopped`].
pub fn clean(
    log: &Mutex<Log>,
    high_watermark: Offset,
    now_ms: TimestampMs,
    options: &CleanOptions,
    pace: &mut Pace<'_>,
) -> Result<Option<CleanReport>, Stopped> {
    let Some(view) = log.lock().begin_cleaning(high_watermark) else {
        return Ok(None);
    };
    let mut running = Running { log, result: None };
    let result = round::run(log, &view, now_ms, options, pace);
    if let Ok(Some(report)) = &result {
        running.result = Some(report.clean_offset);
    }
    drop(running);
    if let Err(Stopped::Storage(error @ (Error::Corrupt { .. } | Error::Invalid(_)))) = &result {
        log.lock().mark_uncleanable(error.to_string());
    }
    result
}

/// Gives the log free again, whatever happens.
struct Running<'a> {
    log: &'a Mutex<Log>,
    result: Option<Offset>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.log.lock().end_cleaning(self.result);
    }
}
