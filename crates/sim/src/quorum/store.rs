//! What a controller keeps on its disk, and what of it survives a power cut.

use std::sync::Arc;

use metadata::MetadataRecord;
use types::{NodeId, Offset};

use crate::message::Entry;
use crate::mutant::{self, Glue};

/// An image as records, up to but without `end`.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Exclusive end.
    pub end: Offset,
    /// Term of the last entry in it.
    pub last_term: u64,
    /// The records.
    pub records: Arc<[MetadataRecord]>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            end: 0,
            last_term: 0,
            records: Arc::from([]),
        }
    }
}

/// Vote, log and snapshot.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// The newest term that was heard of, and who got the vote in it.
    pub vote: (u64, Option<NodeId>),
    /// Offset of the first entry.
    pub start: Offset,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The newest snapshot.
    pub snapshot: Snapshot,
    synced_vote: (u64, Option<NodeId>),
    synced_end: Offset,
    synced_snapshot: Snapshot,
}

impl Store {
    /// Exclusive end of the log.
    #[must_use]
    pub fn end(&self) -> Offset {
        self.start + offset_of(self.entries.len())
    }

    /// Term of the entry at an offset; that of the snapshot just below the log's start. `None` if it is
    /// not known.
    #[must_use]
    pub fn term_at(&self, offset: Offset) -> Option<u64> {
        if offset < 0 {
            return Some(0);
        }
        if offset == self.snapshot.end - 1 {
            return Some(self.snapshot.last_term);
        }
        self.get(offset).map(|entry| entry.term)
    }

    /// The entry at an offset.
    #[must_use]
    pub fn get(&self, offset: Offset) -> Option<&Entry> {
        usize::try_from(offset - self.start)
            .ok()
            .and_then(|index| self.entries.get(index))
    }

    /// The entries from an offset on, at most `count`.
    #[must_use]
    pub fn from(&self, offset: Offset, count: usize) -> Vec<Entry> {
        let skipped = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        self.entries
            .iter()
            .skip(skipped)
            .take(count)
            .cloned()
            .collect()
    }

    /// The vote is about to be told.
    pub fn sync_vote(&mut self) {
        if !mutant::is(Glue::VoteNotSynced) {
            self.synced_vote = self.vote;
        }
    }

    /// The log's end is about to be told.
    pub fn sync_log(&mut self) {
        if !mutant::is(Glue::AppendNotSynced) {
            self.synced_end = self.end();
        }
    }

    /// Cuts the log, durably.
    pub fn truncate(&mut self, end: Offset) {
        self.entries
            .truncate(usize::try_from(end - self.start).unwrap_or(0));
        self.synced_end = self.synced_end.min(end);
    }

    /// Takes a snapshot of what is applied, and purges the log below it.
    pub fn take_snapshot(&mut self, snapshot: Snapshot) {
        let purged = usize::try_from(snapshot.end - self.start).unwrap_or(0);
        let end = snapshot.end;
        self.snapshot = snapshot;
        if !mutant::is(Glue::PurgeBeforeSync) {
            self.synced_snapshot = self.snapshot.clone();
        }
        self.entries.drain(..purged.min(self.entries.len()));
        self.start = end;
        self.synced_end = self.synced_end.max(end);
    }

    /// Takes another controller's snapshot in place of everything.
    pub fn install(&mut self, snapshot: Snapshot) {
        self.entries.clear();
        self.start = snapshot.end;
        self.synced_end = snapshot.end;
        self.snapshot = snapshot;
        self.synced_snapshot = self.snapshot.clone();
    }

    /// The machine went down; `share` (of 256) of what was not synced survives.
    pub fn on_power_cut(&mut self, share: u8) {
        self.vote = self.synced_vote;
        if self.synced_snapshot.end < self.snapshot.end {
            // The log below is purged: whoever goes on from here has forgotten what it promised.
            self.snapshot = self.synced_snapshot.clone();
            self.start = self.snapshot.end;
            self.entries.clear();
            self.synced_end = self.start;
            return;
        }
        let unsynced = (self.end() - self.synced_end.max(self.start)).max(0);
        let end = self.end() - unsynced + unsynced * i64::from(share) / 256;
        self.truncate(end);
        self.synced_end = self.end();
    }
}

fn offset_of(count: usize) -> Offset {
    Offset::try_from(count).expect("a log of a simulation is short")
}
