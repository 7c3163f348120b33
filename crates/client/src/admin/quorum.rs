//! The metadata quorum.

use protocol::Str;
use protocol::messages::add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse, Listener};
use protocol::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, ReplicaState, RequestPartitionData,
    RequestTopicData,
};
use protocol::messages::remove_raft_voter::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};
use types::{ErrorCode, Uuid};

use super::Admin;
use crate::ask::Whom;
use crate::{Address, Error, Result};

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
    /// Where the nodes listen for one another; empty from clusters that do not tell.
    pub listeners: Vec<QuorumListener>,
}

/// Where one node of the quorum listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumListener {
    /// The node.
    pub node_id: i32,
    /// The listener's name.
    pub name: String,
    /// Its address.
    pub address: Address,
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

    /// Makes a running controller a voter. Its disk is named, so that another one under the same id
    /// cannot slip in.
    ///
    /// # Errors
    /// The quorum refused, or the request failed. A change that is not answered in time may still
    /// come into force.
    pub async fn add_voter(
        &self,
        node_id: i32,
        directory_id: Uuid,
        listeners: &[(String, Address)],
    ) -> Result<()> {
        let request = AddRaftVoterRequest {
            cluster_id: self.cluster_id(),
            timeout_ms: self.timeout_ms(),
            voter_id: node_id,
            voter_directory_id: directory_id,
            listeners: listeners
                .iter()
                .map(|(name, address)| Listener {
                    name: Str::from(name.as_str()),
                    host: Str::from(address.host.as_str()),
                    port: address.port,
                })
                .collect(),
            ack_when_committed: true,
        };
        let check = |response: &AddRaftVoterResponse| {
            let message = response.error_message.as_deref();
            let what = || format!("make node {node_id} a voter");
            Error::check(response.error_code, message, what)
        };
        let make = |_version| request.clone();
        let (_version, response) = self.client.ask(Whom::Any, make, check).await?;
        check(&response)
    }

    /// Takes the vote from a node.
    ///
    /// # Errors
    /// The quorum refused, or the request failed. A change that is not answered in time may still
    /// come into force.
    pub async fn remove_voter(&self, node_id: i32, directory_id: Uuid) -> Result<()> {
        let request = RemoveRaftVoterRequest {
            cluster_id: self.cluster_id(),
            voter_id: node_id,
            voter_directory_id: directory_id,
        };
        let check = |response: &RemoveRaftVoterResponse| {
            let message = response.error_message.as_deref();
            let what = || format!("take the vote from node {node_id}");
            Error::check(response.error_code, message, what)
        };
        let make = |_version| request.clone();
        let (_version, response) = self.client.ask(Whom::Any, make, check).await?;
        check(&response)
    }

    fn cluster_id(&self) -> Option<Str> {
        let cluster = self.client.cluster();
        cluster.cluster_id.as_deref().map(Str::from)
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
        listeners: listeners(response),
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

fn listeners(response: &DescribeQuorumResponse) -> Vec<QuorumListener> {
    let all = response.nodes.iter().flat_map(|node| {
        let listeners = node.listeners.iter();
        listeners.map(|listener| QuorumListener {
            node_id: node.node_id,
            name: listener.name.to_string(),
            address: Address::new(&*listener.host, listener.port),
        })
    });
    all.collect()
}
