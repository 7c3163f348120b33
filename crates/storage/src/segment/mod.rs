//! One segment: a log file and its indexes, shared between the log that appends and its readers.
//!
//! ```text
//!   Log ──append──▶ file ──▶ size (published last, Release)
//!   readers ──size (Acquire)──▶ file       never beyond it, so never into a half-done append
//! ```
//!
//! Bytes below the published size never change. A log that must cut them marks the segment as
//! changed *first* and goes on with another `Segment` over the same file; a reader that finds the
//! mark after its read throws away what it read.
//!
//! Checksums are verified of what may have come from the disk, not of what this process wrote or verified and
//! memory has held ever since (`docs/adr/0008-checksums-of-reads.md`).

pub(crate) mod buffers;
mod cursors;
pub(crate) mod index;
mod index_rebuild;
mod read;
pub(crate) mod scan;
pub(crate) mod timestamps;
mod verify;

use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use types::{Offset, TimestampMs};

use crate::Error;
use crate::disk::{Disk, DiskFile, write_all_at};
use crate::files::names::{self, Kind};
use cursors::Cursors;
use index::{Index, OffsetEntry, TimeEntry};
pub(crate) use index_rebuild::{BuiltIndexes, IndexBuilder};
pub(crate) use read::{Mode, Wanted};
use scan::{Scan, Stop};
use verify::Suspect;

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Segment {
    disk: Arc<dyn Disk>,
    dir: Arc<Path>,
    base_offset: Offset,
    /// Opened when needed, closed again by [`Segment::close_if_unused`].
    file: Mutex<Option<Arc<dyn DiskFile>>>,
    is_used: AtomicBool,
    /// Store: after the bytes are written. Load: before reading.
    size_bytes: AtomicU64,
    /// What reads have to verify. Locked for a few instructions.
    suspect: Mutex<Suspect>,
    /// Set before the bytes below `size_bytes` are cut or the file removed.
    is_changed: AtomicBool,
    modified_ms: AtomicI64,
    /// The indexes were built anew because a read found them in doubt. Once is enough.
    is_rebuilt: AtomicBool,
    pub(crate) indexes: RwLock<Indexes>,
    cursors: Cursors,
}

/// Both indexes of a segment.
#[derive(Debug)]
pub(crate) struct Indexes {
    pub(crate) offsets: Index<OffsetEntry>,
    pub(crate) times: Index<TimeEntry>,
}

impl Indexes {
    /// Indexes that trust so many entries of their files.
    pub(crate) fn of_files(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        base_offset: Offset,
        offsets: u64,
        times: u64,
    ) -> Self {
        let path = |kind| names::path(dir, base_offset, kind);
        Self {
            offsets: Index::of_file(Arc::clone(disk), path(Kind::OffsetIndex), offsets),
            times: Index::of_file(Arc::clone(disk), path(Kind::TimeIndex), times),
        }
    }

    /// The times first: what the offsets know of a file, the times know as well, even if only one of
    /// the two writes survives.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        self.times.write()?;
        self.offsets.write()
    }

    /// Returns whether that changed a file.
    pub(crate) fn seal(&mut self) -> io::Result<bool> {
        let is_changed = self.times.seal()?;
        Ok(self.offsets.seal()? || is_changed)
    }
}

impl Segment {
    /// A segment over a file of so many bytes, all of which belong to it. None of them counts as written by
    /// this process.
    pub(crate) fn new(
        disk: &Arc<dyn Disk>,
        dir: &Arc<Path>,
        base_offset: Offset,
        size_bytes: u64,
        modified_ms: TimestampMs,
        indexes: Indexes,
    ) -> Self {
        Self {
            disk: Arc::clone(disk),
            dir: Arc::clone(dir),
            base_offset,
            file: Mutex::new(None),
            is_used: AtomicBool::new(false),
            size_bytes: AtomicU64::new(size_bytes),
            suspect: Mutex::new(Suspect::below(size_bytes)),
            is_changed: AtomicBool::new(false),
            modified_ms: AtomicI64::new(modified_ms),
            is_rebuilt: AtomicBool::new(false),
            indexes: RwLock::new(indexes),
            cursors: Cursors::default(),
        }
    }

