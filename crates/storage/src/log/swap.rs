//! Putting a cleaned segment into the place of those it was made from.
//!
//! ```text
//!  1  ….log.cleaned  ….index.cleaned  ….timeindex.cleaned      written and synced, beside the log
//!  2  ….index.swap  ….timeindex.swap  ….log.swap               from the last rename on it counts
//!  3  fsync of the directory                                   without the log's lock
//!  4  the old files ▶ ….deleted, the new ones ▶ ….index, ….timeindex, ….log
//! ```
//!
//! Killed before the end of 2, the log is as it was: `.cleaned` files are removed when it is opened.
//! Killed later, opening it goes on with 4. What is renamed to `.deleted` is removed after
//! `file.delete.delay.ms`, as after retention. Readers of the old segments are told that the log has
//! changed and look again.
//!
//! Files are created, renamed and removed by name only under the log's lock and while it is in
//! service: another log may get the same names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use types::{Offset, TimestampMs};

use super::Log;
use super::cleaning::Pending;
use crate::Error;
use crate::disk::DiskFile;
use crate::files::names::{self, Kind};
use crate::segment::Segment;

/// The kinds of files a cleaned segment has, in the order in which they are renamed.
const KINDS: [Kind; 4] = [
    Kind::TransactionIndex,
    Kind::OffsetIndex,
    Kind::TimeIndex,
    Kind::Log,
];

/// Open, empty files for a segment that is being written anew.
#[derive(Debug)]
pub(crate) struct CleanedFiles {
    pub(crate) log: Arc<dyn DiskFile>,
    pub(crate) offsets: Arc<dyn DiskFile>,
    pub(crate) times: Arc<dyn DiskFile>,
    /// Only if one of the old segments has one.
    pub(crate) transactions: Option<Arc<dyn DiskFile>>,
}

/// Old segments, and the offset after the last of them (exclusive).
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) end_offset: Offset,
}

impl Group {
    pub(crate) fn base_offset(&self) -> Offset {
        self.segments.first().map_or(0, |s| s.base_offset())
    }

    fn pending(&self) -> Pending {
        Pending {
            base_offset: self.base_offset(),
            end_offset: self.end_offset,
        }
    }
}

/// Where a file is while it is not in its place.
pub(super) fn beside(dir: &Path, offset: Offset, kind: Kind, suffix: &str) -> PathBuf {
    let mut path = names::path(dir, offset, kind).into_os_string();
    path.push(suffix);
    path.into()
}

impl Log {
    /// Creates the files of step 1.
    ///
    /// # Errors
    /// If the log is out of service, or the disk refuses.
    pub(crate) fn create_cleaned(
        &mut self,
        base_offset: Offset,
        has_transactions: bool,
    ) -> Result<CleanedFiles, Error> {
        self.check_online()?;
        self.cancel_swap()?;
        let create = |kind| {
            let path = beside(&self.dir, base_offset, kind, names::CLEANED);
            let created = self.disk().create(&path).and_then(|file| {
                file.set_len(0)?;
                Ok(file)
            });
            created.map_err(|e| Error::io(&path, e))
        };
        Ok(CleanedFiles {
            log: create(Kind::Log)?,
            offsets: create(Kind::OffsetIndex)?,
            times: create(Kind::TimeIndex)?,
            transactions: match has_transactions {
                true => Some(create(Kind::TransactionIndex)?),
                false => None,
            },
        })
    }

    /// Removes what steps 1 and 2 have left behind, as far as that can be done.
    pub(crate) fn discard_cleaned(&mut self, base_offset: Offset) {
        if self.offline.is_some() {
            return;
        }
        if let Err(error) = self.cancel_swap() {
            tracing::warn!(partition = %self.topic_partition, %error, "compaction not undone yet");
        }
        for kind in KINDS {
            let path = beside(&self.dir, base_offset, kind, names::CLEANED);
            if let Err(error) = self.disk().remove(&path) {
                tracing::warn!(path = %path.display(), %error, "not removed");
            }
        }
    }

    /// Whether the group's segments are still in the log, one after the other.
    fn has_group(&self, group: &Group) -> bool {
        let first = self.segment_of(group.base_offset());
        let found = self.segments.iter().skip(first);
        let is_same = found.zip(&group.segments).all(|(a, b)| Arc::ptr_eq(a, b));
        // The active segment is never one of them.
        is_same && first + group.segments.len() < self.segments.len()
    }

