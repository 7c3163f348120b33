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
//! broker drains:   its leaderships move to the first live member of the isr that does not drain
//! disk fails:      as if the broker had left the partitions on it
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

use types::{DirectoryId, NodeId};

pub use crate::feature::Rules;
use crate::mutant::{self, Mutant};
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

    /// Whether that replica is in service: its broker is live and its disk is online.
    #[must_use]
    pub fn is_live(&self, partition: &PartitionRegistration, node: NodeId) -> bool {
        self.image.is_replica_live(partition, node) || mutant::is(Mutant::ElectFenced)
    }

    /// The first of these replicas that may lead. One whose broker is being emptied comes last.
    fn first_live(&self, partition: &PartitionRegistration, nodes: &[NodeId]) -> Option<NodeId> {
        let live = || {
            let nodes = nodes.iter().copied();
            nodes.filter(|node| self.is_live(partition, *node))
        };
        live()
            .find(|node| !self.image.is_draining(*node))
            .or_else(|| live().next())
    }

    fn min_isr(&self, topic: &str, partition: &PartitionRegistration) -> usize {
        self.image
            .min_insync_replicas(topic, partition.replication_factor())
    }
}

/// The partition after its replica on that broker went out of service, with the broker or with the
/// disk it is on. `None` if that changes nothing.
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

/// The partition after its replica on that broker came into service. `None` if that changes nothing.
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

/// The partition after somebody asked to empty that broker. `None` if that changes nothing: it leads
/// on where nobody else in sync could.
#[must_use]
pub fn after_drain(
    world: World<'_>,
    partition: &PartitionRegistration,
    broker: NodeId,
) -> Option<PartitionRegistration> {
    if partition.leader != Some(broker) {
        return None;
    }
    let may_follow = |node: &NodeId| {
        *node != broker && world.is_live(partition, *node) && !world.image.is_draining(*node)
    };
    let mut next = partition.clone();
    next.leader = Some(partition.isr.iter().copied().find(may_follow)?);
    finish(partition, next)
}

/// What may be missing from a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// What was not flushed.
    Unflushed,
    /// All of it: its disk is gone.
    Everything,
}

/// A broker's disks before and after its process started anew.
#[derive(Clone, Copy, Debug)]
pub struct Restart<'a> {
    /// The broker.
    pub broker: NodeId,
    /// Whether what it had not flushed may be missing.
    pub is_lossy: bool,
    /// The log directories of its former registration; `None` if it had none.
    pub former: Option<&'a [DirectoryId]>,
    /// Those of the new one.
    pub log_dirs: &'a [DirectoryId],
}

impl Restart<'_> {
    /// What a replica in that directory may have lost.
    fn loss(&self, directory: DirectoryId) -> Option<Loss> {
        let is_gone = match directory {
            DirectoryId::ZERO => self.is_wiped(directory),
            known => !self.log_dirs.contains(&known),
        };
        // Which of the disks an unknown directory is on nobody can say.
        let may_be_gone = || {
            let mut former = self.former.into_iter().flatten();
            directory == DirectoryId::ZERO && former.any(|dir| !self.log_dirs.contains(dir))
        };
        if is_gone {
            Some(Loss::Everything)
        } else if self.is_lossy || may_be_gone() {
            Some(Loss::Unflushed)
        } else {
            None
        }
    }

    /// Whether none of the broker's former disks is left, of which this is one.
    fn is_wiped(&self, directory: DirectoryId) -> bool {
        match self.former {
            Some(former) => {
                !former.is_empty() && !former.iter().any(|dir| self.log_dirs.contains(dir))
            }
            None => directory != DirectoryId::ZERO && !self.log_dirs.contains(&directory),
        }
    }

    /// Where a replica is from now on. Those of a wiped broker begin anew on its only disk, or where
    /// the broker chooses. One whose disk is missing among others waits for that disk: were it begun
    /// anew, there would be two of it once the disk is back.
    fn directory(&self, former: DirectoryId) -> DirectoryId {
        match self.log_dirs {
            [only] if self.is_wiped(former) => *only,
            _ if self.is_wiped(former) => DirectoryId::ZERO,
            _ => former,
        }
    }
}

/// The partition after a process of that broker started anew, which begins out of service. `None` if
/// that changes nothing.
#[must_use]
pub fn after_restart(
    world: World<'_>,
    topic: &str,
    partition: &PartitionRegistration,
    restart: Restart<'_>,
) -> Option<PartitionRegistration> {
    let broker = restart.broker;
    let place = partition.replicas.iter().position(|node| *node == broker)?;
    let directory = partition.directory_of(broker);
    let fenced = after_fence(world, topic, partition, broker);
    let mut next = fenced.unwrap_or_else(|| partition.clone());
    if let Some(loss) = restart.loss(directory) {
        next = after_loss(&next, broker, loss).unwrap_or(next);
    }
    if let Some(slot) = next.directories.get_mut(place) {
        *slot = restart.directory(directory);
    }
    next.partition_epoch = partition.partition_epoch;
    next.leader_epoch = partition.leader_epoch;
    finish(partition, next)
}

/// The partition after a replica lost some of what it held. Apply after [`after_fence`]. `None` if
/// that changes nothing.
///
/// Such a replica no longer proves anything, so it leaves isr and elr. If it was the last of them,
/// the partition stays offline and says whom to ask (`last_known_elr`). The only replica of a
/// partition that lost no more than what it had not flushed leads on: no other copy could be better.
#[must_use]
pub fn after_loss(
    partition: &PartitionRegistration,
    broker: NodeId,
    loss: Loss,
) -> Option<PartitionRegistration> {
    if loss == Loss::Unflushed && partition.replicas == [broker] {
        return None;
    }
    let mut next = partition.clone();
    next.isr.retain(|node| *node != broker);
    next.elr
        .retain(|node| *node != broker || mutant::is(Mutant::LossyKeptInElr));
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
    if let Some(leader) = world.first_live(next, &next.isr) {
        next.leader = Some(leader);
        return;
    }
    next.leader = world.first_live(next, &next.elr);
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
    if next.isr.len() >= min_isr && !mutant::is(Mutant::ElrNotCleared) {
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
    let is_complete = |node: &NodeId| before.isr.contains(node) || before.elr.contains(node);
    assert!(
        next.leader == before.leader || next.leader.as_ref().is_none_or(is_complete),
        "nobody outside of isr and elr is elected: {before:?} would become {next:?}"
    );
    next.partition_epoch = before.partition_epoch.next();
    if next.leader != before.leader {
        next.leader_epoch = before.leader_epoch.next();
    }
    Some(next)
}

#[cfg(test)]
mod tests;
