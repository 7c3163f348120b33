//! The seam between Raft and the disk: vote, log and snapshots that are durable before they are
//! reported so.
//!
//! ```text
//!   openraft ── LogStore / StateMachine ── DurableStore ─┬─ FileStore: sled + fdatasync, snapshot
//!   (reads come from memory)                             │             files, witness
//!                                                        └─ MemoryStore: its twin without a disk
//! ```
//!
//! The store only writes while it runs; what it holds is read once, when it is opened. That keeps
//! disk reads out of the runtime's threads and the contract small enough to test at every byte.

#[cfg(test)]
mod damage_tests;
mod encoding;
mod file_store;
#[cfg(test)]
mod file_tests;
mod format;
mod identity;
#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod memory;
mod sled_log;
mod snapshot_file;
mod witness;
mod writer;

use std::fmt;
use std::io;

use bytes::Bytes;

use super::raft_types::{Entry, LogId, SnapshotMeta, Vote};

pub(crate) use file_store::FileStore;
pub(crate) use identity::Identity;
#[cfg(test)]
pub(crate) use memory::MemoryStore;
pub(crate) use snapshot_file::FILE_BYTES_MAX as SNAPSHOT_BYTES_MAX;

/// Called once with the result of an operation, from whatever thread finished it.
pub(crate) type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

/// One change of what is stored.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Replaces the vote.
    SaveVote(Vote),
    /// Notes how far the log is known to be committed. Only a hint: not durable when reported.
    SaveCommitted(Option<LogId>),
    /// Adds entries behind the last one.
    Append(Vec<Entry>),
    /// Removes an entry and everything behind it.
    Truncate {
        /// Index of the first entry to go.
        from: u64,
        /// Id of the last entry that stays.
        last_log_id: Option<LogId>,
    },
    /// Removes the entry of this id and everything before it. A snapshot covers them.
    PurgeUpTo(LogId),
}

/// Where a voter keeps what it must not forget.
///
/// Operations take effect in the order in which they are submitted. After the first failure every
/// further operation fails: a disk that failed to flush is not asked again.
pub(crate) trait DurableStore: fmt::Debug + Send + Sync + 'static {
    /// Hands over one operation. `done` is called when it is durable, and dropped without a call
    /// only if the store itself died. Never blocks.
    fn submit(&self, operation: Operation, done: Done);

    /// Replaces the snapshot, durably when this returns, all or nothing whatever happens. Blocks.
    fn save_snapshot(&self, snapshot: &StoredSnapshot) -> io::Result<()>;
}

/// A snapshot as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredSnapshot {
    /// What it covers.
    pub(crate) meta: SnapshotMeta,
    /// One record batch that rebuilds the image.
    pub(crate) data: Bytes,
}

/// What a store held when it was opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recovered {
    pub(crate) vote: Option<Vote>,
    pub(crate) committed: Option<LogId>,
    pub(crate) purged: Option<LogId>,
    /// Without gaps, from the one after `purged` on.
    pub(crate) entries: Vec<Entry>,
    pub(crate) snapshot: Option<StoredSnapshot>,
}

impl Recovered {
    /// Id of the last entry ever appended and not truncated.
    pub(crate) fn last_log_id(&self) -> Option<LogId> {
        self.entries.last().map(|e| e.log_id).or(self.purged)
    }
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// It was there once and is gone.
    #[error("the store is gone: {0} is missing")]
    Missing(String),
    /// It is there, but not all that it is known to have held.
    #[error("the store has lost its newest part: {0}")]
    Lost(String),
    /// It cannot be read.
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
    /// It belongs to somebody else.
    #[error("the store belongs to {field} {found}, not {expected}")]
    Foreign {
        /// Which part of the identity differs.
        field: &'static str,
        /// What stands in the store.
        found: String,
        /// What the configuration says.
        expected: String,
    },
    /// Another process has it open.
    #[error("another process is using the store")]
    Locked,
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
