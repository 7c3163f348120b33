//! Where a group stands, and how it gets from one stand to the next.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use types::{ErrorCode, TimestampMs};

use super::answer;
use super::members::{Member, MemberId, Members, Waiting};
use crate::env::{Env, GroupId, Token};
use crate::request::Answer;
use crate::timers::{TimerKey, TimerKind};

/// Protocol type of consumers, whose metadata names the topics that they subscribe.
pub(super) const CONSUMER: &str = "consumer";

/// What a group is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No members.
    Empty,
    /// All are to join, or to join again.
    Preparing(Barrier),
    /// All joined; the leader assigns.
    Completing,
    /// All may know what they have.
    Stable,
}

/// What the join phase waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barrier {
    /// For all members to join, or for the timer.
    Members,
    /// The group was empty: for a while, so that those who start together are not rebalanced one by one.
    Initial {
        /// How long the timer runs this time.
        delay: Duration,
        /// How much longer it may be prolonged after that.
        remaining: Duration,
        /// Whether somebody came since the timer started.
        newcomer: bool,
    },
}

impl State {
    /// As Kafka's tools print it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Preparing(_) => "PreparingRebalance",
            Self::Completing => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// A classic group.
#[derive(Debug)]
#[expect(
    unnameable_types,
    reason = "seen by others only through what `group::Group` asks"
)]
pub struct Group {
    pub(super) id: GroupId,
    pub(super) state: State,
    /// Wall clock, milliseconds; `None` if the log does not say.
    pub(super) since: Option<TimestampMs>,
    /// Counts completed join phases.
    pub(super) generation: i32,
    /// Of the members, and of the last ones of an empty group. `None` before the first.
    pub(super) protocol_type: Option<Arc<str>>,
    /// What the members chose for this generation.
    pub(super) protocol: Option<Arc<str>>,
    /// Always a member.
    pub(super) leader: Option<MemberId>,
    pub(super) members: Members,
    /// Ids that were handed out and not used yet. The barrier waits for them.
    pub(super) pending: BTreeSet<MemberId>,
    /// Members that did not sync in this generation; nobody unless completing or stable.
    pub(super) unsynced: BTreeSet<MemberId>,
    /// What members subscribe in this generation; `None` if that cannot be told.
    pub(super) subscribed: Option<BTreeSet<Arc<str>>>,
}

impl Group {
    /// A group without members.
    pub(super) fn empty(id: &GroupId, now: TimestampMs) -> Self {
        Self {
            id: Arc::clone(id),
            state: State::Empty,
            since: Some(now),
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: Members::default(),
            pending: BTreeSet::new(),
            unsynced: BTreeSet::new(),
            subscribed: None,
        }
    }

