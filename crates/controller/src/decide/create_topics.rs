//! `CreateTopics`: names, counts, assignments and configs of new topics.

use std::collections::{BTreeMap, BTreeSet};

use config::Invalid;
use config::describe::Entry;
use metadata::{MetadataImage, MetadataRecord, v1};
use protocol::Str;
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use types::{NodeId, PartitionIndex, TopicId};

use super::effective::topic_configs;
use super::placement::{self, AssignmentRefusal};
use super::topic_name::{INTERNAL_REPLICATION_FACTOR, is_internal};
use super::{Answers, Decision, InvalidName, Settings, check_topic_name, id_bytes, new_uuid};

/// Kafka's own metadata log, which exists in no image and may not be imitated.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// A topic that will exist once the records are committed, or would if they were proposed.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// Its id.
    pub topic_id: TopicId,
    /// How many partitions it has.
    pub partition_count: usize,
    /// How many replicas each has.
    pub replication_factor: usize,
    /// All its configs that may be listed, with where each value comes from.
    pub configs: Vec<Entry>,
}

/// Why a topic is not created.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The request has the name more than once.
    #[error("Duplicate topic name.")]
    Duplicate,
    /// The name is not a name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The name belongs to the software.
    #[error("Creation of internal topic {0} is prohibited.")]
    Internal(Str),
    /// The topic exists.
    #[error("Topic '{0}' already exists.")]
    Exists(Str),
    /// Another topic has the same name but for dots and underscores, which metrics cannot tell apart.
    #[error("Topic '{name}' collides with existing topic: {existing}")]
    Collision {
        /// The name.
        name: Str,
        /// The name that is taken.
        existing: String,
    },
    /// A config is unknown or illegal.
    #[error(transparent)]
    Config(#[from] Invalid),
    /// A config without a value.
    #[error("Null value not supported for topic configs: {0}")]
    NullConfig(Str),
    /// Zero or fewer partitions.
    #[error("Number of partitions was set to an invalid non-positive value.")]
    PartitionCount,
    /// The request asks for too much at once.
    #[error("Excessively large number of partitions per request.")]
    TooManyPartitions,
    /// Zero or fewer replicas.
    #[error("Replication factor must be larger than 0, or -1 to use the default value.")]
    ReplicationFactor,
    /// Both an assignment and a replication factor.
    #[error(
        "A manual partition assignment was specified, but replication factor was not set to -1."
    )]
    AssignmentAndFactor,
    /// Both an assignment and a count of partitions.
    #[error(
        "A manual partition assignment was specified, but number of partitions was not set to -1."
    )]
    AssignmentAndCount,
    /// An assignment names a partition twice.
    #[error("Found multiple manual partition assignments for partition {0}")]
    AssignedTwice(PartitionIndex),
    /// An assignment leaves a partition out.
    #[error("partitions should be a consecutive 0-based integer sequence")]
    AssignmentGap,
    /// The replicas cannot be placed automatically.
    #[error(transparent)]
    Placement(AssignmentRefusal),
    /// The replicas cannot be placed as asked.
    #[error(transparent)]
    Assignment(AssignmentRefusal),
}

/// Decides a `CreateTopics` request. Each distinct name is answered once, in the order of the request.
/// Topics that are refused do not keep others from being created.
///
/// With `validate_only`, everything is checked and nothing is recorded; the id in the answer is then
/// not that of any topic.
#[must_use]
pub fn create_topics(
    image: &MetadataImage,
    settings: &Settings,
    random: &mut dyn rand::Rng,
    request: &CreateTopicsRequest,
) -> Decision<Answers<Created, Refusal>> {
    let mut decision = Decision::only(Vec::with_capacity(request.topics.len().min(1024)));
    let is_too_large = asked_partitions(settings, request) > settings.partitions_per_request_max;
    let copies = copies(request);
    let mut answered: BTreeSet<&str> = BTreeSet::new();
    let mut taken: BTreeMap<String, Str> = BTreeMap::new();
    for topic in &request.topics {
        if !answered.insert(&topic.name) {
            continue;
        }
        let result = if copies.get(&*topic.name).is_some_and(|count| *count > 1) {
            Err(Refusal::Duplicate)
        } else if is_too_large {
            Err(Refusal::TooManyPartitions)
        } else {
            check_name(image, &taken, &topic.name)
                .and_then(|()| create_topic(image, settings, random, topic))
        };
        let result = result.map(|(created, records)| {
            taken.insert(topic.name.replace('.', "_"), topic.name.clone());
            if !request.validate_only {
                decision.records.extend(records);
            }
            created
        });
        decision.response.push((topic.name.clone(), result));
    }
    decision
}

fn copies(request: &CreateTopicsRequest) -> BTreeMap<&str, usize> {
    let mut copies = BTreeMap::new();
    for topic in &request.topics {
        *copies.entry(&*topic.name).or_insert(0) += 1;
    }
    copies
}

fn asked_partitions(settings: &Settings, request: &CreateTopicsRequest) -> usize {
    let asked = request.topics.iter().map(|topic| {
        if topic.assignments.is_empty() {
            partition_count(settings, topic.num_partitions).unwrap_or(0)
        } else {
            topic.assignments.len()
        }
    });
    asked.fold(0, usize::saturating_add)
}

