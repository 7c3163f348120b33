//! Why a controller cannot start, and what to do about it.

use std::path::PathBuf;

use crate::quorum::{OpenError, QuorumError, StopReason};

/// Why a controller cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store was there once and is gone, damaged, or has lost its newest part.
    #[error(
        "the metadata quorum's store in {} cannot be used: {reason}. This node must not vote with \
         it, because it may have forgotten what it promised. If there are other voters: move the \
         directory away, format this node as a new voter with a new directory id and add it to the \
         quorum. If this was the only voter: restore the directory from a backup", dir.display()
    )]
    LostStore {
        /// Where the store is, or was.
        dir: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The store is another node's.
    #[error(
        "the metadata quorum's store in {} belongs to {field} {found}, not {expected}; check \
         node.id and metadata.log.dir", dir.display()
    )]
    ForeignStore {
        /// Where the store is.
        dir: PathBuf,
        /// Which part of the identity differs.
        field: &'static str,
        /// What stands in the store.
        found: String,
        /// What the configuration says.
        expected: String,
    },
    /// Another process has the store open.
    #[error(
        "another process is using the metadata quorum's store in {}; is a server running already?",
        dir.display()
    )]
    LockedStore {
        /// Where the store is.
        dir: PathBuf,
    },
    /// The disk failed.
    #[error("the metadata quorum's store in {} cannot be used: {source}", dir.display())]
    Disk {
        /// Where the store is.
        dir: PathBuf,
        /// What the disk said.
        source: std::io::Error,
    },
    /// The quorum knows this controller by another disk.
    #[error("{0}")]
    ReplacedDisk(String),
    /// Anything else.
    #[error("the metadata quorum cannot go on: {0}")]
    Quorum(String),
}

impl Error {
    /// Exit code of a process that stops because its store cannot be used. A supervisor should not
    /// start it again and again.
    pub const EXIT_CODE_STORE: u8 = 5;
    /// Exit code of a process whose disk is not the one that votes under its id. Starting it again
    /// changes nothing.
    pub const EXIT_CODE_REPLACED_DISK: u8 = 7;

    /// The exit code for this error.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::LostStore { .. }
            | Self::ForeignStore { .. }
            | Self::LockedStore { .. }
            | Self::Disk { .. } => Self::EXIT_CODE_STORE,
            Self::ReplacedDisk(_) => Self::EXIT_CODE_REPLACED_DISK,
            Self::Quorum(_) => 1,
        }
    }

    pub(crate) fn from_quorum(error: QuorumError, dir: PathBuf) -> Self {
        match error {
            QuorumError::Open(error) => Self::from_open(error, dir),
            QuorumError::Raft(reason) => Self::Quorum(reason),
        }
    }

    pub(crate) fn from_stop(reason: StopReason) -> Self {
        match reason {
            StopReason::ReplacedDisk { .. } => Self::ReplacedDisk(reason.to_string()),
            StopReason::Raft(reason) => Self::Quorum(reason),
        }
    }

    fn from_open(error: OpenError, dir: PathBuf) -> Self {
        match error {
            OpenError::Missing(_) | OpenError::Lost(_) | OpenError::Unreadable(_) => {
                let reason = error.to_string();
                Self::LostStore { dir, reason }
            }
            OpenError::Foreign {
                field,
                found,
                expected,
            } => Self::ForeignStore {
                dir,
                field,
                found,
                expected,
            },
            OpenError::Locked => Self::LockedStore { dir },
            OpenError::Io(source) => Self::Disk { dir, source },
        }
    }
}
