//! One decision about one group: records are written and take effect at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use protocol::data::consumer_group_metadata::ConsumerGroupMetadataValue;
use protocol::data::consumer_group_regular_expression::ConsumerGroupRegularExpressionValue;
use protocol::data::consumer_group_target_assignment_metadata::ConsumerGroupTargetAssignmentMetadataValue;
use protocol::messages::consumer_group_heartbeat::TopicPartitions;
use types::TopicId;

use super::member::{State, word};
use super::reconcile::Step;
use super::state::Group;
use super::{assign, chosen, hash, regex};
use crate::env::{Env, GroupId};
use crate::record::{ConsumerPart, Record};
use crate::timers::{TimerKey, TimerKind};

/// Expressions are matched anew at most so often, however many topics come and go.
const MATCH_INTERVAL: Duration = Duration::from_secs(10);

/// A group in the middle of a decision.
pub(crate) struct Work<'a, 'e> {
    pub(crate) id: &'a GroupId,
    pub(crate) group: &'a mut Group,
    pub(crate) env: &'a mut Env<'e>,
}

impl Work<'_, '_> {
    /// Writes a record. An append that fails drops the whole shard, so the group may follow at once.
    pub(crate) fn write(&mut self, part: ConsumerPart) {
        self.group.apply(&part);
        let group = Arc::clone(self.id);
        self.env.out.record(Record::ConsumerGroup { group, part });
    }

    /// Raises the group epoch if it has to be, or if topics are not what they were.
    pub(crate) fn raise_epoch(&mut self, has_to: bool) {
        let metadata_hash = hash::of_topics(self.group.subscribed(), self.env.image);
        if !has_to && metadata_hash == self.group.metadata_hash {
            return;
        }
        self.write(ConsumerPart::Metadata(Some(ConsumerGroupMetadataValue {
            epoch: self.group.epoch.saturating_add(1),
            metadata_hash,
        })));
    }

    /// Computes a new target if the group needs one and the last is old enough; else sees to it that
    /// it is computed when it is.
    pub(crate) fn assign_when_due(&mut self) {
        if self.group.target_epoch >= self.group.epoch || self.group.members.is_empty() {
            return;
        }
        let wait = self.wait_for_target();
        if !wait.is_zero() {
            return self.arm_assignment(wait);
        }
        let assignor = assign::preferred(self.group, &self.env.settings.consumer_assignors);
        for (member, target) in assign::compute(self.group, assignor, self.env.image) {
            if self
                .group
                .targets
                .get(&member)
                .is_none_or(|old| **old != target)
            {
                let value = assign::to_record(&target);
                self.write(ConsumerPart::Target(member, Some(value)));
            }
        }
        let computed_ms = self.env.now.wall_ms;
        self.write_target_epoch(computed_ms);
    }

    pub(crate) fn write_target_epoch(&mut self, computed_ms: i64) {
        let value = ConsumerGroupTargetAssignmentMetadataValue {
            assignment_epoch: self.group.epoch,
            assignment_timestamp: computed_ms,
        };
        self.write(ConsumerPart::TargetMetadata(Some(value)));
    }

    /// Sees to it that the target is looked at soon, outside this decision: many members that go at
    /// once cost one assignment.
    pub(crate) fn assign_soon(&mut self) {
        let wait = self.wait_for_target();
        self.arm_assignment(wait);
    }

    /// How long the last target has still to stand.
    fn wait_for_target(&self) -> Duration {
        let interval = chosen::assignment_interval(self.id, self.env);
        let computed_ms = self.group.target_computed_ms;
        let age_ms = self.env.now.wall_ms.saturating_sub(computed_ms);
        match u64::try_from(age_ms) {
            Ok(age_ms) if computed_ms > 0 => interval.saturating_sub(Duration::from_millis(age_ms)),
            // Never computed; or the clock was set back, and waiting could take any time.
            _ => Duration::ZERO,
        }
    }

    fn arm_assignment(&mut self, wait: Duration) {
        let key = TimerKey::group(self.id, TimerKind::Assignment);
        self.env.timers.arm(key, self.env.now.monotonic + wait);
    }

    /// Matches an expression against all topics and writes what it found, if it is new. Returns about how
    /// many bytes that took.
    pub(crate) fn match_topics(&mut self, expression: &Arc<str>) -> usize {
        let topics = regex::resolve(expression, self.env.image);
        let known = self.group.matched.get(expression);
        if known.is_some_and(|known| known.topics == topics) {
            return 0;
        }
        let names = topics.iter().map(|topic| topic.len());
        let bytes = names.sum::<usize>() + expression.len();
        let value = ConsumerGroupRegularExpressionValue {
            topics: topics.iter().map(word).collect(),
            version: self.env.image.offset(),
            timestamp: self.env.now.wall_ms,
        };
        self.write(ConsumerPart::Regex(Arc::clone(expression), Some(value)));
        bytes
    }

