//! One log directory: its lock, its checkpoints, and how its last run ended.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use types::{DirectoryId, Offset, TimestampMs, TopicPartition};

use super::{DirStatus, Restart};
use crate::dir_state::DirState;
use crate::disk::{Disk, DiskLock};
use crate::files::{SMALL_FILE_BYTES_MAX, checkpoint, clean_shutdown};
use crate::{Error, LogDeps, MetaProperties, Shutdown};

const LOCK: &str = ".lock";
/// Ours: the machine's boot id in the last run that got its logs open.
const BOOT_ID: &str = "boot-id";

/// Offsets by partition, as a checkpoint file has them.
pub(super) type Offsets = HashMap<TopicPartition, Offset>;

/// Kafka's four checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checkpoint {
    RecoveryPoint,
    LogStart,
    HighWatermark,
    /// Where compaction has come to. Lost, everything is compacted once more.
    Clean,
}

impl Checkpoint {
    const ALL: [Self; 4] = [
        Self::RecoveryPoint,
        Self::LogStart,
        Self::HighWatermark,
        Self::Clean,
    ];

    const fn file_name(self) -> &'static str {
        match self {
            Self::RecoveryPoint => "recovery-point-offset-checkpoint",
            Self::LogStart => "log-start-offset-checkpoint",
            Self::HighWatermark => "replication-offset-checkpoint",
            Self::Clean => "cleaner-offset-checkpoint",
        }
    }
}

/// What a checkpoint file is to say. Entries of logs that are not open are kept.
#[derive(Debug, Default)]
struct Lines {
    offsets: Offsets,
    /// The file still has lines of partitions that are gone.
    is_stale: bool,
}

#[derive(Debug, Default)]
struct Checkpoints {
    lines: [Lines; 4],
}

impl Checkpoints {
    fn of(&mut self, which: Checkpoint) -> &mut Lines {
        match (which, &mut self.lines) {
            (Checkpoint::RecoveryPoint, [lines, ..])
            | (Checkpoint::LogStart, [_, lines, ..])
            | (Checkpoint::HighWatermark, [_, _, lines, _])
            | (Checkpoint::Clean, [.., lines]) => lines,
        }
    }
}

/// One log directory.
///
/// Lock order: `checkpoints`, then [`LogDirs`](super::LogDirs)' map of logs, then a log. It is held
/// while offsets are gathered and their file is written (by the housekeeping thread, mostly), so that
/// what is older never overwrites what is newer, and no offset of a log outlives it. Nobody takes it
/// with one of the other two held. The other locks in here are leaves.
#[derive(Debug)]
pub(super) struct Dir {
    directory_id: DirectoryId,
    state: DirState,
    pub(super) disk: Option<Arc<dyn Disk>>,
    /// Held as long as the directory is ours.
    pub(super) lock: Option<Box<dyn DiskLock>>,
    restart: Restart,
    shutdown: Shutdown,
    checkpoints: Mutex<Checkpoints>,
    /// Folders renamed away, and when they may be removed.
    pub(super) removals: Mutex<Vec<(TimestampMs, PathBuf)>>,
    /// A log in here could not be opened: the next shutdown is not clean.
    has_failed_logs: AtomicBool,
    is_reported_offline: AtomicBool,
}

