//! `JoinGroup`: who may, under which id, and whether the others have to join again for it.
//!
//! ```text
//!  member id   instance id          what happens
//!  ────────────────────────────────────────────────────────────────────────────────────────────
//!  none        none                 version 4+: an id is handed out (79), to join with; before: joins
//!  none        not held             joins under a new id
//!  none        held by a member     takes that member's place, see `replace`
//!  handed out  none                 joins
//!  a member's  that member's        joins again, if there is reason to
//! ```

use std::sync::Arc;

use protocol::messages::join_group::JoinGroupRequest;
use types::ErrorCode;

use super::answer;
use super::members::{Member, MemberId, Waiting, from_ms};
use super::state::{Group, State};
use crate::env::{Caller, Env};
use crate::group::{Call, Group as Slot};
use crate::request::Answer;
use crate::settings::Settings;
use crate::timers::{TimerKey, TimerKind};

/// From this version on, a member joins only with an id that it was told before (KIP-394): a client that
/// does not live to read the answer leaves no member behind.
const KNOWN_ID_VERSION: i16 = 4;
/// Ids handed out and unused, in one group. Kafka bounds only members.
const PENDING_MAX: usize = 10_000;
/// What of a client id goes into member ids: they have to fit into a string of the protocol.
const CLIENT_ID_BYTES_MAX: usize = 1024;

/// As what a request is taken.
#[derive(Debug, PartialEq, Eq)]
enum Admission {
    /// Of somebody who gets an id now, and joins later.
    HandOut(MemberId),
    /// Of a new member under that id.
    New(MemberId),
    /// Of the static member that had the first id, and has the second from now on.
    Return { old: MemberId, new: MemberId },
    /// Of a member.
    Known(MemberId),
}

/// `JoinGroup`. `slot` is [`Slot::Absent`] or classic.
pub(crate) fn join(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &JoinGroupRequest,
) {
    if let Err((code, member_id)) = try_join(slot, call, env, request) {
        let answer = Answer::Join(answer::join_refused(code, member_id));
        env.out.answer(call.id, call.token, answer);
    }
}

/// An error comes with the member id that is answered.
fn try_join<'a>(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &'a JoinGroupRequest,
) -> Result<(), (ErrorCode, &'a str)> {
    let member_id = &*request.member_id;
    check(env.settings, request).map_err(|code| (code, member_id))?;
    match slot {
        Slot::Classic(group) => group.join(call, env, request),
        Slot::Absent if !member_id.is_empty() => Err((ErrorCode::UnknownMemberId, member_id)),
        Slot::Consumer(_) => Err((ErrorCode::InconsistentGroupProtocol, member_id)),
        Slot::Absent => {
            let mut group = Group::empty(call.id, env.now.wall_ms);
            group.join(call, env, request)?;
            // Kafka writes it too: from now on the log knows that there is a group.
            env.out.record(group.newborn());
            *slot = Slot::Classic(group);
            Ok(())
        }
    }
}

fn check(settings: &Settings, request: &JoinGroupRequest) -> Result<(), ErrorCode> {
    let session_timeout = u128::try_from(request.session_timeout_ms).unwrap_or_default();
    let allowed =
        settings.min_session_timeout.as_millis()..=settings.max_session_timeout.as_millis();
    if !allowed.contains(&session_timeout) {
        return Err(ErrorCode::InvalidSessionTimeout);
    }
    Ok(())
}

