//! Making appended bytes durable, beside the appends that go on.
//!
//! ```text
//!   begin_flush (under the lock) ─▶ FlushJob::run (no lock: fsync) ─▶ finish_flush (under the lock)
//! ```
//!
//! Order: the segments' bytes, then the indexes of sealed segments, then the directory (with the first
//! records: the folder itself, and whose it is), and only then does the recovery point move. Flushes of
//! one log may overlap (the one of every second, and those of a durable topic): each syncs what the others
//! have not finished with. A failed fsync takes the whole directory offline; it is never tried again. A
//! file that cannot even be opened, for want of descriptors or memory, has lost nothing: the next flush
//! does it all again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use types::Offset;

use super::{EPOCHS_FILE, Log, Unsynced};
use crate::Error;
use crate::dir_state::DirState;
use crate::disk::Disk;
use crate::files::names::Kind;
use crate::files::partition_metadata;
use crate::segment::Segment;

/// Recovery rebuilds producers from the last snapshot: one at least so often.
const SNAPSHOT_INTERVAL_BYTES: u64 = 64 << 20;

/// What one flush has to sync. Needs no lock of the log while it runs.
#[derive(Debug)]
#[must_use = "nothing is durable until it has run"]
pub struct FlushJob {
    disk: Arc<dyn Disk>,
    dir: Arc<Path>,
    dir_state: DirState,
    segments: Vec<Arc<Segment>>,
    unsynced: Unsynced,
    up_to: Offset,
    truncation_count: u64,
    is_first: bool,
    is_retired: Arc<AtomicBool>,
}

impl FlushJob {
    /// Whether nothing of the log was synced before, and all of it was written by this process.
    pub(crate) fn is_first(&self) -> bool {
        self.is_first
    }

    /// Syncs. Blocks for the disk. Hand the result to [`Log::finish_flush`].
    ///
    /// # Errors
    /// [`Error::Offline`]: the directory is offline from now on. [`Error::Io`]: there were no
    /// descriptors or no memory to open a file; the next flush may find some.
    pub fn run(&self) -> Result<(), Error> {
        self.dir_state.check()?;
        match self.sync() {
            // Deleted or set aside meanwhile: its folder has another name, and nobody misses it.
            Err(error) if error.is_not_found() && self.is_retired.load(Ordering::Acquire) => Ok(()),
            Err(error) if error.is_short_of_resources() => Err(error),
            result => result.map_err(|error| self.dir_state.fail(format!("fsync failed: {error}"))),
        }
    }

    fn sync(&self) -> Result<(), Error> {
        for segment in self.segments.iter().filter(|s| !s.is_changed()) {
            match segment.sync() {
                // Cut or deleted meanwhile, and marked before that: not missed.
                Err(error) if error.is_not_found() && segment.is_changed() => {}
                result => result?,
            }
        }
        for segment in self.unsynced.sealed.iter().filter(|s| !s.is_changed()) {
            self.sync_file(&segment.path(Kind::OffsetIndex))?;
            self.sync_file(&segment.path(Kind::TimeIndex))?;
        }
        let folder = self.unsynced.folder;
        if folder.is_some() {
            self.sync_file(&self.dir.join(partition_metadata::NAME))?;
        }
        if self.unsynced.epochs || folder.is_some() {
            self.sync_file(&self.dir.join(EPOCHS_FILE))?;
        }
        if self.unsynced.names || folder.is_some() {
            let result = self.disk.sync_dir(&self.dir);
            result.map_err(|e| Error::io(&self.dir, e))?;
        }
        folder.map_or(Ok(()), |number| {
            self.dir_state.sync_folder(&self.disk, number)
        })
    }

    fn sync_file(&self, path: &Path) -> Result<(), Error> {
        match self.disk.open(path).and_then(|file| file.sync()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(|e| Error::io(path, e)),
        }
    }
}

impl Unsynced {
    fn add(&mut self, other: Self) {
        self.names |= other.names;
        self.epochs |= other.epochs;
        self.sealed.extend(other.sealed);
        self.folder = self.folder.max(other.folder);
    }
}

impl Log {
    /// Makes everything appended so far durable and moves the recovery point. Blocks for the disk.
    ///
    /// # Errors
    /// A failed fsync takes the whole log directory offline. After [`Error::Io`] nothing is lost: try
    /// again.
    pub fn flush(&mut self) -> Result<(), Error> {
        if let Some(job) = self.begin_flush()? {
            let result = job.run();
            self.finish_flush(job, result)?;
        }
        Ok(())
    }

