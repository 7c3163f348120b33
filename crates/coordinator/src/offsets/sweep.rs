//! Offsets grow old, topics are deleted: what nobody will ask for again is swept away.
//!
//! A sweep looks at every group of the shard, a few at a time, so that no step is long and no batch large:
//! every `offsets.retention.check.interval.ms`, and from the beginning as soon as a topic was deleted.
//!
//! ```text
//!  the consumer said until when      then
//!  the topic is gone                 now
//!  members read the topic            never
//!  the group is empty                offsets.retention.minutes after it became empty
//!  otherwise                         offsets.retention.minutes after the commit
//! ```
//!
//! An empty group of which no offset is left goes with the last.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use metadata::{Change, Delta};
use types::TimestampMs;

use super::delete::{tombstone, tombstone_bytes};
use super::{Committed, Offsets, Topic, Topics};
use crate::env::{Env, GroupId};
use crate::group::{Emptiness, Group};
use crate::timers::{TimerKey, TimerKind};

/// Offsets looked at in one step, beyond which no further group is begun.
const LOOKED_AT_MAX: usize = 4096;
/// Between two steps of a sweep.
const PAUSE: Duration = Duration::from_millis(1);
/// Records written in one step, beyond which the rest of a group is left for the next sweep.
const TOMBSTONES_MAX: usize = 4096;

impl Offsets {
    /// Sweeps a part of the groups and arms its timer again: at once if there is more.
    pub(crate) fn sweep(&mut self, groups: &BTreeMap<GroupId, Group>, env: &mut Env<'_>) {
        let mut looked_at = 0;
        let mut room = Room::of_a_step(env);
        let is_more = loop {
            let Some(id) = self.next_after(groups) else {
                self.swept = None;
                break false;
            };
            if looked_at >= LOOKED_AT_MAX || room.is_full {
                break true;
            }
            let topics = self.groups.get(&id);
            let group = groups.get(&id).unwrap_or(&Group::Absent);
            looked_at += 1 + topics.map_or(0, |topics| topics.values().map(BTreeMap::len).sum());
            sweep_group(&id, group, topics, &mut room, env);
            self.swept = Some(id);
        };
        let wait = match is_more {
            // Not within this step, whose other timers are due as well.
            true => PAUSE,
            false => env.settings.offsets_retention_check_interval,
        };
        env.timers.arm(timer(), env.now.monotonic + wait);
    }

    /// Topics changed: offsets of those that are gone go too, in a sweep that begins now.
    pub(crate) fn on_topics(&mut self, delta: &Delta, env: &mut Env<'_>) {
        let mut changes = delta.topics.values();
        if changes.any(|topic| topic.change == Change::Removed) {
            self.swept = None;
            env.timers.arm(timer(), env.now.monotonic);
        }
    }

    /// The next group or group id with offsets.
    fn next_after(&self, groups: &BTreeMap<GroupId, Group>) -> Option<GroupId> {
        let from = match &self.swept {
            Some(id) => Bound::Excluded(id),
            None => Bound::Unbounded,
        };
        let range = (from, Bound::Unbounded);
        let with_offsets = self.groups.range::<GroupId, _>(range).next();
        let group = groups.range::<GroupId, _>(range).next();
        let ids = with_offsets.map(|(id, _)| id).into_iter();
        ids.chain(group.map(|(id, _)| id)).min().map(Arc::clone)
    }
}

/// The timer of the sweep, which is no group's.
pub(crate) fn timer() -> TimerKey {
    TimerKey::group(&Arc::from(""), TimerKind::Expiration)
}

/// What a step may still write: no batch becomes large, neither by many records nor by long names.
struct Room {
    records: usize,
    bytes: usize,
    /// Something did not find room.
    is_full: bool,
}

impl Room {
    fn of_a_step(env: &Env<'_>) -> Self {
        Self {
            records: TOMBSTONES_MAX.saturating_sub(env.out.records.len()),
            bytes: env.settings.batch_bytes_max,
            is_full: false,
        }
    }

    fn take(&mut self, bytes: usize) -> bool {
        self.is_full |= self.records == 0 || self.bytes < bytes;
        if !self.is_full {
            self.records -= 1;
            self.bytes -= bytes;
        }
        !self.is_full
    }
}

fn sweep_group(
    id: &GroupId,
    group: &Group,
    topics: Option<&Topics>,
    room: &mut Room,
    env: &mut Env<'_>,
) {
    let emptiness = group.empty_since();
    let mut is_any_left = false;
    for (topic, partitions) in topics.into_iter().flatten() {
        let is_read = group.is_subscribed(topic);
        for (partition, committed) in partitions {
            let is_gone = Topic::of(committed, topic, env.image) != Topic::Same;
            let is_over = is_gone || (!is_read && is_expired(committed, emptiness, env));
            if is_over && room.take(tombstone_bytes(id, topic)) {
                tombstone(id, topic, *partition, env.out);
            } else {
                is_any_left = true;
            }
        }
    }
    if !is_any_left && group.may_delete().is_ok() {
        group.delete(id, env.out);
    }
}

fn is_expired(committed: &Committed, emptiness: Emptiness, env: &Env<'_>) -> bool {
    let now = env.now.wall_ms;
    if let Some(expire_timestamp) = committed.expire_timestamp {
        return now >= expire_timestamp;
    }
    let since: TimestampMs = match emptiness {
        // Whoever commits to an empty group from outside does not make it younger, as in Kafka.
        Emptiness::Since(since) => since,
        Emptiness::Occupied | Emptiness::NoGroup => committed.commit_timestamp,
    };
    let retention = env.settings.offsets_retention.as_millis();
    let age = u128::try_from(now.saturating_sub(since)).unwrap_or(0);
    age >= retention
}