impl Dir {
    /// Locks the directory and reads what the last run left. The marker of a clean shutdown is gone,
    /// durably, before this returns: a crash from now on is a crash.
    pub(super) fn open(
        path: &Path,
        identity: &MetaProperties,
        deps: &LogDeps,
    ) -> Result<Self, Error> {
        let disk = &deps.disk;
        let lock = take_lock(path, disk)?;
        let is_new = !disk
            .exists(&path.join(BOOT_ID))
            .map_err(|e| Error::io(path, e))?;
        let marker = read(disk, &path.join(clean_shutdown::NAME))?;
        let mut checkpoints = Checkpoints::default();
        let mut has_checkpoint = false;
        for which in Checkpoint::ALL {
            let file = path.join(which.file_name());
            let Some(text) = read(disk, &file)? else {
                continue;
            };
            has_checkpoint = true;
            match parse(&file, &text) {
                Ok(offsets) => checkpoints.of(which).offsets = offsets,
                Err(error) if which == Checkpoint::Clean => {
                    tracing::warn!(%error, "everything is compacted once more");
                }
                Err(error) => return Err(error),
            }
        }
        let last_boot = read(disk, &path.join(BOOT_ID))?;
        let (restart, shutdown) = match marker {
            Some(text) => {
                let broker_epoch = clean_shutdown::parse(&text).unwrap_or(-1);
                (Restart::Clean { broker_epoch }, Shutdown::Clean)
            }
            None if is_new && !has_checkpoint => {
                (Restart::Clean { broker_epoch: -1 }, Shutdown::Clean)
            }
            None => after_crash(last_boot.as_deref(), disk.boot_id()),
        };
        let dir = Self {
            directory_id: identity.directory_id,
            state: DirState::new(path),
            disk: Some(Arc::clone(disk)),
            lock: Some(lock),
            restart,
            shutdown,
            checkpoints: Mutex::new(checkpoints),
            removals: Mutex::default(),
            has_failed_logs: AtomicBool::new(false),
            is_reported_offline: AtomicBool::new(false),
        };
        dir.begin_run(disk)?;
        Ok(dir)
    }

    /// A directory that could not be opened.
    pub(super) fn offline(path: &Path, directory_id: DirectoryId, error: &Error) -> Self {
        let state = DirState::new(path);
        state.fail(error.to_string());
        Self {
            directory_id,
            state,
            disk: None,
            lock: None,
            restart: Restart::MachineCrash,
            shutdown: Shutdown::Unclean,
            checkpoints: Mutex::default(),
            removals: Mutex::default(),
            has_failed_logs: AtomicBool::new(false),
            is_reported_offline: AtomicBool::new(false),
        }
    }

    /// From here on only another marker says that logs were closed. The boot id of the former run stays
    /// for now: see [`Dir::on_recovered`].
    fn begin_run(&self, disk: &Arc<dyn Disk>) -> Result<(), Error> {
        let path = self.path();
        let begun = disk
            .remove(&path.join(clean_shutdown::NAME))
            .and_then(|()| disk.sync_dir(path));
        begun.map_err(|e| Error::io(path, e))
    }

