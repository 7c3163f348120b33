//! The calling side between voters: openraft's requests over gRPC.
//!
//! Each peer has two connections, so that a snapshot never stands in front of a heartbeat.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use openraft::error::{
    InstallSnapshotError, NetworkError, RPCError, RaftError, RemoteError, SnapshotMismatch,
    Unreachable,
};
use openraft::network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use openraft::{AnyError, SnapshotSegmentId};
use rpc::proto::quorum::v1 as wire;
use rpc::proto::quorum::v1::quorum_client::QuorumClient;
use rpc::transport::{Connector, TransportConfig};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use types::{DirectoryId, NodeId};

use super::config::QuorumConfig;
use super::published::KnownClusterId;
use super::raft_types::{TypeConfig, VoterNode, node_id};
use super::wire::{
    WireError, entry_to_wire, log_id_to_wire, optional_log_id, required_vote,
    snapshot_meta_to_wire, vote_from_wire, vote_to_wire,
};

type Result<T, E = RaftError<u64>> = std::result::Result<T, RPCError<u64, VoterNode, E>>;

/// Pauses before a peer that could not be reached is tried again.
const BACKOFF_MIN: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_millis(500);

/// Makes the clients of openraft.
#[derive(Debug)]
pub(crate) struct Network {
    own_id: NodeId,
    cluster_id: KnownClusterId,
    /// Ways to the voters that the configuration names. Others are dialled by the address that the
    /// membership holds.
    connectors: BTreeMap<NodeId, Connector>,
    transport: TransportConfig,
}

impl Network {
    pub(crate) fn new(config: &QuorumConfig, cluster_id: KnownClusterId) -> Self {
        let connectors = config
            .voters
            .iter()
            .map(|voter| (voter.node_id, voter.connector.clone()));
        Self {
            own_id: config.identity.node_id,
            cluster_id,
            connectors: connectors.collect(),
            transport: config.transport.clone(),
        }
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: u64, node: &VoterNode) -> Peer {
        let connector = self
            .connectors
            .get(&node_id(target))
            .cloned()
            .unwrap_or_else(|| Connector::tcp(node.address.clone()));
        let client = || {
            let size = self.transport.message_bytes_max;
            QuorumClient::new(connector.channel(&self.transport))
                .max_decoding_message_size(size)
                .max_encoding_message_size(size)
        };
        Peer {
            target,
            directory_id: node.directory_id,
            own_id: self.own_id,
            cluster_id: self.cluster_id.clone(),
            raft: client(),
            snapshots: client(),
        }
    }
}

/// One other voter.
#[derive(Debug)]
pub(crate) struct Peer {
    target: u64,
    directory_id: DirectoryId,
    own_id: NodeId,
    cluster_id: KnownClusterId,
    raft: QuorumClient<Channel>,
    snapshots: QuorumClient<Channel>,
}

impl Peer {
    fn envelope(&self) -> wire::Envelope {
        let directory_id = self.directory_id;
        let is_known = directory_id != DirectoryId::ZERO;
        wire::Envelope {
            cluster_id: self.cluster_id.get().unwrap_or_default(),
            from_node_id: self.own_id.0,
            to_node_id: node_id(self.target).0,
            to_directory_id: match is_known {
                true => Bytes::copy_from_slice(directory_id.0.as_bytes()),
                false => Bytes::new(),
            },
        }
    }
}

impl RaftNetwork<TypeConfig> for Peer {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>> {
        let request = wire::AppendEntriesRequest {
            envelope: Some(self.envelope()),
            vote: Some(vote_to_wire(&rpc.vote)),
            previous_log_id: rpc.prev_log_id.as_ref().map(log_id_to_wire),
            committed: rpc.leader_commit.as_ref().map(log_id_to_wire),
            entries: rpc.entries.iter().map(entry_to_wire).collect(),
        };
        let reply = self.raft.append_entries(bounded(request, &option)).await;
        append_result(reply.map_err(failure)?.into_inner()).map_err(malformed)
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, RaftError<u64, InstallSnapshotError>> {
        use wire::install_snapshot_response::Result as Answer;
        let request = wire::InstallSnapshotRequest {
            envelope: Some(self.envelope()),
            vote: Some(vote_to_wire(&rpc.vote)),
            meta: Some(snapshot_meta_to_wire(&rpc.meta)),
            offset: rpc.offset,
            data: rpc.data.into(),
            done: rpc.done,
        };
        let reply = self
            .snapshots
            .install_snapshot(bounded(request, &option))
            .await;
        match reply.map_err(failure)?.into_inner().result {
            Some(Answer::Vote(vote)) => Ok(InstallSnapshotResponse {
                vote: vote_from_wire(vote).map_err(malformed)?,
            }),
            Some(Answer::ExpectedOffset(offset)) => {
                let segment = |offset| SnapshotSegmentId {
                    id: rpc.meta.snapshot_id.clone(),
                    offset,
                };
                let mismatch = InstallSnapshotError::SnapshotMismatch(SnapshotMismatch {
                    expect: segment(offset),
                    got: segment(rpc.offset),
                });
                let error = RemoteError::new(self.target, RaftError::APIError(mismatch));
                Err(RPCError::RemoteError(error))
            }
            None => Err(malformed(WireError::Missing("result"))),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>> {
        let request = wire::VoteRequest {
            envelope: Some(self.envelope()),
            vote: Some(vote_to_wire(&rpc.vote)),
            last_log_id: rpc.last_log_id.as_ref().map(log_id_to_wire),
        };
        let reply = self.raft.vote(bounded(request, &option)).await;
        let reply = reply.map_err(failure)?.into_inner();
        Ok(VoteResponse {
            vote: required_vote(reply.vote).map_err(malformed)?,
            vote_granted: reply.granted,
            last_log_id: optional_log_id(reply.last_log_id).map_err(malformed)?,
        })
    }

    fn backoff(&self) -> Backoff {
        let pauses = std::iter::successors(Some(BACKOFF_MIN), |pause| {
            Some(pause.saturating_mul(2).min(BACKOFF_MAX))
        });
        Backoff::new(pauses)
    }
}

fn append_result(
    reply: wire::AppendEntriesResponse,
) -> std::result::Result<AppendEntriesResponse<u64>, WireError> {
    use wire::append_entries_response::Result as Answer;
    Ok(match reply.result.ok_or(WireError::Missing("result"))? {
        Answer::Success(_) => AppendEntriesResponse::Success,
        Answer::Conflict(_) => AppendEntriesResponse::Conflict,
        Answer::PartialSuccess(partial) => {
            AppendEntriesResponse::PartialSuccess(optional_log_id(partial.upto)?)
        }
        Answer::HigherVote(vote) => AppendEntriesResponse::HigherVote(vote_from_wire(vote)?),
    })
}

fn bounded<T>(message: T, option: &RPCOption) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(option.hard_ttl());
    request
}

/// openraft asks again at once after a failed request, and after a pause if the peer is away.
fn failure<E: StdError>(status: Status) -> RPCError<u64, VoterNode, E> {
    match status.code() {
        Code::Unavailable | Code::FailedPrecondition | Code::Unimplemented | Code::Unknown => {
            RPCError::Unreachable(Unreachable::new(&status))
        }
        _ => RPCError::Network(NetworkError::new(&status)),
    }
}

fn malformed<E: StdError>(error: WireError) -> RPCError<u64, VoterNode, E> {
    RPCError::Network(NetworkError::new(&AnyError::error(error)))
}
