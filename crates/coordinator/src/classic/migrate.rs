//! How a group passes to the other protocol and back (KIP-848): a portrait of the classic group, and the
//! classic group that a portrait comes to life as.

use std::sync::Arc;

use bytes::Bytes;

use super::members::{Member, Waiting};
use super::state::{Group, State};
use super::subscription;
use crate::env::{Env, GroupId};
use crate::timers::{TimerKey, TimerKind};

/// A classic group without what waits in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Portrait {
    /// Counts completed join phases; the epoch, seen as a consumer group.
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<Arc<str>>,
    /// What the members chose.
    pub(crate) protocol: Option<Arc<str>>,
    pub(crate) leader: Option<Arc<str>>,
    pub(crate) members: Vec<PortraitMember>,
}

/// A member of a [`Portrait`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortraitMember {
    pub(crate) id: Arc<str>,
    pub(crate) instance_id: Option<Arc<str>>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) session_timeout_ms: i32,
    /// Names with metadata, in the order the member prefers them.
    pub(crate) protocols: Vec<(Arc<str>, Bytes)>,
    /// As the consumer protocol embeds it.
    pub(crate) assignment: Bytes,
}

impl Group {
    /// Whether nobody is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.state == State::Empty
    }

    /// What the consumer protocol has to know of the group.
    pub(crate) fn portrait(&self) -> Portrait {
        Portrait {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: self.members.iter().map(Member::portrait).collect(),
        }
    }

    /// Ends the group in memory, not in the log: whoever waits has to join again, and no timer of it fires
    /// any more. The caller puts something else in its place.
    pub(crate) fn dissolve(&mut self, env: &mut Env<'_>) {
        for id in self.members.ids() {
            self.wait(&id, Waiting::Nothing, env);
            let session = TimerKey::member(&self.id, &id, TimerKind::Session);
            env.timers.disarm(&session);
        }
        for id in std::mem::take(&mut self.pending) {
            let unused = TimerKey::member(&self.id, &id, TimerKind::PendingMember);
            env.timers.disarm(&unused);
        }
        env.timers.disarm(&self.timer(TimerKind::Join));
        env.timers.disarm(&self.timer(TimerKind::Sync));
    }

    /// The group that the portrait shows: stable, written down, with members that have their whole session
    /// timeout. With `rebalance` all have to join again, which they learn by their next heartbeat.
    ///
    /// A protocol that is not given is voted for, a leader that is not given is chosen.
    pub(crate) fn from_portrait(
        portrait: Portrait,
        id: &GroupId,
        env: &mut Env<'_>,
        rebalance: bool,
    ) -> Self {
        let mut group = Self::empty(id, env.now.wall_ms);
        group.generation = portrait.generation.max(0);
        group.protocol_type = portrait.protocol_type;
        for member in portrait.members {
            group.members.insert(Member::from(member));
        }
        if !group.members.is_empty() {
            group.state = State::Stable;
            let leader = portrait.leader.filter(|it| group.members.get(it).is_some());
            group.leader = leader.or_else(|| group.next_leader());
            let vote = || group.members.vote(group.leader.as_deref());
            group.protocol = portrait.protocol.or_else(vote);
        }
        group.subscribed = subscription::of(&group);
        group.write(env);
        for id in group.members.ids() {
            group.hear(&id, env);
        }
        if rebalance && !group.is_empty() {
            group.rebalance(env);
        }
        group
    }
}
