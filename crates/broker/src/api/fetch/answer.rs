//! The shape of a response.

use protocol::RecordSet;
use protocol::messages::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, NodeEndpoint, PartitionData,
};
use types::ErrorCode;

use crate::api::hints::Hints;
use crate::fetch_session::{Interest, Topic};

/// Since which version a response may carry leaders' addresses.
const FIRST_VERSION_WITH_ENDPOINTS: i16 = 16;

/// Puts answers under their topics: neighbours of one topic share an entry.
pub(super) fn by_topic(answers: Vec<(Interest, PartitionData)>) -> Vec<FetchableTopicResponse> {
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    let mut current: Option<Topic> = None;
    for (interest, answer) in answers {
        if current.as_ref() != Some(&interest.topic) {
            topics.push(entry_of(&interest.topic));
            current = Some(interest.topic);
        }
        if let Some(topic) = topics.last_mut() {
            topic.partitions.push(answer);
        }
    }
    topics
}

fn entry_of(topic: &Topic) -> FetchableTopicResponse {
    match topic {
        Topic::Name(name) => FetchableTopicResponse {
            topic: name.as_ref().into(),
            ..FetchableTopicResponse::default()
        },
        Topic::Id(id) => FetchableTopicResponse {
            topic_id: id.0,
            ..FetchableTopicResponse::default()
        },
    }
}

/// What Kafka says to a replica that may not replicate from it.
pub(super) fn not_for_replicas(request: &FetchRequest) -> FetchResponse {
    let code = ErrorCode::TopicAuthorizationFailed.to_wire();
    let topics = request.topics.iter().map(|topic| FetchableTopicResponse {
        topic: topic.topic.clone(),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| PartitionData {
                partition_index: partition.partition,
                error_code: code,
                high_watermark: -1,
                last_stable_offset: -1,
                log_start_offset: -1,
                preferred_read_replica: -1,
                records: Some(RecordSet::new()),
                ..PartitionData::default()
            })
            .collect(),
    });
    FetchResponse {
        responses: topics.collect(),
        ..FetchResponse::default()
    }
}

/// The addresses of the leaders that were named.
pub(super) fn endpoints(hints: &Hints<'_>) -> Vec<NodeEndpoint> {
    hints
        .endpoints()
        .map(|(node, address)| NodeEndpoint {
            node_id: node.0,
            host: address.host,
            port: address.port,
            rack: address.rack,
        })
        .collect()
}

/// Nothing, in versions that have no place for them.
pub(super) fn if_allowed(endpoints: Vec<NodeEndpoint>, version: i16) -> Vec<NodeEndpoint> {
    if version >= FIRST_VERSION_WITH_ENDPOINTS {
        endpoints
    } else {
        Vec::new()
    }
}