    /// The cluster knows how the last run ended, and the logs are recovered. A start that is killed
    /// before that must not turn what came before it (a machine that went down, a disk that was rolled
    /// back) into a process that crashed: the next start would vouch for records that are gone.
    pub(super) fn on_recovered(&self) -> Result<(), Error> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        let path = self.path().join(BOOT_ID);
        let boot_id = disk.boot_id().unwrap_or_default();
        let stored = disk.replace(&path, boot_id.as_bytes(), true);
        stored.map_err(|e| Error::io(&path, e))
    }

    pub(super) fn path(&self) -> &Path {
        self.state.path()
    }

    pub(super) fn directory_id(&self) -> DirectoryId {
        self.directory_id
    }

    pub(super) fn state(&self) -> &DirState {
        &self.state
    }

    pub(super) fn restart(&self) -> Restart {
        self.restart
    }

    /// How logs found in this directory were left.
    pub(super) fn shutdown(&self) -> Shutdown {
        self.shutdown
    }

    pub(super) fn is_offline(&self) -> bool {
        self.state.check().is_err()
    }

    /// Whether somebody still has to be told that the directory is offline. Asked once.
    pub(super) fn is_newly_offline(&self) -> bool {
        self.is_offline() && !self.is_reported_offline.swap(true, Ordering::Relaxed)
    }

    pub(super) fn note_failed_log(&self) {
        self.has_failed_logs.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_failed_logs(&self) -> bool {
        self.has_failed_logs.load(Ordering::Relaxed)
    }

    pub(super) fn status(&self) -> DirStatus {
        DirStatus {
            path: self.path().to_owned(),
            directory_id: self.directory_id,
            offline: self.state.offline_reason(),
        }
    }

    pub(super) fn offset(&self, which: Checkpoint, tp: &TopicPartition) -> Option<Offset> {
        self.checkpoints.lock().of(which).offsets.get(tp).copied()
    }

    pub(super) fn high_watermark(&self, tp: &TopicPartition) -> Option<Offset> {
        self.offset(Checkpoint::HighWatermark, tp)
    }

    /// Writes a checkpoint with the offsets of open logs, if that changes anything. Durable on return,
    /// except for high watermarks, which are a hint. `open` is asked while the checkpoints are locked,
    /// and has to look at the logs there are by then.
    pub(super) fn write(
        &self,
        which: Checkpoint,
        open: impl FnOnce() -> Offsets,
    ) -> Result<(), Error> {
        self.state.check()?;
        let mut checkpoints = self.checkpoints.lock();
        let lines = checkpoints.of(which);
        let open = open();
        let is_same =
            |(tp, offset): (&TopicPartition, &Offset)| lines.offsets.get(tp) == Some(offset);
        if !lines.is_stale && open.iter().all(is_same) {
            return Ok(());
        }
        let mut offsets = lines.offsets.clone();
        offsets.extend(open);
        self.write_file(which, &offsets)?;
        *lines = Lines {
            offsets,
            is_stale: false,
        };
        Ok(())
    }

    /// Drops the lines of a partition whose log is no longer in the map of logs. Its files follow at
    /// the next [`write`](Self::write).
    pub(super) fn forget(&self, tp: &TopicPartition) {
        let mut checkpoints = self.checkpoints.lock();
        for which in Checkpoint::ALL {
            let lines = checkpoints.of(which);
            lines.is_stale |= lines.offsets.remove(tp).is_some();
        }
    }

    /// Removes every trace of a partition, durably: a log that is about to be created under the same
    /// name must not inherit offsets.
    pub(super) fn forget_durably(&self, tp: &TopicPartition) -> Result<(), Error> {
        self.forget(tp);
        let mut checkpoints = self.checkpoints.lock();
        for which in Checkpoint::ALL {
            let lines = checkpoints.of(which);
            if lines.is_stale {
                self.write_file(which, &lines.offsets)?;
                lines.is_stale = false;
            }
        }
        Ok(())
    }

    fn write_file(&self, which: Checkpoint, offsets: &Offsets) -> Result<(), Error> {
        let Some(disk) = &self.disk else {
            return self.state.check();
        };
        let path = self.path().join(which.file_name());
        let mut sorted: Vec<_> = offsets.iter().collect();
        sorted.sort();
        let entries = sorted.iter().map(|(tp, offset)| (*tp, **offset));
        let text = checkpoint::format_offsets(entries);
        let is_durable = which != Checkpoint::HighWatermark;
        disk.replace(&path, &text, is_durable)
            .map_err(|e| Error::io(&path, e))
    }

    /// Says that every log in here was closed. Durable on return.
    pub(super) fn mark_clean(&self, broker_epoch: i64) -> Result<(), Error> {
        let Some(disk) = &self.disk else {
            return self.state.check();
        };
        let path = self.path().join(clean_shutdown::NAME);
        let text = clean_shutdown::format(broker_epoch);
        disk.replace(&path, &text, true)
            .map_err(|e| Error::io(&path, e))
    }
}

fn after_crash(last_boot: Option<&[u8]>, boot: Option<String>) -> (Restart, Shutdown) {
    match (last_boot, boot) {
        (Some(last), Some(now)) if !last.is_empty() => {
            if last == now.as_bytes() {
                (Restart::ProcessCrash, Shutdown::Unclean)
            } else {
                (Restart::MachineCrash, Shutdown::PowerLoss)
            }
        }
        // Nobody can tell: what is damaged is refused, and what may be lost is reported as lost.
        _ => (Restart::MachineCrash, Shutdown::Unclean),
    }
}

fn take_lock(path: &Path, disk: &Arc<dyn Disk>) -> Result<Box<dyn DiskLock>, Error> {
    match disk.lock(&path.join(LOCK)) {
        Ok(lock) => Ok(lock),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(Error::Refused {
            path: path.to_owned(),
            reason: "it is in use by another process (raudal or Kafka)".to_owned(),
        }),
        Err(error) => Err(Error::io(path, error)),
    }
}

fn read(disk: &Arc<dyn Disk>, path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match disk.read(path, SMALL_FILE_BYTES_MAX) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, error)),
    }
}

fn parse(path: &Path, text: &[u8]) -> Result<Offsets, Error> {
    let entries = checkpoint::parse_offsets(text).map_err(|error| Error::Corrupt {
        path: path.to_owned(),
        position: 0,
        offset: -1,
        reason: error.to_string(),
    })?;
    Ok(entries.into_iter().collect())
}
