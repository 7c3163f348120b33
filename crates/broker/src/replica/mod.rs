//! Replication between brokers: connections to followers, connections from leaders, and who is in sync.
//!
//! ```text
//!  append ─► partition marks its streams ─► Link's ready list ─► sender task ─► frame ─► follower
//!                                                                                          │
//!  HW, waiters, ISR candidates ◄─ partition.on_ack ◄─ sender task ◄─ acks ◄─ receiver task ┘
//! ```
//!
//! There is one sender task per follower broker and lane, one receiver task per accepted stream, and
//! one task for all ISRs. None per partition, and no timer per partition. What holds is decided by the
//! `replication` crate, under the partition's lock; this module moves bytes and marks.

mod conversation;
mod directories;
mod isr;
mod isr_watch;
mod late_acks;
mod lazy_timer;
mod link;
mod peers;
mod receiver;
mod sender;
mod throttle;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use replication::SessionId;

use crate::partition::TailBudget;

pub(crate) use directories::{DirectoryQueue, assign_directories};
pub(crate) use isr::{IsrQueue, keep_isrs};
pub(crate) use isr_watch::IsrWatch;
pub(crate) use late_acks::AckRoute;
#[cfg(test)]
pub(crate) use late_acks::LateAcks;
pub(crate) use link::{Link, Urgency};
pub(crate) use peers::{Key, Peers, Touched};
pub(crate) use receiver::receive;
pub(crate) use sender::send_to_followers;
use throttle::Throttle;

/// Bytes of recent appends that all partitions keep for their followers.
const TAIL_BYTES_MAX: usize = 64 << 20;

/// What the broker's tasks of replication share.
#[derive(Debug)]
pub(crate) struct Replication {
    pub(crate) peers: Peers,
    pub(crate) isr: IsrQueue,
    pub(crate) directories: DirectoryQueue,
    pub(crate) tail_budget: Arc<TailBudget>,
    leader_throttle: Throttle,
    follower_throttle: Throttle,
    next_session: AtomicU64,
}

impl Replication {
    pub(crate) fn new() -> Self {
        Self {
            peers: Peers::default(),
            isr: IsrQueue::default(),
            directories: DirectoryQueue::default(),
            tail_budget: TailBudget::new(TAIL_BYTES_MAX),
            leader_throttle: Throttle::of_leader(),
            follower_throttle: Throttle::of_follower(),
            next_session: AtomicU64::new(1),
        }
    }

    /// Names one opening of a partition on a stream. Never the same twice.
    pub(crate) fn session_id(&self) -> SessionId {
        SessionId(self.next_session.fetch_add(1, Ordering::Relaxed))
    }
}
