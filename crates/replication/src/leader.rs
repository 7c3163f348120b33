//! The leader's side: who is in sync, how far each got, and so how far the partition is committed.

use std::collections::BTreeMap;
use std::fmt;

use types::{LeaderEpoch, NodeId, Offset, PartitionEpoch};

use crate::progress::Progress;

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
}

/// What the controller committed about the partition, as far as replication asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Counts the changes; an older registration than the one known is ignored.
    pub partition_epoch: PartitionEpoch,
    /// Everyone who should hold the partition, preferred leader first.
    pub replicas: Vec<NodeId>,
    /// Who counts for the high watermark.
    pub isr: Vec<NodeId>,
    /// The effective minimum: already capped by the number of replicas. At least 1.
    pub min_isr: usize,
}

/// An acknowledgement that proves nothing about this leader's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckError {
    /// It belongs to another leader epoch.
    OtherEpoch {
        /// The epoch this leader was elected with.
        current: LeaderEpoch,
    },
    /// The node is not assigned to the partition.
    NotAReplica(NodeId),
    /// It claims more than the leader has written: the logs have diverged.
    BeyondLogEnd {
        /// The leader's log end offset.
        log_end_offset: Offset,
    },
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherEpoch { current } => {
                write!(f, "acknowledgement of another epoch than {current}")
            }
            Self::NotAReplica(node) => write!(f, "node {node} is not a replica"),
            Self::BeyondLogEnd { log_end_offset } => {
                write!(
                    f,
                    "acknowledgement beyond the log end offset {log_end_offset}"
                )
            }
        }
    }
}

impl std::error::Error for AckError {}

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
}

impl Leader {
    /// Begins the epoch. Nothing is known of the followers until they acknowledge in this epoch; a
    /// partition whose only in-sync replica is this node is committed to its end at once.
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
        self.log_end_offset = log_end_offset;
        self.advance()
    }

    /// A follower has written everything below `log_end_offset`, after its log was reconciled with
    /// this leader's. Returns the new high watermark if it moved.
    ///
    /// # Errors
    ///
    /// The acknowledgement proves nothing about this leader's log, and was not counted.
    pub fn on_ack(
        &mut self,
        follower: NodeId,
        leader_epoch: LeaderEpoch,
        log_end_offset: Offset,
    ) -> Result<Option<Offset>, AckError> {
        if leader_epoch != self.leader_epoch {
            return Err(AckError::OtherEpoch {
                current: self.leader_epoch,
            });
        }
        if log_end_offset > self.log_end_offset {
            return Err(AckError::BeyondLogEnd {
                log_end_offset: self.log_end_offset,
            });
        }
        let Some(progress) = self.followers.get_mut(&follower) else {
            return Err(AckError::NotAReplica(follower));
        };
        progress.advance(log_end_offset);
        Ok(self.advance())
    }

    /// The controller committed another registration in the same leader epoch. Returns the new high
    /// watermark if it moved; a registration that is not newer changes nothing.
    pub fn on_registration(&mut self, registration: Registration) -> Option<Offset> {
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
        self.advance()
    }

    /// `min.insync.replicas` changed; the number of replicas caps it. Returns the new high watermark if
    /// it moved.
    pub fn on_min_isr(&mut self, min_isr: usize) -> Option<Offset> {
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
        self.registration.isr.len() < self.registration.min_isr
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

    fn advance(&mut self) -> Option<Offset> {
        if self.is_below_min_isr() {
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

    /// The slowest in-sync replica's log end offset; `None` while one of them has not spoken in this
    /// epoch.
    fn committed(&self) -> Option<Offset> {
        let mut committed = self.log_end_offset;
        for node in self
            .registration
            .isr
            .iter()
            .filter(|node| **node != self.local)
        {
            committed = committed.min(self.followers.get(node)?.log_end_offset()?);
        }
        Some(committed)
    }
}

#[cfg(test)]
mod tests;
