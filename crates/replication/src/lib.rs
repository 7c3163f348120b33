//! One partition's replication as a pure state machine.
//!
//! Events go in (an append, a stream that opened, a follower's acknowledgement, a registration that the
//! controller committed), what follows comes out (a new high watermark, where to truncate, an ISR to
//! propose). No clock, no IO, no payload bytes: the same code runs in the broker and in the simulator.
//!
//! ```text
//!                              high watermark           log end offset
//!  log start offset                  │                       │
//!        ├───────── committed ───────┼──── not yet on all ───┤
//!                                    │     in-sync replicas  │
//!  leader    ████████████████████████████████████████████████
//!  follower  ██████████████████████████████████               (in sync, slowest: holds the HW back)
//!  follower  ███████████                                      (out of the ISR: does not count)
//! ```
//!
//! # One partition on a stream
//!
//! ```text
//!  leader                                      follower
//!  on_open      ── open ──────────────────────▶ on_open        same leader epoch, or refused
//!  on_position  ◀───────────────── position ──                 log start, log end, last epoch
//!               ── truncate ──────────────────▶ on_truncate    as often as the logs still differ
//!  on_position  ◀───────────────── position ──
//!               ── follow ────────────────────▶ on_follow      from here on the log is a prefix of the leader's
//!  on_append    ── append ────────────────────▶ on_append      only at the log's end
//!  on_ack       ◀────────────────────── ack ──                 counts for the high watermark
//! ```
//!
//! # Invariants
//!
//! - `high_watermark ≤ log_end_offset` of every in-sync replica, the leader included.
//! - The high watermark of one leader never decreases.
//! - A follower counts only by what it said on a session of this leader epoch, after its log was
//!   reconciled: what it said before may since have been truncated (KIP-101, KIP-279).
//! - With fewer in-sync replicas than the minimum, the high watermark stands still (KIP-966).
//! - While a change of the ISR is proposed, whoever is in the old or in the new one counts.
//! - The ISR changes by the controller's word alone.
//! - In a durable topic a replica counts by what it has synced, the leader included; records are sent on
//!   without waiting for that.

mod epochs;
mod follower;
mod leader;
pub mod mutant;
mod progress;
mod registration;

pub use epochs::{EpochHistory, Position, Reconcile};
pub use follower::{Follower, OpenRefusal, Refusal, Truncation};
pub use leader::{AckError, Answer, Leader, Limits, Proposal, Start};
pub use progress::{Phase, Progress, Session, SessionId};
pub use registration::Registration;
