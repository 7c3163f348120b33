//! A consumer group's hard state: what its records add up to.
//!
//! ```text
//! Metadata        group epoch, hash of the topics       grows when the target has to change
//! Member …        what each member said                 ┐ subscriptions
//! Regex …         the topics each expression matched    ┘
//! TargetMetadata  epoch of the target, when computed    target epoch ≤ group epoch
//! Target …        what each member is to have
//! Current …       what each member has                  member epoch ≤ target epoch
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use protocol::data::consumer_group_target_assignment_member::ConsumerGroupTargetAssignmentMemberValue;
use types::{PartitionIndex, TimestampMs, TopicId};

use super::member::{About, Current, Member, own};
use crate::assignor::Assignment;
use crate::record::ConsumerPart;

/// A consumer group.
///
/// A decision changes it record by record, through the same function that replays the log. Replaying
/// the records of a step once more, when they are appended, finds everything as they say.
#[expect(
    unnameable_types,
    reason = "only a variant of what a shard keeps names it"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Grows whenever subscriptions, members or topics change.
    pub(crate) epoch: i32,
    /// What [`super::hash`] said when the epoch was written.
    pub(crate) metadata_hash: i64,
    /// The group epoch for which the target was computed.
    pub(crate) target_epoch: i32,
    /// When it was computed, 0 if never. Wall clock.
    pub(crate) target_computed_ms: TimestampMs,
    pub(crate) members: BTreeMap<Arc<str>, Member>,
    pub(crate) targets: BTreeMap<Arc<str>, Arc<Assignment>>,
    pub(crate) matched: BTreeMap<Arc<str>, Matched>,
    // From here on, all follows from the above.
    /// Member ids of static members, by instance id.
    pub(crate) static_members: BTreeMap<Arc<str>, Arc<str>>,
    /// How many members subscribed each topic by name.
    pub(crate) names: BTreeMap<Arc<str>, usize>,
    /// How many members subscribed each regular expression.
    pub(crate) expressions: BTreeMap<Arc<str>, usize>,
    /// Who has each partition, or is still giving it up.
    owners: HashMap<(TopicId, PartitionIndex), Arc<str>>,
}

/// What a regular expression matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matched {
    pub(crate) topics: BTreeSet<Arc<str>>,
    /// The metadata offset it was matched at.
    pub(crate) version: i64,
    /// When. Wall clock.
    pub(crate) at_ms: TimestampMs,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            epoch: 1,
            metadata_hash: 0,
            target_epoch: 1,
            target_computed_ms: 0,
            members: BTreeMap::new(),
            targets: BTreeMap::new(),
            matched: BTreeMap::new(),
            static_members: BTreeMap::new(),
            names: BTreeMap::new(),
            expressions: BTreeMap::new(),
            owners: HashMap::new(),
        }
    }
}

/// What is asked of the state.
impl Group {
    /// What the member is to have.
    pub(crate) fn target_of(&self, member: &str) -> Arc<Assignment> {
        self.targets.get(member).cloned().unwrap_or_default()
    }

    /// Whether somebody has the partition or is still giving it up.
    pub(crate) fn is_held(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.owners.contains_key(&(topic, partition))
    }

    /// All topics that members subscribed, by name or by expression, whether they exist or not.
    pub(crate) fn subscribed(&self) -> BTreeSet<&Arc<str>> {
        let matched = self.expressions.keys();
        let matched = matched.filter_map(|expression| self.matched.get(expression));
        self.names
            .keys()
            .chain(matched.flat_map(|matched| &matched.topics))
            .collect()
    }

    /// Whether any member subscribed the topic.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        let mut matched = self.expressions.keys();
        self.names.contains_key(topic)
            || matched.any(|expression| {
                let matched = self.matched.get(expression);
                matched.is_some_and(|matched| matched.topics.contains(topic))
            })
    }

    /// Whether the member subscribed the topic.
    pub(crate) fn is_member_subscribed(&self, about: &About, topic: &str) -> bool {
        let matched = about.regex().and_then(|regex| self.matched.get(regex));
        about.topic_names.contains(topic)
            || matched.is_some_and(|matched| matched.topics.contains(topic))
    }

    /// Whether any member is not where the target wants it.
    pub(crate) fn is_reconciling(&self) -> bool {
        let mut members = self.members.values();
        members.any(|member| !member.current.is_reconciled_to(self.target_epoch))
    }
}

