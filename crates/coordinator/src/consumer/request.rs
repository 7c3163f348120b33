//! What a heartbeat says: whether it may say so, and what it changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::Str;
use protocol::messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use types::ErrorCode;

use super::member::{About, LEFT, LEFT_FOR_NOW, own};
use super::refusal::Refusal;
use crate::env::Caller;
use crate::settings::Settings;

/// From this version on, members choose their ids themselves.
const CHOOSES_ITS_ID: i16 = 1;

/// Checks what can be checked without looking at the group.
pub(crate) fn check(
    request: &ConsumerGroupHeartbeatRequest,
    version: i16,
    settings: &Settings,
) -> Result<(), Refusal> {
    let epoch = request.member_epoch;
    let needs_id = version >= CHOOSES_ITS_ID || epoch > 0 || epoch == LEFT;
    if needs_id && request.member_id.is_empty() {
        return Err(Refusal::invalid("MemberId can't be empty."));
    }
    if request.group_id.is_empty() {
        return Err(Refusal::invalid("GroupId can't be empty."));
    }
    not_empty(request.instance_id.as_ref(), "InstanceId can't be empty.")?;
    not_empty(request.rack_id.as_ref(), "RackId can't be empty.")?;
    match epoch {
        0 => check_join(request)?,
        LEFT_FOR_NOW if request.instance_id.is_none() => {
            return Err(Refusal::invalid("InstanceId can't be null."));
        }
        _ if epoch < LEFT_FOR_NOW => return Err(Refusal::invalid("MemberEpoch is invalid.")),
        _ => {}
    }
    match &request.server_assignor {
        Some(name) if !settings.consumer_assignors.iter().any(|n| *n == **name) => {
            let known = settings.consumer_assignors.join(", ");
            let message =
                format!("ServerAssignor {name} is not supported. Supported assignors: {known}.");
            Err(Refusal::new(ErrorCode::UnsupportedAssignor, message))
        }
        _ => Ok(()),
    }
}

fn check_join(request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    if request.rebalance_timeout_ms == -1 {
        let message = "RebalanceTimeoutMs must be provided in first request.";
        return Err(Refusal::invalid(message));
    }
    if request
        .topic_partitions
        .as_ref()
        .is_none_or(|owned| !owned.is_empty())
    {
        let message = "TopicPartitions must be empty when (re-)joining.";
        return Err(Refusal::invalid(message));
    }
    if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none() {
        let message = "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.";
        return Err(Refusal::invalid(message));
    }
    Ok(())
}

fn not_empty(field: Option<&Str>, message: &str) -> Result<(), Refusal> {
    match field {
        Some(value) if value.is_empty() => Err(Refusal::invalid(message)),
        _ => Ok(()),
    }
}

/// Whether the member says everything, as it does when it joins or is not sure of the last answer.
pub(crate) fn is_full(request: &ConsumerGroupHeartbeatRequest) -> bool {
    let has_subscription =
        request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some();
    request.member_epoch == 0
        || (request.rebalance_timeout_ms != -1
            && has_subscription
            && request.topic_partitions.is_some())
}

/// What the member is after the heartbeat; `None` if it said nothing new. What it leaves out stays.
pub(crate) fn merge(
    about: &About,
    request: &ConsumerGroupHeartbeatRequest,
    caller: &Caller,
) -> Option<About> {
    let is_same = |old: Option<&Arc<str>>, new: Option<&Str>| {
        new.is_none_or(|new| old.is_some_and(|old| **old == **new))
    };
    let names = request.subscribed_topic_names.as_deref();
    let is_unchanged = *about.client_id == *caller.client_id
        && *about.client_host == *caller.client_host
        && !about.is_classic()
        && is_same(about.instance_id.as_ref(), request.instance_id.as_ref())
        && is_same(about.rack_id.as_ref(), request.rack_id.as_ref())
        && is_same(
            about.topic_regex.as_ref(),
            request.subscribed_topic_regex.as_ref(),
        )
        && is_same(
            about.server_assignor.as_ref(),
            request.server_assignor.as_ref(),
        )
        && (request.rebalance_timeout_ms == -1
            || request.rebalance_timeout_ms == about.rebalance_timeout_ms)
        && names.is_none_or(|names| has_names(&about.topic_names, names));
    if is_unchanged {
        return None;
    }
    let newer = |old: &Option<Arc<str>>, new: Option<&Str>| new.map(own).or_else(|| old.clone());
    Some(About {
        instance_id: newer(&about.instance_id, request.instance_id.as_ref()),
        rack_id: newer(&about.rack_id, request.rack_id.as_ref()),
        client_id: own(&caller.client_id),
        client_host: own(&caller.client_host),
        topic_names: match names {
            Some(names) => names.iter().map(own).collect(),
            None => about.topic_names.clone(),
        },
        topic_regex: newer(&about.topic_regex, request.subscribed_topic_regex.as_ref()),
        rebalance_timeout_ms: match request.rebalance_timeout_ms {
            -1 => about.rebalance_timeout_ms,
            timeout_ms => timeout_ms,
        },
        server_assignor: newer(&about.server_assignor, request.server_assignor.as_ref()),
        classic: None,
    })
}

fn has_names(known: &BTreeSet<Arc<str>>, names: &[Str]) -> bool {
    // Names may stand twice in a request; then it only looks like news.
    known.len() == names.len() && names.iter().all(|name| known.contains(&**name))
}
