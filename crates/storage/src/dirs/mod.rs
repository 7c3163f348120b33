//! All log directories of a node (`log.dirs`) and the logs in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use types::{DirectoryId, NodeId, Offset, TimestampMs, TopicId, TopicPartition};

use crate::{Error, Log, LogConfig, LogDeps, MetaProperties, RecoveryReport};

/// A log behind its lock. Lock order: the partition's lock, then this one. Never hold it while
/// calling [`LogDirs`].
pub type SharedLog = Arc<Mutex<Log>>;

/// How to open the log directories.
#[derive(Debug, Clone)]
pub struct LogDirsOptions {
    /// `log.dirs`.
    pub paths: Vec<PathBuf>,
    /// The cluster every directory must belong to.
    pub cluster_id: String,
    /// The node every directory must belong to.
    pub node_id: NodeId,
    /// `num.recovery.threads.per.data.dir`.
    pub recovery_threads_per_dir: usize,
    /// Random bytes for new directory ids, one per directory at least.
    pub new_directory_ids: Vec<DirectoryId>,
    /// Names that other parts of the node keep in a log directory; a directory with nothing else
    /// counts as empty and may be formatted.
    pub foreign_names: Vec<String>,
}

/// What to do with a log found on disk.
#[derive(Debug, Clone)]
pub enum LoadDecision {
    /// Open it with these settings.
    Open(LogConfig),
    /// No replica of this node: rename it to `…-stray` and leave it.
    Stray,
}

/// What loading found.
#[derive(Debug, Default)]
pub struct LoadReport {
    /// Logs that were opened, with what their recovery did.
    pub opened: Vec<(TopicPartition, RecoveryReport)>,
    /// Logs that could not be opened; their partitions are offline on this node.
    pub failed: Vec<(TopicPartition, Error)>,
    /// Folders set aside.
    pub strays: Vec<PathBuf>,
}

/// State of one log directory.
#[derive(Debug, Clone)]
pub struct DirStatus {
    /// Its path.
    pub path: PathBuf,
    /// Its identity.
    pub directory_id: DirectoryId,
    /// Why it is offline, if it is.
    pub offline: Option<String>,
}

/// Size of one replica, for `DescribeLogDirs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionSize {
    /// Which partition.
    pub topic_partition: TopicPartition,
    /// Bytes of its segments.
    pub size_bytes: u64,
    /// End of its log, exclusive.
    pub log_end_offset: Offset,
}

/// One directory for `DescribeLogDirs`.
#[derive(Debug, Clone)]
pub struct DirectorySize {
    /// The directory.
    pub status: DirStatus,
    /// Size of its file system, -1 if unknown.
    pub total_bytes: i64,
    /// Space left, -1 if unknown.
    pub usable_bytes: i64,
    /// The replicas in it.
    pub partitions: Vec<PartitionSize>,
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

/// All log directories of a node. Shared freely; locks inside are short.
#[derive(Debug)]
pub struct LogDirs {
    deps: LogDeps,
}

#[expect(unused_variables, reason = "signatures first")]
impl LogDirs {
    /// Reads the identities of directories without locking or changing anything; `None` for a
    /// directory that is missing or has no `meta.properties`.
    ///
    /// # Errors
    /// If a file is there and cannot be understood.
    pub fn identities(
        paths: &[PathBuf],
        deps: &LogDeps,
    ) -> Result<Vec<Option<MetaProperties>>, Error> {
        todo!()
    }

    /// Locks the directories, checks who they belong to, formats those that are empty, and reads
    /// checkpoints and clean-shutdown markers. Opens no log yet.
    ///
    /// # Errors
    /// [`Error::Refused`] for a directory of another cluster or node, one in use, or one that is
    /// neither formatted nor empty.
    pub fn open(options: LogDirsOptions, deps: LogDeps) -> Result<Self, Error> {
        todo!()
    }

    /// The broker epoch the last clean shutdown left behind, if every directory was closed cleanly.
    #[must_use]
    pub fn clean_shutdown_broker_epoch(&self) -> Option<i64> {
        todo!()
    }

    /// Opens every log found, several at a time. `decide` gives each its settings.
    pub fn load(
        &self,
        decide: &(dyn Fn(&TopicPartition, Option<TopicId>) -> LoadDecision + Sync),
    ) -> LoadReport {
        todo!()
    }

    /// An open log.
    #[must_use]
    pub fn log(&self, topic_partition: &TopicPartition) -> Option<SharedLog> {
        todo!()
    }

    /// All open logs.
    #[must_use]
    pub fn logs(&self) -> Vec<(TopicPartition, SharedLog)> {
        todo!()
    }

    /// Returns the log of a partition, creating it in `directory` (or in the directory with the
    /// fewest logs) if there is none.
    ///
    /// # Errors
    /// If the directory is offline or the disk refuses, or the log there belongs to another topic id.
    pub fn create_log(
        &self,
        topic_partition: &TopicPartition,
        topic_id: TopicId,
        config: LogConfig,
        directory: Option<DirectoryId>,
    ) -> Result<SharedLog, Error> {
        todo!()
    }

    /// Takes a log out of service: renames its folder to `topic-0.<uuid>-delete` (durable on
    /// return); the files go later, in [`housekeep`](Self::housekeep).
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn delete_log(&self, topic_partition: &TopicPartition) -> Result<(), Error> {
        todo!()
    }

    /// Sets a log aside that the metadata does not know: renames its folder to `…-stray`.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn set_aside_stray(&self, topic_partition: &TopicPartition) -> Result<(), Error> {
        todo!()
    }

    /// The directory a partition's log is in.
    #[must_use]
    pub fn directory_of(&self, topic_partition: &TopicPartition) -> Option<DirectoryId> {
        todo!()
    }

    /// The directories, online and offline.
    #[must_use]
    pub fn status(&self) -> Vec<DirStatus> {
        todo!()
    }

    /// Directories with sizes of what is in them.
    #[must_use]
    pub fn sizes(&self) -> Vec<DirectorySize> {
        todo!()
    }

    /// The high watermark checkpointed for a partition, 0 if none.
    #[must_use]
    pub fn checkpointed_high_watermark(&self, topic_partition: &TopicPartition) -> Offset {
        todo!()
    }

    /// Persists the log start offsets, durable on return. Call after `DeleteRecords`, before acking.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn checkpoint_log_starts(&self) -> Result<(), Error> {
        todo!()
    }

    /// One round of background work over all logs: flush, roll, retention, expiry of producers,
    /// removal of deleted files, checkpoints; each at its own interval. Blocks for the disk; call it
    /// about once a second on a thread of its own.
    ///
    /// `high_watermark` is asked for each partition without any lock of ours being held.
    pub fn housekeep(
        &self,
        now_ms: TimestampMs,
        high_watermark: &dyn Fn(&TopicPartition) -> Option<Offset>,
    ) -> HousekeepingReport {
        todo!()
    }

    /// Closes every log, writes the checkpoints and the clean-shutdown markers with the broker epoch.
    /// Logs refuse appends afterwards.
    ///
    /// # Errors
    /// If a directory could not be closed cleanly; it gets no marker.
    pub fn close(
        &self,
        broker_epoch: i64,
        high_watermark: &dyn Fn(&TopicPartition) -> Option<Offset>,
    ) -> Result<(), Error> {
        todo!()
    }
}

/// Writes the identity of an empty or missing directory (`raudal format`).
///
/// # Errors
/// [`Error::Refused`] if it is formatted already or not empty.
pub fn format(path: &Path, identity: &MetaProperties, deps: &LogDeps) -> Result<(), Error> {
    let _unused = (path, identity, deps);
    todo!()
}
