//! `ElectLeaders`: leadership goes back to the preferred replica, or to an unclean one.

use metadata::{MetadataImage, MetadataRecord, PartitionRegistration, TopicImage};
use protocol::Str;
use protocol::messages::elect_leaders::TopicPartitions;
use types::PartitionIndex;

use super::Decision;
use super::partition_change::{change, unclean_change};

/// Which replica is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Election {
    /// The first assigned replica, if it is in sync.
    Preferred,
    /// Any live replica of a partition that has no leader, even if records are lost.
    Unclean,
}

/// Why the leader stays who it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No topic of that name.
    #[error("No such topic as {0}")]
    UnknownTopic(Str),
    /// No such partition.
    #[error("No such partition as {topic}-{index}")]
    UnknownPartition {
        /// The topic.
        topic: Str,
        /// The partition.
        index: PartitionIndex,
    },
    /// The leader is as wanted already.
    #[error("Leader election not needed for topic partition.")]
    NotNeeded,
    /// The preferred replica is not live, not in sync, or on a broker that is being emptied.
    #[error("The preferred leader was not available.")]
    PreferredNotAvailable,
    /// No replica is live.
    #[error("Failed to elect leader for the partition: none of its replicas is live.")]
    NoneAvailable,
}

/// One answer for one partition.
pub(super) type Answer = (PartitionIndex, Result<(), Refusal>);

/// Decides an `ElectLeaders` request. `None` asks for all partitions; those that need no election are
/// then left out of the answer.
#[must_use]
pub fn elect_leaders(
    image: &MetadataImage,
    election: Election,
    topics: Option<&[TopicPartitions]>,
) -> Decision<Vec<(Str, Vec<Answer>)>> {
    let mut decision = Decision::only(Vec::new());
    let Some(topics) = topics else {
        for topic in image.topics() {
            let elect = |(index, partition): (_, &std::sync::Arc<_>)| {
                (index, elect(image, election, topic, index, partition))
            };
            let results = topic.partitions().map(elect);
            let needed: Vec<_> = results
                .filter(|(_, result)| *result != Err(Refusal::NotNeeded))
                .collect();
            if !needed.is_empty() {
                answer(&mut decision, Str::from(&**topic.name()), needed);
            }
        }
        return decision;
    };
    for asked in topics {
        let results = asked.partitions.iter().map(|index| {
            (
                *index,
                find_and_elect(image, election, &asked.topic, *index),
            )
        });
        answer(&mut decision, asked.topic.clone(), results.collect());
    }
    decision
}

type Elected = Result<Option<MetadataRecord>, Refusal>;

fn answer(
    decision: &mut Decision<Vec<(Str, Vec<Answer>)>>,
    topic: Str,
    results: Vec<(PartitionIndex, Elected)>,
) {
    let mut answers = Vec::with_capacity(results.len());
    for (index, result) in results {
        let result = result.map(|record| {
            // A partition that is named twice is elected once: the records would be the same.
            if let Some(record) = record.filter(|record| !decision.records.contains(record)) {
                decision.records.push(record);
            }
        });
        answers.push((index, result));
    }
    decision.response.push((topic, answers));
}

fn find_and_elect(
    image: &MetadataImage,
    election: Election,
    name: &Str,
    index: PartitionIndex,
) -> Elected {
    let topic = image.topic(name);
    let topic = topic.ok_or_else(|| Refusal::UnknownTopic(name.clone()))?;
    let Some(partition) = topic.partition(index) else {
        let topic = name.clone();
        return Err(Refusal::UnknownPartition { topic, index });
    };
    elect(image, election, topic, index, partition)
}

fn elect(
    image: &MetadataImage,
    election: Election,
    topic: &TopicImage,
    index: PartitionIndex,
    partition: &PartitionRegistration,
) -> Elected {
    match election {
        Election::Preferred => {
            let next = preferred(image, partition)?;
            Ok(change(topic.id(), index, partition, &next))
        }
        Election::Unclean => {
            let next = unclean(image, partition)?;
            Ok(unclean_change(topic.id(), index, partition, &next))
        }
    }
}

/// The partition led by its first replica.
pub(super) fn preferred(
    image: &MetadataImage,
    partition: &PartitionRegistration,
) -> Result<PartitionRegistration, Refusal> {
    let first = partition.replicas.first().copied();
    if first == partition.leader {
        return Err(Refusal::NotNeeded);
    }
    let is_electable = |node: &types::NodeId| {
        partition.isr.contains(node)
            && image.is_replica_live(partition, *node)
            && !image.is_draining(*node)
    };
    let leader = first.filter(is_electable);
    let leader = leader.ok_or(Refusal::PreferredNotAvailable)?;
    let mut next = partition.clone();
    next.leader = Some(leader);
    Ok(next)
}

/// The partition led by whoever may hold most of it.
pub(super) fn unclean(
    image: &MetadataImage,
    partition: &PartitionRegistration,
) -> Result<PartitionRegistration, Refusal> {
    if partition.leader.is_some() {
        return Err(Refusal::NotNeeded);
    }
    // Whoever may hold most first; a live member of isr or elr would lead already.
    let candidates = [
        &partition.isr,
        &partition.elr,
        &partition.last_known_elr,
        &partition.replicas,
    ];
    let mut candidates = candidates.into_iter().flatten();
    let leader = candidates
        .find(|node| image.is_replica_live(partition, **node) && partition.replicas.contains(node))
        .ok_or(Refusal::NoneAvailable)?;
    let mut next = partition.clone();
    next.leader = Some(*leader);
    next.isr = vec![*leader];
    // The new leader's log is the truth now; nobody else's is known to match it.
    next.elr.clear();
    next.last_known_elr.clear();
    Ok(next)
}
