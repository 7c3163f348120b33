//! Opening the logs that are there, several at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use types::{TopicId, TopicPartition};

use super::dir::{Checkpoint, Dir};
use super::{LogDirs, OpenLog, Restart};
use crate::files::names::{self, Kind};
use crate::log::read_topic_id;
use crate::{Error, Log, LogConfig, OpenOptions, RecoveryReport};

/// What a folder that waits for its removal ends in.
pub(super) const DELETE_SUFFIX: &str = "-delete";
/// What a folder ends in that no metadata knows.
pub(super) const STRAY_SUFFIX: &str = "-stray";
/// Kafka's metadata log: a partition by name, but none of ours.
const METADATA_LOG: &str = "__cluster_metadata";

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

/// How each log found is to be opened.
type Decide<'a> = &'a (dyn Fn(&TopicPartition, Option<TopicId>) -> LoadDecision + Sync);

impl LogDirs {
    /// Opens every log found, several at a time (`num.recovery.threads.per.data.dir`). `decide` gives
    /// each its settings. Blocks until all are open.
    ///
    /// To be called once the cluster knows what [`LogDirs::restart`] says: from here on another start on
    /// the same boot of the machine is one after a crash of the process.
    pub fn load(
        &self,
        decide: &(dyn Fn(&TopicPartition, Option<TopicId>) -> LoadDecision + Sync),
    ) -> LoadReport {
        let report = Mutex::new(LoadReport::default());
        thread::scope(|scope| {
            for dir in self.dirs.iter().filter(|dir| !dir.is_offline()) {
                let found = self.find_logs(dir);
                let thread_count = self.recovery_threads_per_dir.min(found.len());
                let found = Arc::new(Mutex::new(found));
                for _ in 0..thread_count {
                    let (found, report) = (Arc::clone(&found), &report);
                    scope.spawn(move || {
                        loop {
                            // The guard must not outlive the statement.
                            let next = found.lock().pop();
                            let Some(topic_partition) = next else { break };
                            self.load_one(dir, topic_partition, decide, report);
                        }
                    });
                }
            }
        });
        for dir in self.dirs.iter().filter(|dir| !dir.is_offline()) {
            if let Err(error) = dir.on_recovered() {
                dir.state()
                    .fail(format!("the boot id cannot be stored: {error}"));
            }
        }
        report.into_inner()
    }