impl Group {
    fn join<'a>(
        &mut self,
        call: &Call<'_>,
        env: &mut Env<'_>,
        request: &'a JoinGroupRequest,
    ) -> Result<(), (ErrorCode, &'a str)> {
        let member_id = &*request.member_id;
        if !self.has_room_for(member_id, env.settings) {
            self.turn_away(member_id, env);
            return Err((ErrorCode::GroupMaxSizeReached, ""));
        }
        let admission = self.admit(call, request);
        match admission.map_err(|code| (code, member_id))? {
            Admission::HandOut(id) => self.hand_out(id, call, env, request),
            Admission::New(id) => self.add(id, call, env, request),
            Admission::Return { old, new } => self.replace(&old, &new, call, env, request),
            Admission::Known(id) => self.join_again(&id, call, env, request),
        }
        Ok(())
    }

    /// As what the request is taken; nothing changes yet.
    fn admit(&self, call: &Call<'_>, request: &JoinGroupRequest) -> Result<Admission, ErrorCode> {
        if !self.speaks(request) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let instance_id = request.group_instance_id.as_deref();
        if !request.member_id.is_empty() {
            if let Some(id) = self.pending.get(&*request.member_id) {
                return match instance_id {
                    None => Ok(Admission::New(Arc::clone(id))),
                    // Static members are never handed an id.
                    Some(_) => Err(ErrorCode::UnknownMemberId),
                };
            }
            let id = self.identify(&request.member_id, instance_id)?;
            return Ok(Admission::Known(id));
        }
        let new = fresh_id(call.caller, instance_id);
        Ok(match instance_id {
            Some(instance_id) => match self.members.instance(instance_id) {
                Some(old) => Admission::Return {
                    old: Arc::clone(old),
                    new,
                },
                None => Admission::New(new),
            },
            None if call.caller.version >= KNOWN_ID_VERSION => Admission::HandOut(new),
            None => Admission::New(new),
        })
    }

    /// Whether the request has the group's protocol type, and a protocol that all members know.
    fn speaks(&self, request: &JoinGroupRequest) -> bool {
        if self.state == State::Empty {
            return !request.protocol_type.is_empty() && !request.protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(&*request.protocol_type)
            && request
                .protocols
                .iter()
                .any(|protocol| self.members.all_know(&protocol.name))
    }

    /// While members join, those who came first stay, even in a group that has become too large.
    fn has_room_for(&self, member_id: &str, settings: &Settings) -> bool {
        let known = self.members.get(member_id);
        let has_room = match self.state {
            State::Empty => true,
            State::Preparing(_) => {
                known.is_some_and(Member::waits_to_join)
                    || self.members.waiting_joins() < settings.max_size
            }
            State::Completing | State::Stable => {
                known.is_some() || self.members.len() < settings.max_size
            }
        };
        let may_hand_out = self.pending.len() < PENDING_MAX.min(settings.max_size);
        has_room && (may_hand_out || !member_id.is_empty())
    }

    /// There is no room for it. Not even if it was a member.
    fn turn_away(&mut self, member_id: &str, env: &mut Env<'_>) {
        self.forget_pending(member_id, env);
        self.expel(member_id, ErrorCode::GroupMaxSizeReached, env);
        self.proceed(env);
    }

    fn hand_out(
        &mut self,
        id: MemberId,
        call: &Call<'_>,
        env: &mut Env<'_>,
        request: &JoinGroupRequest,
    ) {
        let key = TimerKey::member(&self.id, &id, TimerKind::PendingMember);
        let session_timeout = from_ms(request.session_timeout_ms);
        env.timers.arm(key, env.now.monotonic + session_timeout);
        let answer = answer::join_refused(ErrorCode::MemberIdRequired, &id);
        self.pending.insert(id);
        self.answer(call.token, Answer::Join(answer), env);
    }

    /// An id that was handed out is not valid any more. Returns whether it was.
    pub(super) fn forget_pending(&mut self, member_id: &str, env: &mut Env<'_>) -> bool {
        let Some(id) = self.pending.take(member_id) else {
            return false;
        };
        let key = TimerKey::member(&self.id, &id, TimerKind::PendingMember);
        env.timers.disarm(&key);
        true
    }

    fn add(
        &mut self,
        id: MemberId,
        call: &Call<'_>,
        env: &mut Env<'_>,
        request: &JoinGroupRequest,
    ) {
        self.forget_pending(&id, env);
        if self.members.is_empty() {
            self.protocol_type = Some(Arc::from(&*request.protocol_type));
        }
        let member = Member::joining(Arc::clone(&id), call.caller, request);
        self.members.insert(member);
        self.leader.get_or_insert_with(|| Arc::clone(&id));
        self.note_newcomer();
        self.prepare(env);
        self.wait(&id, Waiting::Join(call.token), env);
        // It cannot heartbeat before it knows its id, and it may be gone: the client of an unanswered
        // request is not seen to leave. If it is still there then, it will ask again.
        let key = TimerKey::member(&self.id, &id, TimerKind::Session);
        env.timers
            .arm(key, env.now.monotonic + super::NEW_MEMBER_TIMEOUT);
        self.proceed(env);
    }

    fn join_again(
        &mut self,
        id: &MemberId,
        call: &Call<'_>,
        env: &mut Env<'_>,
        request: &JoinGroupRequest,
    ) {
        let member = self.members.get(id);
        let is_unchanged = member.is_some_and(|it| it.offers(&request.protocols));
        let is_reason = match self.state {
            State::Empty | State::Preparing(_) => true,
            // Its answer was lost on the way: it gets another.
            State::Completing => !is_unchanged,
            // The leader knows better: topics may have changed, which changes nobody's metadata.
            State::Stable => !is_unchanged || self.is_leader(id),
        };
        self.hear(id, env);
        if is_reason {
            self.members.update(id, call.caller, request);
            self.prepare(env);
            self.wait(id, Waiting::Join(call.token), env);
            self.proceed(env);
        } else {
            let answer = answer::joined(self, id);
            self.answer(call.token, Answer::Join(answer), env);
        }
    }

    /// The static member `old` is back, under the id `new`.
    fn replace(
        &mut self,
        old: &MemberId,
        new: &MemberId,
        call: &Call<'_>,
        env: &mut Env<'_>,
        request: &JoinGroupRequest,
    ) {
        let leader = self.leader.clone();
        self.rename(old, new, env);
        self.members.update(new, call.caller, request);
        self.hear(new, env);
        if self.state == State::Stable && self.keeps_protocol() {
            self.keep_stable(new, leader.as_deref(), call, env);
            return;
        }
        // While completing: the old id may be with the leader already, and would get what is the new one's.
        self.prepare(env);
        self.wait(new, Waiting::Join(call.token), env);
        self.proceed(env);
    }
}

fn fresh_id(caller: &Caller, instance_id: Option<&str>) -> MemberId {
    let name = instance_id.unwrap_or(&caller.client_id);
    let end = name.floor_char_boundary(CLIENT_ID_BYTES_MAX);
    let name = name.get(..end).unwrap_or_default();
    let hex = u128::from_be_bytes(*caller.fresh_id.as_bytes());
    let hex = format!("{hex:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range));
    let [Some(a), Some(b), Some(c), Some(d), Some(e)] = parts else {
        unreachable!("32 digits were written");
    };
    Arc::from(format!("{name}-{a}-{b}-{c}-{d}-{e}"))
}