    /// Step 2. `false` if the log has changed so that the group is gone.
    ///
    /// # Errors
    /// If the log is out of service, or the disk refuses: the log is as it was.
    pub(crate) fn commit_cleaned(
        &mut self,
        group: &Group,
        has_transactions: bool,
    ) -> Result<bool, Error> {
        self.check_online()?;
        if !self.has_group(group) {
            return Ok(false);
        }
        self.cleaning.pending = Some(group.pending());
        for kind in KINDS {
            if kind == Kind::TransactionIndex && !has_transactions {
                continue;
            }
            let from = beside(&self.dir, group.base_offset(), kind, names::CLEANED);
            let to = beside(&self.dir, group.base_offset(), kind, names::SWAP);
            if let Err(error) = self.disk().rename(&from, &to) {
                let error = Error::io(&from, error);
                self.cancel_swap()?;
                return Err(error);
            }
        }
        Ok(true)
    }

    /// Step 4, with `cleaned` as the segment over the new files. `false` if the log has changed
    /// meanwhile so that the group is gone; nothing of it is on disk any more then.
    ///
    /// # Errors
    /// If the disk refuses. Once a file was renamed, the log is offline then: opening it again
    /// finishes the work.
    pub(crate) fn finish_swap(
        &mut self,
        group: &Group,
        cleaned: Segment,
        now_ms: TimestampMs,
    ) -> Result<bool, Error> {
        self.check_online()?;
        if self.cleaning.pending != Some(group.pending()) {
            return Ok(false);
        }
        if !self.has_group(group) {
            self.cancel_swap()?;
            return Ok(false);
        }
        for (i, segment) in group.segments.iter().enumerate() {
            if let Err(error) = self.rename_away(segment, now_ms) {
                // The very first rename has changed nothing, except that readers look again.
                let is_untouched = i == 0 && self.is_in_place(segment);
                return Err(self.on_failed_swap(error, is_untouched));
            }
        }
        for kind in KINDS {
            let from = beside(&self.dir, group.base_offset(), kind, names::SWAP);
            let to = names::path(&self.dir, group.base_offset(), kind);
            match self.disk().rename(&from, &to) {
                Ok(()) => {}
                Err(error)
                    if error.kind() == std::io::ErrorKind::NotFound
                        && kind == Kind::TransactionIndex => {}
                Err(error) => {
                    let error = Error::io(&from, error);
                    return Err(self.on_failed_swap(error, false));
                }
            }
        }
        let first = self.segment_of(group.base_offset());
        let replaced = first..first + group.segments.len();
        self.change_segments(|segments| {
            segments.splice(replaced, [Arc::new(cleaned)]);
        });
        self.cleaning.pending = None;
        self.mark_names();
        self.remove_surplus_snapshots();
        Ok(true)
    }

    fn is_in_place(&self, segment: &Segment) -> bool {
        self.disk()
            .exists(&segment.path(Kind::Log))
            .unwrap_or(false)
    }

    fn on_failed_swap(&mut self, error: Error, is_untouched: bool) -> Error {
        let error = self.dir_state.judge(error);
        if is_untouched && !error.is_offline() {
            return match self.put_back_marked() {
                Ok(()) => error,
                Err(offline) => offline,
            };
        }
        let offline = self.go_offline(format!("swapping a compacted segment failed: {error}"));
        if error.is_offline() { error } else { offline }
    }

    /// Drops the swap and lets readers in again.
    fn put_back_marked(&mut self) -> Result<(), Error> {
        self.cancel_swap()?;
        self.change_segments(|segments| {
            for segment in segments.iter_mut().filter(|s| s.is_changed()) {
                *segment = Arc::new(segment.again());
            }
        });
        Ok(())
    }

    /// Drops a swap that has been committed and not finished, before something else is done to its
    /// segments. Durable with the next sync of the directory.
    ///
    /// # Errors
    /// If its files cannot be removed. As they would undo, at the next start, what is to be done now, it
    /// must not be done then.
    pub(super) fn cancel_swap(&mut self) -> Result<(), Error> {
        let Some(pending) = self.cleaning.pending else {
            return Ok(());
        };
        for kind in KINDS.into_iter().rev() {
            let path = beside(&self.dir, pending.base_offset, kind, names::SWAP);
            let removed = self.disk().remove(&path);
            removed.map_err(|e| self.dir_state.judge(Error::io(&path, e)))?;
        }
        self.cleaning.pending = None;
        self.mark_names();
        Ok(())
    }

    /// Drops a committed swap if it reaches to `offset` or beyond.
    pub(super) fn cancel_swap_from(&mut self, offset: Offset) -> Result<(), Error> {
        match self.cleaning.pending {
            Some(pending) if pending.end_offset > offset => self.cancel_swap(),
            _ => Ok(()),
        }
    }
}
