//! What can go wrong between a client and a broker, below the meaning of requests.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use protocol::wire::{DecodeError, EncodeError};

use crate::frames::FrameError;

/// Why a request has no response. Cloned to every request that was in flight.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The name does not resolve.
    #[error("cannot resolve {host}: {source}")]
    Resolve {
        /// The name that was asked for.
        host: String,
        /// What the resolver said.
        source: Arc<io::Error>,
    },
    /// No address of the host accepts connections.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Host and port, or the last address tried.
        address: String,
        /// What the last attempt said.
        source: Arc<io::Error>,
    },
    /// Connecting took too long.
    #[error("no connection to {address} within {waited:?}")]
    ConnectTimeout {
        /// Host and port.
        address: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The connection was closed by the peer, or by us on request.
    #[error("connection closed")]
    Closed,
    /// The socket failed.
    #[error("connection failed: {0}")]
    Io(Arc<io::Error>),
    /// No response in time. The connection is closed, because replies come in order.
    #[error("no response within {waited:?}")]
    Timeout {
        /// How long was waited.
        waited: Duration,
    },
    /// A reply to another request than the oldest in flight. The connection is closed.
    #[error("expected the reply to request {expected}, got {got}")]
    OutOfOrder {
        /// Correlation id of the oldest request in flight.
        expected: i32,
        /// Correlation id that came.
        got: i32,
    },
    /// A reply that nobody waits for. The connection is closed.
    #[error("a reply without a request")]
    Unasked,
    /// A reply whose length cannot be. The connection is closed.
    #[error("reply: {0}")]
    Frame(#[from] FrameError),
    /// So many requests are in flight that no further one is taken; see
    /// [`Connection::ready`](super::Connection::ready).
    #[error("{0} requests are in flight already")]
    Busy(usize),
    /// The request cannot be written in that version.
    #[error("cannot encode the request: {0}")]
    Encode(#[from] EncodeError),
    /// The reply is not what the version says. The connection goes on.
    #[error("cannot decode the response: {0}")]
    Decode(#[from] DecodeError),
}

impl Error {
    /// Whether the connection is of no further use.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Busy(_) | Self::Encode(_) | Self::Decode(_))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
