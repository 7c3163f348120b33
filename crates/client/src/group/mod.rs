//! Consumers that share topics as a group.
//!
//! ```text
//! application ─ poll, commit, close ─▶ GroupConsumer ─ assign, positions ─▶ Consumer ─▶ fetches
//!                                        │  ▲
//!                                orders  ▼  │ view: what it may read, in whose name it commits
//!                                      Driver (a task) ─▶ Member (pure) ─▶ joins, syncs, heartbeats
//! ```
//!
//! The task speaks for the member while the application works; but what the application reads
//! changes only inside `poll`. There a partition that is to be given up is no longer handed out, its
//! position is committed, and only then does another member get it. Everything that a `poll` has
//! returned counts as done when the next one begins.

mod assignor;
mod commit;
mod config;
mod consumer;
mod driver;
mod exchange;
mod follow;
mod lookup;
mod member;
pub(crate) mod protocol;
mod save;
mod selection;
mod start;

pub use assignor::Assignor;
pub use config::{GroupConfig, GroupProtocol};
pub use consumer::{Change, GroupConsumer};
pub use selection::Selection;
