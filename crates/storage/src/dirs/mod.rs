//! All log directories of a node (`log.dirs`) and the logs in them.
//!
//! ```text
//!  <log dir>/.lock  meta.properties  .kafka_cleanshutdown  boot-id
//!            recovery-point-offset-checkpoint  log-start-offset-checkpoint
//!            replication-offset-checkpoint  cleaner-offset-checkpoint
//!            topic-0/…  topic-1/…  topic-0.<32 hex digits>-delete/…  topic-7-stray/…
//! ```
//!
//! [`LogDirs`] owns the logs; partitions of the broker hold clones of [`SharedLog`]. It knows nothing
//! of leaders or requests, has no thread of its own ([`LogDirs::load`] borrows some), and is told the
//! high watermarks when it needs them.
//!
//! A directory that fails goes offline with its logs; the others live on. One that belongs to another
//! cluster or node stops the start.

mod cleaning;
mod close;
mod create;
mod dir;
mod flush;
mod housekeeping;
mod identity;
mod load;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use types::{DirectoryId, NodeId, Offset, TopicPartition};

use crate::{Error, Log, LogDeps, MetaProperties};
use dir::Dir;
use housekeeping::Rounds;

pub use cleaning::Dirty;
pub use housekeeping::{HousekeepingReport, Intervals};
pub use identity::format;
pub use load::{LoadDecision, LoadReport};

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
    /// Random ids for directories that have none yet, one per directory at least.
    pub new_directory_ids: Vec<DirectoryId>,
    /// Names that other parts of the node keep in a log directory; a directory with nothing else
    /// counts as empty and may be formatted.
    pub foreign_names: Vec<String>,
}

/// How the last run on these directories ended (RELIABILITY 0.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Every log was closed. Also the first start ever.
    Clean {
        /// The broker epoch of the run that closed them, -1 if unknown.
        broker_epoch: i64,
    },
    /// The process ended without closing its logs, but the machine has stayed up since: nothing that
    /// was written is lost.
    ProcessCrash,
    /// The machine went down, or nobody can tell that it did not: what was not synced may be lost.
    MachineCrash,
}

