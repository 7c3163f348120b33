//! Who is still there: heartbeats, and what follows from silence.

use std::sync::Arc;

use protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use types::ErrorCode;

use super::members::Member;
use super::state::{Group, State};
use crate::env::Env;
use crate::group::{Call, Group as Slot};
use crate::request::Answer;
use crate::timers::{TimerKey, TimerKind};

/// `Heartbeat`. `slot` is [`Slot::Absent`] or classic.
pub(crate) fn heartbeat(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &HeartbeatRequest,
) {
    let code = match slot {
        Slot::Classic(group) => group
            .heartbeat(env, request)
            .err()
            .unwrap_or(ErrorCode::None),
        Slot::Absent | Slot::Consumer(_) => ErrorCode::UnknownMemberId,
    };
    let answer = HeartbeatResponse {
        error_code: code.to_wire(),
        ..HeartbeatResponse::default()
    };
    env.out
        .answer(call.id, call.token, Answer::Heartbeat(answer));
}

/// A timer of the group fired.
pub(crate) fn on_time(slot: &mut Slot, key: &TimerKey, env: &mut Env<'_>) {
    let Slot::Classic(group) = slot else {
        return;
    };
    match key.kind {
        TimerKind::Join => group.on_join_timer(env),
        TimerKind::Sync => group.on_sync_timer(env),
        TimerKind::Session => group.on_silence(&key.member, env),
        TimerKind::PendingMember => group.on_unused(&key.member, env),
        // Of the consumer group that this one was before.
        TimerKind::Rebalance | TimerKind::Assignment | TimerKind::Regex | TimerKind::Expiration => {
        }
    }
}

impl Group {
    fn heartbeat(
        &mut self,
        env: &mut Env<'_>,
        request: &HeartbeatRequest,
    ) -> Result<(), ErrorCode> {
        let id = self.identify(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        self.hear(&id, env);
        match self.state {
            State::Preparing(_) => Err(ErrorCode::RebalanceInProgress),
            State::Empty | State::Completing | State::Stable => Ok(()),
        }
    }

    /// A member committed offsets: it lives.
    pub(crate) fn on_heard(&mut self, member_id: &str, env: &mut Env<'_>) {
        if let Some(member) = self.members.get(member_id) {
            self.hear(&Arc::clone(&member.id), env);
        }
    }

    /// A member was not heard of for its session timeout. One that waits for our own answer is expected
    /// again when it gets it.
    fn on_silence(&mut self, member_id: &str, env: &mut Env<'_>) {
        let member = self.members.get(member_id);
        if member.is_none_or(Member::may_be_silent) {
            return;
        }
        self.expel(member_id, ErrorCode::UnknownMemberId, env);
        self.on_departure(env);
    }

    /// An id that was handed out was not used.
    fn on_unused(&mut self, member_id: &str, env: &mut Env<'_>) {
        self.pending.remove(member_id);
        self.proceed(env);
    }

    /// Members left: those who stay share what they had.
    pub(super) fn on_departure(&mut self, env: &mut Env<'_>) {
        if matches!(self.state, State::Completing | State::Stable) {
            self.prepare(env);
        }
        self.proceed(env);
    }
}
