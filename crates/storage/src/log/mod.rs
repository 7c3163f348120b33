//! One partition's log: segments, indexes, epochs and producers.
//!
//! ```text
//!  log start            high watermark (not ours)    log end
//!      ▼                       ▼                        ▼
//!  [ sealed segment ][ sealed segment ][ active segment ]
//!                       ▲                               ▲
//!                recovery point: durable below       appends
//! ```
//!
//! `log_start_offset ≤ recovery_point ≤ log_end_offset`, except that the recovery point may lag
//! behind a log start that was moved. The active segment is the last one and the only one that
//! grows. Batches are stored as they came; only the base offset and the leader epoch are ours.
//!
//! A log knows nothing of replicas, of the high watermark or of requests. One thread at a time uses
//! it; [`LogReader`]s read beside it. It has no thread and no timer of its own.

mod append;
mod birth;
mod cleaning;
mod flush;
mod listing;
mod lookup;
mod open;
mod producers_load;
mod reader;
mod recovery;
mod reserve;
mod retention;
mod roll;
mod swap;
mod swap_recovery;
mod truncate;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use types::{LeaderEpoch, Offset, TimestampMs, TopicId, TopicPartition};

use crate::dir_state::DirState;
use crate::disk::Disk;
use crate::epochs::Epochs;
use crate::files::checkpoint;
use crate::producers::{ProducerDescription, Producers};
use crate::segment::{IndexBuilder, Segment};
use crate::{Error, LogConfig};

use cleaning::Cleaning;
pub(crate) use cleaning::CleaningView;
pub use cleaning::Dirtiness;
pub use flush::FlushJob;
pub(crate) use listing::read_topic_id;
pub use reader::LogReader;
pub use retention::RetiredSegment;
pub(crate) use swap::{CleanedFiles, Group};
pub use values::{
    AppendInfo, LogDeps, OpenOptions, ReadResult, RecoveryReport, Shutdown, TimestampOffset,
    ValidatedBatch,
};

/// Kafka's file of leader epochs.
const EPOCHS_FILE: &str = "leader-epoch-checkpoint";
/// Ours: where a truncation ended that the directory's checkpoints do not know of yet.
const LOWERED_RECOVERY_POINT_FILE: &str = "recovery-point-lowered";

/// One partition's log. Owned by one thread at a time (in a broker: behind the partition's lock);
/// [`LogReader`]s read without it.
#[derive(Debug)]
pub struct Log {
    deps: LogDeps,
    dir: Arc<Path>,
    dir_state: DirState,
    topic_partition: TopicPartition,
    topic_id: Option<TopicId>,
    config: LogConfig,
    /// By base offset, never empty; the last one is active. Readers share it.
    segments: Arc<[Arc<Segment>]>,
    active: Active,
    log_start_offset: Offset,
    log_end_offset: Offset,
    recovery_point: Offset,
    epochs: Epochs,
    producers: Producers,
    /// Offsets of the producer snapshots on disk.
    snapshots: BTreeSet<Offset>,
    unsynced: Unsynced,
    syncing: Syncing,
    /// Housekeeping comes by: see [`Log::has_chores`].
    is_noted: bool,
    /// Nothing was written to it yet: it is in memory alone.
    is_unborn: bool,
    /// The folder has no file of epochs yet: see [`birth`].
    is_epochs_file_due: bool,
    /// Counts truncations, so that a flush begun before one does not count.
    truncation_count: u64,
    /// Renamed away, to be removed when due.
    removals: Vec<retention::Removal>,
    is_recovery_point_lowered: bool,
    /// Why this log alone is offline: closed, or torn beyond repair.
    offline: Option<String>,
    /// Stored (Release) before the folder is renamed away, loaded (Acquire) by flushes on their way.
    is_retired: Arc<AtomicBool>,
    cleaning: Cleaning,
    /// What the checkpoint of clean offsets may say at most: it does not know of a truncation yet.
    clean_offset_max: Offset,
}

/// What is only known of the active segment.
#[derive(Debug, Default)]
struct Active {
    builder: IndexBuilder,
    /// Largest timestamp of the first batch: `segment.ms` counts from it. Read when needed.
    first_timestamp: Option<TimestampMs>,
    created_ms: TimestampMs,
    reservation: reserve::Reservation,
}

/// What the next flush must sync besides the bytes of the segments.
#[derive(Clone, Debug, Default)]
struct Unsynced {
    /// Files were created or removed.
    names: bool,
    epochs: bool,
    /// Segments whose index files were completed.
    sealed: Vec<Arc<Segment>>,
    /// The folder itself with all that was in it from the beginning: its number in the directory. Of no
    /// use before there are records.
    folder: Option<u64>,
}

/// What flushes that are under way sync. Another flush beside them must not count as done without it.
#[derive(Debug, Default)]
struct Syncing {
    unsynced: Unsynced,
    flush_count: usize,
}

impl Unsynced {
    /// Whether nothing waits for a sync but what goes with the first records.
    fn is_empty(&self) -> bool {
        !self.names && !self.epochs && self.sealed.is_empty()
    }
}

