//! `AlterPartitionReassignments`: replicas move from broker to broker, without a moment below the
//! number of copies there was.
//!
//! ```text
//! replicas 1 2 3  ──asked for 2 4 5──▶  2 4 5 1 3   adding 4 5   removing 1 3
//!                                           │ isr ⊇ 2 4 5
//!                                           ▼
//!                                       2 4 5       leader moves to a target if it was 1 or 3
//! ```

use metadata::{MetadataImage, MetadataRecord, PartitionRegistration};
use protocol::Str;
use protocol::messages::alter_partition_reassignments::ReassignableTopic;
use protocol::messages::list_partition_reassignments::ListPartitionReassignmentsTopics;
use types::{DirectoryId, NodeId, PartitionIndex};

use super::Decision;
use super::partition_change::change;
use super::placement::{self, AssignmentRefusal};

/// Why a partition's replicas stay where they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No topic of that name.
    #[error("Unable to find a topic named {0}.")]
    UnknownTopic(Str),
    /// No such partition.
    #[error("Unable to find partition {topic}:{index}.")]
    UnknownPartition {
        /// The topic.
        topic: Str,
        /// The partition.
        index: PartitionIndex,
    },
    /// There is nothing to cancel.
    #[error("No partition reassignment is in progress for {topic}-{index}.")]
    NotInProgress {
        /// The topic.
        topic: Str,
        /// The partition.
        index: PartitionIndex,
    },
    /// The targets are no list of brokers.
    #[error(transparent)]
    Assignment(AssignmentRefusal),
    /// The number of replicas would change, which the request does not allow.
    #[error(
        "The replication factor would change from {current} to {asked}, but the request does not \
         allow that."
    )]
    FactorChange {
        /// How many replicas there are.
        current: usize,
        /// How many are asked for.
        asked: usize,
    },
    /// The old replicas lag, so going back to them would lose records.
    #[error(
        "The reassignment of {topic}-{index} cannot be reverted: none of the replicas that would \
         remain is in sync."
    )]
    Unclean {
        /// The topic.
        topic: Str,
        /// The partition.
        index: PartitionIndex,
    },
}

/// One answer for one partition.
pub type Reassignment = (PartitionIndex, Result<(), Refusal>);

/// Decides an `AlterPartitionReassignments` request: partition by partition, those that are refused do
/// not keep others from moving.
#[must_use]
pub fn alter_partition_reassignments(
    image: &MetadataImage,
    topics: &[ReassignableTopic],
    allow_replication_factor_change: bool,
) -> Decision<Vec<(Str, Vec<Reassignment>)>> {
    let mut decision = Decision::only(Vec::with_capacity(topics.len().min(1024)));
    // A partition that is named twice is decided twice on the same image; only the first can fit.
    let mut decided: Vec<(Str, PartitionIndex)> = Vec::new();
    for topic in topics {
        let mut answers = Vec::with_capacity(topic.partitions.len().min(1024));
        for asked in &topic.partitions {
            let index = asked.partition_index;
            let targets = asked.replicas.as_deref();
            let factor_may_change = allow_replication_factor_change;
            let result = reassign(image, &topic.name, index, targets, factor_may_change);
            let result = result.map(|record| {
                let key = (topic.name.clone(), index);
                if let Some(record) = record.filter(|_| !decided.contains(&key)) {
                    decided.push(key);
                    decision.records.push(record);
                }
            });
            answers.push((index, result));
        }
        decision.response.push((topic.name.clone(), answers));
    }
    decision
}

fn reassign(
    image: &MetadataImage,
    name: &Str,
    index: PartitionIndex,
    targets: Option<&[i32]>,
    factor_may_change: bool,
) -> Result<Option<MetadataRecord>, Refusal> {
    let topic = image.topic(name);
    let topic = topic.ok_or_else(|| Refusal::UnknownTopic(name.clone()))?;
    let Some(partition) = topic.partition(index) else {
        let topic = name.clone();
        return Err(Refusal::UnknownPartition { topic, index });
    };
    let original = original_replicas(partition);
    let next = if let Some(targets) = targets {
        let targets = placement::check_manual(image, targets, None).map_err(Refusal::Assignment)?;
        if !factor_may_change && targets.len() != original.len() {
            return Err(Refusal::FactorChange {
                current: original.len(),
                asked: targets.len(),
            });
        }
        start(image, partition, &original, &targets)
    } else {
        if !partition.is_reassigning() {
            let topic = name.clone();
            return Err(Refusal::NotInProgress { topic, index });
        }
        with_replicas(image, partition, &original)
    };
    let mut next = completed(image, next);
    settle_elr(image, name, &mut next);
    let had_any = !partition.isr.is_empty() || !partition.elr.is_empty();
    let loses_isr = next.isr.is_empty() && !partition.isr.is_empty();
    // While nobody is in sync, the elr is all that is known to be complete.
    if loses_isr || (had_any && next.isr.is_empty() && next.elr.is_empty()) {
        let topic = name.clone();
        return Err(Refusal::Unclean { topic, index });
    }
    Ok(change(topic.id(), index, partition, &next))
}

