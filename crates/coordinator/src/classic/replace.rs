//! A static member that returns under another member id (KIP-345): the old id is fenced, and the others
//! are not disturbed if they need not be.

use std::sync::Arc;

use types::ErrorCode;

use super::answer;
use super::members::{MemberId, Waiting};
use super::state::Group;
use super::subscription;
use crate::env::Env;
use crate::group::Call;
use crate::request::Answer;
use crate::timers::{TimerKey, TimerKind};

/// From this version on, a leader can be told not to assign (KIP-814).
const SKIP_ASSIGNMENT_VERSION: i16 = 9;

impl Group {
    /// The member `old` goes by `new` from now on. Whoever still uses `old` is fenced.
    pub(super) fn rename(&mut self, old: &MemberId, new: &MemberId, env: &mut Env<'_>) {
        let Some(mut member) = self.members.remove(old) else {
            return;
        };
        self.refuse(member.waiting(), old, ErrorCode::FencedInstanceId, env);
        let key = TimerKey::member(&self.id, old, TimerKind::Session);
        env.timers.disarm(&key);
        member.id = Arc::clone(new);
        member.is_new = false;
        self.members.insert(member);
        self.members.wait(new, Waiting::Nothing);
        if self.is_leader(old) {
            self.leader = Some(Arc::clone(new));
        }
        if self.unsynced.remove(old) {
            self.unsynced.insert(Arc::clone(new));
        }
    }

    /// Whether the members would choose the same protocol again.
    pub(super) fn keeps_protocol(&self) -> bool {
        let next = self.members.vote(self.leader.as_deref());
        self.protocol.is_some() && next == self.protocol
    }

    /// The generation goes on with the returned member, whose new id is written down.
    ///
    /// A leader that returns has forgotten that it assigned. It must not assign again: versions that can
    /// say so do; the others are shown `former_leader`, an id that is nobody's, as their leader.
    pub(super) fn keep_stable(
        &mut self,
        id: &MemberId,
        former_leader: Option<&str>,
        call: &Call<'_>,
        env: &mut Env<'_>,
    ) {
        self.subscribed = subscription::of(self);
        self.write(env);
        let answer = if call.caller.version >= SKIP_ASSIGNMENT_VERSION {
            let mut answer = answer::joined(self, id);
            answer.skip_assignment = self.is_leader(id);
            answer
        } else {
            answer::joined_under(self, id, former_leader)
        };
        self.answer(call.token, Answer::Join(answer), env);
    }
}
