//! A sorted list of fixed-size entries: the newest in memory, all of them in a file.
//!
//! ```text
//!  .index      | rel. offset 4 | position 4 |  …      .timeindex  | timestamp 8 | rel. offset 4 |  …
//!
//!  file     ●●●●●●●●●●●●●●●●●●●●●●●●
//!  recent                       ●●●●●●○○○     ○ not written yet
//! ```
//!
//! Appends touch memory only; [`Index::write`] catches the file up. A lookup that the recent entries
//! cannot answer searches the file, a few small reads that the page cache answers. Nothing is mapped,
//! an idle log holds nothing in memory, and the file is a cache that can be built from the log.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, write_all_at};

/// An entry of fixed size, sorted by its key.
pub(crate) trait Entry: Copy + std::fmt::Debug + PartialEq {
    const SIZE: usize;
    type Key: Ord + Copy;
    fn key(&self) -> Self::Key;
    fn encode(&self, out: &mut Vec<u8>);
    /// `bytes` are [`Self::SIZE`] long.
    fn decode(bytes: &[u8]) -> Option<Self>;
    /// Whether this entry may stand after `before`.
    fn may_follow(&self, before: &Self) -> bool;
}

/// Batch boundary: the last offset of a batch, and where the batch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    /// Last offset of the batch, less the segment's base offset. Inclusive.
    pub(crate) relative_offset: i32,
    /// Where the batch begins in the file.
    pub(crate) position: i32,
}

/// The largest timestamp so far, and the last offset of the batch that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp: i64,
    /// Last offset of the batch, less the segment's base offset. Inclusive.
    pub(crate) relative_offset: i32,
}

impl Entry for OffsetEntry {
    const SIZE: usize = 8;
    type Key = i32;

    fn key(&self) -> i32 {
        self.relative_offset
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.relative_offset.to_be_bytes());
        out.extend(self.position.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (offset, position) = bytes.split_first_chunk::<4>()?;
        Some(Self {
            relative_offset: i32::from_be_bytes(*offset),
            position: i32::from_be_bytes(*position.first_chunk::<4>()?),
        })
    }

    fn may_follow(&self, before: &Self) -> bool {
        self.relative_offset > before.relative_offset && self.position > before.position
    }
}

impl Entry for TimeEntry {
    const SIZE: usize = 12;
    type Key = i64;

    fn key(&self) -> i64 {
        self.timestamp
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.relative_offset.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (timestamp, offset) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            timestamp: i64::from_be_bytes(*timestamp),
            relative_offset: i32::from_be_bytes(*offset.first_chunk::<4>()?),
        })
    }

    fn may_follow(&self, before: &Self) -> bool {
        self.timestamp > before.timestamp && self.relative_offset >= before.relative_offset
    }
}

/// Entries kept in memory after they were written: enough for readers near the end of the log.
const RECENT_KEPT: usize = 512;
/// Unwritten entries after which [`Index::push`] asks to be written.
const UNWRITTEN_MAX: usize = 1024;
/// A search ends with one read of this many entries.
const SEARCH_WINDOW: u64 = 256;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Index<E> {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Entries in the file that count.
    written: u64,
    /// The last entries; those from `written - recent_written` on.
    recent: Vec<E>,
    /// How many of `recent` are in the file as well.
    recent_written: usize,
}

