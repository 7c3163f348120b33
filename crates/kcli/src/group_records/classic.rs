//! Classic groups: the whole group in one record, what its members say in bytes within it.

use bytes::Bytes;
use protocol::data::consumer_protocol_assignment::ConsumerProtocolAssignment;
use protocol::data::consumer_protocol_subscription::ConsumerProtocolSubscription;
use protocol::data::group_metadata::{GroupMetadataValue, MemberMetadata};
use protocol::wire::Reader;
use protocol::{Message, Str};
use serde_json::{Value, json};

use super::time;
use crate::bytes_text::{base64, shown};

/// The protocol type of consumers; others' bytes are their own.
const CONSUMER: &str = "consumer";

/// A group.
pub(super) fn group(value: &GroupMetadataValue) -> Value {
    let is_consumer = &*value.protocol_type == CONSUMER;
    let members = value.members.iter().map(|one| member(one, is_consumer));
    json!({
        "protocolType": &*value.protocol_type,
        "generation": value.generation,
        "protocol": value.protocol.as_deref(),
        "leader": value.leader.as_deref(),
        "stateSince": time(value.current_state_timestamp),
        "members": members.collect::<Vec<_>>(),
    })
}

fn member(member: &MemberMetadata, is_consumer: bool) -> Value {
    let (subscription, assignment) = match is_consumer {
        true => (
            subscription(&member.subscription),
            assignment(&member.assignment),
        ),
        false => (opaque(&member.subscription), opaque(&member.assignment)),
    };
    json!({
        "memberId": &*member.member_id,
        "instanceId": member.group_instance_id.as_deref(),
        "clientId": &*member.client_id,
        "clientHost": &*member.client_host,
        "rebalanceTimeoutMs": member.rebalance_timeout,
        "sessionTimeoutMs": member.session_timeout,
        "subscription": subscription,
        "assignment": assignment,
    })
}

/// What a member of a classic consumer group subscribes to.
pub(super) fn subscription(bytes: &Bytes) -> Value {
    let versions = ConsumerProtocolSubscription::VERSIONS;
    let Some(read) = embedded::<ConsumerProtocolSubscription>(bytes, *versions.end()) else {
        return opaque(bytes);
    };
    let owned = read.owned_partitions.iter();
    json!({
        "topics": read.topics.iter().map(|name| &**name).collect::<Vec<_>>(),
        "owned": owned.map(|owned| of_topic(&owned.topic, &owned.partitions)).collect::<Vec<_>>(),
        "generation": (read.generation_id >= 0).then_some(read.generation_id),
        "rack": read.rack_id.as_deref(),
        "userData": read.user_data.as_ref().map(opaque),
    })
}

fn assignment(bytes: &Bytes) -> Value {
    if bytes.is_empty() {
        return json!([]);
    }
    let versions = ConsumerProtocolAssignment::VERSIONS;
    let Some(read) = embedded::<ConsumerProtocolAssignment>(bytes, *versions.end()) else {
        return opaque(bytes);
    };
    let assigned = read.assigned_partitions.iter();
    assigned
        .map(|assigned| of_topic(&assigned.topic, &assigned.partitions))
        .collect()
}

/// Clients may be newer than we: higher versions only add at the end.
fn embedded<M: Message>(bytes: &Bytes, version_max: i16) -> Option<M> {
    let mut reader = Reader::new(bytes.clone());
    let version = reader.i16().ok().filter(|version| *version >= 0)?;
    M::decode(&mut reader, version.min(version_max)).ok()
}

fn of_topic(topic: &Str, partitions: &[i32]) -> Value {
    json!({ "topic": &**topic, "partitions": partitions })
}

/// Bytes of others: as text, else in base64.
fn opaque(bytes: &Bytes) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(_) => json!(shown(bytes)),
        Err(_) => json!({ "base64": base64(bytes) }),
    }
}
