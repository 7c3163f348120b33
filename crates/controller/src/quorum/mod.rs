//! The Raft quorum that holds the metadata log: all of openraft, and all of sled.
//!
//! ```text
//!            Quorum (node)  ── propose ─▶ openraft ─▶ LogStore ─▶ DurableStore (disk)
//!                 │                          │
//!   peers ─▶ QuorumService ──────────────────┤ commit
//!   peers ◀─ Network ◀───────────────────────┘
//!                                            ▼
//!              everybody ◀── Published ◀── StateMachine ── snapshots ─▶ DurableStore
//! ```
//!
//! An entry holds the records of one or more decisions; its index is their metadata offset. Nothing
//! outside of this module names openraft or sled.
//!
//! Invariants:
//! - a vote and an entry are durable before anybody hears of them (M5);
//! - a store that is missing, damaged or shorter than it was is never voted with (M4);
//! - an entry that stands in another place than it was decided for has no effect on any node (M2).

mod change;
#[cfg(test)]
mod change_tests;
mod config;
mod contact;
#[cfg(test)]
mod cut_tests;
mod durable;
mod election;
mod files;
mod follow;
mod followers;
mod introduce;
mod lead;
mod leadership;
mod local;
mod log_store;
mod memory_log;
mod network;
mod node;
#[cfg(test)]
mod node_tests;
mod peers;
mod published;
mod raft_types;
mod receive;
mod records;
mod runtime;
mod service;
#[cfg(test)]
mod service_tests;
mod start;
mod state_machine;
#[cfg(test)]
mod suite_tests;
mod tasks;
#[cfg(test)]
pub(crate) mod testing;
mod wire;

pub(crate) use change::ChangeError;
pub use config::MissingStore;
pub(crate) use config::{BEAT_INTERVAL, QuorumConfig, SnapshotPolicy, Timing, Voter};
#[cfg(test)]
pub(crate) use durable::MemoryStore;
pub(crate) use durable::{FileStore, Identity, OpenError};
pub(crate) use leadership::LeadershipWatch;
pub(crate) use node::{MemberState, ProposeError, Quorum, QuorumError};
pub(crate) use published::{Published, TailPiece};
pub(crate) use raft_types::VoterNode;
pub(crate) use start::StopReason;
