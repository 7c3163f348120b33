//! A consumer group becomes a classic group when the last member that heartbeats is gone and only
//! classic members are left.

use std::collections::BTreeSet;
use std::sync::Arc;

use metadata::MetadataImage;
use protocol::data::consumer_protocol_assignment::TopicPartition;

use super::embedded;
use super::member::{Member, word};
use super::state::Group;
use super::upgrade::CONSUMER;
use super::work::MEMBER_TIMERS;
use crate::assignor::Assignment;
use crate::classic::{self, Portrait, PortraitMember};
use crate::env::{Env, GroupId};
use crate::group::Group as Slot;
use crate::record::{ConsumerPart, Record};
use crate::settings::Settings;
use crate::timers::{TimerKey, TimerKind};

/// Whether only classic members are left without those that are `leaving`.
pub(crate) fn is_due(group: &Group, leaving: &BTreeSet<Arc<str>>, settings: &Settings) -> bool {
    let mut staying = group
        .members
        .iter()
        .filter(|(id, _)| !leaving.contains(*id));
    let staying_count = staying.clone().count();
    settings.consumer_migration.downgrade
        && staying_count > 0
        && staying_count <= settings.max_size
        && staying.all(|(_, member)| member.about.is_classic())
}

/// Replaces the group in the slot by a classic one of those who are not `leaving`. They rebalance.
pub(crate) fn carry_out(
    slot: &mut Slot,
    id: &GroupId,
    env: &mut Env<'_>,
    leaving: &BTreeSet<Arc<str>>,
) {
    let Some(group) = clear(slot, id, env) else {
        return;
    };
    let staying = group
        .members
        .iter()
        .filter(|(id, _)| !leaving.contains(*id));
    let portrait = Portrait {
        generation: group.epoch,
        protocol_type: Some(Arc::from(CONSUMER)),
        protocol: None,
        leader: None,
        members: staying
            .map(|(id, member)| member_of(id, member, &group.target_of(id), env.image))
            .collect(),
    };
    *slot = Slot::Classic(classic::Group::from_portrait(portrait, id, env, true));
}

/// Ends the consumer group in the slot, in the log as well, and gives what it was.
pub(crate) fn clear(slot: &mut Slot, id: &GroupId, env: &mut Env<'_>) -> Option<Group> {
    if !slot.is_consumer() {
        return None;
    }
    let Slot::Consumer(group) = std::mem::take(slot) else {
        return None;
    };
    for member in group.members.keys() {
        for kind in MEMBER_TIMERS {
            env.timers.disarm(&TimerKey::member(id, member, kind));
        }
    }
    for kind in [TimerKind::Assignment, TimerKind::Regex] {
        env.timers.disarm(&TimerKey::group(id, kind));
    }
    for part in tombstones(&group) {
        let group = Arc::clone(id);
        env.out.record(Record::ConsumerGroup { group, part });
    }
    Some(group)
}

/// The records that end a consumer group.
pub(crate) fn tombstones(group: &Group) -> Vec<ConsumerPart> {
    let members = group.members.keys();
    let targets = group.targets.keys();
    let current = members
        .clone()
        .map(|id| ConsumerPart::Current(Arc::clone(id), None));
    let target = targets.map(|id| ConsumerPart::Target(Arc::clone(id), None));
    let member = members.map(|id| ConsumerPart::Member(Arc::clone(id), None));
    let regexes = group.matched.keys();
    let regexes = regexes.map(|regex| ConsumerPart::Regex(Arc::clone(regex), None));
    current
        .chain(target)
        .chain([ConsumerPart::TargetMetadata(None)])
        .chain(member)
        .chain(regexes)
        .chain([
            ConsumerPart::PartitionMetadata,
            ConsumerPart::Metadata(None),
        ])
        .collect()
}

fn member_of(
    id: &Arc<str>,
    member: &Member,
    target: &Assignment,
    image: &MetadataImage,
) -> PortraitMember {
    let about = &*member.about;
    let classic = about.classic.as_ref();
    let protocols = classic
        .map(|classic| classic.protocols.clone())
        .unwrap_or_default();
    let subscribed = protocols.first().map(|(_, metadata)| metadata.clone());
    let topics = named(target, image);
    PortraitMember {
        id: Arc::clone(id),
        instance_id: about.instance_id.clone(),
        client_id: Arc::clone(&about.client_id),
        client_host: Arc::clone(&about.client_host),
        rebalance_timeout_ms: about.rebalance_timeout_ms,
        session_timeout_ms: classic.map_or(0, |classic| classic.session_timeout_ms),
        protocols,
        assignment: embedded::assign(topics, &subscribed.unwrap_or_default()),
    }
}

/// Partitions by name, of topics that exist.
pub(crate) fn named(target: &Assignment, image: &MetadataImage) -> Vec<TopicPartition> {
    let topics = target.topics().filter_map(|(topic, partitions)| {
        let topic = image.topic_by_id(topic)?;
        Some(TopicPartition {
            topic: word(topic.name()),
            partitions: partitions.to_vec(),
        })
    });
    topics.collect()
}
