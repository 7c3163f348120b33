//! What the controller decided about a partition.

use types::{NodeId, PartitionEpoch};

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

impl Registration {
    /// Whether fewer replicas are in sync than the minimum.
    #[must_use]
    pub fn is_below_min_isr(&self) -> bool {
        self.isr.len() < self.min_isr
    }
}
