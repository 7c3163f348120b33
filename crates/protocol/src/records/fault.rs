//! Why one record could not be read, before it is known which one it was.

use std::io;

use super::compression::{self, Compression};
use super::error::BatchError;

/// A damaged record, or trouble of the decompressor under it.
#[derive(Debug)]
pub(super) enum Fault {
    Record(&'static str),
    Io(io::Error),
}

impl Fault {
    /// Says where it happened.
    pub(super) fn at(self, index: i32, compression: Compression) -> BatchError {
        let reason = match self {
            Self::Record(reason) => reason,
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => "ends early",
            Self::Io(error) => return compression::into_batch_error(compression, &error),
        };
        BatchError::Record { index, reason }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
