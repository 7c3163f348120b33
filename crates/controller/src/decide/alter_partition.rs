//! `AlterPartition`: the leader of a partition proposes who is in sync.
//!
//! The proposal is a compare-and-set on the partition epoch, by the leader of the leader epoch, on
//! behalf of members whose broker epochs it has seen itself (KIP-903): a replica that lost its data
//! and came back has another broker epoch and cannot be taken for the one that was in sync.

use metadata::{MetadataImage, MetadataRecord, PartitionRegistration};
use rpc::{IsrMember, PartitionRefusal, PartitionUpdate};
use types::{BrokerEpoch, NodeId};

use super::Decision;
use super::liveness::{HeartbeatRefusal, registered_as};
use super::partition_change::change_by;
use super::reassignments::{completed, settle_elr};
use crate::mutant::{self, Mutant};

/// Who proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The broker.
    pub broker: NodeId,
    /// Its epoch.
    pub epoch: BrokerEpoch,
}

/// One answer for one partition: its state once the records are committed, with its new epochs.
pub(super) type Answer = Result<PartitionRegistration, PartitionRefusal>;

/// Decides the proposals of one leader. One answer for each, in their order; a partition must not be
/// named twice.
///
/// # Errors
/// The sender is not registered with that epoch; nothing was looked at.
pub fn alter_partition(
    image: &MetadataImage,
    sender: Sender,
    updates: &[PartitionUpdate],
) -> Result<Decision<Vec<Answer>>, HeartbeatRefusal> {
    registered_as(image, sender.broker, sender.epoch)?;
    let mut decision = Decision::only(Vec::with_capacity(updates.len()));
    for update in updates {
        let answer = alter(image, sender.broker, update).map(|(next, record)| {
            decision.records.extend(record);
            next
        });
        decision.response.push(answer);
    }
    Ok(decision)
}

fn alter(
    image: &MetadataImage,
    sender: NodeId,
    update: &PartitionUpdate,
) -> Result<(PartitionRegistration, Option<MetadataRecord>), PartitionRefusal> {
    let topic = image.topic_by_id(update.topic_id);
    let topic = topic.ok_or(PartitionRefusal::UnknownTopicId)?;
    let partition = topic.partition(update.index);
    let partition = partition.ok_or(PartitionRefusal::UnknownPartition)?;
    check_epochs(partition, sender, update)?;
    check_members(image, partition, sender, update)?;
    let has_elr = image.feature_level(metadata::feature::ELIGIBLE_LEADER_REPLICAS) > 0;
    let accepted = with_isr(partition, update, has_elr);
    let mut next = completed(image, accepted.clone());
    settle_elr(image, topic.name(), &mut next);
    let record = change_by(update.topic_id, update.index, partition, &accepted, &next);
    if record.is_some() {
        next.partition_epoch = partition.partition_epoch.next();
    }
    if next.leader != partition.leader {
        next.leader_epoch = partition.leader_epoch.next();
    }
    Ok((next, record))
}

fn check_epochs(
    partition: &PartitionRegistration,
    sender: NodeId,
    update: &PartitionUpdate,
) -> Result<(), PartitionRefusal> {
    if update.leader_epoch < partition.leader_epoch {
        return Err(PartitionRefusal::FencedLeaderEpoch);
    }
    if update.leader_epoch > partition.leader_epoch
        || update.partition_epoch > partition.partition_epoch
    {
        return Err(PartitionRefusal::Ahead);
    }
    if partition.leader != Some(sender) {
        return Err(PartitionRefusal::NotLeader);
    }
    let is_stale = update.partition_epoch < partition.partition_epoch;
    if is_stale && !mutant::is(Mutant::StalePartitionEpoch) {
        return Err(PartitionRefusal::StalePartitionEpoch);
    }
    Ok(())
}

fn check_members(
    image: &MetadataImage,
    partition: &PartitionRegistration,
    sender: NodeId,
    update: &PartitionUpdate,
) -> Result<(), PartitionRefusal> {
    let mut nodes: Vec<NodeId> = update.isr.iter().map(|member| member.node).collect();
    let has_strangers = nodes.iter().any(|node| !partition.replicas.contains(node));
    if !nodes.contains(&sender) || has_strangers {
        return Err(PartitionRefusal::Invalid);
    }
    nodes.sort_unstable();
    nodes.dedup();
    if nodes.len() != update.isr.len() {
        return Err(PartitionRefusal::Invalid);
    }
    let is_eligible = |member: &IsrMember| {
        image.broker(member.node).is_some_and(|broker| {
            let epoch = member.broker_epoch;
            // A leader that is about to stop may still shrink its isr.
            let may_be_in_sync = image.is_replica_live(partition, member.node)
                || member.node == sender
                || mutant::is(Mutant::FencedMember);
            let is_same_process = !epoch.is_known()
                || epoch == broker.epoch
                || mutant::is(Mutant::NoBrokerEpochCheck);
            may_be_in_sync && is_same_process
        })
    };
    match update.isr.iter().find(|member| !is_eligible(member)) {
        Some(member) => Err(PartitionRefusal::Ineligible(member.node)),
        None => Ok(()),
    }
}

/// The partition with the proposed ISR, in the order of its replicas. Who leaves it is eligible for
/// now (KIP-966); whether that lasts depends on how many are left.
fn with_isr(
    partition: &PartitionRegistration,
    update: &PartitionUpdate,
    has_elr: bool,
) -> PartitionRegistration {
    let is_member = |node: &NodeId| update.isr.iter().any(|member| member.node == *node);
    let is_complete = |node: &NodeId| partition.isr.contains(node) || partition.elr.contains(node);
    let replicas = || partition.replicas.iter().copied();
    let elr = replicas().filter(|node| has_elr && is_complete(node) && !is_member(node));
    PartitionRegistration {
        isr: replicas().filter(is_member).collect(),
        elr: elr.collect(),
        ..partition.clone()
    }
}
