//! Vote and log in sled, with what sled leaves out on the way to the disk.
//!
//! sled's `flush` writes and starts write-back, but never syncs; and nothing syncs the folder when
//! files are created. [`SledLog::flush`] adds `fdatasync` of the one file that holds everything;
//! `format` syncs the folders.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::park_timeout;
use std::time::Duration;

use prost::Message;
use sled::Batch;

use super::encoding::{self, Assembler};
use super::{Identity, OpenError, Recovered};
use crate::quorum::files;
use crate::quorum::raft_types::{Entry, LogId, Vote};
use crate::quorum::wire::{
    WireError, log_id_from_wire, log_id_to_wire, vote_from_wire, vote_to_wire,
};

const DIR_NAME: &str = "store";
/// The file in which sled keeps everything, small values at least.
const DATA_FILE: &str = "db";
const CACHE_BYTES: u64 = 32 << 20;

/// Half a second.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

const IDENTITY: &[u8] = b"identity";
const VOTE: &[u8] = b"vote";
const COMMITTED: &[u8] = b"committed";
const PURGED: &[u8] = b"purged";

/// The database, open. Owned by the one thread that writes it.
#[derive(Debug)]
pub(super) struct SledLog {
    db: sled::Db,
    data_file: File,
}

pub(super) fn dir(store_dir: &Path) -> PathBuf {
    store_dir.join(DIR_NAME)
}

/// Where everything is.
#[cfg(test)]
pub(super) fn data_file(store_dir: &Path) -> PathBuf {
    dir(store_dir).join(DATA_FILE)
}

impl SledLog {
    /// Makes an empty database that says whose it is. Not durable by itself: the folder has to be
    /// synced.
    pub(super) fn create(store_dir: &Path, identity: &Identity) -> Result<(), OpenError> {
        let log = Self::open_db(&dir(store_dir))?;
        let text = identity.to_text();
        log.db.insert(IDENTITY, text.as_bytes()).map_err(to_io)?;
        log.flush()?;
        Ok(())
    }

    /// Opens an existing database and reads everything, except the snapshot, which is elsewhere.
    ///
    /// # Errors
    /// The database is missing, damaged or somebody else's. Nothing is made anew in its place.
    pub(super) fn open(
        store_dir: &Path,
        identity: &Identity,
    ) -> Result<(Self, Recovered), OpenError> {
        let dir = dir(store_dir);
        let path = dir.join(DATA_FILE);
        if !path.try_exists()? {
            return Err(OpenError::Missing(format!("{DIR_NAME}/{DATA_FILE}")));
        }
        // After a crash the newest part may be in the page cache only. Whoever reads it acts on it,
        // so it has to be durable first.
        files::open_or_create(&path)?.sync_data()?;
        let log = Self::open_db(&dir)?;
        log.check_identity(identity)?;
        let recovered = guarded(|| log.read())?;
        Ok((log, recovered))
    }

    fn open_db(dir: &Path) -> Result<Self, OpenError> {
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        let db = open_unlocked(&config)?;
        let data_file = files::open_or_create(&dir.join(DATA_FILE))?;
        Ok(Self { db, data_file })
    }

    fn check_identity(&self, expected: &Identity) -> Result<(), OpenError> {
        let stored = guarded(|| self.db.get(IDENTITY).map_err(|e| to_open_error(&e)))?;
        // sled opens an emptied file as a new database.
        let stored = stored.ok_or_else(|| OpenError::Lost("it is empty".to_owned()))?;
        Identity::parse(&stored)
            .ok_or_else(|| OpenError::Unreadable("its identity makes no sense".to_owned()))?
            .check(expected)
    }

    fn read(&self) -> Result<Recovered, OpenError> {
        let purged = self.get(PURGED, log_id_from_wire)?;
        let mut assembler = Assembler::default();
        for pair in self.db.range(encoding::first_key(0).to_vec()..end()) {
            let (key, value) = pair.map_err(|e| to_open_error(&e))?;
            assembler
                .push(&key, &value)
                .map_err(OpenError::Unreadable)?;
        }
        Ok(Recovered {
            vote: self.get(VOTE, vote_from_wire)?,
            committed: self.get(COMMITTED, log_id_from_wire)?,
            purged,
            entries: assembler.finish(purged).map_err(OpenError::Unreadable)?,
            snapshot: None,
        })
    }