    /// Creates the file of a new segment. One that is there already is left over from a roll that
    /// failed, and is emptied.
    pub(crate) fn create(
        disk: &Arc<dyn Disk>,
        dir: &Arc<Path>,
        base_offset: Offset,
        now_ms: TimestampMs,
    ) -> Result<Self, Error> {
        let segment = Self::unborn(disk, dir, base_offset, now_ms);
        segment.create_file()?;
        Ok(segment)
    }

    /// A new segment without a file: [`create_file`](Self::create_file) comes before the first write.
    pub(crate) fn unborn(
        disk: &Arc<dyn Disk>,
        dir: &Arc<Path>,
        base_offset: Offset,
        now_ms: TimestampMs,
    ) -> Self {
        let indexes = Indexes::of_files(disk, dir, base_offset, 0, 0);
        Self::new(disk, dir, base_offset, 0, now_ms, indexes)
    }

    /// Creates the file, or empties what is there.
    pub(crate) fn create_file(&self) -> Result<(), Error> {
        let path = self.path(Kind::Log);
        let file = self.disk.create(&path).map_err(|e| Error::io(&path, e))?;
        if !file.is_empty().map_err(|e| Error::io(&path, e))? {
            file.set_len(0).map_err(|e| Error::io(&path, e))?;
        }
        *self.file.lock() = Some(file);
        self.is_used.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The same segment, unmarked: after all, its file was not changed.
    pub(crate) fn again(&self) -> Self {
        let (offsets, times) = {
            let indexes = self.indexes.read();
            (indexes.offsets.len(), indexes.times.len())
        };
        let indexes = Indexes::of_files(&self.disk, &self.dir, self.base_offset, offsets, times);
        let (size, modified) = (self.size_bytes(), self.modified_ms());
        Self::new(
            &self.disk,
            &self.dir,
            self.base_offset,
            size,
            modified,
            indexes,
        )
    }

    pub(crate) fn base_offset(&self) -> Offset {
        self.base_offset
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(crate) fn dir(&self) -> &Arc<Path> {
        &self.dir
    }

    pub(crate) fn path(&self, kind: Kind) -> PathBuf {
        names::path(&self.dir, self.base_offset, kind)
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes.load(Ordering::Acquire)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.size_bytes() == 0
    }

    /// When the file was last written to.
    pub(crate) fn modified_ms(&self) -> TimestampMs {
        self.modified_ms.load(Ordering::Relaxed)
    }

    /// An offset as the indexes store it.
    pub(crate) fn relative(&self, offset: Offset) -> i32 {
        let relative = offset.saturating_sub(self.base_offset);
        i32::try_from(relative).unwrap_or(if relative < 0 { -1 } else { i32::MAX })
    }

    /// The open file, to be read without a look at what is in memory: from now on, what is there may have
    /// come from the disk.
    pub(crate) fn file(&self) -> io::Result<Arc<dyn DiskFile>> {
        self.on_read_from_disk(0);
        self.open_file()
    }

    fn open_file(&self) -> io::Result<Arc<dyn DiskFile>> {
        self.is_used.store(true, Ordering::Relaxed);
        let mut file = self.file.lock();
        if let Some(file) = &*file {
            return Ok(Arc::clone(file));
        }
        let opened = self.disk.open(&self.path(Kind::Log))?;
        *file = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Closes the file. Whoever uses it right now keeps it open until done.
    pub(crate) fn close(&self) {
        *self.file.lock() = None;
    }

    /// Closes the file if nobody has used it since the last call.
    pub(crate) fn close_if_unused(&self) {
        if !self.is_used.swap(false, Ordering::Relaxed) {
            self.close();
        }
    }

    /// Writes at the end of the file; [`publish`](Self::publish) makes it part of the segment. After
    /// an error the file may be longer than the segment: [`cut_back`](Self::cut_back).
    pub(crate) fn write(&self, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        write_all_at(&*self.open_file()?, parts, self.size_bytes())
    }

    /// Removes what a failed [`write`](Self::write) left behind.
    pub(crate) fn cut_back(&self) -> io::Result<()> {
        self.open_file()?.set_len(self.size_bytes())
    }

    /// Reserves blocks for these positions; the file's size stays.
    pub(crate) fn reserve(&self, positions: &Range<u64>) -> io::Result<()> {
        let size_bytes = positions.end.saturating_sub(positions.start);
        self.open_file()?.reserve(positions.start, size_bytes)
    }

    /// Gives back the blocks beyond the file's end. Neither its size nor the time of its last write changes.
    /// Only for whoever appends: a write that is not published yet would be cut.
    pub(crate) fn give_back(&self) -> io::Result<()> {
        let file = self.open_file()?;
        file.set_len(self.size_bytes())?;
        file.set_modified_ms(self.modified_ms())
    }

    /// Cuts the file, durably. Only while nobody reads: while the log is being opened.
    pub(crate) fn shrink(&self, size_bytes: u64) -> io::Result<()> {
        let file = self.file()?;
        file.set_len(size_bytes)?;
        file.sync()?;
        self.size_bytes.store(size_bytes, Ordering::Release);
        Ok(())
    }

    /// Makes bytes written part of the segment.
    pub(crate) fn publish(&self, written_bytes: u64, now_ms: TimestampMs) {
        self.modified_ms.store(now_ms, Ordering::Relaxed);
        self.size_bytes.fetch_add(written_bytes, Ordering::Release);
    }

    /// Tells readers that what they read from now on may be anything.
    pub(crate) fn mark_changed(&self) {
        self.is_changed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.is_changed.load(Ordering::SeqCst)
    }

    /// A scan of the headers from `position`, which is a batch boundary, to the end.
    pub(crate) fn scan(&self, position: u64, next_offset: Offset) -> io::Result<Scan> {
        Ok(self.scan_of(self.file()?, position, next_offset))
    }

    /// The same over a file that may have another name.
    pub(crate) fn scan_of(
        &self,
        file: Arc<dyn DiskFile>,
        position: u64,
        next_offset: Offset,
    ) -> Scan {
        let next_offset = next_offset.max(self.base_offset);
        Scan::headers(
            file,
            self.base_offset,
            position,
            self.size_bytes(),
            next_offset,
        )
    }

    /// A scan that meets every batch with offsets from `offset` on, beginning near it. An index entry
    /// that does not point to a batch is ignored.
    pub(crate) fn scan_near(&self, offset: Offset) -> Result<Scan, Error> {
        let entry = self.indexes.read().offsets.floor(self.relative(offset));
        let entry = entry.map_err(|e| Error::io(&self.path(Kind::OffsetIndex), e))?;
        let position = match entry {
            Some(entry) if self.points_to_batch(&entry)? => entry.position,
            _ => 0,
        };
        let scan = self.scan(u64::try_from(position).unwrap_or(0), self.base_offset);
        scan.map_err(|e| self.corrupt(e.into()))
    }

    /// Whether a batch begins where the entry says and holds an offset it may hold.
    pub(crate) fn points_to_batch(&self, entry: &OffsetEntry) -> Result<bool, Error> {
        let position = u64::try_from(entry.position).unwrap_or(0);
        let scan = self.scan(position, self.base_offset);
        let mut scan = scan.map_err(|e| self.corrupt(e.into()))?;
        match scan.next() {
            Ok(scanned) => Ok(scanned
                .is_some_and(|s| self.relative(s.header.base_offset) <= entry.relative_offset)),
            Err(Stop::Bad { .. }) => Ok(false),
            Err(stop) => Err(self.corrupt(stop)),
        }
    }

    /// Says where and why a scan of this segment stopped.
    pub(crate) fn corrupt(&self, stop: Stop) -> Error {
        self.corrupt_at(&self.path(Kind::Log), stop)
    }

    /// The same of a file that may have another name.
    pub(crate) fn corrupt_at(&self, path: &Path, stop: Stop) -> Error {
        match stop {
            Stop::Io(error) => Error::io(path, error),
            Stop::Bad {
                position,
                offset,
                reason,
            } => Error::Corrupt {
                path: path.to_owned(),
                position,
                offset,
                reason,
            },
        }
    }

    /// Makes the bytes published so far durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let result = self.open_file().and_then(|file| file.sync());
        result.map_err(|e| Error::io(&self.path(Kind::Log), e))
    }
}
