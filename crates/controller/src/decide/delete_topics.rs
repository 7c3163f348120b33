//! `DeleteTopics`: by name or by id.

use std::collections::BTreeMap;

use metadata::{MetadataImage, TopicImage, v1};
use protocol::Str;
use types::TopicId;

use super::{Decision, Settings, id_bytes};

/// What is to be deleted, as the request says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// A name, or none.
    pub name: Option<Str>,
    /// An id, or zero.
    pub id: TopicId,
}

/// A topic that is gone once the records are committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Its name.
    pub name: Str,
    /// Its id.
    pub id: TopicId,
}

/// Why a topic is not deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `delete.topic.enable` is off.
    #[error("Topic deletion is disabled: delete.topic.enable is false.")]
    Disabled,
    /// Neither name nor id.
    #[error("Neither topic name nor id were specified.")]
    Nothing,
    /// Both name and id.
    #[error("You may not specify both topic name and topic id.")]
    Both,
    /// The request has the name more than once.
    #[error("Duplicate topic name.")]
    DuplicateName,
    /// The request has the id more than once.
    #[error("Duplicate topic id.")]
    DuplicateId,
    /// The request has the topic by name and by id.
    #[error("The provided topic name maps to an ID that was already supplied.")]
    NameAndId,
    /// No topic of that name.
    #[error("This server does not host this topic-partition.")]
    UnknownName,
    /// No topic of that id.
    #[error("This server does not host this topic ID.")]
    UnknownId,
}

/// Decides a `DeleteTopics` request. Each distinct target is answered once, in the order of the
/// request. Topics that are refused do not keep others from being deleted.
#[must_use]
pub fn delete_topics(
    image: &MetadataImage,
    settings: &Settings,
    targets: &[Target],
) -> Decision<Vec<(Target, Result<Deleted, Refusal>)>> {
    let mut decision = Decision::only(Vec::with_capacity(targets.len().min(1024)));
    let copies = copies(targets);
    let by_id = targets.iter().filter(|target| target.name.is_none());
    let ids: Vec<TopicId> = by_id.map(|target| target.id).collect();
    let mut answered = std::collections::BTreeSet::new();
    for target in targets {
        if !answered.insert(target) {
            continue;
        }
        let is_copied = copies.get(target).is_some_and(|count| *count > 1);
        let result = find(image, settings, target, is_copied)
            .and_then(|topic| refuse_both_ways(topic, target, &ids))
            .map(deleted);
        if let Ok(topic) = &result {
            let topic_id = id_bytes(topic.id.0);
            decision.records.push(v1::RemoveTopic { topic_id }.into());
        }
        decision.response.push((target.clone(), result));
    }
    decision
}

fn copies(targets: &[Target]) -> BTreeMap<&Target, usize> {
    let mut copies = BTreeMap::new();
    for target in targets {
        *copies.entry(target).or_insert(0) += 1;
    }
    copies
}

fn find<'a>(
    image: &'a MetadataImage,
    settings: &Settings,
    target: &Target,
    is_copied: bool,
) -> Result<&'a TopicImage, Refusal> {
    if !settings.delete_topic_enable {
        return Err(Refusal::Disabled);
    }
    match (&target.name, target.id) {
        (None, TopicId::ZERO) => Err(Refusal::Nothing),
        (Some(_), id) if id != TopicId::ZERO => Err(Refusal::Both),
        (Some(_), _) if is_copied => Err(Refusal::DuplicateName),
        (None, _) if is_copied => Err(Refusal::DuplicateId),
        (Some(name), _) => image.topic(name).ok_or(Refusal::UnknownName),
        (None, id) => image.topic_by_id(id).ok_or(Refusal::UnknownId),
    }
}

fn refuse_both_ways<'a>(
    topic: &'a TopicImage,
    target: &Target,
    ids: &[TopicId],
) -> Result<&'a TopicImage, Refusal> {
    if target.name.is_some() && ids.contains(&topic.id()) {
        return Err(Refusal::NameAndId);
    }
    Ok(topic)
}

fn deleted(topic: &TopicImage) -> Deleted {
    Deleted {
        name: Str::from(&**topic.name()),
        id: topic.id(),
    }
}