    /// What is to be synced for everything appended so far to be durable; `None` if it is already.
    /// Run it without the log's lock, then call [`finish_flush`](Self::finish_flush), whatever came
    /// of it.
    ///
    /// # Errors
    /// If the log is offline.
    pub fn begin_flush(&mut self) -> Result<Option<FlushJob>, Error> {
        self.check_online()?;
        if self.recovery_point >= self.log_end_offset && self.unsynced.is_empty() {
            return Ok(None);
        }
        let is_first = self.is_epochs_file_due;
        if let Err(error) = self.write_caches() {
            // Recovery will read a little more.
            tracing::warn!(partition = %self.topic_partition, %error, "index or snapshot not written");
        }
        let first = self
            .segments
            .partition_point(|s| s.base_offset() <= self.recovery_point);
        let unsynced = std::mem::take(&mut self.unsynced);
        self.syncing.flush_count += 1;
        self.active.reservation.on_flush();
        self.syncing.unsynced.add(unsynced);
        Ok(Some(FlushJob {
            disk: Arc::clone(self.disk()),
            dir: Arc::clone(&self.dir),
            dir_state: self.dir_state.clone(),
            segments: self
                .segments
                .iter()
                .skip(first.saturating_sub(1))
                .cloned()
                .collect(),
            unsynced: self.syncing.unsynced.clone(),
            up_to: self.log_end_offset,
            truncation_count: self.truncation_count,
            is_first,
            is_retired: Arc::clone(&self.is_retired),
        }))
    }

    /// Moves the recovery point after `job` has run well. A truncation in between voids the job.
    ///
    /// # Errors
    /// That of the run. What was to be synced is the next flush's business then.
    pub fn finish_flush(&mut self, job: FlushJob, run: Result<(), Error>) -> Result<(), Error> {
        self.syncing.flush_count = self.syncing.flush_count.saturating_sub(1);
        if self.syncing.flush_count == 0 {
            self.syncing.unsynced = Unsynced::default();
        }
        if run.is_err() {
            self.unsynced.add(job.unsynced);
            self.note_chores();
        } else if job.truncation_count == self.truncation_count {
            self.recovery_point = self.recovery_point.max(job.up_to);
        }
        run
    }

    /// Whether there is something to flush, or files wait for their removal.
    pub(crate) fn has_chores(&self) -> bool {
        let is_behind = self.recovery_point < self.log_end_offset || !self.unsynced.is_empty();
        !self.is_offline() && (is_behind || !self.removals.is_empty())
    }

    /// Has housekeeping come by. Whatever gives it something to do calls this.
    pub(super) fn note_chores(&mut self) {
        if !std::mem::replace(&mut self.is_noted, true) {
            self.dir_state.note_log(&self.topic_partition);
        }
    }

    /// Housekeeping has come. It comes again if [`settle`](Self::settle) finds something left.
    pub(crate) fn begin_chores(&mut self) {
        self.is_noted = false;
    }

    /// Has housekeeping come again, if something is left to do.
    pub(crate) fn settle(&mut self) {
        if self.has_chores() {
            self.note_chores();
        }
    }

    /// Files were created or removed.
    pub(super) fn mark_names(&mut self) {
        self.unsynced.names = true;
        self.note_chores();
    }

    /// The first epochs, index entries and, every so often, producers: so that recovery begins near the recovery
    /// point.
    fn write_caches(&mut self) -> Result<(), Error> {
        self.write_first_epochs()?;
        let segment = self.active_segment();
        let result = segment.indexes.write().write();
        result.map_err(|e| Error::io(&segment.path(Kind::OffsetIndex), e))?;
        if self.bytes_since_snapshot() >= SNAPSHOT_INTERVAL_BYTES {
            self.write_producer_snapshot(self.log_end_offset)?;
            self.remove_surplus_snapshots();
        }
        Ok(())
    }

    /// About how much of the log recovery would have to read for the producers.
    fn bytes_since_snapshot(&self) -> u64 {
        let last = self
            .snapshots
            .last()
            .copied()
            .unwrap_or(self.log_start_offset);
        let segment = self.active_segment();
        let from = if last <= segment.base_offset() {
            0
        } else {
            let entry = segment
                .indexes
                .read()
                .offsets
                .floor_in_memory(segment.relative(last));
            entry.map_or(0, |entry| u64::try_from(entry.position).unwrap_or(0))
        };
        segment.size_bytes().saturating_sub(from)
    }

    /// Flushes, writes indexes and a producer snapshot as Kafka leaves them, and takes the log out of
    /// service. Open it again to use it.
    ///
    /// # Errors
    /// As [`Log::flush`]. The log counts as not cleanly closed then.
    pub fn close(&mut self) -> Result<(), Error> {
        self.check_online()?;
        self.cancel_swap()?;
        // What was never written to stays as it is, and waits for no disk.
        let is_young =
            self.is_unborn || (self.unsynced.folder.is_some() && self.log_end_offset == 0);
        if !is_young && self.seal_active_indexes()? {
            let active = Arc::clone(self.active_segment());
            self.unsynced.sealed.push(active);
        }
        if !is_young && self.snapshots.last() != Some(&self.log_end_offset) {
            self.write_producer_snapshot(self.log_end_offset)?;
        }
        self.remove_surplus_snapshots();
        self.give_back_reserved();
        self.flush()?;
        self.close_files();
        self.offline = Some("the log was closed".to_owned());
        Ok(())
    }
}