/// State of one log directory.
#[derive(Debug, Clone)]
pub struct DirStatus {
    /// Its path.
    pub path: PathBuf,
    /// Its identity, zero if its disk failed before that was read.
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

/// An open log and where it is.
#[derive(Debug, Clone)]
struct OpenLog {
    log: SharedLog,
    dir: Arc<Dir>,
}

/// All log directories of a node. Shared freely. Lock order: `changing`, a directory's checkpoints,
/// `logs`, a log's lock. `logs` is let go before a log is locked; all other locks are leaves.
#[derive(Debug)]
pub struct LogDirs {
    deps: LogDeps,
    dirs: Vec<Arc<Dir>>,
    logs: RwLock<HashMap<TopicPartition, OpenLog>>,
    /// One log is created or removed at a time.
    changing: Mutex<()>,
    recovery_threads_per_dir: usize,
    rounds: Mutex<Rounds>,
}

impl LogDirs {
    /// Locks the directories, checks who they belong to, formats those that are empty, and reads
    /// checkpoints and clean-shutdown markers. Opens no log yet.
    ///
    /// # Errors
    /// [`Error::Refused`] for a directory of another cluster or node, one in use, or one that is
    /// neither formatted nor empty; any error if no directory is left.
    pub fn open(options: LogDirsOptions, deps: LogDeps) -> Result<Self, Error> {
        let identities = identity::check_all(&options, &deps)?;
        let mut dirs = Vec::new();
        let mut first_error = None;
        for (path, identity) in options.paths.iter().zip(identities) {
            let directory_id = identity
                .as_ref()
                .map_or(DirectoryId::ZERO, |identity| identity.directory_id);
            match identity.and_then(|identity| Dir::open(path, &identity, &deps)) {
                Ok(dir) => dirs.push(Arc::new(dir)),
                Err(error @ Error::Refused { .. }) => return Err(error),
                Err(error) => {
                    dirs.push(Arc::new(Dir::offline(path, directory_id, &error)));
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if dirs.iter().all(|dir| dir.is_offline()) => Err(error),
            _ => Ok(Self {
                rounds: Mutex::new(Rounds::new(deps.clock.wall_ms())),
                deps,
                dirs,
                logs: RwLock::default(),
                changing: Mutex::default(),
                recovery_threads_per_dir: options.recovery_threads_per_dir.max(1),
            }),
        }
    }

    /// Reads the identities of directories without locking or changing anything; `None` for a
    /// directory that is missing or has no `meta.properties`.
    ///
    /// # Errors
    /// If a file is there and cannot be understood.
    pub fn identities(
        paths: &[PathBuf],
        deps: &LogDeps,
    ) -> Result<Vec<Option<MetaProperties>>, Error> {
        paths
            .iter()
            .map(|path| identity::read(path, deps))
            .collect()
    }

    /// How the last run on these directories ended: the worst of what each of them tells.
    #[must_use]
    pub fn restart(&self) -> Restart {
        let mut worst: Option<Restart> = None;
        for dir in self.dirs.iter().filter(|dir| !dir.is_offline()) {
            worst = Some(match (worst, dir.restart()) {
                (None, restart) => restart,
                (Some(Restart::Clean { broker_epoch: a }), Restart::Clean { broker_epoch: b }) => {
                    Restart::Clean {
                        broker_epoch: a.max(b),
                    }
                }
                (Some(Restart::MachineCrash), _) | (_, Restart::MachineCrash) => {
                    Restart::MachineCrash
                }
                _ => Restart::ProcessCrash,
            });
        }
        worst.unwrap_or(Restart::MachineCrash)
    }

    /// The broker epoch the last clean shutdown left behind, if every directory was closed cleanly.
    #[must_use]
    pub fn clean_shutdown_broker_epoch(&self) -> Option<i64> {
        match self.restart() {
            Restart::Clean { broker_epoch } => Some(broker_epoch).filter(|epoch| *epoch >= 0),
            Restart::ProcessCrash | Restart::MachineCrash => None,
        }
    }

    /// An open log.
    #[must_use]
    pub fn log(&self, topic_partition: &TopicPartition) -> Option<SharedLog> {
        let logs = self.logs.read();
        logs.get(topic_partition).map(|open| Arc::clone(&open.log))
    }

    /// All open logs.
    #[must_use]
    pub fn logs(&self) -> Vec<(TopicPartition, SharedLog)> {
        let logs = self.logs.read();
        logs.iter()
            .map(|(tp, open)| (tp.clone(), Arc::clone(&open.log)))
            .collect()
    }

    /// The open logs of one directory.
    fn logs_in(&self, dir: &Arc<Dir>) -> Vec<(TopicPartition, SharedLog)> {
        let logs = self.logs.read();
        logs.iter()
            .filter(|(_, open)| Arc::ptr_eq(&open.dir, dir))
            .map(|(tp, open)| (tp.clone(), Arc::clone(&open.log)))
            .collect()
    }

    /// How many open logs a directory has.
    fn count_in(&self, dir: &Arc<Dir>) -> usize {
        let logs = self.logs.read();
        let all = logs.values();
        all.filter(|open| Arc::ptr_eq(&open.dir, dir)).count()
    }

    /// The directory a partition's log is in.
    #[must_use]
    pub fn directory_of(&self, topic_partition: &TopicPartition) -> Option<DirectoryId> {
        let logs = self.logs.read();
        logs.get(topic_partition)
            .map(|open| open.dir.directory_id())
    }

    /// The directories, online and offline.
    #[must_use]
    pub fn status(&self) -> Vec<DirStatus> {
        self.dirs.iter().map(|dir| dir.status()).collect()
    }

    /// Directories with sizes of what is in them. Asks the file system.
    #[must_use]
    pub fn sizes(&self) -> Vec<DirectorySize> {
        self.dirs.iter().map(|dir| self.size_of(dir)).collect()
    }

    fn size_of(&self, dir: &Arc<Dir>) -> DirectorySize {
        let space = self.deps.disk.space(dir.path()).ok();
        let bytes = |bytes: Option<u64>| bytes.map_or(-1, |b| i64::try_from(b).unwrap_or(i64::MAX));
        let partitions = self.logs_in(dir).into_iter().map(|(topic_partition, log)| {
            let log = log.lock();
            PartitionSize {
                topic_partition,
                size_bytes: log.size_bytes(),
                log_end_offset: log.log_end_offset(),
            }
        });
        DirectorySize {
            status: dir.status(),
            total_bytes: bytes(space.map(|space| space.total_bytes)),
            usable_bytes: bytes(space.map(|space| space.usable_bytes)),
            partitions: partitions.collect(),
        }
    }

    /// The high watermark checkpointed for an open log, where it is; 0 if none.
    #[must_use]
    pub fn checkpointed_high_watermark(&self, topic_partition: &TopicPartition) -> Offset {
        // Let go before the directory's checkpoints are locked.
        let dir = {
            let logs = self.logs.read();
            logs.get(topic_partition).map(|open| Arc::clone(&open.dir))
        };
        dir.and_then(|dir| dir.high_watermark(topic_partition))
            .unwrap_or(0)
    }
}
