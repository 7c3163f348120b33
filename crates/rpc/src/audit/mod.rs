//! Comparing replicas while they work: every replica is byte for byte the same below its high
//! watermark, so their digests over the same chunk of offsets must be equal.
//!
//! ```text
//!   AuditClient ── Positions ──► max(log start) .. min(high watermark): what can be compared
//!               ── Digests ────► one digest per chunk; the first that differs
//!               ── Batches ────► the batches of that chunk; the first that differs
//! ```
//!
//! The serving side reads a piece at a time through an [`Auditor`], at most
//! [`SCANS_MAX`] ranges at once, and waits for a slow reader: an audit never costs more memory than a
//! few pieces.

mod client;
mod digest;
mod service;
mod wire;
mod words;

pub use client::{AuditClient, BatchStream, DigestStream, Error};
pub use digest::Digester;
pub use service::{Auditor, Audits, Piece, PieceFuture, SCANS_MAX, service};
pub use words::{BatchSummary, ChunkDigest, PartitionId, Range, Refusal, Replica, ReplicaState};
