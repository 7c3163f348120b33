//! One classic group: members join, one of them assigns, all sync.
//!
//! ```text
//!                 first member                     all joined, or time is up
//!        ┌───────┐ joins        ┌──────────────────────┐          ┌─────────────────────┐
//!   ●───▶│ Empty │─────────────▶│ PreparingRebalance   │─────────▶│ CompletingRebalance │
//!        └───────┘              │ joins wait           │◀─────────│ syncs wait          │
//!            ▲                  └──────────────────────┘  joins,  └─────────────────────┘
//!            │ nobody is left          │         ▲        leaves,            │ the leader
//!            └─────────────────────────┘         │        silence            ▼ assigns
//!                                                │                      ┌────────┐
//!                                                └──────────────────────│ Stable │
//!                                                  joins with news,     └────────┘
//!                                                  leaves, silence
//! ```
//!
//! What the log says of a group is a snapshot of itself, see [`persist`]; what is only here is who waits
//! for an answer, ids handed out, and timers. To lose it costs a rejoin.
//!
//! Invariants:
//!
//! - A generation has one leader, which is a member, and one assignment.
//! - Generations only grow.
//! - A member id is accepted only if it was handed out here, and until it is taken back.
//! - A request that waits is answered once: when its phase ends, when its member leaves or falls silent, or
//!   when the member asks anew.
//! - A member whose request waits is not held to be silent.

mod answer;
mod barrier;
mod commit;
mod describe;
mod join;
mod leave;
mod liveness;
mod members;
mod migrate;
mod persist;
mod replace;
mod state;
mod subscription;
mod sync;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use self::describe::describe_missing;
pub(crate) use self::join::join;
pub(crate) use self::leave::leave;
pub(crate) use self::liveness::{heartbeat, on_time};
pub(crate) use self::migrate::{Portrait, PortraitMember};
pub(crate) use self::persist::replay;
pub(crate) use self::state::Group;
pub(crate) use self::sync::sync;

/// How long the first join of a member may wait. Not its session timeout, since it cannot heartbeat yet.
const NEW_MEMBER_TIMEOUT: Duration = Duration::from_mins(5);
