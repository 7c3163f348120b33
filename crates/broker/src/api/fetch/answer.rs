//! The shape of a response.

use protocol::messages::fetch::{FetchableTopicResponse, NodeEndpoint, PartitionData};

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
