//! The calling side between voters: openraft's requests over gRPC.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use openraft::AnyError;
use openraft::OptionalSend;
use openraft::error::{
    Fatal, InstallSnapshotError, NetworkError, RPCError, RaftError, ReplicationClosed,
    StreamingError, Unreachable,
};
use openraft::network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::storage::Snapshot;
use rpc::proto::quorum::v1 as wire;
use tokio::time::Instant;
use tonic::{Code, Request, Status};
use types::DirectoryId;

use super::followers::Followers;
use super::log_store::SharedLog;
use super::peers::{Lane, Peers};
use super::raft_types::{LogId, SnapshotMeta, TypeConfig, Vote, VoterNode};
use super::runtime::PATIENCE;
use super::wire::{
    WireError, entry_to_wire, log_id_to_wire, optional_log_id, required_vote,
    snapshot_meta_to_wire, vote_from_wire, vote_to_wire,
};

type Result<T, E = RaftError<u64>> = std::result::Result<T, RPCError<u64, VoterNode, E>>;

/// Pauses before a peer that could not be reached is tried again.
const BACKOFF_MIN: Duration = Duration::from_millis(10);
const BACKOFF_MAX: Duration = Duration::from_millis(100);
/// Bytes of a snapshot in one message.
const SNAPSHOT_PART_BYTES: usize = 1 << 20;
/// How long a snapshot may take, its installation included. A connection that broke is noticed much
/// earlier.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(600);

/// Makes the clients of openraft.
#[derive(Debug)]
pub(crate) struct Network {
    peers: Peers,
    followers: Followers,
    log: SharedLog,
    /// Whether the cluster has its first voters on record: then a peer whose disk is not on record is
    /// no peer yet.
    is_founded: Founded,
}

/// Tells whether the first voters are on record.
pub(crate) type Founded = tokio::sync::watch::Receiver<bool>;

impl Network {
    pub(crate) const fn new(
        peers: Peers,
        followers: Followers,
        log: SharedLog,
        is_founded: Founded,
    ) -> Self {
        Self {
            peers,
            followers,
            log,
            is_founded,
        }
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Peer;

    async fn new_client(&mut self, target: u64, node: &VoterNode) -> Peer {
        Peer {
            target,
            node: node.clone(),
            peers: self.peers.clone(),
            followers: self.followers.clone(),
            log: SharedLog::clone(&self.log),
            is_founded: self.is_founded.clone(),
        }
    }
}

/// One other voter.
#[derive(Debug)]
pub(crate) struct Peer {
    target: u64,
    node: VoterNode,
    peers: Peers,
    followers: Followers,
    log: SharedLog,
    is_founded: Founded,
}

impl Peer {
    /// Entries stored by a disk that is not on record would count towards a majority, and nobody
    /// would notice if that disk were wiped.
    fn off_record(&self) -> Option<Unreachable> {
        let is_on_record = self.node.directory_id != DirectoryId::ZERO;
        (!is_on_record && *self.is_founded.borrow()).then(|| {
            let error = AnyError::error("the directory id of the voter is not on record yet");
            Unreachable::new(&error)
        })
    }

    fn last_log_id(&self) -> Option<LogId> {
        self.log.read().last_log_id()
    }

    async fn send_snapshot(
        &self,
        vote: Vote,
        meta: &SnapshotMeta,
        data: Bytes,
    ) -> std::result::Result<Vote, Status> {
        let head = wire::SnapshotHead {
            envelope: Some(self.peers.envelope_for(self.target, &self.node)),
            vote: Some(vote_to_wire(&vote)),
            meta: Some(snapshot_meta_to_wire(meta)),
            bytes: data.len() as u64,
        };
        let head = std::iter::once(wire::snapshot_part::Part::Head(head));
        let parts = head.chain(Pieces(data).map(wire::snapshot_part::Part::Data));
        let parts = parts.map(|part| wire::SnapshotPart { part: Some(part) });
        let mut client = self
            .peers
            .client(self.target, &self.node.address, Lane::Snapshots);
        let reply = client.install_snapshot(tokio_stream::iter(parts)).await?;
        required_vote(reply.into_inner().vote).map_err(|e| Status::internal(e.to_string()))
    }
}

/// A snapshot in pieces, none of them copied.
struct Pieces(Bytes);

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let length = self.0.len().min(SNAPSHOT_PART_BYTES);
        (length > 0).then(|| self.0.split_to(length))
    }
}

