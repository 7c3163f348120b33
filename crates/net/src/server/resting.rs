//! Connections at rest: a socket and an address each, and no task.
//!
//! A task with its timer and its place in the runtime's own tables takes more than a kilobyte, which is
//! nothing for a connection that works and much for ten thousand that do not. Whoever has been silent for
//! [`Limits::rest`](super::Limits::rest) is therefore put here, and leaves with its next byte:
//!
//! ```text
//!                 silent for `rest`
//!   task  ─────────────────────────────►  at rest   ───► closed after `idle`
//!         ◄─────────────────────────────
//!          something to read, or the end
//! ```
//!
//! The sockets at rest are watched by an epoll of their own, which is one more file to the runtime.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::retry_on_intr;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use super::ConnectionContext;

/// So many leave at once before others get their turn.
const WOKEN_MAX: usize = 64;
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// What is left of a connection at rest.
#[derive(Debug)]
pub(super) struct Resting {
    /// Non-blocking.
    pub(super) socket: TcpStream,
    pub(super) id: u64,
    pub(super) peer: SocketAddr,
    pub(super) past: Past,
    pub(super) last_traffic: Instant,
}

/// What is remembered of a connection's life until now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    /// Nothing was ever read from it: it may still be HTTP/2.
    pub(super) is_new: bool,
    /// How often its patience with itself has doubled, as far as one can count: with each rest, and each time
    /// that its timer found it at work.
    pub(super) doublings: u8,
}

impl Past {
    /// That of a connection that was accepted just now.
    pub(super) const NONE: Self = Self {
        is_new: true,
        doublings: 0,
    };
}

impl Resting {
    /// The address by which connections are counted.
    pub(super) fn ip(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// What a task needs to go on. Errs if the runtime cannot watch the socket any more.
    pub(super) fn resume(
        self,
        listener: &Arc<str>,
    ) -> io::Result<(tokio::net::TcpStream, ConnectionContext)> {
        let context = ConnectionContext {
            id: self.id,
            peer: self.peer,
            local: self.socket.local_addr()?,
            listener: Arc::clone(listener),
            opened: None,
        };
        Ok((tokio::net::TcpStream::from_std(self.socket)?, context))
    }
}

/// The connections of one listener that are at rest. Owned by the listener's task.
pub(super) struct RestingSet {
    epoll: Option<AsyncFd<OwnedFd>>,
    /// By the id of the connection, which is never used again.
    connections: BTreeMap<u64, Resting>,
}

impl RestingSet {
    /// An empty set. One without an epoll, because there are no files left, takes nobody in: who would rest
    /// is closed, which leaves files for others.
    pub(super) fn new() -> Self {
        Self {
            epoll: watched_epoll().ok(),
            connections: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Takes a connection in. Bytes that have come meanwhile wake it at once.
    ///
    /// # Errors
    /// The kernel has no room to watch it; the connection is closed.
    pub(super) fn insert(&mut self, connection: Resting) -> io::Result<()> {
        let Some(epoll) = &self.epoll else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let key = epoll::EventData::new_u64(connection.id);
        let readable = epoll::EventFlags::IN | epoll::EventFlags::RDHUP;
        epoll::add(epoll.get_ref(), &connection.socket, key, readable)?;
        self.connections.insert(connection.id, connection);
        Ok(())
    }

    /// Waits for connections with something to read, or at their end, and says which.
    ///
    /// They stay until [`Self::remove`] takes them out, which the caller does before it asks again.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: a connection that is not removed is told of again.
    pub(super) async fn woken(&self) -> Vec<u64> {
        let Some(epoll) = &self.epoll else {
            return pending().await;
        };
        loop {
            let Ok(mut ready) = epoll.readable().await else {
                return pending().await;
            };
            let mut events = Vec::with_capacity(WOKEN_MAX);
            // It fails for a foreign file or a foreign buffer only, and both are ours.
            let _count = retry_on_intr(|| {
                epoll::wait(epoll.get_ref(), spare_capacity(&mut events), Some(&AT_ONCE))
            });
            if events.len() < WOKEN_MAX {
                ready.clear_ready();
            }
            if !events.is_empty() {
                return events.iter().map(|event| event.data.u64()).collect();
            }
        }
    }

    /// Takes a connection out.
    pub(super) fn remove(&mut self, id: u64) -> Option<Resting> {
        let connection = self.connections.remove(&id)?;
        if let Some(epoll) = &self.epoll {
            // The socket is there and was added.
            let _removed = epoll::delete(epoll.get_ref(), &connection.socket);
        }
        Some(connection)
    }

    /// Takes out those without traffic since then.
    pub(super) fn take_silent_since(&mut self, then: Instant) -> Vec<Resting> {
        // They are about to be closed, and with its last descriptor a socket leaves the epoll.
        let silent = self
            .connections
            .extract_if(.., |_id, connection| connection.last_traffic <= then);
        silent.map(|(_id, connection)| connection).collect()
    }
}

#[expect(
    deprecated,
    reason = "it is for types that may change their descriptor, which an OwnedFd does not; what replaces it is \
              unsafe for the sake of those"
)]
fn watched_epoll() -> io::Result<AsyncFd<OwnedFd>> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    AsyncFd::with_interest(epoll, Interest::READABLE)
}

impl fmt::Debug for RestingSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestingSet")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