/// Replay.
impl Group {
    /// Takes in one record. The tombstone of the group itself is the caller's.
    pub(crate) fn apply(&mut self, part: &ConsumerPart) {
        match part {
            ConsumerPart::Metadata(value) => {
                if let Some(value) = value {
                    self.epoch = value.epoch;
                    self.metadata_hash = value.metadata_hash;
                }
            }
            ConsumerPart::PartitionMetadata => {}
            ConsumerPart::TargetMetadata(value) => {
                self.target_epoch = value.as_ref().map_or(-1, |value| value.assignment_epoch);
                self.target_computed_ms =
                    value.as_ref().map_or(0, |value| value.assignment_timestamp);
            }
            ConsumerPart::Target(member, None) => {
                self.targets.remove(member);
            }
            ConsumerPart::Target(member, Some(value)) => {
                let target = Arc::new(assignment(value));
                self.targets.insert(Arc::clone(member), target);
            }
            ConsumerPart::Member(id, None) => self.set_member(id, None),
            ConsumerPart::Member(id, Some(value)) => {
                let mut member = self.members.get(id).cloned().unwrap_or_default();
                member.about = Arc::new(About::from_record(value));
                self.set_member(id, Some(member));
            }
            ConsumerPart::Current(id, value) => {
                let Some(value) = value else {
                    return self.reset_current(id);
                };
                let mut member = self.members.get(id).cloned().unwrap_or_default();
                member.current = Current::from_record(value);
                self.set_member(id, Some(member));
            }
            ConsumerPart::Regex(expression, None) => {
                self.matched.remove(expression);
            }
            ConsumerPart::Regex(expression, Some(value)) => {
                let matched = Matched {
                    topics: value.topics.iter().map(own).collect(),
                    version: value.version,
                    at_ms: value.timestamp,
                };
                self.matched.insert(Arc::clone(expression), matched);
            }
        }
    }

    /// The order in which a compacted log names owners is not the order in which they had partitions:
    /// once all is read, who has what is counted again.
    pub(crate) fn recount_owners(&mut self) {
        self.owners.clear();
        for (id, member) in &self.members {
            for (topic, partition, _) in held(&member.current) {
                self.owners.insert((topic, partition), Arc::clone(id));
            }
        }
    }

    fn reset_current(&mut self, id: &Arc<str>) {
        let Some(mut member) = self.members.get(id).cloned() else {
            return;
        };
        member.current = Current {
            epoch: super::member::LEFT,
            previous_epoch: super::member::LEFT,
            ..Current::default()
        };
        self.set_member(id, Some(member));
    }

    fn set_member(&mut self, id: &Arc<str>, newer: Option<Member>) {
        let older = self.members.remove(id);
        let abouts = (older.as_ref(), newer.as_ref());
        let is_same = matches!(abouts, (Some(a), Some(b)) if Arc::ptr_eq(&a.about, &b.about));
        if let Some(older) = &older {
            self.disown(id, &older.current);
            if !is_same {
                self.forget(id, &older.about);
            }
        }
        let Some(newer) = newer else { return };
        for (topic, partition, _) in held(&newer.current) {
            self.owners.insert((topic, partition), Arc::clone(id));
        }
        if !is_same {
            self.learn(id, &newer.about);
        }
        self.members.insert(Arc::clone(id), newer);
    }

    fn disown(&mut self, id: &Arc<str>, current: &Current) {
        for (topic, partition, _) in held(current) {
            if self.owners.get(&(topic, partition)) == Some(id) {
                self.owners.remove(&(topic, partition));
            }
        }
    }

    fn learn(&mut self, id: &Arc<str>, about: &About) {
        if let Some(instance) = &about.instance_id {
            self.static_members
                .insert(Arc::clone(instance), Arc::clone(id));
        }
        for name in &about.topic_names {
            *self.names.entry(Arc::clone(name)).or_default() += 1;
        }
        if let Some(regex) = about.regex() {
            *self.expressions.entry(Arc::clone(regex)).or_default() += 1;
        }
    }

    fn forget(&mut self, id: &Arc<str>, about: &About) {
        if let Some(instance) = &about.instance_id
            && self.static_members.get(instance) == Some(id)
        {
            self.static_members.remove(instance);
        }
        for name in &about.topic_names {
            count_down(&mut self.names, name);
        }
        if let Some(regex) = about.regex() {
            count_down(&mut self.expressions, regex);
        }
    }
}

/// What a member has, and what it has not yet said it gave up.
fn held(current: &Current) -> impl Iterator<Item = (TopicId, PartitionIndex, i32)> {
    current.assigned.iter().chain(current.revoking.iter())
}

fn count_down(counts: &mut BTreeMap<Arc<str>, usize>, name: &Arc<str>) {
    match counts.get_mut(name) {
        Some(count) if *count > 1 => *count -= 1,
        _ => {
            counts.remove(name);
        }
    }
}

fn assignment(value: &ConsumerGroupTargetAssignmentMemberValue) -> Assignment {
    let topics = value.topic_partitions.iter();
    topics
        .map(|topic| (topic.topic_id.into(), topic.partitions.clone()))
        .collect()
}