impl<E: Entry> Index<E> {
    /// An index that trusts the first `written` entries of its file; a surplus is overwritten, or
    /// cut when the index is sealed.
    pub(crate) fn of_file(disk: Arc<dyn Disk>, path: PathBuf, written: u64) -> Self {
        Self {
            disk,
            path,
            written,
            recent: Vec::new(),
            recent_written: 0,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> u64 {
        self.written + self.unwritten().len() as u64
    }

    fn unwritten(&self) -> &[E] {
        self.recent.get(self.recent_written..).unwrap_or_default()
    }

    /// Appends an entry, in memory. An entry that may not follow the last one is left out: sparse is
    /// always allowed. Returns whether it is time to [`write`](Self::write).
    pub(crate) fn push(&mut self, entry: E) -> bool {
        if self.recent.last().is_none_or(|last| entry.may_follow(last)) {
            self.recent.push(entry);
        }
        self.unwritten().len() >= UNWRITTEN_MAX
    }

    /// The last entry.
    pub(crate) fn last(&self) -> io::Result<Option<E>> {
        if let Some(last) = self.recent.last() {
            return Ok(Some(*last));
        }
        match self.written.checked_sub(1) {
            Some(last) => Ok(read(&*self.disk.open(&self.path)?, last, 1)?.pop()),
            None => Ok(None),
        }
    }

    /// The last entry with a key of at most `key`, if memory alone can tell.
    pub(crate) fn floor_in_memory(&self, key: E::Key) -> Option<E> {
        let after = self.recent.partition_point(|entry| entry.key() <= key);
        self.recent.get(after.checked_sub(1)?).copied()
    }

    /// Whether the file knows nothing that memory does not.
    pub(crate) fn is_all_in_memory(&self) -> bool {
        self.recent.len() as u64 == self.len()
    }

    /// The last entry with a key of at most `key`.
    pub(crate) fn floor(&self, key: E::Key) -> io::Result<Option<E>> {
        if let Some(entry) = self.floor_in_memory(key) {
            return Ok(Some(entry));
        }
        if self.is_all_in_memory() {
            return Ok(None);
        }
        let file = self.disk.open(&self.path)?;
        let (mut low, mut high) = (0, self.written);
        while high - low > SEARCH_WINDOW {
            let middle = low + (high - low) / 2;
            match read::<E>(&*file, middle, 1)?.first() {
                Some(entry) if entry.key() <= key => low = middle,
                _ => high = middle,
            }
        }
        let window = read::<E>(&*file, low, high - low)?;
        let after = window.partition_point(|entry| entry.key() <= key);
        Ok(after.checked_sub(1).and_then(|i| window.get(i)).copied())
    }

    /// All entries, from file and memory.
    pub(crate) fn load(&self) -> io::Result<Vec<E>> {
        let mut entries = Vec::new();
        if self.written > 0 {
            entries = read(&*self.disk.open(&self.path)?, 0, self.written)?;
        }
        entries.extend_from_slice(self.unwritten());
        Ok(entries)
    }

    /// Appends to the file what is not in it yet. Not synced: the file is a cache.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(self.unwritten().len() * E::SIZE);
        for entry in self.unwritten() {
            entry.encode(&mut bytes);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let file = self.disk.create(&self.path)?;
        write_all_at(
            &*file,
            &mut [IoSlice::new(&bytes)],
            self.written * E::SIZE as u64,
        )?;
        self.written = self.len();
        let surplus = self.recent.len().saturating_sub(RECENT_KEPT);
        self.recent.drain(..surplus);
        self.recent_written = self.recent.len();
        Ok(())
    }

    /// Writes what is missing and makes the file exactly as long as its entries, as Kafka leaves the
    /// index of a segment that is closed. Only the last entry stays in memory. Returns whether the
    /// file changed.
    pub(crate) fn seal(&mut self) -> io::Result<bool> {
        let had_unwritten = !self.unwritten().is_empty();
        self.write()?;
        let is_new = !self.disk.exists(&self.path)?;
        let file = self.disk.create(&self.path)?;
        let size_bytes = self.written * E::SIZE as u64;
        let has_surplus = file.len()? != size_bytes;
        if has_surplus {
            file.set_len(size_bytes)?;
        }
        self.recent = self.recent.last().copied().into_iter().collect();
        self.recent_written = self.recent.len();
        Ok(had_unwritten || is_new || has_surplus)
    }

    /// Replaces the whole file.
    pub(crate) fn replace(&mut self, entries: &[E]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(entries.len() * E::SIZE);
        for entry in entries {
            entry.encode(&mut bytes);
        }
        self.disk.replace(&self.path, &bytes, false)?;
        self.trust(entries);
        Ok(())
    }

    /// Takes `entries` for what the file begins with.
    pub(crate) fn trust(&mut self, entries: &[E]) {
        self.written = entries.len() as u64;
        self.recent = entries.last().copied().into_iter().collect();
        self.recent_written = self.recent.len();
    }
}

/// Reads up to `count` entries from entry `first` on; fewer if the file ends early.
fn read<E: Entry>(file: &dyn DiskFile, first: u64, count: u64) -> io::Result<Vec<E>> {
    let bytes = usize::try_from(count).map_err(io::Error::other)? * E::SIZE;
    let mut buffer = vec![0; bytes];
    let read = file.read_at(&mut buffer, first * E::SIZE as u64)?;
    buffer.truncate(read);
    Ok(buffer.chunks_exact(E::SIZE).filter_map(E::decode).collect())
}

/// Reads an index file as far as its entries make sense: each may follow the one before and passes
/// `is_sound`. Returns them and whether that was the whole file.
pub(crate) fn sound_prefix<E: Entry>(
    bytes: &[u8],
    is_sound: impl Fn(&E) -> bool,
) -> (Vec<E>, bool) {
    let mut entries: Vec<E> = Vec::new();
    for entry in bytes.chunks_exact(E::SIZE).filter_map(E::decode) {
        let follows = entries.last().is_none_or(|last| entry.may_follow(last));
        if !follows || !is_sound(&entry) {
            return (entries, false);
        }
        entries.push(entry);
    }
    (entries, bytes.len().is_multiple_of(E::SIZE))
}
