//! The join phase: from the need to rebalance until everybody who counts has joined.
//!
//! ```text
//!  who is waited for                     until
//!  ─────────────────────────────────────────────────────────────────────────────────────────
//!  a group that was empty: newcomers     the initial delay, prolonged while newcomers come, at most the
//!                                        rebalance timeout in all
//!  otherwise: all members, and those     all are there, or the largest rebalance timeout has passed:
//!  whose id was just handed out          dynamic members that did not come are removed; static ones stay
//!                                        until their session ends, but do not lead
//! ```

use std::sync::Arc;
use std::time::Duration;

use types::ErrorCode;

use super::answer;
use super::members::{Member, MemberId, Waiting};
use super::state::{Barrier, Group, State};
use super::subscription;
use crate::env::Env;
use crate::request::Answer;
use crate::timers::TimerKind;

/// Between two looks whether one of the static members has come.
const LOOK_AGAIN_MIN: Duration = Duration::from_secs(1);

impl Group {
    /// All have to join again.
    pub(super) fn rebalance(&mut self, env: &mut Env<'_>) {
        self.prepare(env);
        self.proceed(env);
    }

    /// Opens the join phase, unless it is open. Whoever waits for an assignment is sent back to join.
    pub(super) fn prepare(&mut self, env: &mut Env<'_>) {
        self.prepare_because(ErrorCode::RebalanceInProgress, env);
    }

    /// As [`Group::prepare`]; whoever waits for an assignment gets `code`.
    pub(super) fn prepare_because(&mut self, code: ErrorCode, env: &mut Env<'_>) {
        let barrier = match self.state {
            State::Preparing(_) => return,
            State::Empty => self.initial_barrier(env),
            State::Completing => {
                self.unassign();
                self.answer_syncs(code, env);
                Barrier::Members
            }
            State::Stable => Barrier::Members,
        };
        self.unsynced.clear();
        env.timers.disarm(&self.timer(TimerKind::Sync));
        self.enter(State::Preparing(barrier), env);
    }

    fn unassign(&mut self) {
        for id in self.members.ids() {
            self.members.assign(&id, bytes::Bytes::new());
        }
    }

    fn initial_barrier(&self, env: &mut Env<'_>) -> Barrier {
        let delay = env.settings.initial_rebalance_delay;
        env.timers
            .arm(self.timer(TimerKind::Join), env.now.monotonic + delay);
        Barrier::Initial {
            delay,
            remaining: self.members.rebalance_timeout().saturating_sub(delay),
            newcomer: false,
        }
    }

    /// Ends the join phase if all are there; otherwise sees to it that it ends.
    pub(super) fn proceed(&mut self, env: &mut Env<'_>) {
        if self.state != State::Preparing(Barrier::Members) {
            return;
        }
        if self.pending.is_empty() && self.members.waiting_joins() == self.members.len() {
            return self.complete(env);
        }
        let key = self.timer(TimerKind::Join);
        if env.timers.deadline(&key).is_none() {
            let deadline = env.now.monotonic + self.members.rebalance_timeout();
            env.timers.arm(key, deadline);
        }
    }

    /// A member came that the group did not know.
    pub(super) fn note_newcomer(&mut self) {
        if let State::Preparing(Barrier::Initial { newcomer, .. }) = &mut self.state {
            *newcomer = true;
        }
    }

    /// The time to join is over, or the initial delay is.
    pub(super) fn on_join_timer(&mut self, env: &mut Env<'_>) {
        match self.state {
            State::Preparing(Barrier::Initial {
                delay,
                remaining,
                newcomer: true,
            }) if !remaining.is_zero() => {
                let next = env.settings.initial_rebalance_delay.min(remaining);
                env.timers
                    .arm(self.timer(TimerKind::Join), env.now.monotonic + next);
                self.state = State::Preparing(Barrier::Initial {
                    delay: next,
                    remaining: remaining.saturating_sub(delay),
                    newcomer: false,
                });
            }
            State::Preparing(_) => self.complete(env),
            State::Empty | State::Completing | State::Stable => {}
        }
    }

    /// Ends the join phase with those who joined.
    fn complete(&mut self, env: &mut Env<'_>) {
        env.timers.disarm(&self.timer(TimerKind::Join));
        for id in self.absent_dynamic_members() {
            self.expel(&id, ErrorCode::UnknownMemberId, env);
        }
        if self.members.is_empty() {
            return self.become_empty(env);
        }
        if self.members.waiting_joins() == 0 {
            // Static members alone, none of which came. Until their sessions end. A member may have said
            // that it takes no time at all to rejoin; to look again without a pause would never end.
            self.state = State::Preparing(Barrier::Members);
            let wait = self.members.rebalance_timeout().max(LOOK_AGAIN_MIN);
            let key = self.timer(TimerKind::Join);
            return env.timers.arm(key, env.now.monotonic + wait);
        }
        self.depose_absent_leader();
        self.begin_generation(env);
    }

    fn absent_dynamic_members(&self) -> Vec<MemberId> {
        let absent = |it: &&Member| !it.waits_to_join() && !it.is_static();
        let absent = self.members.iter().filter(absent);
        absent.map(|it| Arc::clone(&it.id)).collect()
    }

    fn depose_absent_leader(&mut self) {
        let leader = self.leader.as_deref().and_then(|id| self.members.get(id));
        if !leader.is_some_and(Member::waits_to_join) {
            self.leader = self.next_leader();
        }
    }

    fn become_empty(&mut self, env: &mut Env<'_>) {
        self.generation = self.generation.saturating_add(1);
        self.protocol = None;
        self.leader = None;
        self.subscribed = subscription::of(self);
        self.enter(State::Empty, env);
        self.write(env);
    }

    fn begin_generation(&mut self, env: &mut Env<'_>) {
        self.generation = self.generation.saturating_add(1);
        self.protocol = self.members.vote(self.leader.as_deref());
        self.subscribed = subscription::of(self);
        self.enter(State::Completing, env);
        self.unsynced = self.members.ids().into_iter().collect();
        for id in self.members.ids() {
            if let Waiting::Join(token) = self.members.wait(&id, Waiting::Nothing) {
                let answer = answer::joined(self, &id);
                self.answer(token, Answer::Join(answer), env);
            }
            self.members.settle(&id);
            // Its silence meant nothing while it waited; from now on it does.
            self.hear(&id, env);
        }
        let deadline = env.now.monotonic + self.members.rebalance_timeout();
        env.timers.arm(self.timer(TimerKind::Sync), deadline);
    }
}
