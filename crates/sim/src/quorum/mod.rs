//! The quorum of controllers: a small Raft around the real decisions and the real replay.
//!
//! ```text
//! raft.rs    terms, votes, the log, snapshots; a disk that forgets what was not synced
//! apply.rs   what follows from a commit: replay, snapshots, brokers that wait for entries
//! active.rs  the active controller: requests become one entry, answered once it is committed
//! ```
//!
//! The Raft here is a model (the product's is openraft); it exists so that proposals are lost, answered
//! late, or decided by a controller that does not know it was deposed.

pub mod active;
mod apply;
pub mod raft;
pub mod store;
