//! `DescribeQuorum` (55): who votes on metadata and how far each of them is.

use std::sync::Arc;

use net::server::Reply;
use protocol::Str;
use protocol::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, ReplicaState, RequestTopicData,
    ResponsePartitionData, ResponseTopicData,
};
use rpc::client::{QuorumDescription, ReplicaProgress};
use types::{ErrorCode, Uuid};

use super::Ctx;

/// The one partition that has a quorum.
const TOPIC: &str = "__cluster_metadata";

pub(crate) fn handle(ctx: &Ctx<'_>, request: DescribeQuorumRequest) -> Reply {
    if !asks_for_metadata(&request.topics) {
        return ctx.respond(&unknown(request.topics));
    }
    let core = Arc::clone(ctx.core);
    let version = ctx.version();
    ctx.respond_later(async move {
        let timeout = core.config.sockets.request_timeout;
        match core.controllers.describe_quorum(timeout).await {
            Ok(quorum) => {
                let listeners = &core.config.listeners.controller;
                let name = listeners.first().map_or("CONTROLLER", |first| &first.name);
                response(quorum, version, name)
            }
            Err(error) => DescribeQuorumResponse {
                error_code: ErrorCode::RequestTimedOut.to_wire(),
                error_message: Some(error.to_string().into()),
                ..DescribeQuorumResponse::default()
            },
        }
    })
}

fn asks_for_metadata(topics: &[RequestTopicData]) -> bool {
    match topics {
        [topic] if topic.topic_name == TOPIC => {
            matches!(&topic.partitions[..], [partition] if partition.partition_index == 0)
        }
        _ => false,
    }
}

fn unknown(topics: Vec<RequestTopicData>) -> DescribeQuorumResponse {
    let partition = |index: i32| ResponsePartitionData {
        partition_index: index,
        error_code: ErrorCode::UnknownTopicOrPartition.to_wire(),
        error_message: Some(Str::from_static(
            "This server does not host this topic-partition.",
        )),
        ..ResponsePartitionData::default()
    };
    let topic = |topic: RequestTopicData| ResponseTopicData {
        topic_name: topic.topic_name,
        partitions: topic
            .partitions
            .iter()
            .map(|it| partition(it.partition_index))
            .collect(),
    };
    DescribeQuorumResponse {
        error_message: Some(Str::default()),
        topics: topics.into_iter().map(topic).collect(),
        ..DescribeQuorumResponse::default()
    }
}

/// `listener` is what the controllers' listener is called; every node calls it alike.
fn response(quorum: QuorumDescription, version: i16, listener: &str) -> DescribeQuorumResponse {
    let nodes = quorum
        .voters
        .iter()
        .filter_map(|voter| node(voter, listener));
    let nodes = if version >= 2 {
        nodes.collect()
    } else {
        Vec::new()
    };
    let state = |progress: &ReplicaProgress| ReplicaState {
        replica_id: progress.node_id.0,
        replica_directory_id: if version >= 2 {
            progress.directory_id.0
        } else {
            Uuid::ZERO
        },
        log_end_offset: progress.log_end_offset,
        last_fetch_timestamp: progress.last_fetch_timestamp_ms,
        last_caught_up_timestamp: progress.last_caught_up_timestamp_ms,
    };
    let partition = ResponsePartitionData {
        partition_index: 0,
        error_code: ErrorCode::None.to_wire(),
        error_message: Some(Str::default()),
        leader_id: quorum.leader_id.0,
        leader_epoch: quorum.leader_epoch,
        high_watermark: quorum.high_watermark,
        current_voters: quorum.voters.iter().map(state).collect(),
        observers: quorum.observers.iter().map(state).collect(),
    };
    DescribeQuorumResponse {
        error_message: Some(Str::default()),
        topics: vec![ResponseTopicData {
            topic_name: Str::from_static(TOPIC),
            partitions: vec![partition],
        }],
        nodes,
        ..DescribeQuorumResponse::default()
    }
}

/// A voter's address; a voter inside this process has none.
fn node(voter: &ReplicaProgress, listener: &str) -> Option<Node> {
    let (host, port) = voter.address.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(Node {
        node_id: voter.node_id.0,
        listeners: vec![Listener {
            name: listener.into(),
            host: host.into(),
            port: port.parse().ok()?,
        }],
    })
}

#[cfg(test)]
mod tests {
    use protocol::messages::describe_quorum::RequestPartitionData;
    use types::{DirectoryId, NodeId};

    use super::*;
    use crate::api::testing;

    fn topic(name: &'static str, indexes: &[i32]) -> RequestTopicData {
        let partition = |index: &i32| RequestPartitionData {
            partition_index: *index,
        };
        RequestTopicData {
            topic_name: Str::from_static(name),
            partitions: indexes.iter().map(partition).collect(),
        }
    }

    fn progress(id: i32, address: &str) -> ReplicaProgress {
        ReplicaProgress {
            node_id: NodeId(id),
            directory_id: DirectoryId(Uuid::ONE),
            log_end_offset: 10,
            last_fetch_timestamp_ms: 1,
            last_caught_up_timestamp_ms: 2,
            address: address.to_owned(),
        }
    }

    #[test]
    fn only_the_metadata_partition_has_a_quorum() {
        assert!(asks_for_metadata(&[topic(TOPIC, &[0])]));
        for topics in [
            vec![],
            vec![topic("x", &[0])],
            vec![topic(TOPIC, &[0, 1])],
            vec![topic(TOPIC, &[1])],
        ] {
            assert!(!asks_for_metadata(&topics));
            let response = unknown(topics);
            assert!(
                response
                    .topics
                    .iter()
                    .all(|it| it.partitions[0].error_code == 3)
            );
        }
    }

    #[test]
    fn voters_are_told_with_progress_and_address() {
        let quorum = QuorumDescription {
            leader_id: NodeId(1),
            leader_epoch: 3,
            high_watermark: 10,
            voters: vec![progress(1, ""), progress(2, "[::1]:9093")],
            observers: vec![progress(4, "")],
        };
        for version in 0..=2 {
            let response = response(quorum.clone(), version, "CONTROLLER");
            testing::encode(&response, version);
            let partition = &response.topics[0].partitions[0];
            assert_eq!((partition.leader_id, partition.leader_epoch), (1, 3));
            assert_eq!(partition.current_voters.len(), 2);
            assert_eq!(partition.observers[0].replica_id, 4);
            assert_eq!(response.nodes.len(), usize::from(version == 2));
        }
        let node = node(&quorum.voters[1], "CONTROLLER").expect("has an address");
        assert_eq!(
            (&*node.listeners[0].host, node.listeners[0].port),
            ("::1", 9093)
        );
    }
}
