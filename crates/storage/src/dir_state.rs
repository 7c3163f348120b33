//! Whether a log directory may still be used.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use types::TopicPartition;

use crate::Error;
use crate::disk::Disk;

/// Shared by a log directory and the logs in it. The first failure that leaves the disk in doubt
/// takes all of them offline, for good: what a failed fsync has lost, no second one brings back.
#[derive(Debug, Clone)]
pub(crate) struct DirState {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// Stored (Release) after `reason`, loaded (Acquire) at every append.
    is_offline: AtomicBool,
    reason: Mutex<Option<String>>,
    folders: Folders,
    /// Logs that may have something for housekeeping to do. A leaf.
    noted: Mutex<Vec<TopicPartition>>,
}

/// Folders of logs that were created, counted, and how many of them have durable names.
#[derive(Debug, Default)]
struct Folders {
    created: AtomicU64,
    synced: AtomicU64,
}

impl DirState {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                is_offline: AtomicBool::new(false),
                reason: Mutex::new(None),
                folders: Folders::default(),
                noted: Mutex::default(),
            }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Why the directory is offline, if it is.
    pub(crate) fn offline_reason(&self) -> Option<String> {
        self.inner.reason.lock().clone()
    }

    /// # Errors
    /// [`Error::Offline`] if the directory is.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !self.inner.is_offline.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(self.offline_error(self.offline_reason().unwrap_or_default()))
    }

    /// Takes the directory offline and returns the error to pass on. Whoever keeps house reports it.
    pub(crate) fn fail(&self, reason: String) -> Error {
        let reason = self.inner.reason.lock().get_or_insert(reason).clone();
        self.inner.is_offline.store(true, Ordering::Release);
        self.offline_error(reason)
    }

    /// Passes an error on. One that says that the disk is failing takes the directory offline.
    pub(crate) fn judge(&self, error: Error) -> Error {
        if error.is_device_failure() {
            return self.fail(error.to_string());
        }
        error
    }

    /// A folder was created in here, or may have been by a run that did not sync its name. Returns its
    /// number, for [`sync_folder`](Self::sync_folder).
    pub(crate) fn note_folder(&self) -> u64 {
        self.inner.folders.created.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Makes the name of a folder durable, and of all that were created up to now.
    ///
    /// # Errors
    /// If the disk refuses.
    pub(crate) fn sync_folder(&self, disk: &Arc<dyn Disk>, number: u64) -> Result<(), Error> {
        let folders = &self.inner.folders;
        if folders.synced.load(Ordering::Acquire) >= number {
            return Ok(());
        }
        let created = folders.created.load(Ordering::Acquire);
        let synced = disk.sync_dir(&self.inner.path);
        synced.map_err(|e| Error::io(&self.inner.path, e))?;
        folders.synced.fetch_max(created, Ordering::AcqRel);
        Ok(())
    }

    /// There is something for housekeeping to do in that log.
    pub(crate) fn note_log(&self, topic_partition: &TopicPartition) {
        self.inner.noted.lock().push(topic_partition.clone());
    }

    /// The logs that were noted since the last call. Some may be gone.
    pub(crate) fn take_noted(&self) -> Vec<TopicPartition> {
        std::mem::take(&mut *self.inner.noted.lock())
    }

    fn offline_error(&self, reason: String) -> Error {
        Error::Offline {
            path: self.inner.path.clone(),
            reason,
        }
    }
}
