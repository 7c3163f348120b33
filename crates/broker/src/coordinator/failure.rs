//! Why groups are not served, and the one place where that becomes a code of the protocol.

use std::fmt;

use protocol::records::BuildError;
use types::ErrorCode;

use crate::partition::{AppendFailure, MayNot};

/// Why a request is not decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// This broker does not lead the group's partition, or has lost it while the request waited.
    NotHere,
    /// Its log is still being read.
    Loading,
    /// Nothing can be written now: too few replicas are in sync, or the disk is full.
    CannotWrite,
    /// The cluster may have given the group to another broker without this one knowing.
    CutOff,
    /// A group must have a name here.
    EmptyId,
}

impl Refusal {
    pub(super) const fn code(self) -> ErrorCode {
        match self {
            Self::NotHere | Self::CutOff => ErrorCode::NotCoordinator,
            Self::Loading => ErrorCode::CoordinatorLoadInProgress,
            Self::CannotWrite => ErrorCode::CoordinatorNotAvailable,
            Self::EmptyId => ErrorCode::InvalidGroupId,
        }
    }
}

impl From<MayNot> for Refusal {
    fn from(why: MayNot) -> Self {
        match why {
            MayNot::NotLeader => Self::NotHere,
            MayNot::TooFewInSync | MayNot::NoRoom => Self::CannotWrite,
        }
    }
}

/// Why a batch could not be written although it might have been a moment ago.
#[derive(Debug)]
pub(super) enum WriteFailure {
    /// A record cannot be written down.
    Encode(::coordinator::RecordError),
    /// The batch cannot be built.
    Build(BuildError),
    /// The batch would be larger than any should be.
    TooLarge,
    /// The partition refused it.
    Append(AppendFailure),
}

impl fmt::Display for WriteFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => write!(f, "{error}"),
            Self::Build(error) => write!(f, "{error}"),
            Self::TooLarge => f.write_str("the batch is too large"),
            Self::Append(AppendFailure::Log { error, .. }) => write!(f, "{error}"),
            Self::Append(failure) => write!(f, "{failure:?}"),
        }
    }
}
