//! One consumer group (KIP-848): members heartbeat, the coordinator assigns.
//!
//! ```text
//!  subscriptions, topics ──▶ group epoch ──▶ target assignment ──▶ each member by itself, heartbeat by
//!  of all members            +1 for every    of that epoch, at     heartbeat: gives up, gets, reaches
//!                            change          most one a second     the target's epoch
//! ```
//!
//! All of it is in the log, see [`state`]; in memory only are timers and what can be counted again.
//!
//! Invariants:
//!
//! - member epoch ≤ target epoch ≤ group epoch, and none of them ever goes back, but for members that
//!   join anew.
//! - A partition has one owner at most, which is whoever was given it last, until that one says that it
//!   gave it up, or is gone.
//! - A quiet group reaches its target: what has to wait for time has a timer.

mod assign;
mod chosen;
mod classic_join;
mod classic_member;
mod downgrade;
mod embedded;
mod hash;
mod heartbeat;
mod leave;
mod member;
mod owned;
mod query;
mod reconcile;
mod refusal;
mod regex;
mod request;
mod state;
mod upgrade;
mod work;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use metadata::{Change, Delta};
use protocol::messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use protocol::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use types::ErrorCode;

use self::member::State;
use self::work::{MEMBER_TIMERS, Work};
use crate::env::{Env, GroupId, Out};
use crate::group::{Call, Group as Slot};
use crate::record::{ConsumerPart, Record};
use crate::request::Answer;
use crate::shard::Mode;
use crate::timers::{TimerKey, TimerKind};

pub(crate) use self::classic_join::join as classic_join;
pub(crate) use self::classic_member::sync as classic_sync;
pub(crate) use self::query::describe_missing;
pub(crate) use self::state::Group;

/// Names of topics that one step writes down for expressions.
const MATCH_STEP_BYTES: usize = 4 * 1024 * 1024;

/// `ConsumerGroupHeartbeat`, whatever stands in the slot: a classic group may be upgraded.
pub(crate) fn heartbeat(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &ConsumerGroupHeartbeatRequest,
) {
    let answer = heartbeat::decide(slot, call, env, request);
    let answer = answer.unwrap_or_else(|refusal| refusal.to_heartbeat());
    env.out
        .answer(call.id, call.token, Answer::ConsumerHeartbeat(answer));
}

/// `Heartbeat` of a classic member.
pub(crate) fn classic_heartbeat(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &HeartbeatRequest,
) {
    let said = classic_member::heartbeat(slot, call, env, request);
    let answer = HeartbeatResponse {
        error_code: said.err().unwrap_or(ErrorCode::None).to_wire(),
        ..HeartbeatResponse::default()
    };
    env.out
        .answer(call.id, call.token, Answer::Heartbeat(answer));
}

/// `LeaveGroup` of classic members, or of any static one by whoever administers the group.
pub(crate) fn classic_leave(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &LeaveGroupRequest,
) {
    let members = classic_member::leave(slot, call, env, request);
    let answer = LeaveGroupResponse {
        members,
        ..LeaveGroupResponse::default()
    };
    env.out.answer(call.id, call.token, Answer::Leave(answer));
}

/// A timer of the group fired.
pub(crate) fn on_time(slot: &mut Slot, key: &TimerKey, env: &mut Env<'_>) {
    let Slot::Consumer(group) = slot else {
        return;
    };
    let id = &key.group;
    match key.kind {
        kind if MEMBER_TIMERS.contains(&kind) && group.members.contains_key(&key.member) => {
            let gone = BTreeSet::from([Arc::clone(&key.member)]);
            leave::fence(slot, id, env, &gone);
        }
        TimerKind::Regex => {
            let expressions: Vec<Arc<str>> = group.expressions.keys().cloned().collect();
            let mut work = Work { id, group, env };
            let mut written_bytes = 0;
            for expression in &expressions {
                written_bytes += work.match_topics(expression);
                if written_bytes > MATCH_STEP_BYTES {
                    // The rest in the next step: one batch cannot hold any number of names.
                    let now = work.env.now.monotonic;
                    work.env.timers.arm(key.clone(), now);
                    break;
                }
            }
            work.raise_epoch(false);
            work.assign_when_due();
            work.keep_matching();
        }
        TimerKind::Assignment => {
            let mut work = Work { id, group, env };
            work.raise_epoch(false);
            work.assign_when_due();
        }
        _ => {}
    }
}

