//! Groups and their committed offsets as pure state machines: decide and replay.
//!
//! A [`Shard`] is one partition of `__consumer_offsets`: all groups whose ids hash to it. Requests, timers
//! and changes of the cluster's topics go in; records to append and answers to send come out. What the
//! records say changes the state only when they are replayed, by the same function whether they were just
//! appended or are read back after a failover.
//!
//! ```text
//!                    records ──▶ the partition's log ──▶ replay
//!  request ─▶ decide                                       │
//!                    answer  ──▶ gate: waits until the high watermark covers what the group wrote ──▶
//! ```
//!
//! Refuses to know: sockets, storage, threads, clocks, randomness.
//!
//! # Invariants
//!
//! - What a group promised (offsets, epochs, assignments) is what its records say; waiting requests, timers
//!   and ids handed out live in memory only, and their loss costs a rejoin at most.
//! - An answer leaves only when nothing it says can be lost any more, reads included.
//! - Nothing is answered from a log that was not read up to its committed end.
//! - In one generation or epoch a partition belongs to at most one member.

mod assignor;
mod classic;
mod consumer;
mod env;
mod gate;
mod group;
pub mod mutant;
mod offsets;
mod record;
mod records;
mod request;
mod settings;
mod shard;
mod timers;

pub use env::{Caller, Env, GroupId, Now, Out, Surroundings, Token};
pub use group::{Call, Committer, Emptiness, Group};
pub use offsets::Offsets;
pub use record::{ConsumerPart, Record};
pub use records::RecordError;
pub use request::{Answer, Request};
pub use settings::{Choice, MigrationPolicy, Settings};
pub use shard::{Mode, Shard};
pub use timers::{TimerKey, TimerKind, Timers};