fn check_name(
    image: &MetadataImage,
    taken: &BTreeMap<String, Str>,
    name: &Str,
) -> Result<(), Refusal> {
    check_topic_name(name)?;
    if **name == *METADATA_TOPIC {
        return Err(Refusal::Internal(name.clone()));
    }
    if image.topic(name).is_some() {
        return Err(Refusal::Exists(name.clone()));
    }
    // Kafka overlooks collisions within one request; the result would be two topics that metrics
    // cannot tell apart, which is what the rule is for.
    let existing = image.topic_colliding_with(name);
    let existing = existing.map(|topic| topic.name().to_string());
    let existing = existing.or_else(|| taken.get(&name.replace('.', "_")).map(ToString::to_string));
    match existing {
        Some(existing) => Err(Refusal::Collision {
            name: name.clone(),
            existing,
        }),
        None => Ok(()),
    }
}

fn create_topic(
    image: &MetadataImage,
    settings: &Settings,
    random: &mut dyn rand::Rng,
    topic: &CreatableTopic,
) -> Result<(Created, Vec<MetadataRecord>), Refusal> {
    let overrides = overrides(topic)?;
    let assignment = if topic.assignments.is_empty() {
        automatic(image, settings, random, topic)?
    } else {
        manual(image, topic)?
    };
    let topic_id = TopicId(new_uuid(random));
    let replication_factor = assignment.first().map_or(0, Vec::len);
    let created = Created {
        topic_id,
        partition_count: assignment.len(),
        replication_factor,
        configs: topic_configs(image, settings, &overrides, replication_factor),
    };
    let header = v1::Topic {
        name: topic.name.to_string(),
        topic_id: id_bytes(topic_id.0),
    };
    let mut records = Vec::with_capacity(1 + assignment.len() + overrides.len());
    records.push(header.into());
    for (index, replicas) in (0..).zip(&assignment) {
        let partition = placement::new_partition(image, topic_id, index, replicas);
        records.push(partition.map_err(Refusal::Assignment)?.into());
    }
    for (key, value) in overrides {
        let config = v1::Config {
            resource_type: v1::ResourceType::Topic.into(),
            resource_name: topic.name.to_string(),
            key: key.to_string(),
            value: Some(value.to_string()),
        };
        records.push(config.into());
    }
    Ok((created, records))
}

/// The configs of the request, the last of several copies of a key.
fn overrides(topic: &CreatableTopic) -> Result<BTreeMap<Str, Str>, Refusal> {
    let mut overrides = BTreeMap::new();
    for config in &topic.configs {
        let Some(value) = &config.value else {
            return Err(Refusal::NullConfig(config.name.clone()));
        };
        overrides.insert(config.name.clone(), value.clone());
    }
    config::topic::check(overrides.iter().map(|(key, value)| (&**key, &**value)))?;
    Ok(overrides)
}

fn automatic(
    image: &MetadataImage,
    settings: &Settings,
    random: &mut dyn rand::Rng,
    topic: &CreatableTopic,
) -> Result<Vec<Vec<NodeId>>, Refusal> {
    let factor = match topic.replication_factor {
        // A cluster that is still small starts with fewer; more follow with more brokers.
        -1 if is_internal(&topic.name) => {
            let live = image.brokers().filter(|broker| broker.is_live());
            let factor = live.count().clamp(1, INTERNAL_REPLICATION_FACTOR);
            i16::try_from(factor).unwrap_or(1)
        }
        -1 => settings.default_replication_factor,
        factor => factor,
    };
    let factor = usize::try_from(factor).unwrap_or(0);
    if factor == 0 {
        return Err(Refusal::ReplicationFactor);
    }
    let count = partition_count(settings, topic.num_partitions).ok_or(Refusal::PartitionCount)?;
    placement::place(image, count, factor, random).map_err(Refusal::Placement)
}

fn partition_count(settings: &Settings, asked: i32) -> Option<usize> {
    let count = match asked {
        -1 => settings.num_partitions,
        count => count,
    };
    usize::try_from(count).ok().filter(|count| *count > 0)
}

fn manual(image: &MetadataImage, topic: &CreatableTopic) -> Result<Vec<Vec<NodeId>>, Refusal> {
    if topic.replication_factor != -1 {
        return Err(Refusal::AssignmentAndFactor);
    }
    if topic.num_partitions != -1 {
        return Err(Refusal::AssignmentAndCount);
    }
    let mut by_index = BTreeMap::new();
    let mut factor = None;
    for assignment in &topic.assignments {
        let replicas = placement::check_manual(image, &assignment.broker_ids, factor)
            .map_err(Refusal::Assignment)?;
        factor = Some(replicas.len());
        let index = assignment.partition_index;
        if by_index.insert(index, replicas).is_some() {
            return Err(Refusal::AssignedTwice(index));
        }
    }
    let is_dense = (0..).zip(by_index.keys()).all(|(i, index)| i == *index);
    if !is_dense {
        return Err(Refusal::AssignmentGap);
    }
    Ok(by_index.into_values().collect())
}
