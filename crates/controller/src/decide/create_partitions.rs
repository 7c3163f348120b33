//! `CreatePartitions`: more partitions for topics that exist. Never fewer.

use std::collections::BTreeMap;

use metadata::{MetadataImage, MetadataRecord, TopicImage};
use protocol::Str;
use protocol::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use types::{NodeId, PartitionIndex};

use super::placement::{self, AssignmentRefusal};
use super::topic_name::is_internal;
use super::{Answers, Decision, Settings};

/// Why a topic gets no more partitions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request has the topic more than once.
    #[error("Duplicate topic name.")]
    Duplicate,
    /// No topic of that name.
    #[error("The topic '{0}' does not exist.")]
    UnknownTopic(Str),
    /// The count is what it is already.
    #[error("Topic already has {0} partition(s).")]
    SameCount(usize),
    /// The count is lower than it is, which would lose records.
    #[error(
        "The topic {name} currently has {current} partition(s); {asked} would not be an increase."
    )]
    FewerThanNow {
        /// The topic.
        name: Str,
        /// How many partitions it has.
        current: usize,
        /// How many were asked for.
        asked: i32,
    },
    /// Brokers find a group's partition by their count.
    #[error(
        "The number of partitions of {0} cannot change: what brokers keep there would not be found again."
    )]
    Internal(Str),
    /// The request asks for too much at once.
    #[error("Excessively large number of partitions per request.")]
    TooManyPartitions,
    /// Not one assignment for each new partition.
    #[error(
        "Attempted to add {added} additional partition(s), but only {assigned} assignment(s) were \
         specified."
    )]
    AssignmentCount {
        /// How many partitions are new.
        added: usize,
        /// How many assignments there are.
        assigned: usize,
    },
    /// The replicas cannot be placed automatically.
    #[error(transparent)]
    Placement(AssignmentRefusal),
    /// The replicas cannot be placed as asked.
    #[error(transparent)]
    Assignment(AssignmentRefusal),
}

/// Decides a `CreatePartitions` request. Each distinct topic is answered once, in the order of the
/// request. Topics that are refused do not keep others from growing. With `validate_only`,
/// everything is checked and nothing is recorded.
#[must_use]
pub fn create_partitions(
    image: &MetadataImage,
    settings: &Settings,
    random: &mut dyn rand::Rng,
    request: &CreatePartitionsRequest,
) -> Decision<Answers<(), Refusal>> {
    let mut decision = Decision::only(Vec::with_capacity(request.topics.len().min(1024)));
    let mut copies: BTreeMap<&str, usize> = BTreeMap::new();
    for topic in &request.topics {
        *copies.entry(&topic.name).or_insert(0) += 1;
    }
    let mut budget = settings.partitions_per_request_max;
    for topic in &request.topics {
        // Taken out, so that copies of the name find nothing and are not answered again.
        let result = match copies.remove(&*topic.name) {
            None => continue,
            Some(1) => grow(image, random, topic, &mut budget),
            Some(_) => Err(Refusal::Duplicate),
        };
        let result = result.map(|records| {
            if !request.validate_only {
                decision.records.extend(records);
            }
        });
        decision.response.push((topic.name.clone(), result));
    }
    decision
}

fn grow(
    image: &MetadataImage,
    random: &mut dyn rand::Rng,
    request: &CreatePartitionsTopic,
    budget: &mut usize,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let topic = image.topic(&request.name);
    let topic = topic.ok_or_else(|| Refusal::UnknownTopic(request.name.clone()))?;
    let added = added_count(topic, request)?;
    if is_internal(topic.name()) {
        return Err(Refusal::Internal(request.name.clone()));
    }
    *budget = budget
        .checked_sub(added)
        .ok_or(Refusal::TooManyPartitions)?;
    let assignment = match &request.assignments {
        None => placement::place(image, added, topic.replication_factor(), random)
            .map_err(Refusal::Placement)?,
        Some(assignments) => {
            if assignments.len() != added {
                let assigned = assignments.len();
                return Err(Refusal::AssignmentCount { added, assigned });
            }
            let lists = assignments.iter().map(|assignment| &*assignment.broker_ids);
            manual(image, topic, lists).map_err(Refusal::Assignment)?
        }
    };
    let first = PartitionIndex::try_from(topic.partition_count()).unwrap_or(PartitionIndex::MAX);
    (first..)
        .zip(&assignment)
        .map(|(index, replicas)| {
            let partition = placement::new_partition(image, topic.id(), index, replicas);
            Ok(partition.map_err(Refusal::Assignment)?.into())
        })
        .collect()
}

fn added_count(topic: &TopicImage, request: &CreatePartitionsTopic) -> Result<usize, Refusal> {
    let current = topic.partition_count();
    match usize::try_from(request.count) {
        Ok(asked) if asked > current => Ok(asked - current),
        Ok(asked) if asked == current => Err(Refusal::SameCount(current)),
        Ok(_) | Err(_) => Err(Refusal::FewerThanNow {
            name: request.name.clone(),
            current,
            asked: request.count,
        }),
    }
}

fn manual<'a>(
    image: &MetadataImage,
    topic: &TopicImage,
    lists: impl Iterator<Item = &'a [i32]>,
) -> Result<Vec<Vec<NodeId>>, AssignmentRefusal> {
    let factor = Some(topic.replication_factor());
    lists
        .map(|list| placement::check_manual(image, list, factor))
        .collect()
}
