//! The metadata quorum.

use protocol::Str;
use protocol::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, ReplicaState, RequestPartitionData,
    RequestTopicData,
};
use types::{ErrorCode, Uuid};

use super::Admin;
use crate::ask::Whom;
use crate::{Error, Result};

const METADATA_TOPIC: &str = "__cluster_metadata";

/// The quorum as its leader describes it.
#[derive(Debug, Clone)]
pub struct QuorumDescription {
    /// Node id of the active controller, -1 if there is none.
    pub leader_id: i32,
    /// Counts leaders.
    pub leader_epoch: i32,
    /// Exclusive end of what is committed.
    pub high_watermark: i64,
    /// Those who vote.
    pub voters: Vec<QuorumReplica>,
    /// Those who only follow, brokers among them.
    pub observers: Vec<QuorumReplica>,
}

/// One replica of the metadata log.
#[derive(Debug, Clone)]
pub struct QuorumReplica {
    /// Its node id.
    pub node_id: i32,
    /// Its disk; zeros if unknown.
    pub directory_id: Uuid,
    /// Exclusive end of its log.
    pub log_end_offset: i64,
    /// When it last fetched, -1 if unknown.
    pub last_fetch_ms: i64,
    /// When it last had everything, -1 if unknown.
    pub last_caught_up_ms: i64,
}

impl Admin {
    /// The quorum's leader, voters and observers.
    ///
    /// # Errors
    /// No quorum answers within `default.api.timeout.ms`.
    pub async fn describe_quorum(&self) -> Result<QuorumDescription> {
        let request = DescribeQuorumRequest {
            topics: vec![RequestTopicData {
                topic_name: Str::from_static(METADATA_TOPIC),
                partitions: vec![RequestPartitionData { partition_index: 0 }],
            }],
        };
        let make = |_version| request.clone();
        let check = |response: &DescribeQuorumResponse| description(response).map(drop);
        let (_version, response) = self.client.ask(Whom::Any, make, check).await?;
        description(&response)
    }
}

fn description(response: &DescribeQuorumResponse) -> Result<QuorumDescription> {
    let what = || "describe the quorum".to_owned();
    Error::check(response.error_code, response.error_message.as_deref(), what)?;
    let partition = response
        .topics
        .first()
        .and_then(|topic| topic.partitions.first());
    let Some(partition) = partition else {
        return Err(Error::refused(
            ErrorCode::UnknownServerError.to_wire(),
            None,
            what(),
        ));
    };
    Error::check(
        partition.error_code,
        partition.error_message.as_deref(),
        what,
    )?;
    Ok(QuorumDescription {
        leader_id: partition.leader_id,
        leader_epoch: partition.leader_epoch,
        high_watermark: partition.high_watermark,
        voters: partition.current_voters.iter().map(replica).collect(),
        observers: partition.observers.iter().map(replica).collect(),
    })
}

fn replica(state: &ReplicaState) -> QuorumReplica {
    QuorumReplica {
        node_id: state.replica_id,
        directory_id: state.replica_directory_id,
        log_end_offset: state.log_end_offset,
        last_fetch_ms: state.last_fetch_timestamp,
        last_caught_up_ms: state.last_caught_up_timestamp,
    }
}