impl RaftNetwork<TypeConfig> for Peer {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>> {
        if let Some(unreachable) = self.off_record() {
            return Err(RPCError::Unreachable(unreachable));
        }
        let sent_at = Instant::now();
        let sent_upto = rpc.entries.last().map(|e| e.log_id).or(rpc.prev_log_id);
        let was_everything = sent_upto >= self.last_log_id();
        let request = wire::AppendEntriesRequest {
            envelope: Some(self.peers.envelope_for(self.target, &self.node)),
            vote: Some(vote_to_wire(&rpc.vote)),
            previous_log_id: rpc.prev_log_id.as_ref().map(log_id_to_wire),
            committed: rpc.leader_commit.as_ref().map(log_id_to_wire),
            entries: rpc.entries.iter().map(entry_to_wire).collect(),
        };
        let mut client = self
            .peers
            .client(self.target, &self.node.address, Lane::Log);
        let reply = client.append_entries(bounded(request, &option)).await;
        let result = append_result(reply.map_err(failure)?.into_inner()).map_err(malformed)?;
        if matches!(result, AppendEntriesResponse::Success) {
            self.followers
                .on_stored(self.target, sent_at, was_everything);
        }
        Ok(result)
    }

    async fn install_snapshot(
        &mut self,
        _rpc: InstallSnapshotRequest<TypeConfig>,
        _option: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, RaftError<u64, InstallSnapshotError>> {
        let error = AnyError::error("snapshots are sent as a whole");
        Err(RPCError::Unreachable(Unreachable::new(&error)))
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot<TypeConfig>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> std::result::Result<SnapshotResponse<u64>, StreamingError<TypeConfig, Fatal<u64>>> {
        if let Some(unreachable) = self.off_record() {
            return Err(StreamingError::Unreachable(unreachable));
        }
        let data = Bytes::from(snapshot.snapshot.into_inner());
        let sending = self.send_snapshot(vote, &snapshot.meta, data);
        let sent = tokio::select! {
            sent = tokio::time::timeout(SNAPSHOT_TIMEOUT, sending) => sent,
            closed = cancel => return Err(StreamingError::Closed(closed)),
        };
        let sent = sent.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")));
        match sent {
            Ok(vote) => Ok(SnapshotResponse::new(vote)),
            Err(status) => Err(streaming(failure::<Fatal<u64>>(status))),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>> {
        let request = wire::VoteRequest {
            envelope: Some(self.peers.envelope_for(self.target, &self.node)),
            vote: Some(vote_to_wire(&rpc.vote)),
            last_log_id: rpc.last_log_id.as_ref().map(log_id_to_wire),
        };
        let mut client = self
            .peers
            .client(self.target, &self.node.address, Lane::Log);
        let reply = client.vote(bounded(request, &option)).await;
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

/// openraft's own timeouts are too short for a slow disk: see [`super::runtime`].
fn bounded<T>(message: T, option: &RPCOption) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(option.hard_ttl().max(PATIENCE));
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

fn streaming(
    error: RPCError<u64, VoterNode, Fatal<u64>>,
) -> StreamingError<TypeConfig, Fatal<u64>> {
    match error {
        RPCError::Network(error) => StreamingError::Network(error),
        other => StreamingError::Unreachable(Unreachable::new(&other)),
    }
}

fn malformed<E: StdError>(error: WireError) -> RPCError<u64, VoterNode, E> {
    RPCError::Network(NetworkError::new(&AnyError::error(error)))
}
