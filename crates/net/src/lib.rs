//! Kafka connections, both ends: framing, pipelining and byte budgets.
//!
//! ```text
//!  4 bytes     length bytes
//! ┌────────┬──────────────────────────────┐
//! │ length │ header, body …               │   one frame
//! └────────┴──────────────────────────────┘
//! ```
//!
//! [`server`] accepts connections, cuts what arrives into frames, hands each frame to a
//! [`server::Service`] in the order of arrival and writes the replies back in that same order while
//! later requests are already being worked on. [`client`] is the other end.
//!
//! This crate knows frames, not what stands in them: requests, errors and clusters are other
//! people's business. Its invariants:
//!
//! - one task and one timer per connection that works, none for one at rest, nothing per request;
//! - memory follows the bytes that have arrived, never the length that a peer announces;
//! - every queue is bounded by count and by bytes; a peer that does not read its replies is not read
//!   from either.

pub mod budget;
mod buffers;
pub mod client;
mod frames;
mod outbox;
pub mod server;

pub use buffers::BufferPool;
pub use frames::FrameError;