    fn get<M: Message + Default, T>(
        &self,
        key: &[u8],
        from_wire: fn(M) -> Result<T, WireError>,
    ) -> Result<Option<T>, OpenError> {
        let value = self.db.get(key).map_err(|e| to_open_error(&e))?;
        let unreadable = |error: WireError| {
            let name = String::from_utf8_lossy(key);
            OpenError::Unreadable(format!("its {name} makes no sense: {error}"))
        };
        value
            .map(|v| from_wire(M::decode(&*v)?))
            .transpose()
            .map_err(unreadable)
    }

    /// Applies changes to the memory of the database. Durable only after [`SledLog::flush`].
    pub(super) fn apply(&self, changes: Changes) -> io::Result<()> {
        changes.apply_to(&self.db).map_err(to_io)
    }

    /// Makes everything applied so far durable.
    pub(super) fn flush(&self) -> io::Result<()> {
        self.db.flush().map_err(to_io)?;
        self.data_file.sync_data()
    }

    /// The changes that remove all pieces of the entries in `indexes`.
    pub(super) fn removal_of(
        &self,
        from: u64,
        until: Option<u64>,
        changes: &mut Changes,
    ) -> io::Result<()> {
        let end = until.map_or_else(end, |index| encoding::first_key(index).to_vec());
        for key in self
            .db
            .range(encoding::first_key(from).to_vec()..end)
            .keys()
        {
            changes.remove(&key.map_err(to_io)?);
        }
        Ok(())
    }
}

fn end() -> Vec<u8> {
    encoding::end_key().to_vec()
}

/// Changes that become durable together. Later ones win over earlier ones.
#[derive(Debug, Default)]
pub(super) struct Changes(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Changes {
    pub(super) fn save_vote(&mut self, vote: &Vote) {
        self.insert(VOTE, vote_to_wire(vote).encode_to_vec());
    }

    pub(super) fn save_committed(&mut self, committed: Option<&LogId>) {
        self.save_log_id(COMMITTED, committed);
    }

    pub(super) fn save_purged(&mut self, purged: &LogId) {
        self.save_log_id(PURGED, Some(purged));
    }

    pub(super) fn append(&mut self, entry: &Entry) {
        for (key, piece) in encoding::pieces(entry) {
            self.insert(&key, piece);
        }
    }

    fn save_log_id(&mut self, key: &[u8], log_id: Option<&LogId>) {
        match log_id {
            Some(id) => self.insert(key, log_id_to_wire(id).encode_to_vec()),
            None => self.remove(key),
        }
    }

    fn insert(&mut self, key: &[u8], value: Vec<u8>) {
        self.0.insert(key.to_vec(), Some(value));
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.insert(key.to_vec(), None);
    }

    /// A single change needs no batch, which would cost sled a second write to the disk.
    fn apply_to(mut self, db: &sled::Db) -> sled::Result<()> {
        if self.0.len() == 1
            && let Some((key, change)) = self.0.pop_first()
        {
            let _before = match change {
                Some(value) => db.insert(key, value)?,
                None => db.remove(key)?,
            };
            return Ok(());
        }
        let mut batch = Batch::default();
        for (key, change) in self.0 {
            match change {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        db.apply_batch(batch)
    }
}

/// sled's threads give up the lock a moment after the database was closed, so a node that starts
/// again within one process, or right after another one, may find it held.
fn open_unlocked(config: &sled::Config) -> Result<sled::Db, OpenError> {
    for _ in 0..LOCK_TRIES {
        match guarded(|| config.open().map_err(|e| to_open_error(&e))) {
            Err(OpenError::Locked) => park_timeout(LOCK_PAUSE),
            opened => return opened,
        }
    }
    Err(OpenError::Locked)
}

/// sled asserts where other libraries return errors. A damaged database must not take down the
/// process without a word of what to do.
fn guarded<T>(run: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let said = said.unwrap_or("an assertion failed");
        Err(OpenError::Unreadable(said.to_owned()))
    })
}

fn to_io(error: sled::Error) -> io::Error {
    match error {
        sled::Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

fn to_open_error(error: &sled::Error) -> OpenError {
    let message = error.to_string();
    // sled has no variant for it.
    if message.contains("could not acquire lock") {
        return OpenError::Locked;
    }
    OpenError::Unreadable(message)
}
