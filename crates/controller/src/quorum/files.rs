//! The file calls of the quorum: what they create is durable when they return.
//!
//! A file is durable when its bytes and its name are: `fdatasync` of the file, `fsync` of the folder
//! (and of the folder's own parent if that is new).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    open(dir)?.sync_all()
}

/// Opens for reading.
#[expect(
    clippy::disallowed_methods,
    reason = "the quorum's own seam for files; it may not know storage"
)]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens for reading and writing, creating the file if it is missing.
#[expect(
    clippy::disallowed_methods,
    reason = "the quorum's own seam for files; it may not know storage"
)]
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Puts `parts` under `path`, all or nothing: a crash leaves the old content or the new.
pub(crate) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let tmp = tmp_path(path);
    write_synced(&tmp, parts)?;
    rename(&tmp, path)
}

/// Where something is made that will be renamed to `path`. Left over after a crash, and void.
pub(crate) fn tmp_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TMP_SUFFIX);
    name.into()
}

/// Ends the names of files that were never finished.
pub(crate) const TMP_SUFFIX: &str = ".tmp";

fn write_synced(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    write(path, parts)?.sync_all()
}

/// Writes a file of exactly these parts, durable only once [`sync_tree`] or somebody else syncs it.
pub(crate) fn write(path: &Path, parts: &[&[u8]]) -> io::Result<File> {
    let mut file = open_or_create(path)?;
    file.set_len(0)?;
    for part in parts {
        file.write_all(part)?;
    }
    Ok(file)
}

/// Makes a whole folder durable, with everything in it. All at once: a journaling file system then
/// commits once or twice, not once per file.
pub(crate) fn sync_tree(dir: &Path) -> io::Result<()> {
    let mut paths = Vec::new();
    list_tree(dir, &mut paths)?;
    let sync = |path: &PathBuf| open(path)?.sync_all();
    thread::scope(|scope| {
        let syncs: Vec<_> = paths
            .iter()
            .map(|path| scope.spawn(|| sync(path)))
            .collect();
        syncs.into_iter().try_for_each(|thread| {
            let died = |_panic| Err(io::Error::other("a thread died"));
            thread.join().unwrap_or_else(died)
        })
    })
}

fn list_tree(dir: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    paths.push(dir.to_owned());
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list_tree(&entry.path(), paths)?;
        } else {
            paths.push(entry.path());
        }
    }
    Ok(())
}

/// Renames a file or folder, durably. The target must not be, or be an empty folder or a file.
#[expect(
    clippy::disallowed_methods,
    reason = "the quorum's own seam for files; the folder is synced right here"
)]
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), sync_dir)
}

/// Reads a whole file, `None` if there is none.
///
/// # Errors
/// Besides what the disk says: `InvalidData` for a file larger than `bytes_max`.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    if size > bytes_max {
        let message = format!("{} has {size} bytes, more than it can have", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Removes a file, durably. A file that is gone already is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_dir),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_leaves_nothing_behind() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("file");
        assert_eq!(read(&path, 10)?, None);
        replace(&path, &[b"old and long"])?;
        replace(&path, &[b"n", b"ew"])?;
        assert_eq!(read(&path, 10)?, Some(b"new".to_vec()));
        assert_eq!(fs::read_dir(dir.path())?.count(), 1);
        remove(&path)?;
        remove(&path)?;
        assert_eq!(read(&path, 10)?, None);
        Ok(())
    }

    #[test]
    fn a_file_larger_than_allowed_is_not_read() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("file");
        replace(&path, &[&[0; 11]])?;
        let error = read(&path, 10).expect_err("too large");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        Ok(())
    }
}
