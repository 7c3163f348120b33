//! gRPC on the inter-broker listener: what `net` finds to be HTTP/2 goes to `rpc`'s server.
//!
//! ```text
//! net::server ── "PRI " ──► InterBroker ── Prefaced ──► rpc::transport::Incoming ──► Replication, Audit
//! ```

use std::sync::Arc;

use net::server::{ConnectionContext, PrefaceHandler, Prefixed};
use rpc::transport::{Connection, Incoming, IncomingSender};
use tokio::net::TcpStream;
use tracing::warn;

/// Connections that wait for the server to take them up: a few per broker of the cluster.
const WAITING_MAX: usize = 256;

/// Hands HTTP/2 connections over. Closes those that come while too many wait, or after the server ended.
#[derive(Debug)]
pub(crate) struct InterBroker {
    connections: IncomingSender,
}

impl InterBroker {
    /// The handler for the listener, and what it takes over, to be served by [`rpc::transport::serve`].
    pub(crate) fn pair() -> (Arc<dyn PrefaceHandler>, Incoming) {
        let (connections, incoming) = Incoming::queue(WAITING_MAX);
        (Arc::new(Self { connections }), incoming)
    }
}

impl PrefaceHandler for InterBroker {
    fn take_over(&self, socket: Prefixed<TcpStream>, connection: ConnectionContext) {
        let (preface, socket) = socket.into_parts();
        let taken = self
            .connections
            .try_send(Connection::Prefaced(preface, socket));
        if let Err(error) = taken {
            warn!(peer = %connection.peer, %error, "an HTTP/2 connection is closed");
        }
    }
}
