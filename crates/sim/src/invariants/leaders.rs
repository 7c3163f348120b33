//! R8 and R9: one leader per epoch, elected among those who have everything.

use metadata::{MetadataImage, PartitionRegistration};
use types::{LeaderEpoch, NodeId};

use super::Truth;
use crate::message::Key;
use crate::world::World;

/// Its name in reports.
pub const NAME: &str = "one leader per epoch, of isr or elr";

impl Truth {
    /// A broker begins to lead.
    pub fn on_leader(&mut self, key: Key, epoch: LeaderEpoch, node: NodeId) {
        let known = *self.partition(key).leaders.entry(epoch).or_insert(node);
        if known != node {
            self.violated(
                NAME,
                format!("{known} and {node} both lead in epoch {epoch}"),
            );
        }
    }

    /// A partition changed by a committed entry.
    pub(super) fn on_partition(
        &mut self,
        key: Key,
        before: Option<&PartitionRegistration>,
        after: &PartitionRegistration,
        image: &MetadataImage,
        min_isr: usize,
    ) {
        self.lost
            .retain(|node, epoch| image.broker(*node).is_some_and(|b| b.epoch == *epoch));
        let lost: Vec<NodeId> = self.lost.keys().copied().collect();
        let truth = self.partition(key);
        if before.is_none() {
            // Placed on a broker of which the cluster does not know yet that it lost something.
            truth
                .suspects
                .extend(lost.iter().filter(|node| after.replicas.contains(node)));
        }
        truth.min_isr_least = Some(
            truth
                .min_isr_least
                .map_or(min_isr, |least| least.min(min_isr)),
        );
        truth.has_reached_min_isr &= min_isr <= truth.min_isr;
        truth.min_isr = min_isr;
        truth.has_reached_min_isr |= after.isr.len() >= min_isr;
        truth.suspects.retain(|node| after.replicas.contains(node));
        let rests_on_few = !truth.has_reached_min_isr && !truth.suspects.is_empty();
        if truth.suspects.len() >= min_isr || rests_on_few {
            truth.excuse();
        }
        let Some(before) = before else {
            return;
        };
        // Whom a leader lets in has everything, unless it has lost it since it said so; whom an election
        // puts there proves nothing anew.
        if before.leader.is_some() && before.leader == after.leader {
            truth.suspects.retain(|node| {
                before.isr.contains(node) || !after.isr.contains(node) || lost.contains(node)
            });
        }
        let joined = after.isr.iter().find(|node| {
            let is_new = !before.isr.contains(node) && !before.elr.contains(node);
            is_new && !image.is_live(**node)
        });
        let joined = joined.copied();
        let went_back = after.leader_epoch < before.leader_epoch
            || after.partition_epoch <= before.partition_epoch;
        if went_back && before != after {
            self.violated(NAME, format!("epochs went back: {before:?} to {after:?}"));
        }
        if let Some(node) = joined {
            self.violated(
                NAME,
                format!("{node} joined the isr although it is not live"),
            );
        }
        let Some(leader) = after.leader.filter(|leader| before.leader != Some(*leader)) else {
            return;
        };
        // The last step of a reassignment may elect whom the same proposal lets in.
        let completes = before.is_reassigning() && !after.is_reassigning();
        if !before.isr.contains(&leader)
            && !before.elr.contains(&leader)
            && !completes
            && !self.may_elect_uncleanly
        {
            self.violated(NAME, format!("{leader} was elected out of {before:?}"));
        }
        if !image.is_live(leader) {
            self.violated(
                NAME,
                format!("{leader} was elected although it is not live"),
            );
        }
    }
}

impl World {
    /// A broker begins to lead: it must have everything.
    pub fn check_new_leader(&mut self, id: NodeId, key: Key, epoch: LeaderEpoch) {
        self.truth.on_leader(key, epoch, id);
        let Some(replica) = self
            .brokers
            .get(&id)
            .and_then(|broker| broker.replicas.get(&key))
        else {
            return;
        };
        let log = self
            .machines
            .get(&id)
            .and_then(|machine| machine.logs.get(&replica.place));
        if let Some(log) = log {
            let whose = format!("{id}, leader of epoch {epoch},");
            // Whoever learns late of an old election may have less than was acknowledged since.
            let newest = self
                .truth
                .newest
                .partition(key.0, key.1)
                .map(|p| p.leader_epoch);
            if newest == Some(epoch) {
                self.truth.check_complete(key, log, &whose);
            }
        }
    }
}