/// Topics changed. A group that reads one of them is looked at soon, each by itself: a change that
/// concerns a thousand groups should not be one step.
pub(crate) fn on_topics(slot: &mut Slot, id: &GroupId, env: &mut Env<'_>, delta: &Delta) {
    let Slot::Consumer(group) = slot else {
        return;
    };
    if group.members.is_empty() {
        return;
    }
    let reads_any = delta
        .topics
        .values()
        .any(|topic| group.is_subscribed_to(&topic.name));
    let has_come_or_gone = || {
        let mut topics = delta.topics.values();
        topics.any(|topic| topic.change != Change::Changed)
    };
    let may_match = !group.expressions.is_empty() && has_come_or_gone();
    let mut work = Work { id, group, env };
    if reads_any {
        work.assign_soon();
    }
    if may_match {
        work.match_soon();
    }
}

/// The log says what a part of the group is now. Live, the group is as its own decision left it, so
/// the same again changes nothing; one that has become classic in the meantime takes no notice.
pub(crate) fn replay(slot: &mut Slot, id: &GroupId, part: &ConsumerPart, mode: Mode) {
    let _ = id;
    match slot {
        Slot::Consumer(_) => {}
        Slot::Classic(_) if mode == Mode::Live => return,
        Slot::Absent | Slot::Classic(_) if is_tombstone(part) => return,
        Slot::Absent | Slot::Classic(_) => *slot = Slot::Consumer(Group::default()),
    }
    match (slot, part) {
        (slot, ConsumerPart::Metadata(None)) => *slot = Slot::Absent,
        (Slot::Consumer(group), part) => group.apply(part),
        _ => {}
    }
}

const fn is_tombstone(part: &ConsumerPart) -> bool {
    matches!(
        part,
        ConsumerPart::PartitionMetadata
            | ConsumerPart::Metadata(None)
            | ConsumerPart::TargetMetadata(None)
            | ConsumerPart::Member(_, None)
            | ConsumerPart::Target(_, None)
            | ConsumerPart::Current(_, None)
            | ConsumerPart::Regex(_, None)
    )
}

impl Group {
    /// The log was read to its end: every member has its whole session timeout, and what topics did in
    /// the meantime is looked at.
    pub(crate) fn on_loaded(&mut self, id: &GroupId, env: &mut Env<'_>) {
        self.recount_owners();
        let members: Vec<Arc<str>> = self.members.keys().cloned().collect();
        let unrevoked: Vec<(Arc<str>, std::time::Duration)> = self
            .members
            .iter()
            .filter(|(_, m)| m.current.state == State::Unrevoked && !m.about.is_classic())
            .map(|(id, member)| (Arc::clone(id), member.about.rebalance_timeout()))
            .collect();
        let has_expressions = !self.expressions.is_empty();
        let mut work = Work {
            id,
            group: self,
            env,
        };
        for member in &members {
            work.restart_session(member);
        }
        for (member, timeout) in unrevoked {
            work.arm(&member, TimerKind::Rebalance, timeout);
        }
        if !members.is_empty() {
            work.assign_soon();
        }
        if has_expressions {
            work.match_soon();
        }
    }

    /// A classic member committed offsets: it lives.
    pub(crate) fn on_heard(&mut self, call: &Call<'_>, member_id: &str, env: &mut Env<'_>) {
        let known = self.members.get_key_value(member_id);
        let id = known
            .filter(|(_, member)| member.about.is_classic())
            .map(|(id, _)| Arc::clone(id));
        if let Some(id) = id {
            let mut work = Work {
                id: call.id,
                group: self,
                env,
            };
            work.restart_session(&id);
        }
    }

    /// Writes the records that end the group.
    pub(crate) fn delete(&self, id: &GroupId, out: &mut Out) {
        for part in downgrade::tombstones(self) {
            let group = Arc::clone(id);
            out.record(Record::ConsumerGroup { group, part });
        }
    }
}
