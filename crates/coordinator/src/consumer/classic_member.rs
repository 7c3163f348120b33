//! Members that speak the classic protocol in a consumer group, while an application is upgraded.
//!
//! A `JoinGroup` is what a full heartbeat is to the others: it is answered at once, with the member's
//! epoch as the generation, and the `SyncGroup` that follows fetches what the coordinator assigned. A
//! `Heartbeat` tells the member to join again when there is something to give up or to get.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use protocol::data::consumer_protocol_subscription::ConsumerProtocolSubscription;
use protocol::messages::consumer_group_heartbeat::TopicPartitions;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity, MemberResponse};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use types::ErrorCode;

use super::heartbeat::{Place, static_member};
use super::member::{About, Classic, Member, State, millis, own, word};
use super::state::Group;
use super::upgrade::CONSUMER;
use super::work::Work;
use super::{downgrade, embedded, leave};
use crate::assignor::Assignment;
use crate::classic;
use crate::env::{Env, GroupId};
use crate::group::{Call, Group as Slot};
use crate::request::Answer;
use crate::timers::{TimerKey, TimerKind};

/// From this version on, a member without an id gets one and has to join again with it (KIP-394).
const ID_REQUIRED_VERSION: i16 = 4;
/// From this version on, requests name the protocol that they mean (KIP-559).
const NAMED_PROTOCOL_VERSION: i16 = 5;

/// `JoinGroup`.
pub(crate) fn join(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &JoinGroupRequest,
) {
    if matches!(slot, Slot::Consumer(group) if group.members.is_empty()) {
        downgrade::clear(slot, call.id, env);
        return classic::join(slot, call, env, request);
    }
    match try_join(slot, call, env, request) {
        Ok(Joined::Here(answer)) => env.out.answer(call.id, call.token, Answer::Join(answer)),
        Ok(Joined::Elsewhere) => classic::join(slot, call, env, request),
        Err(code) => {
            let member_id = match code {
                ErrorCode::MemberIdRequired => call.caller.fresh_id.to_string().into(),
                _ => request.member_id.clone(),
            };
            let refused = JoinGroupResponse {
                error_code: code.to_wire(),
                member_id,
                protocol_name: None,
                ..JoinGroupResponse::default()
            };
            env.out.answer(call.id, call.token, Answer::Join(refused));
        }
    }
}

enum Joined {
    Here(JoinGroupResponse),
    /// The group is classic by now, and has to be asked instead.
    Elsewhere,
}

fn try_join(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &JoinGroupRequest,
) -> Result<Joined, ErrorCode> {
    let Slot::Consumer(group) = &*slot else {
        return Err(ErrorCode::UnknownMemberId);
    };
    check_join(group, call, env, request)?;
    let place = place(group, call, request)?;
    let (name, subscription) = preferred(request)?;
    if let Place::Successor { of, .. } = &place {
        // The last one of the consumer protocol gives way to a classic member.
        let leaving = BTreeSet::from([Arc::clone(of)]);
        if is_last_of_consumers(group, of) && env.settings.consumer_migration.downgrade {
            downgrade::carry_out(slot, call.id, env, &leaving);
            return Ok(Joined::Elsewhere);
        }
    }
    let Slot::Consumer(group) = slot else {
        return Err(ErrorCode::UnknownMemberId);
    };
    let id = call.id;
    let mut work = Work { id, group, env };
    let epoch = work.classic_joined(call, &place, request, &subscription)?;
    let member_id = place.id();
    Ok(Joined::Here(JoinGroupResponse {
        generation_id: epoch,
        protocol_type: Some(CONSUMER.into()),
        protocol_name: Some(word(&name)),
        member_id: word(member_id),
        ..JoinGroupResponse::default()
    }))
}

