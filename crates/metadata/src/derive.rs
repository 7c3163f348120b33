//! Leaders and ISRs that follow from a broker's coming and going, without a record per partition.
//!
//! Fencing a broker is one record in the log, however many partitions it led. Every node derives the
//! same new leaders with the functions here, so failover is O(1) in the log and needs no second
//! round trip through the quorum.
//!
//! ```text
//! broker leaves:   isr without it ─ not empty ─▶ leader = first live of the isr
//!                        │                       leaver joins the elr if |isr| < min isr
//!                        └─ empty ─▶ first live of the elr becomes isr and leader
//!                                         └─ none ─▶ nobody leads, nothing is forgotten
//! broker returns:  only a partition without leader changes: first live of the isr, else of the elr
//! ```
//!
//! The elr (KIP-966) holds replicas that left an isr smaller than `min.insync.replicas`. The high
//! watermark does not move while the isr is that small, so they hold every acked record and may lead
//! without loss. Nobody outside isr ∪ elr is ever elected here.
//!
//! Invariants, for every function: leader ∈ isr ⊆ replicas; isr ∩ elr = ∅; the elr is empty while
//! |isr| ≥ min isr; isr ∪ elr loses a member only if the isr is large enough without it, or the
//! member's data may be gone; epochs grow by exactly one if anything, respectively the leader,
//! changed.

use types::NodeId;

pub use crate::feature::Rules;
use crate::{MetadataImage, PartitionRegistration};

/// What the functions need to know about the world: the same on every node at the same offset.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    image: &'a MetadataImage,
    rules: Rules,
}

impl<'a> World<'a> {
    /// The world of an image in which the broker's own change has been applied already.
    #[must_use]
    pub fn of(image: &'a MetadataImage) -> Self {
        Self {
            image,
            rules: Rules::of(image),
        }
    }

    fn first_live(&self, nodes: &[NodeId]) -> Option<NodeId> {
        nodes.iter().copied().find(|node| self.image.is_live(*node))
    }

    fn min_isr(&self, topic: &str, partition: &PartitionRegistration) -> usize {
        self.image
            .min_insync_replicas(topic, partition.replicas.len())
    }
}

/// The partition after a broker stopped being live. `None` if that changes nothing.
#[must_use]
pub fn after_fence(
    world: World<'_>,
    topic: &str,
    partition: &PartitionRegistration,
    broker: NodeId,
) -> Option<PartitionRegistration> {
    if !partition.isr.contains(&broker) {
        return None;
    }
    let mut next = partition.clone();
    next.isr.retain(|node| *node != broker);
    if next.isr.is_empty() && !world.rules.eligible_leader_replicas {
        // Without an elr the last in-sync replica is remembered by staying where it is.
        next.isr.push(broker);
    } else if world.rules.eligible_leader_replicas {
        next.elr.push(broker);
        drop_needless_elr(&mut next, world.min_isr(topic, partition));
    }
    if partition.leader == Some(broker) {
        elect(world, topic, &mut next);
    }
    finish(partition, next)
}

/// The partition after a broker became live. `None` if that changes nothing.
#[must_use]
pub fn after_unfence(
    world: World<'_>,
    topic: &str,
    partition: &PartitionRegistration,
    broker: NodeId,
) -> Option<PartitionRegistration> {
    let may_lead = partition.isr.contains(&broker) || partition.elr.contains(&broker);
    if partition.leader.is_some() || !may_lead {
        return None;
    }
    let mut next = partition.clone();
    elect(world, topic, &mut next);
    finish(partition, next)
}

/// The partition after a broker came back that may have lost what it had not flushed. Apply after
/// [`after_fence`]. `None` if that changes nothing.
///
/// Such a replica no longer proves anything, so it leaves isr and elr. If it was the last of them,
/// the partition stays offline and says whom to ask (`last_known_elr`), except where it is the only
/// replica: then no other copy could be better.
#[must_use]
pub fn after_loss(
    partition: &PartitionRegistration,
    broker: NodeId,
) -> Option<PartitionRegistration> {
    if partition.replicas == [broker] {
        return None;
    }
    let mut next = partition.clone();
    next.isr.retain(|node| *node != broker);
    next.elr.retain(|node| *node != broker);
    if next.isr.is_empty() && next.elr.is_empty() && next != *partition {
        next.last_known_elr = vec![broker];
    }
    if next.leader == Some(broker) {
        next.leader = None;
    }
    finish(partition, next)
}

/// The partition after `min.insync.replicas` changed. `None` if that changes nothing.
///
/// A leader whose isr now suffices may move its high watermark past what the elr holds, so the elr
/// ends in the same entry.
#[must_use]
pub fn after_min_isr_change(
    world: World<'_>,
    topic: &str,
    partition: &PartitionRegistration,
) -> Option<PartitionRegistration> {
    let mut next = partition.clone();
    drop_needless_elr(&mut next, world.min_isr(topic, partition));
    finish(partition, next)
}

/// The partition once nobody keeps eligible replicas any more. `None` if that changes nothing.
///
/// The isr may not be empty then. All of the elr hold the same acked records, so the first of them
/// takes the place of the last in-sync replica.
#[must_use]
pub fn without_elr(partition: &PartitionRegistration) -> Option<PartitionRegistration> {
    let mut next = partition.clone();
    if next.isr.is_empty() {
        next.isr.extend(partition.elr.first());
    }
    next.elr.clear();
    next.last_known_elr.clear();
    finish(partition, next)
}

/// Elects the first live replica of the isr, else of the elr, else nobody.
fn elect(world: World<'_>, topic: &str, next: &mut PartitionRegistration) {
    if let Some(leader) = world.first_live(&next.isr) {
        next.leader = Some(leader);
        return;
    }
    next.leader = world.first_live(&next.elr);
    let Some(leader) = next.leader else {
        return;
    };
    // The isr it replaces has no live member. Its members hold what the new leader holds, so they
    // are eligible from now on, not forgotten.
    let min_isr = world.min_isr(topic, next);
    let stale = std::mem::replace(&mut next.isr, vec![leader]);
    next.elr.extend(stale);
    next.elr.retain(|node| *node != leader);
    drop_needless_elr(next, min_isr);
}

fn drop_needless_elr(next: &mut PartitionRegistration, min_isr: usize) {
    if next.isr.len() >= min_isr {
        next.elr.clear();
        next.last_known_elr.clear();
    }
}

/// Puts lists into their order and moves the epochs on, if anything changed at all.
fn finish(
    before: &PartitionRegistration,
    mut next: PartitionRegistration,
) -> Option<PartitionRegistration> {
    // Kept in the order of the replicas, so that the preferred leader is elected first.
    let (replicas, elr) = (&next.replicas, &mut next.elr);
    elr.sort_by_key(|node| replicas.iter().position(|replica| replica == node));
    if next == *before {
        return None;
    }
    next.partition_epoch = before.partition_epoch.next();
    if next.leader != before.leader {
        next.leader_epoch = before.leader_epoch.next();
    }
    Some(next)
}

#[cfg(test)]
mod tests;
