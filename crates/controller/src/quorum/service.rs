//! The serving side between voters.

use openraft::SnapshotSegmentId;
use openraft::error::{Fatal, InstallSnapshotError, RaftError};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, VoteRequest,
};
use rpc::proto::quorum::v1 as wire;
use rpc::proto::quorum::v1::quorum_server::Quorum;
use rpc::status::refused;
use tonic::{Request, Response, Status};
use types::{DirectoryId, ErrorCode};

use super::durable::{Identity, SNAPSHOT_BYTES_MAX};
use super::published::KnownClusterId;
use super::raft_types::{Raft, raft_id};
use super::wire::{
    WireError, directory_id_from_wire, entry_from_wire, log_id_to_wire, optional_log_id,
    required_vote, snapshot_meta_from_wire, vote_to_wire,
};

/// Hands requests of other voters to openraft, once they are sure to mean this voter.
#[derive(Clone)]
pub(crate) struct QuorumService {
    raft: Raft,
    identity: Identity,
    cluster_id: KnownClusterId,
}

impl QuorumService {
    pub(super) const fn new(raft: Raft, identity: Identity, cluster_id: KnownClusterId) -> Self {
        Self {
            raft,
            identity,
            cluster_id,
        }
    }

    /// A request for another node, another disk or another cluster is refused: this voter must not
    /// vote in somebody else's name (KIP-853).
    fn check(&self, envelope: Option<wire::Envelope>) -> Result<(), Status> {
        let envelope = envelope.ok_or_else(|| malformed(&WireError::Missing("envelope")))?;
        let directory_id =
            directory_id_from_wire(&envelope.to_directory_id).map_err(|e| malformed(&e))?;
        // Founders that the configuration names without their disks are known without for good.
        let is_my_disk = directory_id == self.identity.directory_id
            || (directory_id == DirectoryId::ZERO && !self.is_disk_known());
        if envelope.to_node_id != self.identity.node_id.0 || !is_my_disk {
            let Identity {
                node_id,
                directory_id,
            } = &self.identity;
            let message = format!("this is voter {node_id} with directory {directory_id}");
            return Err(refused(ErrorCode::InvalidVoterKey, message));
        }
        let own = self.cluster_id.get();
        let same = own.as_deref().is_none_or(|own| own == envelope.cluster_id);
        // Whoever has to learn the id from the log may be behind those that have read it there, and
        // yet be the one to lead them. Formatted voters know it from the start.
        let is_learning = envelope.cluster_id.is_empty() && self.cluster_id.formatted.is_none();
        if !same && !is_learning {
            let message = format!("this is cluster {}", own.as_deref().unwrap_or_default());
            return Err(refused(ErrorCode::InconsistentClusterId, message));
        }
        Ok(())
    }

    /// Whether the membership says which disk of this node votes: then all who ask can say it too.
    fn is_disk_known(&self) -> bool {
        let metrics = self.raft.server_metrics();
        let metrics = metrics.borrow();
        let node = raft_id(self.identity.node_id);
        let node = metrics.membership_config.membership().get_node(&node);
        node.is_some_and(|node| node.directory_id != DirectoryId::ZERO)
    }
}

#[tonic::async_trait]
impl Quorum for QuorumService {
    async fn vote(
        &self,
        request: Request<wire::VoteRequest>,
    ) -> Result<Response<wire::VoteResponse>, Status> {
        let request = request.into_inner();
        self.check(request.envelope)?;
        let vote = required_vote(request.vote).map_err(|e| malformed(&e))?;
        let request = VoteRequest::new(
            vote,
            optional_log_id(request.last_log_id).map_err(|e| malformed(&e))?,
        );
        let reply = self.raft.vote(request).await.map_err(|e| failed(&e))?;
        Ok(Response::new(wire::VoteResponse {
            vote: Some(vote_to_wire(&reply.vote)),
            granted: reply.vote_granted,
            last_log_id: reply.last_log_id.as_ref().map(log_id_to_wire),
        }))
    }

    async fn append_entries(
        &self,
        request: Request<wire::AppendEntriesRequest>,
    ) -> Result<Response<wire::AppendEntriesResponse>, Status> {
        use wire::append_entries_response::Result as Answer;
        let request = request.into_inner();
        self.check(request.envelope)?;
        let entries = request.entries.into_iter().map(entry_from_wire);
        let request = AppendEntriesRequest {
            vote: required_vote(request.vote).map_err(|e| malformed(&e))?,
            prev_log_id: optional_log_id(request.previous_log_id).map_err(|e| malformed(&e))?,
            entries: entries
                .collect::<Result<_, _>>()
                .map_err(|e| malformed(&e))?,
            leader_commit: optional_log_id(request.committed).map_err(|e| malformed(&e))?,
        };
        let reply = self.raft.append_entries(request).await;
        let answer = match reply.map_err(|e| failed(&e))? {
            AppendEntriesResponse::Success => Answer::Success(true),
            AppendEntriesResponse::Conflict => Answer::Conflict(true),
            AppendEntriesResponse::PartialSuccess(upto) => {
                let upto = upto.as_ref().map(log_id_to_wire);
                Answer::PartialSuccess(wire::PartialSuccess { upto })
            }
            AppendEntriesResponse::HigherVote(vote) => Answer::HigherVote(vote_to_wire(&vote)),
        };
        Ok(Response::new(wire::AppendEntriesResponse {
            result: Some(answer),
        }))
    }

    async fn install_snapshot(
        &self,
        request: Request<wire::InstallSnapshotRequest>,
    ) -> Result<Response<wire::InstallSnapshotResponse>, Status> {
        use wire::install_snapshot_response::Result as Answer;
        let request = request.into_inner();
        self.check(request.envelope)?;
        // openraft keeps the whole snapshot in memory, and makes room for whatever the offset says.
        let end = request.offset.checked_add(request.data.len() as u64);
        if end.is_none_or(|end| end > SNAPSHOT_BYTES_MAX) {
            let message = format!("a snapshot has at most {SNAPSHOT_BYTES_MAX} bytes");
            return Err(Status::invalid_argument(message));
        }
        let meta = request.meta.ok_or(WireError::Missing("snapshot meta"));
        let request = InstallSnapshotRequest {
            vote: required_vote(request.vote).map_err(|e| malformed(&e))?,
            meta: meta
                .and_then(snapshot_meta_from_wire)
                .map_err(|e| malformed(&e))?,
            offset: request.offset,
            data: request.data.into(),
            done: request.done,
        };
        let answer = match self.raft.install_snapshot(request).await {
            Ok(reply) => Answer::Vote(vote_to_wire(&reply.vote)),
            Err(RaftError::APIError(InstallSnapshotError::SnapshotMismatch(mismatch))) => {
                let SnapshotSegmentId { offset, .. } = mismatch.expect;
                Answer::ExpectedOffset(offset)
            }
            Err(RaftError::Fatal(error)) => return Err(stopped(&error)),
        };
        Ok(Response::new(wire::InstallSnapshotResponse {
            result: Some(answer),
        }))
    }
}

fn failed(error: &RaftError<u64>) -> Status {
    match error {
        RaftError::Fatal(error) => stopped(error),
        RaftError::APIError(never) => match *never {},
    }
}

fn stopped(error: &Fatal<u64>) -> Status {
    Status::unavailable(format!("this voter has stopped: {error}"))
}

fn malformed(error: &WireError) -> Status {
    Status::invalid_argument(error.to_string())
}
