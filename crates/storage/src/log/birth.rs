//! Logs that nobody has written to yet: they are in memory alone, and cost the disk nothing.
//!
//! ```text
//!   unborn ─▶ no folder ──first write──▶ be_born: folder, whose it is, first segment ──first flush──▶ epochs
//! ```
//!
//! A start that finds no folder makes such a log anew, as empty as it was. Epochs that begin in an empty log
//! say nothing about records, so nothing is lost with them. Those of the first records are in the records: a
//! start that finds no file of them reads them there, and the file can wait for the first flush.

use std::sync::Arc;

use super::listing::{check_topic_id, write_topic_id};
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
        let is_new = create_dir(self.disk(), &self.dir)?;
        match self.topic_id {
            Some(topic_id) if is_new => write_topic_id(self.disk(), &self.dir, topic_id)?,
            // What a first write that failed has left.
            topic_id => drop(check_topic_id(self.disk(), &self.dir, topic_id)?),
        }
        self.active_segment().create_file()?;
        self.is_unborn = false;
        self.is_epochs_file_due = true;
        // Counted once it is there: a sync of the directory takes all that were counted before.
        self.unsynced.folder = Some(self.dir_state.note_folder());
        Ok(())
    }

    /// Writes the first file of epochs, with the first flush.
    pub(super) fn write_first_epochs(&mut self) -> Result<(), Error> {
        if self.is_epochs_file_due {
            self.write_epochs(&self.epochs)?;
            self.is_epochs_file_due = false;
            // Not only with the folder: that may be synced already, if there was no room for this file then.
            self.unsynced.epochs = true;
            self.unsynced.names = true;
        }
        Ok(())
    }
}