    pub(super) fn enter(&mut self, state: State, env: &Env<'_>) {
        self.state = state;
        self.since = Some(env.now.wall_ms);
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    pub(super) fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// The member's id, if the member is who it claims to be.
    ///
    /// # Errors
    /// Fenced if another member holds the instance id; otherwise unknown.
    pub(super) fn identify(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<MemberId, ErrorCode> {
        if let Some(instance_id) = instance_id {
            let holder = self.members.instance(instance_id);
            let holder = holder.ok_or(ErrorCode::UnknownMemberId)?;
            if **holder != *member_id {
                return Err(ErrorCode::FencedInstanceId);
            }
        }
        let member = self.members.get(member_id);
        let member = member.ok_or(ErrorCode::UnknownMemberId)?;
        Ok(Arc::clone(&member.id))
    }

    /// The member was heard of: it is expected again within its session timeout.
    pub(super) fn hear(&self, member_id: &MemberId, env: &mut Env<'_>) {
        if let Some(member) = self.members.get(member_id) {
            let key = TimerKey::member(&self.id, member_id, TimerKind::Session);
            env.timers
                .arm(key, env.now.monotonic + member.session_timeout);
        }
    }

    /// Takes a member out and answers what it waits for with `code`. The caller sees to the others.
    pub(super) fn expel(&mut self, member_id: &str, code: ErrorCode, env: &mut Env<'_>) {
        let Some(member) = self.members.remove(member_id) else {
            return;
        };
        let key = TimerKey::member(&self.id, &member.id, TimerKind::Session);
        env.timers.disarm(&key);
        self.refuse(member.waiting(), "", code, env);
        self.unsynced.remove(member_id);
        if self.is_leader(member_id) {
            self.leader = self.next_leader();
        }
    }

    /// Somebody who waits to join, who will be told what to do; otherwise anybody.
    pub(super) fn next_leader(&self) -> Option<MemberId> {
        let joined = self.members.iter().find(|it| it.waits_to_join());
        let next = joined.or_else(|| self.members.iter().next());
        next.map(|member| Arc::clone(&member.id))
    }

    /// The member now waits for another answer. What it waited for before is refused: it asks anew over
    /// another connection, and does not read the old one any more.
    pub(super) fn wait(&mut self, member_id: &MemberId, waiting: Waiting, env: &mut Env<'_>) {
        let before = self.members.wait(member_id, waiting);
        self.refuse(before, member_id, ErrorCode::RebalanceInProgress, env);
    }

    /// Answers a request that waits, if one does, with an error.
    pub(super) fn refuse(
        &self,
        waiting: Waiting,
        member_id: &str,
        code: ErrorCode,
        env: &mut Env<'_>,
    ) {
        match waiting {
            Waiting::Nothing => {}
            Waiting::Join(token) => {
                let answer = answer::join_refused(code, member_id);
                self.answer(token, Answer::Join(answer), env);
            }
            Waiting::Sync(token) => {
                let answer = answer::sync_refused(code);
                self.answer(token, Answer::Sync(answer), env);
            }
        }
    }

    pub(super) fn answer(&self, token: Token, answer: Answer, env: &mut Env<'_>) {
        env.out.answer(&self.id, token, answer);
    }

    /// Answers all who wait to sync: with their assignments, or with the error. They are expected to be
    /// heard of from now on.
    pub(super) fn answer_syncs(&mut self, code: ErrorCode, env: &mut Env<'_>) {
        for id in self.members.ids() {
            let Some(Waiting::Sync(token)) = self.members.get(&id).map(Member::waiting) else {
                continue;
            };
            self.members.wait(&id, Waiting::Nothing);
            match code {
                ErrorCode::None => self.answer_sync(token, &id, env),
                code => self.refuse(Waiting::Sync(token), &id, code, env),
            }
            self.hear(&id, env);
        }
    }

    /// The member's assignment.
    pub(super) fn answer_sync(&self, token: Token, member_id: &str, env: &mut Env<'_>) {
        let member = self.members.get(member_id);
        let assignment = member.map_or_else(Bytes::new, |it| it.assignment.clone());
        let answer = answer::sync(self, assignment);
        self.answer(token, Answer::Sync(answer), env);
    }

    pub(super) fn timer(&self, kind: TimerKind) -> TimerKey {
        TimerKey::group(&self.id, kind)
    }

    /// Panics unless what is always true is true now.
    #[cfg(test)]
    pub(super) fn assert_consistent(&self) {
        self.members.assert_consistent();
        assert_eq!(self.members.is_empty(), self.leader.is_none());
        if let Some(leader) = &self.leader {
            assert!(
                self.members.get(leader).is_some(),
                "{leader} leads from outside"
            );
        }
        for id in &self.pending {
            assert!(
                self.members.get(id).is_none(),
                "{id} is pending and a member"
            );
        }
        for id in &self.unsynced {
            assert!(
                self.members.get(id).is_some(),
                "{id} is gone and is to sync"
            );
        }
        for member in self.members.iter() {
            let may = match member.waiting() {
                Waiting::Nothing => true,
                Waiting::Join(_) => matches!(self.state, State::Preparing(_)),
                Waiting::Sync(_) => self.state == State::Completing,
            };
            assert!(may, "{member:?} waits while {:?}", self.state);
        }
        match self.state {
            State::Empty => assert!(self.members.is_empty() && self.protocol.is_none()),
            State::Preparing(_) => assert!(self.unsynced.is_empty()),
            State::Completing | State::Stable => {
                assert!(!self.members.is_empty() && self.protocol.is_some());
            }
        }
    }
}
