//! What a partition's folder holds, after what earlier runs left half-done has been cleared away.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use types::{Offset, TimestampMs, TopicId};

use super::swap_recovery::finish_swaps;
use crate::Error;
use crate::disk::{DirEntry, Disk, write_all_at};
use crate::files::names::{self, Kind};
use crate::files::{SMALL_FILE_BYTES_MAX, partition_metadata};

/// A segment as the listing shows it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Listed {
    pub(super) size_bytes: u64,
    pub(super) modified_ms: TimestampMs,
    pub(super) offset_index_bytes: Option<u64>,
    pub(super) time_index_bytes: Option<u64>,
}

impl Listed {
    /// Whether the index files, by their sizes, may be what a closed segment has: the time index has
    /// an entry at least.
    pub(super) fn has_plausible_indexes(&self) -> bool {
        let is_multiple =
            |bytes: Option<u64>, entry: u64| bytes.is_some_and(|bytes| bytes.is_multiple_of(entry));
        is_multiple(self.offset_index_bytes, 8)
            && is_multiple(self.time_index_bytes, 12)
            && (self.size_bytes == 0 || self.time_index_bytes != Some(0))
    }
}

#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) segments: BTreeMap<Offset, Listed>,
    pub(super) snapshots: BTreeSet<Offset>,
    pub(super) has_epochs: bool,
}

impl Listing {
    /// Lists the folder, finishes compactions that were cut off, and removes files that were to be
    /// removed, or were never finished.
    pub(super) fn read(disk: &Arc<dyn Disk>, dir: &Arc<Path>) -> Result<Self, Error> {
        let list = || disk.list(dir).map_err(|e| Error::io(dir, e));
        let mut entries = list()?;
        if finish_swaps(disk, dir, &entries)? {
            entries = list()?;
        }
        let mut listing = Self::default();
        for entry in entries.iter().filter(|entry| !entry.is_dir) {
            if is_leftover(&entry.name) {
                remove(disk, dir, &entry.name)?;
            } else {
                listing.note(entry);
            }
        }
        for entry in &entries {
            listing.note_index(disk, dir, entry)?;
        }
        Ok(listing)
    }

    /// Indexes belong to a segment, which was listed before or after them; or to none.
    fn note_index(
        &mut self,
        disk: &Arc<dyn Disk>,
        dir: &Path,
        entry: &DirEntry,
    ) -> Result<(), Error> {
        let Some((offset, kind)) = names::parse(&entry.name) else {
            return Ok(());
        };
        let segment = self.segments.get_mut(&offset);
        match (kind, segment) {
            (Kind::Log | Kind::Snapshot, _) | (Kind::TransactionIndex, Some(_)) => {}
            (Kind::OffsetIndex, Some(segment)) => {
                segment.offset_index_bytes = Some(entry.size_bytes);
            }
            (Kind::TimeIndex, Some(segment)) => segment.time_index_bytes = Some(entry.size_bytes),
            (_, None) => remove(disk, dir, &entry.name)?,
        }
        Ok(())
    }

    fn note(&mut self, entry: &DirEntry) {
        if entry.name == super::EPOCHS_FILE {
            self.has_epochs = true;
        }
        let Some((offset, kind)) = names::parse(&entry.name) else {
            return;
        };
        match kind {
            Kind::Log => {
                let segment = self.segments.entry(offset).or_default();
                segment.size_bytes = entry.size_bytes;
                segment.modified_ms = entry.modified_ms;
            }
            Kind::Snapshot => {
                self.snapshots.insert(offset);
            }
            Kind::OffsetIndex | Kind::TimeIndex | Kind::TransactionIndex => {}
        }
    }
}

fn is_leftover(name: &str) -> bool {
    [names::DELETED, names::CLEANED, names::TEMPORARY]
        .iter()
        .any(|suffix| name.ends_with(suffix))
}

fn remove(disk: &Arc<dyn Disk>, dir: &Path, name: &str) -> Result<(), Error> {
    let path = dir.join(name);
    disk.remove(&path).map_err(|e| Error::io(&path, e))
}

/// Reads the topic id the folder belongs to, or writes it down (durable with the log's first records).
pub(super) fn check_topic_id(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    topic_id: Option<TopicId>,
) -> Result<Option<TopicId>, Error> {
    let path = dir.join(partition_metadata::NAME);
    let found = read_topic_id(disk, dir)?;
    match (found, topic_id) {
        (None, Some(wanted)) => {
            let text = partition_metadata::format(wanted);
            disk.replace(&path, &text, false)
                .map_err(|e| Error::io(&path, e))?;
            Ok(Some(wanted))
        }
        (Some(found), Some(wanted)) if found != wanted => Err(Error::Refused {
            path: dir.to_owned(),
            reason: format!("it belongs to topic id {found}, not to {wanted}"),
        }),
        (found, _) => Ok(found),
    }
}

/// Writes down whose a folder is that was just made, and has no such file; durable with the log's first records.
/// A crash leaves nothing, an empty file, or all of it; an error leaves nothing.
pub(super) fn write_topic_id(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    topic_id: TopicId,
) -> Result<(), Error> {
    let path = dir.join(partition_metadata::NAME);
    let text = partition_metadata::format(topic_id);
    let file = disk.create(&path).map_err(|e| Error::io(&path, e))?;
    write_all_at(&*file, &mut [IoSlice::new(&text)], 0).map_err(|error| {
        if let Err(error) = disk.remove(&path) {
            tracing::warn!(path = %path.display(), %error, "half-written file not removed");
        }
        Error::io(&path, error)
    })
}

/// The topic id that a partition's folder names; `None` if it names none: it was made before topics had
/// ids, or the machine went down before the file was synced, which is before any record of the log was.
pub(crate) fn read_topic_id(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Option<TopicId>, Error> {
    let path = dir.join(partition_metadata::NAME);
    let text = match disk.read(&path, SMALL_FILE_BYTES_MAX) {
        Ok(text) if text.is_empty() => return Ok(None),
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&path, error)),
    };
    let id = partition_metadata::parse(&text).map_err(|e| Error::Corrupt {
        path,
        position: 0,
        offset: -1,
        reason: e.to_string(),
    })?;
    Ok(Some(id).filter(|id| *id != TopicId::ZERO))
}
