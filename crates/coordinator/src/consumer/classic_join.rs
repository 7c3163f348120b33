//! `JoinGroup` of a member that speaks the classic protocol in a consumer group.
//!
//! It is what a full heartbeat is to the others: answered at once, with the member's epoch as the
//! generation. The `SyncGroup` that follows fetches what the coordinator assigned, see
//! [`super::classic_member`].

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use protocol::data::consumer_protocol_subscription::ConsumerProtocolSubscription;
use protocol::messages::consumer_group_heartbeat::TopicPartitions;
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use types::ErrorCode;

use super::heartbeat::{Place, static_member};
use super::member::{About, Classic, Member, millis, own, word};
use super::state::Group;
use super::upgrade::CONSUMER;
use super::work::Work;
use super::{downgrade, embedded};
use crate::classic;
use crate::env::Env;
use crate::group::{Call, Group as Slot};
use crate::request::Answer;
use crate::timers::TimerKind;

/// From this version on, a member without an id gets one and has to join again with it (KIP-394).
const ID_REQUIRED_VERSION: i16 = 4;

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
