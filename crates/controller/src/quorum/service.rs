//! The serving side between voters.

use std::pin::Pin;
use std::time::Duration;

use openraft::error::{Fatal, RaftError};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, VoteRequest};
use rpc::proto::quorum::v1 as wire;
use rpc::proto::quorum::v1::quorum_server::Quorum;
use rpc::status::refused;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use types::{DirectoryId, ErrorCode};

use super::contact;
use super::durable::Identity;
use super::introduce;
use super::lead;
use super::local::Local;
use super::receive::Receiver;
use super::wire::{
    WireError, check_sequence, directory_id_from_wire, entry_from_wire, log_id_to_wire,
    optional_log_id, required_vote, vote_to_wire,
};

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Beats that wait for a slow follower: one is as good as two.
const BEATS_MAX: usize = 2;
/// How long a candidate may take to win before this node thinks of another one.
const ELECTION_TIME: Duration = Duration::from_millis(150);

/// Hands requests of other voters to openraft, once they are sure to mean this voter.
#[derive(Clone)]
pub(crate) struct QuorumService {
    local: Local,
    receiver: Receiver,
}

impl QuorumService {
    pub(super) fn new(local: Local) -> Self {
        Self {
            receiver: Receiver::new(local.raft.clone()),
            local,
        }
    }

    /// A request for another node, another disk or another cluster is refused: this voter must not
    /// vote in somebody else's name (KIP-853).
    fn check(&self, envelope: Option<wire::Envelope>) -> Result<Addressee, Status> {
        let envelope = envelope.ok_or_else(|| malformed(&WireError::Missing("envelope")))?;
        let directory_id =
            directory_id_from_wire(&envelope.to_directory_id).map_err(|e| malformed(&e))?;
        let identity = &self.local.identity;
        let is_named = directory_id == identity.directory_id;
        // Founders that the configuration names without their disks are known without until the first
        // leader has put them on record.
        let is_my_disk = is_named || (directory_id == DirectoryId::ZERO && !self.is_disk_known());
        if envelope.to_node_id != identity.node_id.0 || !is_my_disk {
            let Identity {
                node_id,
                directory_id,
            } = identity;
            let message = format!("this is voter {node_id} with directory {directory_id}");
            return Err(refused(ErrorCode::InvalidVoterKey, message));
        }
        let own = self.local.cluster_id.get();
        let same = own.as_deref().is_none_or(|own| own == envelope.cluster_id);
        // Whoever has to learn the id from the log may be behind those that have read it there, and
        // yet be the one to lead them. Formatted voters know it from the start.
        let is_learning =
            envelope.cluster_id.is_empty() && self.local.cluster_id.formatted.is_none();
        if !same && !is_learning {
            let message = format!("this is cluster {}", own.as_deref().unwrap_or_default());
            return Err(refused(ErrorCode::InconsistentClusterId, message));
        }
        Ok(Addressee {
            from: u64::try_from(envelope.from_node_id).unwrap_or(u64::MAX),
            is_named,
        })
    }

    /// As [`QuorumService::check`], for what this node may only do once it is sure to be a founder.
    fn check_standing(&self, envelope: Option<wire::Envelope>) -> Result<(), Status> {
        self.check(envelope)?;
        match self.local.standing.is_on_probation() {
            true => Err(on_probation()),
            false => Ok(()),
        }
    }

    /// As [`QuorumService::check`], for what a leader sends. A leader that names this node's disk has
    /// it on record.
    fn check_led(&self, envelope: Option<wire::Envelope>) -> Result<(), Status> {
        let addressee = self.check(envelope)?;
        if self.local.standing.is_on_probation() {
            if !addressee.is_named {
                return Err(on_probation());
            }
            self.local.standing.confirm();
        }
        Ok(())
    }

    /// Whether the membership says which disk of this node votes: then all who ask can say it too.
    fn is_disk_known(&self) -> bool {
        let known = self.local.known_directory_id();
        known.is_some_and(|id| id != DirectoryId::ZERO)
    }

    /// A leader that this node hears from protects it from those who do not.
    fn has_leader(&self) -> bool {
        let within = self.local.timing.election_timeout_min;
        self.local.contact.is_fresh(within)
    }
}

struct Addressee {
    from: u64,
    /// The request names this node's disk.
    is_named: bool,
}

#[tonic::async_trait]
impl Quorum for QuorumService {
    type FollowStream = BoxStream<wire::Beat>;

