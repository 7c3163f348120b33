//! The server's end: accepts connections and serves each in a task of its own.
//!
//! ```text
//! socket ─► frames ─► Service::dispatch, in order of arrival ─► slots ─► replies, in that same order
//!                                                         Now ┘   └ Later: completed by anybody
//! ```

mod accept;
mod charges;
mod connection;
mod limits;
mod preface;
mod service;

pub use accept::{Counters, Server, bind, serve};
pub use connection::CloseReason;
pub use limits::Limits;
pub use preface::{PREFACE, PrefaceHandler, Prefixed};
pub use service::{ConnectionContext, Reply, ReplyFuture, Service};

#[cfg(test)]
mod tests;
