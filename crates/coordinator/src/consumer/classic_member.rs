//! Members that speak the classic protocol in a consumer group, while an application is upgraded.
//!
//! They join as [`super::classic_join()`] says, and sync to learn what the coordinator assigned. A
//! `Heartbeat` tells the member to join again when there is something to give up or to get.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity, MemberResponse};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use types::ErrorCode;

use super::heartbeat::static_member;
use super::member::{Classic, Member, State};
use super::upgrade::CONSUMER;
use super::work::Work;
use super::{downgrade, embedded, leave};
use crate::assignor::Assignment;
use crate::env::{Env, GroupId};
use crate::group::{Call, Group as Slot};
use crate::request::Answer;
use crate::timers::{TimerKey, TimerKind};

/// From this version on, requests name the protocol that they mean (KIP-559).
const NAMED_PROTOCOL_VERSION: i16 = 5;

/// `SyncGroup`.
pub(crate) fn sync(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &SyncGroupRequest,
) {
    let answer = try_sync(slot, call, env, request).unwrap_or_else(|code| SyncGroupResponse {
        error_code: code.to_wire(),
        ..SyncGroupResponse::default()
    });
    env.out.answer(call.id, call.token, Answer::Sync(answer));
}

fn try_sync(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &SyncGroupRequest,
) -> Result<SyncGroupResponse, ErrorCode> {
    let is_named = request.protocol_type.is_some() && request.protocol_name.is_some();
    if call.caller.version >= NAMED_PROTOCOL_VERSION && !is_named {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    let instance = request.group_instance_id.as_deref();
    let (mut work, id) = speaker(slot, call.id, env, &request.member_id, instance)?;
    let (member, classic) = work.classic_member(&id, request.generation_id)?;
    let first = classic.protocols.first();
    let name = first.map(|(name, _)| Arc::clone(name)).unwrap_or_default();
    let metadata = first
        .map(|(_, metadata)| metadata.clone())
        .unwrap_or_default();
    let is_other = |said: Option<&protocol::Str>, known: &str| said.is_some_and(|s| **s != *known);
    if is_other(request.protocol_type.as_ref(), CONSUMER)
        || is_other(request.protocol_name.as_ref(), &name)
    {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    // One that is about to give something up joins again by itself, when it has.
    let is_behind = work.group.target_epoch > member.current.epoch;
    if is_behind && member.current.state != State::Unrevoked {
        work.expect_join(&id, &member);
        return Err(ErrorCode::RebalanceInProgress);
    }
    let assigned: Assignment = member.current.assigned.topics().collect();
    let topics = downgrade::named(&assigned, work.env.image);
    work.disarm(&id, TimerKind::Sync);
    work.restart_session(&id);
    Ok(SyncGroupResponse {
        protocol_type: request.protocol_type.clone(),
        protocol_name: request.protocol_name.clone(),
        assignment: embedded::assign(topics, &metadata),
        ..SyncGroupResponse::default()
    })
}

/// `Heartbeat`. The code of its answer.
pub(crate) fn heartbeat(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &HeartbeatRequest,
) -> Result<(), ErrorCode> {
    let instance = request.group_instance_id.as_deref();
    let (mut work, id) = speaker(slot, call.id, env, &request.member_id, instance)?;
    let (member, _) = work.classic_member(&id, request.generation_id)?;
    work.restart_session(&id);
    let has_to_join = match member.current.state {
        _ if member.current.epoch < work.group.target_epoch => true,
        State::Unrevoked => true,
        State::Unreleased => !work.waits_for_others(&id, &member),
        State::Stable | State::Unknown => false,
    };
    if has_to_join {
        work.expect_join(&id, &member);
        return Err(ErrorCode::RebalanceInProgress);
    }
    Ok(())
}

/// Who speaks, checked by its ids.
fn speaker<'a, 'e>(
    slot: &'a mut Slot,
    id: &'a GroupId,
    env: &'a mut Env<'e>,
    member_id: &str,
    instance: Option<&str>,
) -> Result<(Work<'a, 'e>, Arc<str>), ErrorCode> {
    let Slot::Consumer(group) = slot else {
        return Err(ErrorCode::UnknownMemberId);
    };
    let member = leave::find(group, member_id, instance).map_err(|refusal| refusal.code)?;
    Ok((Work { id, group, env }, member))
}

impl Work<'_, '_> {
    fn classic_member(&self, id: &str, generation: i32) -> Result<(Member, Classic), ErrorCode> {
        let member = self
            .group
            .members
            .get(id)
            .ok_or(ErrorCode::UnknownMemberId)?;
        let classic = member.about.classic.clone();
        let classic = classic.ok_or(ErrorCode::UnknownMemberId)?;
        if member.current.epoch != generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        Ok((member.clone(), classic))
    }

    /// The member was told to join again. It has its rebalance timeout to do so.
    fn expect_join(&mut self, id: &Arc<str>, member: &Member) {
        let key = TimerKey::member(self.id, id, TimerKind::Join);
        if self.env.timers.deadline(&key).is_none() {
            self.arm(id, TimerKind::Join, member.about.rebalance_timeout());
        }
    }

    /// Whether something that the member is to get is not free yet.
    fn waits_for_others(&self, id: &str, member: &Member) -> bool {
        let target = self.group.target_of(id);
        let mut missing = target
            .partitions()
            .filter(|(topic, partition)| !member.current.assigned.contains(*topic, *partition));
        missing.any(|(topic, partition)| self.group.is_held(topic, partition))
    }
}

/// `LeaveGroup`: each member gets a code of its own.
pub(crate) fn leave(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &LeaveGroupRequest,
) -> Vec<MemberResponse> {
    let mut gone = BTreeSet::new();
    let mut responses = Vec::with_capacity(request.members.len());
    for member in &request.members {
        let found = find_leaving(slot, member);
        responses.push(MemberResponse {
            member_id: member.member_id.clone(),
            group_instance_id: member.group_instance_id.clone(),
            error_code: found
                .as_ref()
                .err()
                .copied()
                .unwrap_or(ErrorCode::None)
                .to_wire(),
        });
        gone.extend(found);
    }
    leave::fence(slot, call.id, env, &gone);
    responses
}

fn find_leaving(slot: &Slot, member: &MemberIdentity) -> Result<Arc<str>, ErrorCode> {
    let Slot::Consumer(group) = slot else {
        return Err(ErrorCode::UnknownMemberId);
    };
    match &member.group_instance_id {
        // Whoever administers the group knows the instance only.
        Some(instance) if member.member_id.is_empty() => static_member(group, instance)
            .map(|(owner, _)| Arc::clone(owner))
            .ok_or(ErrorCode::UnknownMemberId),
        instance => leave::find(group, &member.member_id, instance.as_deref())
            .map_err(|refusal| refusal.code),
    }
}
