//! The server's end: accepts connections and serves each in a task of its own, as long as it works.
//!
//! ```text
//! socket ─► frames ─► Service::dispatch, in order of arrival ─► slots ─► replies, in that same order
//!                                                         Now ┘   └ Later: completed by anybody
//! ```
//!
//! One that is silent for a while goes to rest: `docs/adr/0013-connections-at-rest.md`.

mod accept;
mod charges;
mod connection;
mod limits;
mod open;
mod preface;
mod resting;
mod service;

pub use accept::{Counters, Server, bind, serve};
pub use connection::CloseReason;
pub use limits::Limits;
pub use preface::{PREFACE, PrefaceHandler, Prefixed};
pub use service::{ConnectionContext, Reply, ReplyFuture, Service};

#[cfg(test)]
mod tests;
