//! Logs that nobody has written to yet: they are in memory alone, and cost the disk nothing.
//!
//! ```text
//!   unborn ─▶ no folder ──first write──▶ be_born: folder, whose it is, first segment, epochs ─▶ as any other
//! ```
//!
//! A start that finds no folder makes such a log anew, as empty as it was. Epochs that begin in an empty log
//! say nothing about records, so nothing is lost with them.

use std::sync::Arc;

use super::listing::check_topic_id;
use super::open::create_dir;
use super::{Log, LogDeps, OpenOptions};
use crate::Error;
use crate::dir_state::DirState;
use crate::segment::Segment;

impl Log {
    /// A log that begins at offset 0 and has no folder. There must be none, nor checkpoints of one.
    pub(crate) fn unborn(options: OpenOptions, deps: LogDeps, dir_state: DirState) -> Self {
        let mut log = Self {
            is_unborn: true,
            ..Self::blank(options, deps, dir_state)
        };
        let now_ms = log.now_ms();
        let segment = Segment::unborn(log.disk(), &log.dir, 0, now_ms);
        log.segments = Arc::new([Arc::new(segment)]);
        log.start_active(0, now_ms);
        log
    }

    /// Whether the log has no folder yet, or at most what a first write that failed has left.
    pub(crate) fn is_unborn(&self) -> bool {
        self.is_unborn
    }

    /// Makes the folder of a log that has none. Durable with the first records. After an error the next write
    /// does it again.
    pub(super) fn be_born(&mut self) -> Result<(), Error> {
        if !self.is_unborn {
            return Ok(());
        }
        create_dir(self.disk(), &self.dir)?;
        check_topic_id(self.disk(), &self.dir, self.topic_id)?;
        self.active_segment().create_file()?;
        if !self.epochs.entries().is_empty() {
            self.write_epochs(&self.epochs)?;
        }
        self.is_unborn = false;
        // Counted once it is there: a sync of the directory takes all that were counted before.
        self.unsynced.folder = Some(self.dir_state.note_folder());
        Ok(())
    }
}