    async fn pre_vote(
        &self,
        request: Request<wire::PreVoteRequest>,
    ) -> Result<Response<wire::PreVoteResponse>, Status> {
        let request = request.into_inner();
        self.check_standing(request.envelope)?;
        required_vote(request.vote).map_err(|e| malformed(&e))?;
        let last_log_id = optional_log_id(request.last_log_id).map_err(|e| malformed(&e))?;
        let has_leader = self.has_leader();
        // One election at a time: a second candidate would only take away what the first has won.
        let is_electing = self.local.contact.is_electing(ELECTION_TIME);
        let granted = !has_leader && !is_electing && last_log_id >= self.local.last_log_id();
        Ok(Response::new(wire::PreVoteResponse {
            granted,
            has_leader,
        }))
    }

    async fn vote(
        &self,
        request: Request<wire::VoteRequest>,
    ) -> Result<Response<wire::VoteResponse>, Status> {
        let request = request.into_inner();
        self.check_standing(request.envelope)?;
        let vote = required_vote(request.vote).map_err(|e| malformed(&e))?;
        let last_log_id = optional_log_id(request.last_log_id).map_err(|e| malformed(&e))?;
        if self.has_leader() {
            let own = self.local.metrics().borrow().vote;
            return Ok(Response::new(wire::VoteResponse {
                vote: Some(vote_to_wire(&own)),
                granted: false,
                last_log_id: self.local.last_log_id().as_ref().map(log_id_to_wire),
            }));
        }
        let request = VoteRequest::new(vote, last_log_id);
        let reply = self.local.raft.vote(request).await;
        let reply = reply.map_err(|e| failed(&e))?;
        if reply.vote_granted {
            self.local.contact.voted();
        }
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
        let vote = required_vote(request.vote).map_err(|e| malformed(&e))?;
        let entries = request.entries.into_iter().map(entry_from_wire);
        let append = AppendEntriesRequest {
            vote,
            prev_log_id: optional_log_id(request.previous_log_id).map_err(|e| malformed(&e))?,
            entries: entries
                .collect::<Result<_, _>>()
                .map_err(|e| malformed(&e))?,
            leader_commit: optional_log_id(request.committed).map_err(|e| malformed(&e))?,
        };
        check_sequence(append.prev_log_id.as_ref(), &append.entries).map_err(|e| malformed(&e))?;
        self.check_led(request.envelope)?;
        let leads = vote.committed && vote >= self.local.metrics().borrow().vote;
        let _working = leads.then(|| self.local.contact.working_for(&vote));
        let reply = self.local.raft.append_entries(append).await;
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
        request: Request<Streaming<wire::SnapshotPart>>,
    ) -> Result<Response<wire::InstallSnapshotResponse>, Status> {
        let mut parts = request.into_inner();
        let mut head = self.receiver.head(&mut parts).await?;
        self.check_led(head.envelope.take())?;
        let vote = required_vote(head.vote).map_err(|e| malformed(&e))?;
        let leads = vote.committed && vote >= self.local.metrics().borrow().vote;
        let _working = leads.then(|| self.local.contact.working_for(&vote));
        let vote = self.receiver.install(vote, head, &mut parts).await?;
        Ok(Response::new(wire::InstallSnapshotResponse {
            vote: Some(vote_to_wire(&vote)),
        }))
    }

    async fn follow(
        &self,
        request: Request<Streaming<wire::FollowRequest>>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let mut requests = request.into_inner();
        let first = requests.message().await?;
        let first = first.ok_or_else(|| malformed(&WireError::Missing("request")))?;
        let addressee = self.check(first.envelope)?;
        let vote = required_vote(first.vote).map_err(|e| malformed(&e))?;
        let (sender, beats) = mpsc::channel(BEATS_MAX);
        let follower = lead::FollowerStream {
            local: self.local.clone(),
            from: addressee.from,
            leader: contact::key(&vote),
            requests,
            beats: sender,
        };
        self.local.tasks.spawn(follower.run());
        Ok(Response::new(Box::pin(ReceiverStream::new(beats))))
    }

    async fn introduce(
        &self,
        request: Request<wire::IntroduceRequest>,
    ) -> Result<Response<wire::IntroduceResponse>, Status> {
        let answer = introduce::answer(&self.local, request.into_inner())?;
        Ok(Response::new(answer))
    }
}

fn failed(error: &RaftError<u64>) -> Status {
    match error {
        RaftError::Fatal(error) => stopped(error),
        RaftError::APIError(never) => match *never {},
    }
}

pub(super) fn stopped(error: &Fatal<u64>) -> Status {
    Status::unavailable(format!("this voter has stopped: {error}"))
}

pub(super) fn malformed(error: &WireError) -> Status {
    Status::invalid_argument(error.to_string())
}

fn on_probation() -> Status {
    let message = "this voter has an empty store and does not know yet whether it lost its disk";
    Status::failed_precondition(message)
}
