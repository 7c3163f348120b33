//! What both ends of a stream share: a bounded way in, and how a stream ends.

use tokio::sync::mpsc;
use tonic::{Code, Status};

use super::wire::Malformed;

/// The stream has ended; its receiving half says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the replication stream has ended")]
pub struct Closed;

/// Why a stream ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The peer ended it in an orderly way.
    #[error("the peer has ended the replication stream")]
    Ended,
    /// The connection broke, or the peer gave up with these words.
    #[error("the replication stream broke: {0}")]
    Failed(String),
    /// The peer sent what makes no sense. There is no way to go on: items of one stream build on
    /// each other.
    #[error("malformed replication frame: {0}")]
    Malformed(#[from] Malformed),
}

impl Broken {
    pub(super) fn from_status(status: &Status) -> Self {
        match (status.code(), status.message()) {
            (code, "") => Self::Failed(code.description().to_owned()),
            (Code::Unknown, message) => Self::Failed(message.to_owned()),
            (code, message) => Self::Failed(format!("{}: {message}", code.description())),
        }
    }
}

/// Room for one frame. Dropped unused, it gives the room back.
#[derive(Debug)]
pub struct Permit<'a, F, M> {
    room: mpsc::Permit<'a, M>,
    convert: fn(F) -> M,
}

impl<'a, F, M> Permit<'a, F, M> {
    pub(super) const fn new(room: mpsc::Permit<'a, M>, convert: fn(F) -> M) -> Self {
        Self { room, convert }
    }

    /// Hands the frame to the connection.
    pub fn send(self, frame: F) {
        self.room.send((self.convert)(frame));
    }
}
