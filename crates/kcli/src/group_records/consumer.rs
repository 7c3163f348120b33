//! Consumer groups (KIP-848): a record for each part.

use protocol::Str;
use protocol::data::consumer_group_current_member_assignment::ConsumerGroupCurrentMemberAssignmentValue;
use protocol::data::consumer_group_member_metadata::ConsumerGroupMemberMetadataValue;
use protocol::data::consumer_group_partition_metadata::ConsumerGroupPartitionMetadataValue;
use protocol::data::consumer_group_regular_expression::ConsumerGroupRegularExpressionValue;
use protocol::data::consumer_group_target_assignment_member::ConsumerGroupTargetAssignmentMemberValue;
use serde_json::{Value, json};
use types::Uuid;

use super::{classic, time};

/// What a member has said of itself.
pub(super) fn member(value: &ConsumerGroupMemberMetadataValue) -> Value {
    let given = |text: &Option<Str>| text.as_deref().filter(|t| !t.is_empty()).map(str::to_owned);
    let classic = value.classic_member_metadata.as_ref().map(|classic| {
        let protocols = classic.supported_protocols.iter().map(|protocol| {
            json!({
                "name": &*protocol.name,
                "subscription": classic::subscription(&protocol.metadata),
            })
        });
        json!({
            "sessionTimeoutMs": classic.session_timeout_ms,
            "protocols": protocols.collect::<Vec<_>>(),
        })
    });
    json!({
        "instanceId": given(&value.instance_id),
        "rack": given(&value.rack_id),
        "clientId": &*value.client_id,
        "clientHost": &*value.client_host,
        "topics": names(&value.subscribed_topic_names),
        "regex": given(&value.subscribed_topic_regex),
        "rebalanceTimeoutMs": value.rebalance_timeout_ms,
        "assignor": given(&value.server_assignor),
        "classic": classic,
    })
}

/// What it shall have.
pub(super) fn target(value: &ConsumerGroupTargetAssignmentMemberValue) -> Value {
    let all = value.topic_partitions.iter();
    let partitions: Vec<_> = all
        .map(|part| of_topic(part.topic_id, &part.partitions))
        .collect();
    json!({ "partitions": partitions })
}

/// What it has, and must give up.
pub(super) fn current(value: &ConsumerGroupCurrentMemberAssignmentValue) -> Value {
    let state = match value.state {
        0 => "Stable".to_owned(),
        1 => "UnrevokedPartitions".to_owned(),
        2 => "UnreleasedPartitions".to_owned(),
        other => other.to_string(),
    };
    let assigned = value.assigned_partitions.iter();
    let assigned: Vec<_> = assigned
        .map(|part| of_topic(part.topic_id, &part.partitions))
        .collect();
    let pending = value.partitions_pending_revocation.iter();
    let pending: Vec<_> = pending
        .map(|part| of_topic(part.topic_id, &part.partitions))
        .collect();
    json!({
        "memberEpoch": value.member_epoch,
        "previousMemberEpoch": value.previous_member_epoch,
        "state": state,
        "assigned": assigned,
        "pendingRevocation": pending,
    })
}

/// Which topics a pattern matches.
pub(super) fn regex(value: &ConsumerGroupRegularExpressionValue) -> Value {
    json!({
        "topics": names(&value.topics),
        "metadataVersion": value.version,
        "resolvedAt": time(value.timestamp),
    })
}

/// What Kafka before 4.1 kept of the topics.
pub(super) fn topics(value: &ConsumerGroupPartitionMetadataValue) -> Value {
    let topics = value.topics.iter().map(|topic| {
        json!({
            "topic": &*topic.topic_name,
            "topicId": topic.topic_id.to_string(),
            "partitionCount": topic.num_partitions,
        })
    });
    json!({ "topics": topics.collect::<Vec<_>>() })
}

fn of_topic(topic_id: Uuid, partitions: &[i32]) -> Value {
    json!({ "topicId": topic_id.to_string(), "partitions": partitions })
}

fn names(all: &[Str]) -> Vec<&str> {
    all.iter().map(|name| &**name).collect()
}
