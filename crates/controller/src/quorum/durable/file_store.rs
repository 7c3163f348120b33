//! The store on disk.

use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::sled_log::SledLog;
use super::witness::{Testimony, Witness};
use super::writer::Writer;
use super::{
    Done, DurableStore, Identity, OpenError, Operation, Recovered, StoredSnapshot, format,
    snapshot_file,
};
use crate::quorum::raft_types::LogId;

/// One voter's vote, log and snapshots in one folder.
#[derive(Debug)]
pub(crate) struct FileStore {
    dir: PathBuf,
    writer: Writer,
    /// Held across the writing of a snapshot: one that was built must not run into one that is being
    /// installed. Nobody on a runtime thread waits for it.
    snapshots: Mutex<()>,
}

impl FileStore {
    /// Whose store is at `dir`; `None` if none was ever made there, as far as the folder tells.
    ///
    /// # Errors
    /// There is something, but it does not say whose it is.
    pub(crate) fn find(dir: &Path) -> Result<Option<Identity>, OpenError> {
        let identity = Identity::read(dir)?;
        if identity.is_none() && has_content(dir)? {
            return Err(OpenError::Missing("identity.properties".to_owned()));
        }
        Ok(identity)
    }

    /// Makes an empty store where [`FileStore::find`] found none, durably.
    pub(crate) fn format(dir: &Path, identity: &Identity) -> Result<(), OpenError> {
        format::create(dir, identity)
    }

    /// Opens a store that was made before and reads what it holds. Blocks.
    ///
    /// # Errors
    /// It is missing, damaged, not all there, or somebody else's. It is left as it is.
    pub(crate) fn open(dir: &Path, identity: &Identity) -> Result<(Self, Recovered), OpenError> {
        Self::find(dir)?
            .ok_or_else(|| OpenError::Missing("everything".to_owned()))?
            .check(identity)?;
        let (witness, testimony) = Witness::open(dir)?;
        let (log, mut recovered) = SledLog::open(dir, identity)?;
        recovered.snapshot = snapshot_file::load(dir)?;
        let held = Testimony::of(&recovered);
        testimony.check(&held)?;
        check_reach(&recovered)?;
        let store = Self {
            dir: dir.to_owned(),
            writer: Writer::start(log, witness, held)?,
            snapshots: Mutex::new(()),
        };
        Ok((store, recovered))
    }
}

fn has_content(dir: &Path) -> io::Result<bool> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether snapshot and log together reach from the first entry to the last committed one.
fn check_reach(recovered: &Recovered) -> Result<(), OpenError> {
    let snapshot = recovered.snapshot.as_ref().and_then(|s| s.meta.last_log_id);
    if index(snapshot) < index(recovered.purged) {
        let purged = recovered.purged.map_or(0, |id| id.index);
        let message = format!("no snapshot covers the entries up to {purged}, which are gone");
        return Err(OpenError::Lost(message));
    }
    if index(recovered.committed) > index(recovered.last_log_id()).max(index(snapshot)) {
        let committed = recovered.committed.map_or(0, |id| id.index);
        let message = format!("entry {committed}, which was committed, is gone");
        return Err(OpenError::Lost(message));
    }
    Ok(())
}

fn index(log_id: Option<LogId>) -> Option<u64> {
    log_id.map(|id| id.index)
}

impl DurableStore for FileStore {
    fn submit(&self, operation: Operation, done: Done) {
        self.writer.submit(operation, done);
    }

    fn save_snapshot(&self, snapshot: &StoredSnapshot) -> io::Result<()> {
        let _one_at_a_time = self.snapshots.lock();
        snapshot_file::save(&self.dir, snapshot)
    }
}