impl Log {
    /// Which partition this is.
    #[must_use]
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.topic_partition
    }

    /// The topic's id, unless the folder was made before topics had ids.
    #[must_use]
    pub fn topic_id(&self) -> Option<TopicId> {
        self.topic_id
    }

    /// The partition's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// First offset of the log.
    #[must_use]
    pub fn log_start_offset(&self) -> Offset {
        self.log_start_offset
    }

    /// The offset the next record will get. Exclusive end of the log.
    #[must_use]
    pub fn log_end_offset(&self) -> Offset {
        self.log_end_offset
    }

    /// Everything below is durable. Exclusive.
    #[must_use]
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| segment.size_bytes())
            .sum()
    }

    /// How many segments there are, the active one included.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// The producers the log keeps sequence numbers of.
    #[must_use]
    pub fn producers(&self) -> Vec<ProducerDescription> {
        self.producers.describe()
    }

    /// How many producers the log keeps sequence numbers of.
    #[must_use]
    pub fn producer_count(&self) -> usize {
        self.producers.len()
    }

    /// End of what a `read_committed` reader may see, for a given high watermark. Exclusive.
    #[must_use]
    pub fn last_stable_offset(&self, high_watermark: Offset) -> Offset {
        let unstable = self.producers.first_unstable_offset(high_watermark);
        unstable.map_or(high_watermark, |offset| offset.min(high_watermark))
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Replaces the settings; they hold from the next append, roll or retention check.
    pub fn set_config(&mut self, config: LogConfig) {
        self.active
            .builder
            .set_interval_bytes(config.index_interval_bytes);
        self.config = config;
    }

    /// The latest leader epoch, `NONE` for a log that has had no leader.
    #[must_use]
    pub fn latest_epoch(&self) -> LeaderEpoch {
        self.epochs.latest()
    }

    /// Epoch of the batch at an offset, `NONE` if unknown.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> LeaderEpoch {
        self.epochs.at(offset)
    }

    /// The largest epoch up to `epoch` and where it ends (exclusive): what `OffsetForLeaderEpoch`
    /// answers. `(NONE, -1)` if the epoch is newer than any known here.
    #[must_use]
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        self.epochs.end_offset_for(epoch, self.log_end_offset)
    }

    /// Notes that `epoch` starts at `offset`; called with the log end when becoming leader. Written
    /// to `leader-epoch-checkpoint` before returning (durable with the next flush).
    ///
    /// # Errors
    /// If the checkpoint cannot be written; the epoch is not noted then.
    pub fn assign_epoch_start(&mut self, epoch: LeaderEpoch, offset: Offset) -> Result<(), Error> {
        self.check_online()?;
        let mut epochs = self.epochs.clone();
        if epochs.assign(epoch, offset) {
            self.set_epochs(epochs)?;
        }
        Ok(())
    }

    /// Writes epochs down before they count.
    fn set_epochs(&mut self, epochs: Epochs) -> Result<(), Error> {
        if self.is_unborn {
            self.epochs = epochs;
            return Ok(());
        }
        self.write_epochs(&epochs)
            .map_err(|error| self.dir_state.judge(error))?;
        self.epochs = epochs;
        self.is_epochs_file_due = false;
        if self.unsynced.folder.is_none() || self.log_end_offset > 0 {
            self.unsynced.epochs = true;
            self.mark_names();
        }
        Ok(())
    }

    fn write_epochs(&self, epochs: &Epochs) -> Result<(), Error> {
        let path = self.dir.join(EPOCHS_FILE);
        let text = checkpoint::format_epochs(epochs.entries());
        let written = self.disk().replace(&path, &text, false);
        written.map_err(|e| Error::io(&path, e))
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.deps.disk
    }

    pub(crate) fn dir_state(&self) -> &DirState {
        &self.dir_state
    }

    fn now_ms(&self) -> TimestampMs {
        self.deps.clock.wall_ms()
    }

    fn active_segment(&self) -> &Arc<Segment> {
        self.segments
            .last()
            .expect("a log has at least one segment")
    }

    fn close_files(&self) {
        self.segments.iter().for_each(|segment| segment.close());
    }

    /// Replaces the list of segments; readers keep the one they have.
    fn change_segments(&mut self, change: impl FnOnce(&mut Vec<Arc<Segment>>)) {
        let mut segments = self.segments.to_vec();
        change(&mut segments);
        self.segments = segments.into();
    }

    /// Whether nothing can be written any more: the disk has failed, or what is on it has to be looked
    /// at by opening the log again.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.check_online().is_err()
    }

    fn check_online(&self) -> Result<(), Error> {
        self.dir_state.check()?;
        match &self.offline {
            None => Ok(()),
            Some(reason) => Err(self.offline_error(reason.clone())),
        }
    }

    fn offline_error(&self, reason: String) -> Error {
        Error::Offline {
            path: PathBuf::from(&*self.dir),
            reason,
        }
    }

    /// Takes this log out of service: appends and flushes are refused from now on, and its readers
    /// are told. Another log may soon have files of the same names.
    pub(crate) fn retire(&mut self, reason: &str) {
        self.segments
            .iter()
            .for_each(|segment| segment.mark_changed());
        self.is_retired.store(true, Ordering::Release);
        self.offline = Some(reason.to_owned());
    }

    /// Takes this log offline: its files are in a state that only opening it again can judge.
    fn go_offline(&mut self, reason: String) -> Error {
        tracing::error!(partition = %self.topic_partition, reason, "log is offline");
        self.offline = Some(reason.clone());
        self.offline_error(reason)
    }
}
