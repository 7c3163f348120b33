//! Finishing what a compaction left half-done, while the log is being opened. See
//! [`swap`](super::swap) for the steps.
//!
//! | found | means | done |
//! |---|---|---|
//! | `.log.swap` | it was to replace the segments up to where it ends | they go, it takes their place |
//! | only indexes as `.swap`, and `.log.cleaned` | killed in step 2 | they go |
//! | only indexes as `.swap` | Kafka was killed in its last step | aborted transactions are kept, the rest is built anew |
//!
//! The log is renamed last, so that all this can be done again if it is interrupted as well. Kafka
//! leaves the same files, and understands ours.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use types::Offset;

use super::swap::beside;
use crate::Error;
use crate::disk::{DirEntry, Disk};
use crate::files::names::{self, Kind};
use crate::segment::{Indexes, Segment};

/// The kinds of files that a segment has besides its log.
const INDEXES: [Kind; 3] = [Kind::OffsetIndex, Kind::TimeIndex, Kind::TransactionIndex];

/// Puts every `.swap` file where it belongs. Returns whether there were any; the changes are durable
/// then.
pub(super) fn finish_swaps(
    disk: &Arc<dyn Disk>,
    dir: &Arc<Path>,
    entries: &[DirEntry],
) -> Result<bool, Error> {
    let swaps = with_suffix(entries, names::SWAP);
    if swaps.is_empty() {
        return Ok(false);
    }
    let cleaned = with_suffix(entries, names::CLEANED);
    let recovery = Recovery { disk, dir };
    let bases: BTreeSet<_> = swaps.iter().map(|(offset, _)| *offset).collect();
    for base in bases {
        if swaps.contains(&(base, Kind::Log)) {
            recovery.finish(base, entries)?;
        } else {
            recovery.drop_indexes(base, cleaned.contains(&(base, Kind::Log)))?;
        }
    }
    disk.sync_dir(dir).map_err(|e| Error::io(dir, e))?;
    Ok(true)
}

/// The segments' files whose names end so.
fn with_suffix(entries: &[DirEntry], suffix: &str) -> BTreeSet<(Offset, Kind)> {
    let names = entries.iter().filter(|entry| !entry.is_dir);
    names
        .filter_map(|entry| names::parse(entry.name.strip_suffix(suffix)?))
        .collect()
}

struct Recovery<'a> {
    disk: &'a Arc<dyn Disk>,
    dir: &'a Arc<Path>,
}

impl Recovery<'_> {
    fn finish(&self, base: Offset, entries: &[DirEntry]) -> Result<(), Error> {
        let end = self.end_of_swap(base, entries)?;
        let names = entries.iter().filter(|entry| !entry.is_dir);
        for (offset, kind) in names.filter_map(|entry| names::parse(&entry.name)) {
            // Producers as of an offset do not care who holds the records.
            if offset > base && offset < end && kind != Kind::Snapshot {
                self.remove(&names::path(self.dir, offset, kind))?;
            }
        }
        for kind in [Kind::OffsetIndex, Kind::TimeIndex] {
            self.remove(&names::path(self.dir, base, kind))?;
            self.remove(&beside(self.dir, base, kind, names::SWAP))?;
        }
        self.rename(base, Kind::TransactionIndex)?;
        self.rename(base, Kind::Log)?;
        tracing::info!(dir = %self.dir.display(), base, end, "unfinished compaction finished");
        Ok(())
    }

    /// Which of the two the indexes belong to is hard to tell, and they can be built anew; all but the
    /// aborted transactions.
    fn drop_indexes(&self, base: Offset, is_uncommitted: bool) -> Result<(), Error> {
        if !is_uncommitted {
            self.rename(base, Kind::TransactionIndex)?;
        }
        for kind in INDEXES {
            let is_aborted = kind == Kind::TransactionIndex;
            if !is_aborted {
                self.remove(&names::path(self.dir, base, kind))?;
            }
            self.remove(&beside(self.dir, base, kind, names::SWAP))?;
        }
        Ok(())
    }

    /// The offset after the last batch. Exclusive.
    fn end_of_swap(&self, base: Offset, entries: &[DirEntry]) -> Result<Offset, Error> {
        let path = beside(self.dir, base, Kind::Log, names::SWAP);
        let name = path.file_name().and_then(|name| name.to_str());
        let entry = entries.iter().find(|entry| Some(&*entry.name) == name);
        let size = entry.map_or(0, |entry| entry.size_bytes);
        let file = self.disk.open(&path).map_err(|e| Error::io(&path, e))?;
        let indexes = Indexes::of_files(self.disk, self.dir, base, 0, 0);
        let segment = Segment::new(self.disk, self.dir, base, size, 0, indexes);
        let mut scan = segment.scan_of(file, 0, base);
        while let Some(_batch) = scan
            .next()
            .map_err(|stop| segment.corrupt_at(&path, stop))?
        {}
        Ok(scan.next_offset())
    }

    /// Takes the file out of its `.swap` name, if it is there.
    fn rename(&self, base: Offset, kind: Kind) -> Result<(), Error> {
        let from = beside(self.dir, base, kind, names::SWAP);
        match self.disk.rename(&from, &names::path(self.dir, base, kind)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && kind != Kind::Log => {
                Ok(())
            }
            result => result.map_err(|e| Error::io(&from, e)),
        }
    }

    fn remove(&self, path: &Path) -> Result<(), Error> {
        self.disk.remove(path).map_err(|e| Error::io(path, e))
    }
}
