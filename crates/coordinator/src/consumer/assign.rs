//! From a group and the cluster's topics to what an assignor works on.

use std::collections::BTreeMap;
use std::sync::Arc;

use metadata::{MetadataImage, PartitionRegistration};
use protocol::data::consumer_group_target_assignment_member::{
    ConsumerGroupTargetAssignmentMemberValue, TopicPartition,
};
use types::TopicId;

use super::member::About;
use super::state::Group;
use crate::assignor::{Assignment, Assignor, Input, Member, Topic};

/// What each member of the group should have, in the order of member ids. Only topics that exist.
pub(crate) fn compute(
    group: &Group,
    assignor: Assignor,
    image: &MetadataImage,
) -> Vec<(Arc<str>, Assignment)> {
    let nothing = Assignment::new();
    let wants_racks = group.members.values().any(|m| m.about.rack_id.is_some());
    let (topics, places) = topics(group, image, wants_racks);
    let mut shared: Option<(&About, Arc<[usize]>)> = None;
    let mut members = Vec::with_capacity(group.members.len());
    for (id, member) in &group.members {
        let about = &*member.about;
        // Neighbours mostly subscribe the same: one list serves them all.
        let list = match &shared {
            Some((other, list)) if has_same_subscription(about, other) => Arc::clone(list),
            _ => subscription(group, about, &places),
        };
        shared = Some((about, Arc::clone(&list)));
        members.push(Member {
            id,
            instance_id: about.instance_id.as_deref(),
            rack_id: about.rack_id.as_deref(),
            topics: list,
            target: group.targets.get(id).map_or(&nothing, |target| target),
        });
    }
    let assigned = assignor.assign(&Input { members, topics });
    group.members.keys().cloned().zip(assigned).collect()
}

/// The assignor that most members ask for, the broker's first if nobody asks.
pub(crate) fn preferred(group: &Group, configured: &[String]) -> Assignor {
    let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
    for member in group.members.values() {
        let asked = member.about.server_assignor.as_deref();
        let place = asked.and_then(|name| configured.iter().position(|known| known == name));
        if let Some(place) = place {
            *votes.entry(place).or_default() += 1;
        }
    }
    let most = votes.values().max().copied();
    // Among equals, the one that is configured first.
    let winner = votes.iter().find(|(_, count)| Some(**count) == most);
    let place = winner.map_or(0, |(place, _)| *place);
    configured
        .get(place)
        .and_then(|name| Assignor::from_name(name))
        .unwrap_or_default()
}

/// An assignment as the log has it.
pub(crate) fn to_record(target: &Assignment) -> ConsumerGroupTargetAssignmentMemberValue {
    let topics = target.topics().map(|(topic, partitions)| TopicPartition {
        topic_id: topic.0,
        partitions: partitions.to_vec(),
    });
    ConsumerGroupTargetAssignmentMemberValue {
        topic_partitions: topics.collect(),
    }
}

/// The topics that exist, in the order of their ids, and where each name stands among them.
fn topics<'a>(
    group: &'a Group,
    image: &MetadataImage,
    wants_racks: bool,
) -> (Vec<Topic>, BTreeMap<&'a str, usize>) {
    let mut found: BTreeMap<TopicId, (&str, &metadata::TopicImage)> = BTreeMap::new();
    for name in group.subscribed() {
        if let Some(topic) = image.topic(name) {
            found.insert(topic.id(), (name, topic));
        }
    }
    let places = (0..).zip(found.values()).map(|(i, (name, _))| (*name, i));
    let places = places.collect();
    let topics = found
        .values()
        .map(|(_, topic)| Topic {
            id: topic.id(),
            partition_count: topic.partition_count(),
            racks: match wants_racks {
                true => topic.partitions().map(|(_, p)| racks(p, image)).collect(),
                false => Vec::new(),
            },
        })
        .collect();
    (topics, places)
}

fn racks(partition: &PartitionRegistration, image: &MetadataImage) -> Vec<Arc<str>> {
    let replicas = partition.replicas.iter();
    replicas
        .filter_map(|node| image.broker(*node)?.rack.clone())
        .collect()
}

fn has_same_subscription(a: &About, b: &About) -> bool {
    a.topic_names == b.topic_names && a.regex() == b.regex()
}

fn subscription(group: &Group, about: &About, places: &BTreeMap<&str, usize>) -> Arc<[usize]> {
    let matched = about.regex().and_then(|regex| group.matched.get(regex));
    let matched = matched.into_iter().flat_map(|matched| &matched.topics);
    let names = about.topic_names.iter().chain(matched);
    let mut list: Vec<usize> = names
        .filter_map(|name| places.get(&**name).copied())
        .collect();
    list.sort_unstable();
    list.dedup();
    list.into()
}
