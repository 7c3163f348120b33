//! Logs that come and go while the node runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use types::{DirectoryId, TimestampMs, TopicId, TopicPartition};

use super::dir::Dir;
use super::load::{DELETE_SUFFIX, STRAY_SUFFIX};
use super::{LogDirs, SharedLog};
use crate::{Error, LogConfig};

/// The longest file name.
const NAME_BYTES_MAX: usize = 255;

/// Tells folders apart that are renamed within one millisecond.
static RENAME_COUNT: AtomicU64 = AtomicU64::new(0);

impl LogDirs {
    /// Returns the log of a partition, creating it in `directory` (or in the directory with the
    /// fewest logs, for `None` and for one that is not there any more) if there is none. Its folder is made
    /// by the first write, and durable with the first records that are: a start before that creates the log
    /// again, as empty as it was.
    ///
    /// # Errors
    /// If the directory is offline, or may be one that is; if the disk refuses, or the log there belongs
    /// to another topic id.
    pub fn create_log(
        &self,
        topic_partition: &TopicPartition,
        topic_id: TopicId,
        config: LogConfig,
        directory: Option<DirectoryId>,
    ) -> Result<SharedLog, Error> {
        let _changing = self.changing.lock();
        if let Some(log) = self.log(topic_partition) {
            let found = {
                let mut log = log.lock();
                log.take_topic_id(topic_id)?;
                log.topic_id()
            };
            if found.is_some_and(|found| found != topic_id) {
                return Err(Error::Invalid(format!(
                    "{topic_partition} has a log of another topic with the same name"
                )));
            }
            return Ok(log);
        }
        let (dir, has_folder) = self.choose_dir(topic_partition, directory)?;
        dir.state().check()?;
        if has_folder {
            self.open_log(&dir, topic_partition, Some(topic_id), config)?;
        } else {
            dir.forget_durably(topic_partition)?;
            self.take_in_unborn(&dir, topic_partition, topic_id, config);
        }
        let log = self.log(topic_partition);
        log.ok_or_else(|| Error::Invalid(format!("{topic_partition} was removed at once")))
    }

    /// What a first write that failed has left behind, of a log that has no records.
    fn has_folder(&self, dir: &Dir, topic_partition: &TopicPartition) -> Result<bool, Error> {
        self.exists(&dir.path().join(topic_partition.to_string()))
    }

    fn exists(&self, path: &Path) -> Result<bool, Error> {
        self.deps.disk.exists(path).map_err(|e| Error::io(path, e))
    }

    /// The directory that has the folder already, the one asked for, or the emptiest; and whether it has it.
    fn choose_dir(
        &self,
        topic_partition: &TopicPartition,
        directory: Option<DirectoryId>,
    ) -> Result<(Arc<Dir>, bool), Error> {
        let name = topic_partition.to_string();
        for dir in self.dirs.iter().filter(|dir| !dir.is_offline()) {
            if self.exists(&dir.path().join(&name))? {
                return Ok((Arc::clone(dir), true));
            }
        }
        if let Some(wanted) = directory {
            if let Some(dir) = self.dirs.iter().find(|dir| dir.directory_id() == wanted) {
                return Ok((Arc::clone(dir), false));
            }
            // It may be the one that failed, and the log is in there: it must not begin empty elsewhere.
            if let Some(failed) = self.dirs.iter().find(|dir| dir.is_offline()) {
                failed.state().check()?;
            }
        }
        let mut online = self.dirs.iter().filter(|dir| !dir.is_offline());
        let emptiest = match (online.next(), online.next()) {
            (only, None) => only,
            (Some(first), Some(second)) => {
                let all = [first, second].into_iter().chain(online);
                all.min_by_key(|dir| self.count_in(dir))
            }
            (None, Some(second)) => Some(second),
        };
        let emptiest = emptiest.cloned().ok_or_else(|| Error::Offline {
            path: PathBuf::new(),
            reason: "no log directory is online".to_owned(),
        })?;
        Ok((emptiest, false))
    }

    /// Takes a log out of service: renames its folder to `topic-0.<unique>-delete` (durable on
    /// return); the files go later, in [`housekeep`](Self::housekeep). Readers get
    /// [`ReadError::Changed`](crate::ReadError::Changed).
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn delete_log(&self, topic_partition: &TopicPartition) -> Result<(), Error> {
        let _changing = self.changing.lock();
        let Some(open) = self.logs.write().remove(topic_partition) else {
            return Ok(());
        };
        let (delay_ms, is_unborn) = {
            let mut log = open.log.lock();
            log.retire("the log was deleted");
            (log.config().file_delete_delay_ms, log.is_unborn())
        };
        if is_unborn && !self.has_folder(&open.dir, topic_partition)? {
            return Ok(());
        }
        let now_ms = self.deps.clock.wall_ms();
        let name = deleted_name(topic_partition, now_ms);
        let path = self.rename(&open.dir, topic_partition, &name)?;
        let due_ms = now_ms.saturating_add(delay_ms);
        open.dir.removals.lock().push((due_ms, path));
        Ok(())
    }

    /// Sets a log aside that the metadata does not know: renames its folder to `…-stray`, where it
    /// stays until somebody looks at it.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn set_aside_stray(&self, topic_partition: &TopicPartition) -> Result<(), Error> {
        let _changing = self.changing.lock();
        let Some(open) = self.logs.write().remove(topic_partition) else {
            return Ok(());
        };
        let is_unborn = {
            let mut log = open.log.lock();
            log.retire("the log was set aside");
            log.is_unborn()
        };
        if is_unborn && !self.has_folder(&open.dir, topic_partition)? {
            return Ok(());
        }
        self.rename_stray(&open.dir, topic_partition).map(drop)
    }

    pub(super) fn rename_stray(
        &self,
        dir: &Dir,
        topic_partition: &TopicPartition,
    ) -> Result<PathBuf, Error> {
        let mut name = format!("{topic_partition}{STRAY_SUFFIX}");
        if self.exists(&dir.path().join(&name))? {
            let unique = unique(self.deps.clock.wall_ms());
            name = format!("{topic_partition}.{unique}{STRAY_SUFFIX}");
        }
        self.rename(dir, topic_partition, &name)
    }

    /// Renames the folder of a log that is not, or no longer, among the open ones. The checkpoints
    /// forget it only then: as long as the folder is there, it needs them.
    fn rename(
        &self,
        dir: &Dir,
        topic_partition: &TopicPartition,
        name: &str,
    ) -> Result<PathBuf, Error> {
        let from = dir.path().join(topic_partition.to_string());
        let to = dir.path().join(name);
        let disk = &self.deps.disk;
        let renamed = disk
            .rename(&from, &to)
            .and_then(|()| disk.sync_dir(dir.path()));
        renamed.map_err(|e| Error::io(&from, e))?;
        dir.forget(topic_partition);
        Ok(to)
    }
}

/// Kafka's name for a folder to be deleted, with the topic cut so that it fits.
fn deleted_name(topic_partition: &TopicPartition, now_ms: TimestampMs) -> String {
    let suffix = format!(
        "-{}.{}{DELETE_SUFFIX}",
        topic_partition.partition,
        unique(now_ms)
    );
    let room = NAME_BYTES_MAX - suffix.len();
    let topic: String = topic_partition.topic.chars().take(room).collect();
    format!("{topic}{suffix}")
}

/// 32 hexadecimal digits, as Kafka has them, unlike any other.
fn unique(now_ms: TimestampMs) -> String {
    let count = RENAME_COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{now_ms:016x}{count:016x}")
}
