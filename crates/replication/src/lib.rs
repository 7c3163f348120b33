//! One partition's replication as a pure state machine.
//!
//! Events go in (an append, a follower's acknowledgement, a registration that the controller
//! committed), what follows comes out (a new high watermark). No clock, no IO, no payload bytes: the
//! same code runs in the broker and in the simulator.
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
//! # Invariants
//!
//! - `high_watermark ≤ log_end_offset` of every in-sync replica, the leader included.
//! - The high watermark of one leader never decreases.
//! - A follower counts only from an acknowledgement of this leader epoch: what it said to an earlier
//!   leader may since have been truncated (KIP-101, KIP-279).
//! - With fewer in-sync replicas than the minimum, the high watermark stands still (KIP-966).

mod leader;
mod progress;

pub use leader::{AckError, Leader, Registration, Start};
pub use progress::Progress;
