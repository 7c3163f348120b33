//! A classic group becomes a consumer group when the first member joins it by heartbeat.
//!
//! Its members stay as they are, with what they were assigned, and go on through the classic requests;
//! the generation becomes the group epoch. Nothing that the classic group says may be lost, so one
//! whose bytes cannot be read stays classic.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use metadata::MetadataImage;
use protocol::data::consumer_group_metadata::ConsumerGroupMetadataValue;
use protocol::data::consumer_group_target_assignment_metadata::ConsumerGroupTargetAssignmentMetadataValue;
use types::{ErrorCode, PartitionIndex, TopicId};

use super::member::{About, Classic, Current, State, own};
use super::owned::Owned;
use super::refusal::Refusal;
use super::state::Group;
use super::work::Work;
use super::{assign, embedded, hash};
use crate::assignor::Assignment;
use crate::classic;
use crate::env::{Env, GroupId};
use crate::group::Group as Slot;
use crate::record::{ConsumerPart, Record};
use crate::settings::Settings;

/// The type of groups of consumers.
pub(crate) const CONSUMER: &str = "consumer";

/// A consumer group that takes another one's place, with the records that say so.
pub(crate) struct Upgrade {
    pub(crate) group: Group,
    parts: Vec<ConsumerPart>,
    is_from_classic: bool,
}

impl Upgrade {
    /// A new group.
    pub(crate) fn from_nothing() -> Self {
        Self {
            group: Group::default(),
            parts: Vec::new(),
            is_from_classic: false,
        }
    }

    /// What the classic group would be.
    pub(crate) fn of(
        classic: &classic::Group,
        id: &GroupId,
        image: &MetadataImage,
        settings: &Settings,
    ) -> Result<Self, Refusal> {
        let mut upgrade = Self {
            is_from_classic: true,
            ..Self::from_nothing()
        };
        if classic.is_empty() {
            return Ok(upgrade);
        }
        let portrait = classic.portrait();
        let refuse = |why: &str| {
            let message =
                format!("Cannot upgrade classic group {id} to consumer group because {why}.");
            Refusal::new(ErrorCode::GroupIdNotFound, message)
        };
        if !settings.consumer_migration.upgrade {
            return Err(refuse("online upgrade is disabled"));
        }
        if portrait.protocol_type.as_deref() != Some(CONSUMER) {
            return Err(refuse(
                "the group does not use the consumer embedded protocol",
            ));
        }
        if portrait.members.len() > settings.consumer_max_size {
            return Err(refuse(
                "the group size exceeds the consumer group maximum size",
            ));
        }
        match upgrade.take_over(&portrait, image) {
            Ok(()) => Ok(upgrade),
            Err(Unreadable::Bytes) => Err(refuse("the embedded consumer protocol is malformed")),
            Err(Unreadable::UserData) => Err(refuse(
                "an unsupported custom assignor is in use, whose data would be lost",
            )),
        }
    }

    fn take_over(
        &mut self,
        portrait: &classic::Portrait,
        image: &MetadataImage,
    ) -> Result<(), Unreadable> {
        // Epoch 0 is what a member says that joins.
        let epoch = portrait.generation.max(1);
        let mut taken = BTreeSet::new();
        let mut targets = BTreeMap::new();
        for member in &portrait.members {
            let about = about(member, portrait.protocol.as_deref())?;
            let target = assigned(&member.assignment, image, &mut taken)?;
            let id = Arc::clone(&member.id);
            targets.insert(Arc::clone(&id), target);
            self.push(ConsumerPart::Member(id, Some(about.to_record())));
        }
        let metadata_hash = hash::of_topics(self.group.subscribed(), image);
        self.push(ConsumerPart::Metadata(Some(ConsumerGroupMetadataValue {
            epoch,
            metadata_hash,
        })));
        for (id, target) in &targets {
            let value = assign::to_record(target);
            self.push(ConsumerPart::Target(Arc::clone(id), Some(value)));
        }
        self.push(ConsumerPart::TargetMetadata(Some(
            ConsumerGroupTargetAssignmentMetadataValue {
                assignment_epoch: epoch,
                assignment_timestamp: 0,
            },
        )));
        for (id, target) in targets {
            let partitions = target.partitions();
            let current = Current {
                epoch,
                previous_epoch: epoch,
                state: State::Stable,
                assigned: partitions.map(|(t, p)| (t, p, epoch)).collect(),
                revoking: Owned::default(),
            };
            self.push(ConsumerPart::Current(id, Some(current.to_record())));
        }
        Ok(())
    }

    fn push(&mut self, part: ConsumerPart) {
        self.group.apply(&part);
        self.parts.push(part);
    }

    /// Puts the group into the slot and writes it down. Whoever waits in the classic group joins again.
    pub(crate) fn carry_out(self, slot: &mut Slot, id: &GroupId, env: &mut Env<'_>) {
        if let Slot::Classic(classic) = slot {
            classic.dissolve(env);
        }
        if self.is_from_classic {
            env.out.record(Record::ClassicGroup {
                group: Arc::clone(id),
                value: None,
            });
        }
        for part in self.parts {
            let group = Arc::clone(id);
            env.out.record(Record::ConsumerGroup { group, part });
        }
        let mut group = self.group;
        let members: Vec<Arc<str>> = group.members.keys().cloned().collect();
        let mut work = Work {
            id,
            group: &mut group,
            env,
        };
        for member in &members {
            work.restart_session(member);
        }
        *slot = Slot::Consumer(group);
    }
}

enum Unreadable {
    Bytes,
    UserData,
}

fn about(member: &classic::PortraitMember, protocol: Option<&str>) -> Result<About, Unreadable> {
    let protocols = &member.protocols;
    let chosen = protocols.iter().find(|(name, _)| Some(&**name) == protocol);
    // Without a choice yet, whatever the member likes best.
    let (_, metadata) = chosen.or(protocols.first()).ok_or(Unreadable::Bytes)?;
    let subscription = embedded::subscription(metadata).ok_or(Unreadable::Bytes)?;
    Ok(About {
        instance_id: member.instance_id.clone(),
        rack_id: subscription
            .rack_id
            .as_ref()
            .filter(|r| !r.is_empty())
            .map(own),
        client_id: Arc::clone(&member.client_id),
        client_host: Arc::clone(&member.client_host),
        topic_names: subscription.topics.iter().map(own).collect(),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        classic: Some(Classic {
            session_timeout_ms: member.session_timeout_ms,
            protocols: protocols.clone(),
        }),
        ..About::default()
    })
}

/// What a member was assigned, of topics that exist. A partition that a client's assignor gave to two
/// members stays with the first.
fn assigned(
    bytes: &Bytes,
    image: &MetadataImage,
    taken: &mut BTreeSet<(TopicId, PartitionIndex)>,
) -> Result<Assignment, Unreadable> {
    let assignment = embedded::assignment(bytes).ok_or(Unreadable::Bytes)?;
    if assignment.user_data.is_some_and(|data| !data.is_empty()) {
        return Err(Unreadable::UserData);
    }
    let mut target = Assignment::new();
    for topic in &assignment.assigned_partitions {
        let Some(known) = image.topic(&topic.topic) else {
            continue;
        };
        let partitions = topic.partitions.iter().copied();
        let partitions = partitions.filter(|index| known.partition(*index).is_some());
        let free = partitions.filter(|index| taken.insert((known.id(), *index)));
        target.insert(known.id(), free);
    }
    Ok(target)
}