    /// Partitions by the names of folders. Folders to be deleted are noted on the way.
    fn find_logs(&self, dir: &Dir) -> Vec<TopicPartition> {
        let entries = match self.deps.disk.list(dir.path()) {
            Ok(entries) => entries,
            Err(error) => {
                dir.state().fail(format!("cannot be listed: {error}"));
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for entry in entries.into_iter().filter(|entry| entry.is_dir) {
            if entry.name.ends_with(DELETE_SUFFIX) {
                let path = dir.path().join(&entry.name);
                dir.removals.lock().push((0, path));
                continue;
            }
            let topic_partition = TopicPartition::from_dir_name(&entry.name);
            found.extend(topic_partition.filter(|tp| &*tp.topic != METADATA_LOG));
        }
        found
    }

    fn load_one(
        &self,
        dir: &Arc<Dir>,
        topic_partition: TopicPartition,
        decide: Decide<'_>,
        report: &Mutex<LoadReport>,
    ) {
        if self.log(&topic_partition).is_some() {
            let reason = "the partition has a log in another directory as well".to_owned();
            let error = Error::Invalid(reason);
            return self.note_failure(dir, topic_partition, error, report);
        }
        let path = dir.path().join(topic_partition.to_string());
        let topic_id = match read_topic_id(&self.deps.disk, &path) {
            Ok(topic_id) => topic_id,
            Err(error) => return self.note_failure(dir, topic_partition, error, report),
        };
        let decision = match topic_id {
            None => match self.is_lost(dir, &topic_partition, &path) {
                Ok(true) => LoadDecision::Stray,
                Ok(false) => decide(&topic_partition, None),
                Err(error) => return self.note_failure(dir, topic_partition, error, report),
            },
            Some(_) => decide(&topic_partition, topic_id),
        };
        let config = match decision {
            LoadDecision::Open(config) => config,
            LoadDecision::Stray => match self.rename_stray(dir, &topic_partition) {
                Ok(path) => return report.lock().strays.push(path),
                Err(error) => return self.note_failure(dir, topic_partition, error, report),
            },
        };
        match self.open_log(dir, &topic_partition, topic_id, config) {
            Ok(opened) => report.lock().opened.push((topic_partition, opened)),
            Err(error) => self.note_failure(dir, topic_partition, error, report),
        }
    }

    /// Whether nobody can tell whose the records are in a folder that does not say it: nothing in it was
    /// ever synced, and the machine went down. They may be those of an earlier topic of that name, and none
    /// of them is promised. Other such folders are older than ids of topics, or empty.
    fn is_lost(
        &self,
        dir: &Dir,
        topic_partition: &TopicPartition,
        path: &Path,
    ) -> Result<bool, Error> {
        let flushed = dir.offset(Checkpoint::RecoveryPoint, topic_partition);
        if dir.restart() != Restart::MachineCrash || flushed.is_some_and(|offset| offset > 0) {
            return Ok(false);
        }
        let entries = self.deps.disk.list(path).map_err(|e| Error::io(path, e))?;
        Ok(entries.iter().any(|entry| {
            let is_log = matches!(names::parse(&entry.name), Some((_, Kind::Log)));
            is_log && entry.size_bytes > 0
        }))
    }

    fn note_failure(
        &self,
        dir: &Dir,
        topic_partition: TopicPartition,
        error: Error,
        report: &Mutex<LoadReport>,
    ) {
        dir.note_failed_log();
        report.lock().failed.push((topic_partition, error));
    }

    /// Opens the log in its folder, as the checkpoints say, and takes it in.
    pub(super) fn open_log(
        &self,
        dir: &Arc<Dir>,
        topic_partition: &TopicPartition,
        topic_id: Option<TopicId>,
        config: LogConfig,
    ) -> Result<RecoveryReport, Error> {
        let options = options(dir, topic_partition, topic_id, config);
        let (mut log, report) = Log::open_in(options, self.deps.clone(), dir.state().clone())?;
        if let Some(clean_offset) = dir.offset(Checkpoint::Clean, topic_partition) {
            log.restore_clean_offset(clean_offset);
        }
        self.take_in(dir, log);
        Ok(report)
    }

    /// A log that has neither a folder nor checkpoints in the directory.
    pub(super) fn take_in_unborn(
        &self,
        dir: &Arc<Dir>,
        topic_partition: &TopicPartition,
        topic_id: TopicId,
        config: LogConfig,
    ) {
        let options = options(dir, topic_partition, Some(topic_id), config);
        let log = Log::unborn(options, self.deps.clone(), dir.state().clone());
        self.take_in(dir, log);
    }

    fn take_in(&self, dir: &Arc<Dir>, log: Log) {
        let topic_partition = log.topic_partition().clone();
        let open = OpenLog {
            log: Arc::new(Mutex::new(log)),
            dir: Arc::clone(dir),
        };
        self.logs.write().insert(topic_partition, open);
    }
}

/// As the checkpoints say.
fn options(
    dir: &Dir,
    topic_partition: &TopicPartition,
    topic_id: Option<TopicId>,
    config: LogConfig,
) -> OpenOptions {
    let offset = |which| dir.offset(which, topic_partition).unwrap_or(0);
    OpenOptions {
        dir: dir.path().join(topic_partition.to_string()),
        topic_partition: topic_partition.clone(),
        topic_id,
        config,
        recovery_point: offset(Checkpoint::RecoveryPoint),
        log_start_offset: offset(Checkpoint::LogStart),
        shutdown: dir.shutdown(),
    }
}
