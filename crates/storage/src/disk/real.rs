//! The operating system's files.

use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use rustix::fs::{FallocateFlags, FlockOperation, Mode, OFlags, Timespec, Timestamps};
use rustix::io::{Errno, ReadWriteFlags};

use super::{DirEntry, Disk, DiskFile, DiskLock, Space, fsync_failed};

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

#[derive(Debug)]
struct RealFile {
    fd: OwnedFd,
}

/// Both kinds of lock, because each keeps out somebody the other does not: `fcntl` is what a JVM
/// takes, `flock` also excludes another opening within this process.
#[derive(Debug)]
struct RealLock {
    fd: OwnedFd,
}

impl DiskLock for RealLock {
    fn sync_file_system(&self) -> io::Result<()> {
        let fd = &self.fd;
        let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let file_system = rustix::fs::fstatfs(fd)?.f_type;
        if !tells_losses(&release) || !SYNCED_AS_A_WHOLE.contains(&file_system) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        rustix::fs::syncfs(fd).map_err(|errno| fsync_failed(errno.into()))
    }
}

/// ext2 to ext4, and XFS: `syncfs` writes back everything and knows of all losses. Others do nothing at all
/// (FUSE), or do not hear of what the file system below them has lost (overlayfs).
const SYNCED_AS_A_WHOLE: [i64; 2] = [0xef53, 0x5846_5342];

/// Whether `syncfs` of that kernel tells of data that could not be written: since 5.8.
fn tells_losses(release: &str) -> bool {
    let mut numbers = release.split('.').map(|number| number.parse::<u32>().ok());
    let version = numbers.next().flatten().zip(numbers.next().flatten());
    version.is_some_and(|version| version >= (5, 8))
}

const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

fn open_file(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, flags | OFlags::CLOEXEC, FILE_MODE)?)
}

/// Repeats a call that a signal interrupted.
fn uninterrupted<T>(mut call: impl FnMut() -> Result<T, Errno>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, parts: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
        uninterrupted(|| rustix::io::pwritev(&self.fd, parts, position))
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = position + filled as u64;
            let read = uninterrupted(|| rustix::io::pread(&self.fd, &mut buffer[filled..], at))?;
            if read == 0 {
                break;
            }
            filled += read;
        }
        Ok(filled)
    }

    fn read_cached_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let result = uninterrupted(|| {
            let parts = &mut [IoSliceMut::new(buffer)];
            rustix::io::preadv2(&self.fd, parts, position, ReadWriteFlags::NOWAIT)
        });
        match result {
            // File systems that cannot promise not to wait.
            Err(error) if error.raw_os_error() == Some(Errno::OPNOTSUPP.raw_os_error()) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            result => result,
        }
    }

    fn reserve(&self, position: u64, size_bytes: u64) -> io::Result<()> {
        let flags = FallocateFlags::KEEP_SIZE;
        uninterrupted(|| rustix::fs::fallocate(&self.fd, flags, position, size_bytes))
    }

    fn set_len(&self, size_bytes: u64) -> io::Result<()> {
        uninterrupted(|| rustix::fs::ftruncate(&self.fd, size_bytes))
    }

    fn set_modified_ms(&self, modified_ms: i64) -> io::Result<()> {
        let time = Timespec {
            tv_sec: modified_ms.div_euclid(1000),
            tv_nsec: modified_ms.rem_euclid(1000) * 1_000_000,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        uninterrupted(|| rustix::fs::futimens(&self.fd, &times))
    }

    fn len(&self) -> io::Result<u64> {
        let stat = uninterrupted(|| rustix::fs::fstat(&self.fd))?;
        u64::try_from(stat.st_size).map_err(io::Error::other)
    }

    fn sync(&self) -> io::Result<()> {
        uninterrupted(|| rustix::fs::fdatasync(&self.fd)).map_err(fsync_failed)
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let fd = open_file(path, OFlags::RDWR)?;
        Ok(Arc::new(RealFile { fd }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let fd = open_file(path, OFlags::RDWR | OFlags::CREATE)?;
        Ok(Arc::new(RealFile { fd }))
    }

    fn read(&self, path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
        let file = RealFile {
            fd: open_file(path, OFlags::RDONLY)?,
        };
        let size = file.len()?;
        if size > max_bytes {
            let message = format!("{size} bytes, expected at most {max_bytes}");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let mut contents = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        let read = file.read_at(&mut contents, 0)?;
        contents.truncate(read);
        Ok(contents)
    }

    fn replace(&self, path: &Path, contents: &[u8], durable: bool) -> io::Result<()> {
        let temporary = temporary_name(path);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC;
        let file = RealFile {
            fd: open_file(&temporary, flags)?,
        };
        super::write_all_at(&file, &mut [IoSlice::new(contents)], 0)?;
        if durable {
            file.sync()?;
        }
        self.rename(&temporary, path)?;
        match path.parent() {
            Some(parent) if durable => self.sync_dir(parent),
            _ => Ok(()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(rustix::fs::rename(from, to)?)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        absent_is_fine(fs::remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        absent_is_fine(fs::remove_dir_all(path))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // Files may go while we look: a listing is only ever a hint.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let modified = metadata.modified()?.duration_since(UNIX_EPOCH);
            entries.push(DirEntry {
                name,
                is_dir: metadata.is_dir(),
                size_bytes: metadata.len(),
                modified_ms: modified.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(0)),
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let fd = open_file(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        uninterrupted(|| rustix::fs::fsync(&fd)).map_err(fsync_failed)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let stat = uninterrupted(|| rustix::fs::statvfs(path))?;
        Ok(Space {
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            usable_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }

    fn boot_id(&self) -> Option<String> {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let fd = open_file(path, OFlags::RDWR | OFlags::CREATE)?;
        rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
        match rustix::fs::fcntl_lock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Box::new(RealLock { fd })),
            // POSIX allows either errno for a lock that somebody else holds.
            Err(Errno::ACCESS) => Err(io::ErrorKind::WouldBlock.into()),
            Err(errno) => Err(errno.into()),
        }
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Where [`Disk::replace`] writes before it renames.
pub(super) fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_that_tell_of_losses_are_known_by_their_release() {
        for release in ["5.8.0", "5.10.0-21-amd64", "6.18.44-fc", "10.0"] {
            assert!(tells_losses(release), "{release}");
        }
        for release in ["5.7.19", "4.19.0-27", "5", "", "six.one"] {
            assert!(!tells_losses(release), "{release}");
        }
    }

    #[test]
    fn a_file_system_is_synced_or_it_is_said_that_it_cannot_be() {
        let dir = tempfile::tempdir().unwrap();
        let lock = RealDisk.lock(&dir.path().join("lock")).unwrap();
        match lock.sync_file_system() {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            result => result.unwrap(),
        }
    }
}
