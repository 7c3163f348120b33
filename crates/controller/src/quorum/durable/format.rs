//! Making a store.
//!
//! Everything is made in a folder beside, synced, and brought to its place by one rename. So a store
//! is there as a whole or not at all, and whatever is missing inside of it later was lost.

use std::path::Path;

use super::sled_log::SledLog;
use super::witness::Witness;
use super::{Identity, OpenError, snapshot_file};
use crate::quorum::files;

/// Makes an empty store at `dir`, durably.
///
/// # Errors
/// There is something at `dir` already, or the disk failed.
pub(super) fn create(dir: &Path, identity: &Identity) -> Result<(), OpenError> {
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(parent) = parent {
        std::fs::create_dir_all(parent)?;
    }
    let tmp = files::tmp_path(dir);
    if tmp.try_exists()? {
        std::fs::remove_dir_all(&tmp)?;
    }
    std::fs::create_dir(&tmp)?;
    std::fs::create_dir(snapshot_file::dir(&tmp))?;
    Witness::create(&tmp)?;
    SledLog::create(&tmp, identity)?;
    identity.write(&tmp)?;
    files::sync_tree(&tmp)?;
    files::rename(&tmp, dir)?;
    // The parent may be new too.
    if let Some(above) = parent
        .and_then(Path::parent)
        .filter(|p| !p.as_os_str().is_empty())
    {
        files::sync_dir(above)?;
    }
    Ok(())
}
