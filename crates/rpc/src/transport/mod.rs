//! The one seam through which nodes meet: a [`Connector`] on the calling side, an [`Incoming`] on
//! the serving side, TCP or a pipe within the process.
//!
//! Channels connect when they are first used and connect again by themselves. Every connection is
//! watched by HTTP/2 pings, so that a peer that vanished without a word is noticed.

mod config;
mod connection;
mod connector;
mod incoming;
mod server;

pub use config::TransportConfig;
pub use connection::Connection;
pub use connector::Connector;
pub use incoming::{Incoming, IncomingSender};
pub use server::{builder, serve};
pub use tonic::service::Routes;

/// How many connections may wait to be accepted on an in-process pipe.
const BACKLOG: usize = 64;

/// A pipe within the process: what the connector dials, the incoming side accepts.
#[must_use]
pub fn in_process() -> (Connector, Incoming) {
    let (sender, incoming) = Incoming::queue(BACKLOG);
    (Connector::in_process(sender), incoming)
}