fn check_join(
    group: &Group,
    call: &Call<'_>,
    env: &Env<'_>,
    request: &JoinGroupRequest,
) -> Result<(), ErrorCode> {
    let session_timeout = millis(request.session_timeout_ms);
    let allowed = env.settings.min_session_timeout..=env.settings.max_session_timeout;
    if call.id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    if !allowed.contains(&session_timeout) {
        return Err(ErrorCode::InvalidSessionTimeout);
    }
    let migration = env.settings.consumer_migration;
    if !migration.upgrade && !migration.downgrade {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    let is_known = group.members.contains_key(&*request.member_id)
        || request
            .group_instance_id
            .as_ref()
            .is_some_and(|instance| group.static_members.contains_key(&**instance));
    if !is_known && group.members.len() >= env.settings.consumer_max_size {
        return Err(ErrorCode::GroupMaxSizeReached);
    }
    if !is_supported(group, request) {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    let has_no_id = request.member_id.is_empty() && request.group_instance_id.is_none();
    if has_no_id && call.caller.version >= ID_REQUIRED_VERSION {
        return Err(ErrorCode::MemberIdRequired);
    }
    Ok(())
}

/// Whether the member offers a protocol that all other classic members know.
fn is_supported(group: &Group, request: &JoinGroupRequest) -> bool {
    if *request.protocol_type != *CONSUMER {
        return false;
    }
    let classic: Vec<&Classic> = group
        .members
        .values()
        .filter_map(|member| member.about.classic.as_ref())
        .collect();
    request.protocols.iter().any(|offered| {
        let knows = |member: &&Classic| {
            let mut names = member.protocols.iter();
            names.any(|(name, _)| **name == *offered.name)
        };
        classic.iter().all(knows)
    })
}

fn place(group: &Group, call: &Call<'_>, request: &JoinGroupRequest) -> Result<Place, ErrorCode> {
    let has_id = !request.member_id.is_empty();
    let id: Arc<str> = match has_id {
        true => Arc::from(&*request.member_id),
        false => Arc::from(call.caller.fresh_id.to_string()),
    };
    let owner = request
        .group_instance_id
        .as_ref()
        .map(|instance| static_member(group, instance).map(|(owner, _)| owner));
    match owner {
        Some(Some(owner)) if !has_id => Ok(Place::Successor {
            of: Arc::clone(owner),
            id,
        }),
        Some(Some(owner)) if *owner != id => Err(ErrorCode::FencedInstanceId),
        Some(None) if has_id => Err(ErrorCode::UnknownMemberId),
        _ if group.members.contains_key(&id) => Ok(Place::Member(id)),
        _ => Ok(Place::Newcomer(id)),
    }
}

fn preferred(
    request: &JoinGroupRequest,
) -> Result<(Arc<str>, ConsumerProtocolSubscription), ErrorCode> {
    let inconsistent = ErrorCode::InconsistentGroupProtocol;
    let first = request.protocols.first().ok_or(inconsistent)?;
    let subscription = embedded::subscription(&first.metadata).ok_or(inconsistent)?;
    Ok((own(&first.name), subscription))
}

fn is_last_of_consumers(group: &Group, member: &str) -> bool {
    let is_consumer = |member: &Member| !member.about.is_classic();
    let others = group.members.iter().filter(|(id, _)| ***id != *member);
    group.members.get(member).is_some_and(is_consumer)
        && others
            .map(|(_, other)| other)
            .all(|other| !is_consumer(other))
}

impl Work<'_, '_> {
    fn classic_joined(
        &mut self,
        call: &Call<'_>,
        place: &Place,
        request: &JoinGroupRequest,
        subscription: &ConsumerProtocolSubscription,
    ) -> Result<i32, ErrorCode> {
        let id = place.id();
        let before = self.group.members.get(match place {
            Place::Successor { of, .. } => of,
            Place::Member(id) | Place::Newcomer(id) => id,
        });
        let before = before
            .map(|member| Arc::clone(&member.about))
            .unwrap_or_default();
        let protocols = request.protocols.iter();
        let rack = subscription
            .rack_id
            .as_ref()
            .filter(|rack| !rack.is_empty());
        let instance = request.group_instance_id.as_ref();
        let after = About {
            instance_id: instance.map(own).or_else(|| before.instance_id.clone()),
            rack_id: rack.map(own).or_else(|| before.rack_id.clone()),
            client_id: own(&call.caller.client_id),
            client_host: own(&call.caller.client_host),
            topic_names: subscription.topics.iter().map(own).collect(),
            topic_regex: Some(Arc::from("")),
            rebalance_timeout_ms: match request.rebalance_timeout_ms {
                -1 => request.session_timeout_ms,
                timeout_ms => timeout_ms,
            },
            server_assignor: before.server_assignor.clone(),
            classic: Some(Classic {
                session_timeout_ms: request.session_timeout_ms,
                protocols: protocols
                    .map(|p| (own(&p.name), Bytes::copy_from_slice(&p.metadata)))
                    .collect(),
            }),
        };
        let rebalance_timeout = after.rebalance_timeout();
        let has_new_subscription = self.take_in(place, &before, &Arc::new(after));
        self.raise_epoch_if(has_new_subscription);
        self.assign_when_due();
        let claimed = self.claimed(subscription);
        self.reconcile(id, Some(&claimed), has_new_subscription);
        self.disarm(id, TimerKind::Join);
        self.restart_session(id);
        self.arm(id, TimerKind::Sync, rebalance_timeout);
        let member = self
            .group
            .members
            .get(id)
            .ok_or(ErrorCode::UnknownMemberId)?;
        Ok(member.current.epoch)
    }

    /// What a subscription says the member has, by topic id.
    fn claimed(&self, subscription: &ConsumerProtocolSubscription) -> Vec<TopicPartitions> {
        let owned = subscription.owned_partitions.iter();
        let known = owned.filter_map(|topic| {
            let id = self.env.image.topic(&topic.topic)?.id();
            Some(TopicPartitions {
                topic_id: id.0,
                partitions: topic.partitions.clone(),
            })
        });
        known.collect()
    }
}

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