    /// Matches all expressions again, soon but not too often.
    pub(crate) fn match_soon(&mut self) {
        let matched = self.group.matched.values();
        let last_ms = matched.map(|matched| matched.at_ms).max().unwrap_or(0);
        let age_ms = self.env.now.wall_ms.saturating_sub(last_ms);
        let age = u64::try_from(age_ms).map_or(MATCH_INTERVAL, Duration::from_millis);
        let key = TimerKey::group(self.id, TimerKind::Regex);
        let wait = MATCH_INTERVAL.saturating_sub(age);
        self.env.timers.arm(key, self.env.now.monotonic + wait);
    }

    /// Sees to it that expressions are matched again in any case, `group.consumer.regex.refresh.interval.ms`
    /// from now at the latest.
    pub(crate) fn keep_matching(&mut self) {
        let key = TimerKey::group(self.id, TimerKind::Regex);
        if self.group.expressions.is_empty() {
            self.env.timers.disarm(&key);
        } else if self.env.timers.deadline(&key).is_none() {
            let interval = self.env.settings.consumer_regex_refresh_interval;
            self.env.timers.arm(key, self.env.now.monotonic + interval);
        }
    }

    /// Moves a member as far towards its target as what it says it has allows.
    pub(crate) fn reconcile(
        &mut self,
        member_id: &Arc<str>,
        claimed: Option<&[TopicPartitions]>,
        has_new_subscription: bool,
    ) {
        let group = &*self.group;
        let Some(member) = group.members.get(member_id) else {
            return;
        };
        if !has_new_subscription && member.current.is_reconciled_to(group.target_epoch) {
            return;
        }
        let image = self.env.image;
        let about = &*member.about;
        let is_subscribed = |topic: TopicId| {
            let topic = image.topic_by_id(topic);
            topic.is_some_and(|topic| group.is_member_subscribed(about, topic.name()))
        };
        let next = Step {
            target_epoch: group.target_epoch,
            target: &group.target_of(member_id),
            claimed,
            has_new_subscription,
            is_subscribed: &is_subscribed,
            is_held: &|topic, partition| group.is_held(topic, partition),
        }
        .take(&member.current);
        if next == member.current {
            return;
        }
        let is_classic = about.is_classic();
        let timeout = about.rebalance_timeout();
        let must_revoke = next.state == State::Unrevoked;
        let value = next.to_record();
        self.write(ConsumerPart::Current(Arc::clone(member_id), Some(value)));
        // A classic member that has to give something up is asked to rejoin, with a timer of its own.
        if must_revoke && !is_classic {
            self.arm(member_id, TimerKind::Rebalance, timeout);
        } else {
            self.disarm(member_id, TimerKind::Rebalance);
        }
    }

    pub(crate) fn arm(&mut self, member: &Arc<str>, kind: TimerKind, wait: Duration) {
        let key = TimerKey::member(self.id, member, kind);
        self.env.timers.arm(key, self.env.now.monotonic + wait);
    }

    pub(crate) fn disarm(&mut self, member: &Arc<str>, kind: TimerKind) {
        let key = TimerKey::member(self.id, member, kind);
        self.env.timers.disarm(&key);
    }

    /// The member was heard of.
    pub(crate) fn restart_session(&mut self, member_id: &Arc<str>) {
        let member = self.group.members.get(member_id);
        let classic = member.and_then(|member| member.about.classic.as_ref());
        let timeout = match classic {
            Some(classic) => classic.session_timeout(),
            None => chosen::session_timeout(self.id, self.env),
        };
        self.arm(member_id, TimerKind::Session, timeout);
    }

    /// Removes members for good, and what was kept for them alone.
    pub(crate) fn remove(&mut self, members: &BTreeSet<Arc<str>>) {
        let mut expressions = BTreeSet::new();
        for id in members {
            let member = self.group.members.get(id);
            expressions.extend(member.and_then(|member| member.about.regex().cloned()));
            self.bury(id);
            for kind in MEMBER_TIMERS {
                self.disarm(id, kind);
            }
        }
        for expression in expressions {
            self.forget_expression(expression);
        }
        self.raise_epoch(true);
        if self.group.members.is_empty() {
            // Whoever comes next need not wait for the interval.
            self.write_target_epoch(0);
        } else {
            self.assign_soon();
        }
    }

    /// Writes the tombstones of a member.
    pub(crate) fn bury(&mut self, id: &Arc<str>) {
        self.write(ConsumerPart::Current(Arc::clone(id), None));
        self.write(ConsumerPart::Target(Arc::clone(id), None));
        self.write(ConsumerPart::Member(Arc::clone(id), None));
    }

    /// Drops what an expression matched if nobody subscribes it any more.
    pub(crate) fn forget_expression(&mut self, expression: Arc<str>) {
        if !self.group.expressions.contains_key(&expression)
            && self.group.matched.contains_key(&expression)
        {
            self.write(ConsumerPart::Regex(expression, None));
        }
    }
}

/// Timers that belong to one member.
pub(crate) const MEMBER_TIMERS: [TimerKind; 4] = [
    TimerKind::Session,
    TimerKind::Rebalance,
    TimerKind::Join,
    TimerKind::Sync,
];