/// The replicas as they were before the reassignment that runs, or as they are.
fn original_replicas(partition: &PartitionRegistration) -> Vec<NodeId> {
    without(&partition.replicas, &partition.adding_replicas)
}

fn without(nodes: &[NodeId], dropped: &[NodeId]) -> Vec<NodeId> {
    let kept = nodes.iter().filter(|node| !dropped.contains(node));
    kept.copied().collect()
}

fn start(
    image: &MetadataImage,
    partition: &PartitionRegistration,
    original: &[NodeId],
    targets: &[NodeId],
) -> PartitionRegistration {
    let removing = without(original, targets);
    let mut replicas = targets.to_vec();
    replicas.extend(&removing);
    let mut next = with_replicas(image, partition, &replicas);
    next.adding_replicas = without(targets, original);
    next.removing_replicas = removing;
    next
}

/// The partition on its way to these replicas more.
pub(super) fn grown(
    image: &MetadataImage,
    partition: &PartitionRegistration,
    more: &[NodeId],
) -> PartitionRegistration {
    let mut targets = partition.replicas.clone();
    targets.extend(more);
    start(image, partition, &partition.replicas, &targets)
}

/// The partition with another list of replicas and no reassignment; lists and leader follow.
fn with_replicas(
    image: &MetadataImage,
    partition: &PartitionRegistration,
    replicas: &[NodeId],
) -> PartitionRegistration {
    let directories = replicas.iter().map(|node| {
        if partition.replicas.contains(node) {
            partition.directory_of(*node)
        } else {
            placement::directory_on(image, *node)
        }
    });
    let directories: Vec<DirectoryId> = directories.collect();
    let kept = |nodes: &[NodeId]| -> Vec<NodeId> {
        let kept = replicas.iter().filter(|node| nodes.contains(node));
        kept.copied().collect()
    };
    let isr = kept(&partition.isr);
    let leader = partition.leader.filter(|leader| isr.contains(leader));
    let successor = || isr.iter().copied().find(|node| image.is_live(*node));
    PartitionRegistration {
        leader: leader.or_else(successor),
        elr: kept(&partition.elr),
        last_known_elr: kept(&partition.last_known_elr),
        directories,
        isr,
        replicas: replicas.to_vec(),
        adding_replicas: Vec::new(),
        removing_replicas: Vec::new(),
        ..partition.clone()
    }
}

/// The partition after its reassignment, if all its targets are in sync; else as it is.
pub(super) fn completed(
    image: &MetadataImage,
    partition: PartitionRegistration,
) -> PartitionRegistration {
    let targets = without(&partition.replicas, &partition.removing_replicas);
    let are_in_sync = targets.iter().all(|target| partition.isr.contains(target));
    if partition.is_reassigning() && are_in_sync {
        return with_replicas(image, &partition, &targets);
    }
    partition
}

/// Ends eligibility where the ISR suffices. How many replicas it takes follows from how many there
/// are meant to be, so it may change with every move; a leader whose ISR suffices may move its high watermark past
/// what the ELR holds.
pub(super) fn settle_elr(image: &MetadataImage, topic: &str, next: &mut PartitionRegistration) {
    if next.isr.len() >= image.min_insync_replicas(topic, next.replication_factor()) {
        next.elr.clear();
        next.last_known_elr.clear();
    }
}

/// A reassignment that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ongoing {
    /// The partition.
    pub index: PartitionIndex,
    /// Its lists.
    pub partition: std::sync::Arc<PartitionRegistration>,
}

/// All reassignments that run, or those among the partitions asked for. Topics without one are left
/// out.
#[must_use]
pub fn list_partition_reassignments(
    image: &MetadataImage,
    topics: Option<&[ListPartitionReassignmentsTopics]>,
) -> Vec<(Str, Vec<Ongoing>)> {
    let mut found = Vec::new();
    let mut add = |name: &str, of_topic: Vec<Ongoing>| {
        if !of_topic.is_empty() {
            found.push((Str::from(name), of_topic));
        }
    };
    let ongoing = |(index, partition): (PartitionIndex, &std::sync::Arc<PartitionRegistration>)| {
        let partition = std::sync::Arc::clone(partition);
        partition
            .is_reassigning()
            .then_some(Ongoing { index, partition })
    };
    let Some(topics) = topics else {
        for topic in image.topics() {
            add(
                topic.name(),
                topic.partitions().filter_map(ongoing).collect(),
            );
        }
        return found;
    };
    for asked in topics {
        let Some(topic) = image.topic(&asked.name) else {
            continue;
        };
        let partitions = asked
            .partition_indexes
            .iter()
            .filter_map(|index| Some((*index, topic.partition(*index)?)));
        add(topic.name(), partitions.filter_map(ongoing).collect());
    }
    found
}
