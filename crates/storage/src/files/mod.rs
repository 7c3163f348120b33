//! The small files beside the segments, each in Kafka's own form: read into a value or refused,
//! written from a value. Nothing here touches a disk, and nothing panics on what it reads.

pub(crate) mod checkpoint;
pub(crate) mod clean_shutdown;
pub(crate) mod meta_properties;
pub(crate) mod names;
pub(crate) mod partition_metadata;

/// A file's contents are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(crate) struct ParseError {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) reason: String,
}

impl ParseError {
    pub(crate) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self {
            line,
            reason: reason.into(),
        }
    }
}

/// Files larger than this are not ours: a million partitions fit.
pub(crate) const SMALL_FILE_BYTES_MAX: u64 = 512 << 20;
