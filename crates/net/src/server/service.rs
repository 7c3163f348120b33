//! What a server does with a frame.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::wire::Segments;
use tokio::time::Instant;

/// For so long a connection is young.
const YOUTH: Duration = Duration::from_secs(1);

/// Where a connection comes from.
#[derive(Clone, Debug)]
pub struct ConnectionContext {
    /// Unique within the process; never reused.
    pub id: u64,
    /// The client's address.
    pub peer: SocketAddr,
    /// Our own end.
    pub local: SocketAddr,
    /// Name of the listener that accepted it, as in `listeners`.
    pub listener: Arc<str>,
    /// When it was opened; `None` once it has been at rest.
    pub opened: Option<Instant>,
}

impl ConnectionContext {
    /// Whether it was opened a moment ago: its client is only finding its way, and has nobody here yet whom
    /// it could have lost.
    pub fn is_young(&self) -> bool {
        self.opened.is_some_and(|at| at.elapsed() < YOUTH)
    }
}

/// Answers requests. One instance serves all connections of a listener, and remembers nothing of any:
/// most of them rest most of the time.
pub trait Service: Send + Sync + 'static {
    /// Takes one frame: a request header and body without the length in front.
    ///
    /// Called in the order in which frames arrived, on the connection's task: it must not block. What a
    /// [`Reply::Later`] needs to be set going must be set going here; its future is polled only once
    /// all earlier replies of the connection are complete.
    fn dispatch(&self, connection: &ConnectionContext, frame: Bytes) -> Reply;
}

/// A reply that somebody completes later. `None` closes the connection without one.
pub type ReplyFuture = Pin<Box<dyn Future<Output = Option<Segments>> + Send>>;

/// The answer to one frame.
pub enum Reply {
    /// The whole response frame, length included.
    Now(Segments),
    /// Still to come. Dropped if the connection ends first.
    Later(ReplyFuture),
    /// Nothing is sent and no place in the order is taken: Produce with `acks=0`.
    None,
    /// The connection is closed once the earlier replies are out.
    Close(&'static str),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(_) => f.write_str("Now"),
            Self::Later(_) => f.write_str("Later"),
            Self::None => f.write_str("None"),
            Self::Close(reason) => f.debug_tuple("Close").field(reason).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_young_for_a_moment_and_never_again_once_it_has_rested() {
        let mut context = ConnectionContext {
            id: 1,
            peer: SocketAddr::from(([127, 0, 0, 1], 1)),
            local: SocketAddr::from(([127, 0, 0, 1], 2)),
            listener: "TEST".into(),
            opened: Some(Instant::now()),
        };
        assert!(context.is_young());
        tokio::time::advance(YOUTH).await;
        assert!(!context.is_young());
        context.opened = None;
        assert!(!context.is_young());
    }
}
