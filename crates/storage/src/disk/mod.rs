//! The one seam for every file call.
//!
//! [`RealDisk`] is the operating system. [`FaultDisk`] is a disk in memory that fails, fills up and
//! forgets un-synced writes on demand, for tests.

use std::fmt;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

pub mod fault;
mod real;

pub use fault::FaultDisk;
pub use real::RealDisk;

/// What a directory holds under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Name without the directory. Names that are not UTF-8 are not listed: none of ours is.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Size of a file.
    pub size_bytes: u64,
    /// When it was last written, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// Space of the file system a directory is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Size of the file system.
    pub total_bytes: u64,
    /// What is left for this process.
    pub usable_bytes: u64,
}

/// An open file. Positions are explicit; nothing has a cursor, so a file may be shared freely.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Writes at `position` as much as the system takes in one call and returns how much that was.
    fn write_at(&self, parts: &[IoSlice<'_>], position: u64) -> io::Result<usize>;

    /// Reads at `position` until `buffer` is full or the file ends; returns how much was read.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Like [`read_at`](Self::read_at), but only what is in memory: `WouldBlock` if nothing is, less
    /// than the buffer if only a part is.
    fn read_cached_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Reserves blocks for `size_bytes` at `position` and leaves the file's size as it is. Writes there need
    /// not look for blocks any more; [`set_len`](Self::set_len), to the same size too, gives back what is
    /// reserved beyond. `Unsupported` where the file system cannot. After an error a part may be reserved.
    fn reserve(&self, position: u64, size_bytes: u64) -> io::Result<()>;

    /// Cuts or extends the file. What was reserved beyond its end is given back.
    fn set_len(&self, size_bytes: u64) -> io::Result<()>;

    /// Sets when the file was last written, in milliseconds since 1970.
    fn set_modified_ms(&self, modified_ms: i64) -> io::Result<()>;

    /// The file's size.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file is empty.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Makes the contents durable (`fdatasync`). After an error the contents are unknown: never
    /// retry. No such error looks like a want of descriptors or memory.
    fn sync(&self) -> io::Result<()>;
}

/// Released when dropped.
pub trait DiskLock: fmt::Debug + Send + Sync {
    /// Makes durable what anybody has written to the file system the lock's file is on (`syncfs`), up to
    /// barriers behind names: [`Disk::sync_dir`] comes after it. Fails if anything written there since the lock
    /// was taken is lost, once for each such loss. `Unsupported`, and nothing is synced, where such a loss might
    /// not be told.
    fn sync_file_system(&self) -> io::Result<()>;
}

/// Every call on files and directories that storage makes.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing and creates it if it is not there.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Reads a whole file, which must not be larger than `max_bytes`.
    fn read(&self, path: &Path, max_bytes: u64) -> io::Result<Vec<u8>>;

    /// Replaces a file so that a crash leaves the old or the new contents: temporary file, then
    /// rename. With `durable` the file and its directory are also synced, in that order.
    fn replace(&self, path: &Path, contents: &[u8], durable: bool) -> io::Result<()>;

    /// Renames a file or directory. Durable only after [`sync_dir`](Self::sync_dir).
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; it is no error if it is not there.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and what is in it; it is no error if it is not there.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory and its parents; it is no error if it is there.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Lists a directory, sorted by name.
    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>>;

    /// Whether there is such a file or directory.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Makes creations, renames and removals in a directory durable. A want of descriptors or memory
    /// was met before anything was synced; every other error is as [`DiskFile::sync`]'s.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Space of the file system.
    fn space(&self, path: &Path) -> io::Result<Space>;

    /// Names this run of the machine: what was written but not synced is there exactly as long as
    /// this stays the same. `None` if the system does not tell.
    fn boot_id(&self) -> Option<String>;

    /// Takes an exclusive lock on a file, creating it. `WouldBlock` if another process has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;
}

/// Whether a file could not be opened for want of descriptors or memory, which may pass.
pub(crate) fn is_short_of_resources(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
        || [Errno::MFILE, Errno::NFILE]
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Whether the device itself is in trouble, or the file system has given up on it: nothing in the
/// directory can be relied on any more. A full disk is none of that.
pub(crate) fn is_device_failure(error: &io::Error) -> bool {
    const TROUBLE: [Errno; 7] = [
        Errno::IO,
        Errno::NXIO,
        Errno::NODEV,
        Errno::ROFS,
        Errno::STALE,
        Errno::UCLEAN,
        Errno::REMOTEIO,
    ];
    TROUBLE
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// What a failed fsync returns: nothing that [`is_short_of_resources`], for it never passes.
fn fsync_failed(error: io::Error) -> io::Error {
    if is_short_of_resources(&error) {
        return io::Error::other(error);
    }
    error
}

/// Writes everything, however many calls that takes. After an error the file may hold a part of it:
/// the caller cuts it back.
pub(crate) fn write_all_at(
    file: &dyn DiskFile,
    mut parts: &mut [IoSlice<'_>],
    mut position: u64,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        let written = file.write_at(parts, position)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        position += written as u64;
        IoSlice::advance_slices(&mut parts, written);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
