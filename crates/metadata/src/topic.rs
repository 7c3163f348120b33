//! Topics and their partitions.

use std::sync::Arc;

use imbl::Vector;
use types::{DirectoryId, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};

/// A topic with its partitions. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicImage {
    pub(crate) id: TopicId,
    pub(crate) name: Arc<str>,
    pub(crate) partitions: Vector<Arc<PartitionRegistration>>,
}

impl TopicImage {
    pub(crate) fn new(id: TopicId, name: Arc<str>) -> Self {
        Self {
            id,
            name,
            partitions: Vector::new(),
        }
    }

    /// The id of this creation of the topic.
    #[must_use]
    pub const fn id(&self) -> TopicId {
        self.id
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How many partitions it has.
    #[must_use]
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// The partition of that index; `None` for a negative one as well.
    #[must_use]
    pub fn partition(&self, index: PartitionIndex) -> Option<&Arc<PartitionRegistration>> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// All partitions in the order of their indexes.
    pub fn partitions(
        &self,
    ) -> impl Iterator<Item = (PartitionIndex, &Arc<PartitionRegistration>)> {
        (0..).zip(self.partitions.iter())
    }

    /// The number of assigned replicas of the first partition, which is the topic's replication
    /// factor unless a reassignment made partitions differ.
    #[must_use]
    pub fn replication_factor(&self) -> usize {
        self.partitions
            .front()
            .map_or(0, |partition| partition.replicas.len())
    }
}

/// A partition as the controller decided it.
///
/// ```text
/// leader ∈ isr ⊆ replicas      elr ⊆ replicas      isr ∩ elr = ∅
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionRegistration {
    /// Assigned replicas, the preferred leader first. While a reassignment runs, old and new ones.
    pub replicas: Vec<NodeId>,
    /// The log directory of each replica, in the order of `replicas`; zero while not known.
    pub directories: Vec<DirectoryId>,
    /// The in-sync replicas, in the order in which they are elected.
    pub isr: Vec<NodeId>,
    /// Eligible leader replicas (KIP-966): left the ISR while it was below min.insync.replicas, so
    /// they hold everything below the high watermark and may be elected when no in-sync replica can.
    pub elr: Vec<NodeId>,
    /// Who led last when both ISR and ELR became empty. The first candidate of an unclean election;
    /// never elected by itself.
    pub last_known_elr: Vec<NodeId>,
    /// Replicas that a reassignment adds.
    pub adding_replicas: Vec<NodeId>,
    /// Replicas that a reassignment removes.
    pub removing_replicas: Vec<NodeId>,
    /// Who leads; nobody while the partition is offline.
    pub leader: Option<NodeId>,
    /// Grows with every change of leader.
    pub leader_epoch: LeaderEpoch,
    /// Grows with every change at all.
    pub partition_epoch: PartitionEpoch,
}

/// Why a partition breaks the rules of [`PartitionRegistration`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPartition {
    /// No replica at all.
    #[error("no assigned replica")]
    NoReplica,
    /// A node stands twice in a list.
    #[error("node {node} is listed twice among the {list}")]
    Duplicate {
        /// The node.
        node: NodeId,
        /// The list.
        list: &'static str,
    },
    /// A node is in a list without being an assigned replica.
    #[error("node {node} of the {list} is not an assigned replica")]
    NotAssigned {
        /// The node.
        node: NodeId,
        /// The list.
        list: &'static str,
    },
    /// The leader is out of sync.
    #[error("leader {0} is not in the isr")]
    LeaderOutOfSync(NodeId),
    /// A node is in sync and eligible at once.
    #[error("node {0} is in the isr and in the elr")]
    InSyncAndEligible(NodeId),
    /// The directories do not match the replicas.
    #[error("{directory_count} directories for {replica_count} replicas")]
    Directories {
        /// Number of directories.
        directory_count: usize,
        /// Number of replicas.
        replica_count: usize,
    },
    /// An epoch below zero.
    #[error(
        "leader epoch {leader_epoch} and partition epoch {partition_epoch} must not be negative"
    )]
    NegativeEpoch {
        /// The leader epoch.
        leader_epoch: LeaderEpoch,
        /// The partition epoch.
        partition_epoch: PartitionEpoch,
    },
}

impl PartitionRegistration {
    /// Whether somebody leads it.
    #[must_use]
    pub const fn is_online(&self) -> bool {
        self.leader.is_some()
    }

    /// Whether replicas are being added or removed.
    #[must_use]
    pub const fn is_reassigning(&self) -> bool {
        !self.adding_replicas.is_empty() || !self.removing_replicas.is_empty()
    }

    /// How many replicas the partition is meant to have. While a reassignment runs, the smaller
    /// number of before and after, so that moving replicas never makes writes harder.
    #[must_use]
    pub fn replication_factor(&self) -> usize {
        let all = self.replicas.len();
        let before = all.saturating_sub(self.adding_replicas.len());
        let after = all.saturating_sub(self.removing_replicas.len());
        // A list of moving replicas that is not from our own decisions may be anything.
        before.min(after).max(1)
    }

    /// The log directory of one replica, zero while not known.
    #[must_use]
    pub fn directory_of(&self, node: NodeId) -> DirectoryId {
        let position = self.replicas.iter().position(|replica| *replica == node);
        position
            .and_then(|i| self.directories.get(i).copied())
            .unwrap_or(DirectoryId::ZERO)
    }

    /// Checks the rules in the type's description.
    pub fn validate(&self) -> Result<(), InvalidPartition> {
        if self.replicas.is_empty() {
            return Err(InvalidPartition::NoReplica);
        }
        unique(&self.replicas, "replicas")?;
        self.listed(&self.isr, "isr")?;
        self.listed(&self.elr, "elr")?;
        self.listed(&self.adding_replicas, "adding replicas")?;
        self.listed(&self.removing_replicas, "removing replicas")?;
        unique(&self.last_known_elr, "last known elr")?;
        if let Some(node) = self.isr.iter().find(|node| self.elr.contains(node)) {
            return Err(InvalidPartition::InSyncAndEligible(*node));
        }
        if let Some(leader) = self.leader.filter(|leader| !self.isr.contains(leader)) {
            return Err(InvalidPartition::LeaderOutOfSync(leader));
        }
        if !self.directories.is_empty() && self.directories.len() != self.replicas.len() {
            return Err(InvalidPartition::Directories {
                directory_count: self.directories.len(),
                replica_count: self.replicas.len(),
            });
        }
        if !self.leader_epoch.is_known() || !self.partition_epoch.is_known() {
            return Err(InvalidPartition::NegativeEpoch {
                leader_epoch: self.leader_epoch,
                partition_epoch: self.partition_epoch,
            });
        }
        Ok(())
    }

    fn listed(&self, nodes: &[NodeId], list: &'static str) -> Result<(), InvalidPartition> {
        unique(nodes, list)?;
        match nodes.iter().find(|node| !self.replicas.contains(node)) {
            Some(node) => Err(InvalidPartition::NotAssigned { node: *node, list }),
            None => Ok(()),
        }
    }
}

fn unique(nodes: &[NodeId], list: &'static str) -> Result<(), InvalidPartition> {
    // Lists hold a handful of nodes, so comparing all pairs beats any set.
    for (i, node) in nodes.iter().enumerate() {
        if nodes.iter().take(i).any(|earlier| earlier == node) {
            return Err(InvalidPartition::Duplicate { node: *node, list });
        }
    }
    Ok(())
}
