//! Snapshots as files: one file each, whole or not there.
//!
//! ```text
//! magic(4) version(1) meta_length(4) data_length(8) crc32c(4, of all that follows) meta data
//! ```
//!
//! A new one is written beside the old one and renamed when it is durable; only then the old one
//! goes, and only after that may the log be purged.

use std::io;
use std::path::{Path, PathBuf};

use bytes::{Buf, Bytes};
use prost::Message;
use rpc::proto::quorum::v1 as wire;

use super::{OpenError, StoredSnapshot};
use crate::quorum::files;
use crate::quorum::wire::{WireError, snapshot_meta_from_wire, snapshot_meta_to_wire};

const DIR_NAME: &str = "snapshots";
const SUFFIX: &str = ".snapshot";
const MAGIC: &[u8; 4] = b"RQS1";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 21;
/// A larger snapshot could be written, and not be read again.
pub(crate) const FILE_BYTES_MAX: u64 = 4 << 30;

pub(super) fn dir(store_dir: &Path) -> PathBuf {
    store_dir.join(DIR_NAME)
}

/// Stores a snapshot and then removes those before it. Does nothing if a newer one is there.
pub(super) fn save(store_dir: &Path, snapshot: &StoredSnapshot) -> io::Result<()> {
    let dir = dir(store_dir);
    let name = file_name(snapshot);
    if file_names(&dir)?.iter().any(|other| *other > name) {
        return Ok(());
    }
    let meta = snapshot_meta_to_wire(&snapshot.meta).encode_to_vec();
    let header = header(&meta, &snapshot.data)?;
    files::replace(&dir.join(&name), &[&header, &meta, &snapshot.data])?;
    for other in file_names(&dir)? {
        if other != name {
            files::remove(&dir.join(other))?;
        }
    }
    Ok(())
}

/// Names sort by how much the snapshot covers; the term tells apart what two leaders made.
fn file_name(snapshot: &StoredSnapshot) -> String {
    let last = snapshot.meta.last_log_id;
    let (term, index) = last.map_or((0, 0), |id| (id.leader_id.term, id.index));
    format!("{index:020}-{term:010}{SUFFIX}")
}

fn header(meta: &[u8], data: &[u8]) -> io::Result<Vec<u8>> {
    let meta_length = u32::try_from(meta.len()).map_err(io::Error::other)?;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(meta), data);
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(MAGIC);
    header.push(VERSION);
    header.extend_from_slice(&meta_length.to_be_bytes());
    header.extend_from_slice(&(data.len() as u64).to_be_bytes());
    header.extend_from_slice(&checksum.to_be_bytes());
    Ok(header)
}

/// Loads the newest snapshot. Files that were never finished are removed.
///
/// # Errors
/// The newest snapshot is damaged. An older one would not do: the log that would follow it may be
/// gone.
pub(super) fn load(store_dir: &Path) -> Result<Option<StoredSnapshot>, OpenError> {
    let dir = dir(store_dir);
    let Some(newest) = file_names(&dir)?.into_iter().max() else {
        return Ok(None);
    };
    let bytes = files::read(&dir.join(&newest), FILE_BYTES_MAX)?.unwrap_or_default();
    let damaged = |what: String| OpenError::Unreadable(format!("snapshot {newest}: {what}"));
    let snapshot = parse(bytes.into()).map_err(|error| damaged(error.to_string()))?;
    if file_name(&snapshot) != newest {
        return Err(damaged("it is another one under this name".to_owned()));
    }
    Ok(Some(snapshot))
}

/// Finished snapshots. Removes the others on the way.
fn file_names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.ends_with(files::TMP_SUFFIX) {
            files::remove(&entry.path())?;
        } else if name.ends_with(SUFFIX) {
            names.push(name);
        }
    }
    Ok(names)
}

#[derive(Debug, thiserror::Error)]
enum ParseError {
    #[error("not a snapshot, or of a newer version")]
    Foreign,
    #[error("it has {found} bytes instead of {expected}")]
    Length { expected: u64, found: u64 },
    #[error("its checksum is wrong")]
    Checksum,
    #[error(transparent)]
    Meta(#[from] WireError),
}

fn parse(mut bytes: Bytes) -> Result<StoredSnapshot, ParseError> {
    if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) || bytes[MAGIC.len()] != VERSION {
        return Err(ParseError::Foreign);
    }
    bytes.advance(MAGIC.len() + 1);
    let meta_length = bytes.get_u32();
    let data_length = bytes.get_u64();
    let checksum = bytes.get_u32();
    let (expected, found) = (
        u64::from(meta_length).saturating_add(data_length),
        bytes.len() as u64,
    );
    if expected != found {
        return Err(ParseError::Length { expected, found });
    }
    if crc32c::crc32c(&bytes) != checksum {
        return Err(ParseError::Checksum);
    }
    let meta = bytes.split_to(meta_length as usize);
    let meta = wire::SnapshotMeta::decode(meta).map_err(WireError::from)?;
    Ok(StoredSnapshot {
        meta: snapshot_meta_from_wire(meta)?,
        data: bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::testing::snapshot;

    fn store() -> tempfile::TempDir {
        let store = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir(store.path())).expect("created");
        store
    }

    #[test]
    fn the_newest_snapshot_replaces_the_others() {
        let store = store();
        assert_eq!(load(store.path()).expect("none yet"), None);
        for index in [9, 10, 100, 50] {
            save(store.path(), &snapshot(2, index, b"records")).expect("saved");
        }
        let newest = load(store.path()).expect("intact");
        assert_eq!(newest, Some(snapshot(2, 100, b"records")));
        assert_eq!(file_names(&dir(store.path())).expect("listed").len(), 1);
    }

    #[test]
    fn a_snapshot_that_was_never_finished_is_swept_away() {
        let store = store();
        save(store.path(), &snapshot(1, 5, b"whole")).expect("saved");
        let torn = dir(store.path()).join("00000000000000000009-0000000001.snapshot.tmp");
        std::fs::write(&torn, b"RQS1").expect("written");
        assert_eq!(
            load(store.path()).expect("intact"),
            Some(snapshot(1, 5, b"whole"))
        );
        assert!(!torn.try_exists().expect("a folder to look into"));
    }

    #[test]
    fn a_snapshot_cut_or_flipped_at_any_byte_is_refused() {
        let store = store();
        save(store.path(), &snapshot(1, 5, b"some records of metadata")).expect("saved");
        let names = file_names(&dir(store.path())).expect("listed");
        let path = dir(store.path()).join(&names[0]);
        let whole = std::fs::read(&path).expect("readable");
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            assert!(load(store.path()).is_err(), "cut at {cut}");
            let mut flipped = whole.clone();
            flipped[cut] ^= 0x10;
            std::fs::write(&path, &flipped).expect("written");
            assert!(load(store.path()).is_err(), "flipped at {cut}");
        }
    }
}
