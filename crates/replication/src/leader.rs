//! The leader's side: who is in sync, how far each got, and so how far the partition is committed.

mod durable;
mod isr;
mod rest;
mod session;

use std::collections::BTreeMap;
use std::time::Duration;

use types::{LeaderEpoch, NodeId, Offset, PartitionEpoch};

pub use isr::{Answer, Limits, Proposal};
pub use session::AckError;

use crate::mutant::{self, Mutant};
use crate::{Progress, Registration};

/// What a replica needs to begin leading.
#[derive(Clone, Debug)]
pub struct Start {
    /// This node.
    pub local: NodeId,
    /// The epoch it was elected with.
    pub leader_epoch: LeaderEpoch,
    /// The registration that elected it.
    pub registration: Registration,
    /// Exclusive end of the local log when the epoch begins: the epoch's start offset.
    pub log_end_offset: Offset,
    /// The high watermark this node last knew. May be stale: it is capped by the log's end and holds
    /// the answer to "latest" back until the epoch's start is committed.
    pub high_watermark: Offset,
    /// For a durable topic: exclusive end of what is synced of the local log. `None` where bytes in the
    /// page cache count.
    pub durable_offset: Option<Offset>,
}

/// One partition's leader in one leader epoch. Owned by the partition, under its lock.
#[derive(Clone, Debug)]
pub struct Leader {
    local: NodeId,
    leader_epoch: LeaderEpoch,
    epoch_start: Offset,
    registration: Registration,
    log_end_offset: Offset,
    followers: BTreeMap<NodeId, Progress>,
    high_watermark: Offset,
    /// For a durable topic: how far the local log is synced.
    durable_offset: Option<Offset>,
    /// The change of the ISR that the controller was asked for and has not answered.
    in_flight: Option<Proposal>,
    /// The look since which others may be left out; `None` while they may not.
    rests_since: Option<Duration>,
}

impl Leader {
    /// Begins the epoch. Nothing is known of the followers until they speak in this epoch; a partition
    /// whose only in-sync replica is this node is committed to its end at once.
    #[must_use]
    pub fn new(start: Start) -> Self {
        let mut leader = Self {
            local: start.local,
            leader_epoch: start.leader_epoch,
            epoch_start: start.log_end_offset,
            high_watermark: start.high_watermark.min(start.log_end_offset),
            log_end_offset: start.log_end_offset,
            followers: BTreeMap::new(),
            registration: Registration {
                partition_epoch: PartitionEpoch::NONE,
                ..start.registration.clone()
            },
            durable_offset: start.durable_offset,
            in_flight: None,
            rests_since: None,
        };
        leader.on_registration(start.registration);
        leader
    }

    /// The leader's own write returned: its log now ends at `log_end_offset`. Returns the new high
    /// watermark if it moved.
    pub fn on_append(&mut self, log_end_offset: Offset) -> Option<Offset> {
        assert!(
            log_end_offset >= self.log_end_offset,
            "a leader never truncates"
        );
        self.assert_awake();
        self.log_end_offset = log_end_offset;
        self.advance()
    }

    /// The controller committed another registration in the same leader epoch. Returns the new high
    /// watermark if it moved; a registration that is not newer changes nothing.
    ///
    /// A newer one ends a proposal in flight: it either was that proposal, or made it void.
    pub fn on_registration(&mut self, registration: Registration) -> Option<Offset> {
        self.assert_awake();
        if registration.partition_epoch <= self.registration.partition_epoch {
            return None;
        }
        let local = self.local;
        let known = std::mem::take(&mut self.followers);
        self.followers = registration
            .replicas
            .iter()
            .filter(|node| **node != local)
            .map(|node| {
                (
                    *node,
                    known.get(node).copied().unwrap_or_else(Progress::unknown),
                )
            })
            .collect();
        self.registration = registration;
        self.in_flight = None;
        self.advance()
    }

    /// `min.insync.replicas` changed; the number of replicas caps it. Returns the new high watermark if
    /// it moved.
    pub fn on_min_isr(&mut self, min_isr: usize) -> Option<Offset> {
        self.assert_awake();
        self.registration.min_isr = min_isr;
        self.advance()
    }

    /// Exclusive end of what is on every in-sync replica: consumers read below it, and acks=all is
    /// answered up to it.
    #[must_use]
    pub const fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Exclusive end of the leader's own log.
    #[must_use]
    pub const fn log_end_offset(&self) -> Offset {
        self.log_end_offset
    }

    /// The epoch this leader was elected with.
    #[must_use]
    pub const fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    /// The log's end when this epoch began.
    #[must_use]
    pub const fn epoch_start(&self) -> Offset {
        self.epoch_start
    }

    /// The registration in force.
    #[must_use]
    pub const fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Whether acks=all must be refused, because fewer replicas are in sync than the minimum.
    #[must_use]
    pub fn is_below_min_isr(&self) -> bool {
        self.registration.is_below_min_isr()
    }

    /// Whether "latest" may be answered: a new leader's high watermark may be stale until its own
    /// epoch's start is committed, and offsets must not seem to go backwards (KIP-207).
    #[must_use]
    pub const fn may_answer_latest(&self) -> bool {
        self.high_watermark >= self.epoch_start
    }

    /// What is known of each follower.
    pub fn followers(&self) -> impl Iterator<Item = (NodeId, Progress)> {
        self.followers
            .iter()
            .map(|(node, progress)| (*node, *progress))
    }

    /// What is known of one follower; `None` if it is not a replica.
    #[must_use]
    pub fn follower(&self, node: NodeId) -> Option<Progress> {
        self.followers.get(&node).copied()
    }

    /// Else what the looks would have seen is lost.
    fn assert_awake(&self) {
        debug_assert!(!self.rests(), "a leader is woken before it is told");
    }

    fn advance(&mut self) -> Option<Offset> {
        if self.is_below_min_isr() && !mutant::is(Mutant::HighWatermarkIgnoresMinIsr) {
            return None;
        }
        let committed = self.committed()?;
        if committed <= self.high_watermark {
            return None;
        }
        self.high_watermark = committed;
        assert!(
            self.high_watermark <= self.log_end_offset,
            "nothing is committed beyond the log's end"
        );
        Some(committed)
    }

    /// The least that an in-sync replica has acknowledged, this one included; `None` while one of them has not spoken in this
    /// epoch. Whoever is about to be in sync counts already, and whoever is about to leave still does.
    fn committed(&self) -> Option<Offset> {
        let mut committed = self.acknowledged();
        for node in self.maximal_isr().filter(|node| *node != self.local) {
            committed = committed.min(self.followers.get(&node)?.log_end_offset()?);
        }
        Some(committed)
    }

    fn maximal_isr(&self) -> impl Iterator<Item = NodeId> {
        let proposed = self.in_flight.iter().flat_map(|proposal| &proposal.isr);
        let counts_proposed = !mutant::is(Mutant::NoMaximalIsr);
        let proposed = proposed
            .filter(move |_| counts_proposed)
            .map(|(node, _)| node);
        self.registration.isr.iter().chain(proposed).copied()
    }
}

#[cfg(test)]
mod tests;
