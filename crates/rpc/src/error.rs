//! Why a call to the controllers did not succeed.

use std::time::Duration;

use types::ErrorCode;

/// What the caller of a [`ControllerClient`](crate::ControllerClient) has to tell apart.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Nobody took the request in time. It may or may not have been carried out.
    #[error("no active controller answered within {waited:?}: {last}")]
    NoController {
        /// How long the call tried.
        waited: Duration,
        /// What the last try met.
        last: String,
    },
    /// The active controller refused.
    #[error("the controller refused: {code}: {message}")]
    Rejected {
        /// Kafka's code for the refusal.
        code: ErrorCode,
        /// What the controller said about it.
        message: String,
    },
    /// An answer that breaks the protocol: a bug, or bytes damaged on the way.
    #[error("the controller sent an answer that makes no sense: {0}")]
    Malformed(String),
}

impl Error {
    /// The code of a refusal.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Rejected { code, .. } => Some(*code),
            Self::NoController { .. } | Self::Malformed(_) => None,
        }
    }
}
