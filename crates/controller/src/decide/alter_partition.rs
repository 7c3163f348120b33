//! `AlterPartition`: the leader of a partition proposes who is in sync.
//!
//! The proposal is a compare-and-set on the partition epoch, by the leader of the leader epoch, on
//! behalf of members whose broker epochs it has seen itself (KIP-903): a replica that lost its data
//! and came back has another broker epoch and cannot be taken for the one that was in sync.

use metadata::{MetadataImage, MetadataRecord, PartitionRegistration};
use types::{BrokerEpoch, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};

use super::Decision;
use super::liveness::{HeartbeatRefusal, registered_as};
use super::partition_change::change;
use super::reassignments::{completed, settle_elr};

/// Who proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The broker.
    pub broker: NodeId,
    /// Its epoch.
    pub epoch: BrokerEpoch,
}

/// A member of the proposed ISR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsrMember {
    /// The replica.
    pub node: NodeId,
    /// The broker epoch under which the leader saw it in sync; [`BrokerEpoch::NONE`] if the leader
    /// could not know, which is then not checked.
    pub broker_epoch: BrokerEpoch,
}

/// A proposal for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionUpdate {
    /// The topic.
    pub topic_id: TopicId,
    /// The partition.
    pub index: PartitionIndex,
    /// The epoch the sender leads in.
    pub leader_epoch: LeaderEpoch,
    /// The state that the proposal starts from.
    pub partition_epoch: PartitionEpoch,
    /// Who is in sync, the leader included.
    pub isr: Vec<IsrMember>,
}

/// Why the ISR stays as it is. Only [`Refusal::Ineligible`] tells the leader that it may forget its
/// proposal; after any other it keeps the larger set until it sees newer metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No topic of that id.
    #[error("there is no topic with id {0}")]
    UnknownTopicId(TopicId),
    /// No such partition.
    #[error("topic {0} has no partition {1}")]
    UnknownPartition(TopicId, PartitionIndex),
    /// Another broker leads.
    #[error("broker {sender} does not lead the partition, {} does", shown(.leader))]
    NotLeader {
        /// Who proposes.
        sender: NodeId,
        /// Who leads.
        leader: Option<NodeId>,
    },
    /// The sender's leadership is over.
    #[error("leader epoch {given} has been replaced by {current}")]
    FencedLeaderEpoch {
        /// The epoch of the proposal.
        given: LeaderEpoch,
        /// The epoch of the partition.
        current: LeaderEpoch,
    },
    /// The sender has seen metadata that this controller has not.
    #[error("the proposal is from the future of this controller")]
    Ahead,
    /// The partition changed in the meantime.
    #[error("partition epoch {given} has been replaced by {current}")]
    StalePartitionEpoch {
        /// The epoch of the proposal.
        given: PartitionEpoch,
        /// The epoch of the partition.
        current: PartitionEpoch,
    },
    /// The proposal itself makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
    /// A member is not live, or not the process that was in sync.
    #[error("broker {0} is fenced, shutting down or has registered again")]
    Ineligible(NodeId),
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "thiserror hands fields by reference"
)]
fn shown(leader: &Option<NodeId>) -> String {
    leader.map_or_else(|| "nobody".to_owned(), |leader| leader.to_string())
}

/// One answer for one partition: its state once the records are committed, with its new epochs.
pub(super) type Answer = Result<PartitionRegistration, Refusal>;

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
) -> Result<(PartitionRegistration, Option<MetadataRecord>), Refusal> {
    let topic = image.topic_by_id(update.topic_id);
    let topic = topic.ok_or(Refusal::UnknownTopicId(update.topic_id))?;
    let partition = topic
        .partition(update.index)
        .ok_or(Refusal::UnknownPartition(update.topic_id, update.index))?;
    check_epochs(partition, sender, update)?;
    check_members(image, partition, sender, update)?;
    let has_elr = image.feature_level(metadata::feature::ELIGIBLE_LEADER_REPLICAS) > 0;
    let mut next = completed(image, with_isr(partition, update, has_elr));
    settle_elr(image, topic.name(), &mut next);
    let record = change(update.topic_id, update.index, partition, &next);
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
) -> Result<(), Refusal> {
    let given = update.leader_epoch;
    let current = partition.leader_epoch;
    if given < current {
        return Err(Refusal::FencedLeaderEpoch { given, current });
    }
    if given > current || update.partition_epoch > partition.partition_epoch {
        return Err(Refusal::Ahead);
    }
    if partition.leader != Some(sender) {
        let leader = partition.leader;
        return Err(Refusal::NotLeader { sender, leader });
    }
    if update.partition_epoch < partition.partition_epoch {
        return Err(Refusal::StalePartitionEpoch {
            given: update.partition_epoch,
            current: partition.partition_epoch,
        });
    }
    Ok(())
}

fn check_members(
    image: &MetadataImage,
    partition: &PartitionRegistration,
    sender: NodeId,
    update: &PartitionUpdate,
) -> Result<(), Refusal> {
    let mut nodes: Vec<NodeId> = update.isr.iter().map(|member| member.node).collect();
    if !nodes.contains(&sender) {
        return Err(Refusal::Invalid("the leader left itself out of the isr"));
    }
    if nodes.iter().any(|node| !partition.replicas.contains(node)) {
        return Err(Refusal::Invalid(
            "the isr names a broker that is not a replica",
        ));
    }
    nodes.sort_unstable();
    nodes.dedup();
    if nodes.len() != update.isr.len() {
        return Err(Refusal::Invalid("the isr names a broker twice"));
    }
    let is_eligible = |member: &IsrMember| {
        image.broker(member.node).is_some_and(|broker| {
            let epoch = member.broker_epoch;
            // A leader that is about to stop may still shrink its isr.
            (broker.is_live() || member.node == sender)
                && (!epoch.is_known() || epoch == broker.epoch)
        })
    };
    match update.isr.iter().find(|member| !is_eligible(member)) {
        Some(member) => Err(Refusal::Ineligible(member.node)),
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
