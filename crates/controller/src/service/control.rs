//! The control protocol: requests become messages to the deciding task, its answers go back.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rpc::proto::control::v1 as wire;
use rpc::proto::control::v1::control_server::{Control, ControlServer};
use rpc::server::{self, InvalidRequest};
use rpc::status;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};
use types::{BrokerEpoch, NodeId};

use super::tail::TailStream;
use crate::active::{Mailbox, Message, Refusal};
use crate::decide::Sender;
use crate::quorum::Quorum;
use crate::voters;

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Answers to heartbeats that wait for their stream. The broker sends one heartbeat at a time.
const REPLIES_MAX: usize = 4;
/// Pieces of the metadata log that wait for a slow reader.
const TAIL_PIECES_MAX: usize = 4;

/// Serves brokers. Cheap to clone; holds no state of its own.
#[derive(Clone)]
pub(crate) struct ControlService {
    quorum: Arc<Quorum>,
    mailbox: Mailbox,
    /// Streams end when the controller stops, and are waited for.
    streams: TaskTracker,
    stop: CancellationToken,
    /// How often a metadata tail without news says that it is alive.
    tail_idle_interval: Duration,
}

impl ControlService {
    pub(crate) const fn new(
        quorum: Arc<Quorum>,
        mailbox: Mailbox,
        streams: TaskTracker,
        stop: CancellationToken,
        tail_idle_interval: Duration,
    ) -> Self {
        Self {
            quorum,
            mailbox,
            streams,
            stop,
            tail_idle_interval,
        }
    }

    pub(crate) fn into_server(self, message_bytes_max: usize) -> ControlServer<Self> {
        ControlServer::new(self)
            .max_decoding_message_size(message_bytes_max)
            .max_encoding_message_size(message_bytes_max)
    }

    fn refused(&self, refusal: Refusal) -> Status {
        match refusal {
            Refusal::NotActive => status::not_leader(self.quorum.leader_hint().as_ref()),
            Refusal::Busy => Status::resource_exhausted(refusal.to_string()),
            Refusal::Invalid(message) => Status::invalid_argument(message),
            Refusal::Code { code, message } => status::refused(code, message),
        }
    }

    /// One broker's heartbeats, one after the other, until the stream ends.
    async fn run_session(
        &self,
        mut heartbeats: Streaming<wire::Heartbeat>,
        replies: mpsc::Sender<Result<wire::HeartbeatReply, Status>>,
    ) {
        let mut broker = None;
        while let Ok(Some(heartbeat)) = heartbeats.message().await {
            let reply = self.on_heartbeat(&heartbeat, &mut broker).await;
            let is_over = reply.is_err();
            if replies.send(reply).await.is_err() || is_over {
                break;
            }
        }
        if let Some((broker, epoch)) = broker {
            self.mailbox.tell(Message::SessionBroken { broker, epoch });
        }
    }

    /// `heard` becomes the broker whose heartbeat was accepted.
    async fn on_heartbeat(
        &self,
        heartbeat: &wire::Heartbeat,
        heard: &mut Option<(NodeId, BrokerEpoch)>,
    ) -> Result<wire::HeartbeatReply, Status> {
        let (broker, epoch, state) = server::heartbeat(heartbeat).map_err(|e| invalid(&e))?;
        let asked = self.mailbox.ask(|reply| Message::Heartbeat {
            broker,
            epoch,
            state,
            reply,
        });
        let answer = asked.await.map_err(|refusal| self.refused(refusal))?;
        *heard = Some((broker, epoch));
        Ok(server::heartbeat_reply(heartbeat.sequence, answer))
    }
}

#[tonic::async_trait]
impl Control for ControlService {
    type SessionStream = BoxStream<wire::HeartbeatReply>;
    type TailStream = BoxStream<wire::TailResponse>;

    async fn register(
        &self,
        request: Request<wire::RegisterRequest>,
    ) -> Result<Response<wire::RegisterResponse>, Status> {
        let registration = server::registration(request.into_inner()).map_err(|e| invalid(&e))?;
        let registration = Box::new(registration);
        let asked = self.mailbox.ask(|reply| Message::Register {
            registration,
            reply,
        });
        let registered = asked.await.map_err(|refusal| self.refused(refusal))?;
        Ok(Response::new(wire::RegisterResponse {
            broker_epoch: registered.broker_epoch.0,
            cluster_id: registered.cluster_id,
        }))
    }

    async fn session(
        &self,
        request: Request<Streaming<wire::Heartbeat>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let (replies, stream) = mpsc::channel(REPLIES_MAX);
        let service = self.clone();
        self.streams.spawn(async move {
            let stop = service.stop.clone();
            let session = service.run_session(request.into_inner(), replies);
            stop.run_until_cancelled(session).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn tail(
        &self,
        request: Request<wire::TailRequest>,
    ) -> Result<Response<Self::TailStream>, Status> {
        let (sender, stream) = mpsc::channel(TAIL_PIECES_MAX);
        let published = self.quorum.published().clone();
        let from_offset = request.into_inner().from_offset.max(0);
        let tail = TailStream::new(published, from_offset, self.tail_idle_interval, sender);
        let stop = self.stop.clone();
        self.streams.spawn(async move {
            stop.run_until_cancelled(tail.run()).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn forward(
        &self,
        request: Request<wire::ForwardRequest>,
    ) -> Result<Response<wire::ForwardResponse>, Status> {
        let request = server::forward(request.into_inner()).map_err(|e| invalid(&e))?;
        if let Some(changed) = voters::answer(&self.quorum, &request).await {
            let body = changed.map_err(|error| match error {
                voters::Error::NotActive => self.refused(Refusal::NotActive),
                voters::Error::Invalid(message) => Status::invalid_argument(message),
            })?;
            let metadata_offset = self.quorum.published().image().offset();
            return Ok(Response::new(wire::ForwardResponse {
                body,
                metadata_offset,
            }));
        }
        let asked = self
            .mailbox
            .ask(|reply| Message::Forward { request, reply });
        let forwarded = asked.await.map_err(|refusal| self.refused(refusal))?;
        Ok(Response::new(wire::ForwardResponse {
            body: forwarded.body,
            metadata_offset: forwarded.metadata_offset,
        }))
    }

    async fn allocate_producer_ids(
        &self,
        request: Request<wire::AllocateProducerIdsRequest>,
    ) -> Result<Response<wire::AllocateProducerIdsResponse>, Status> {
        let request = request.into_inner();
        let asked = self.mailbox.ask(|reply| Message::AllocateProducerIds {
            broker: NodeId(request.broker_id),
            epoch: BrokerEpoch(request.broker_epoch),
            reply,
        });
        let block = asked.await.map_err(|refusal| self.refused(refusal))?;
        Ok(Response::new(wire::AllocateProducerIdsResponse {
            first_producer_id: block.first.0,
            count: block.count,
        }))
    }

    async fn alter_partitions(
        &self,
        request: Request<wire::AlterPartitionsRequest>,
    ) -> Result<Response<wire::AlterPartitionsResponse>, Status> {
        let request = server::alter_partitions(request.into_inner());
        let (broker, epoch, updates) = request.map_err(|e| invalid(&e))?;
        let asked = self.mailbox.ask(|reply| Message::AlterPartitions {
            sender: Sender { broker, epoch },
            updates,
            reply,
        });
        let answers = asked.await.map_err(|refusal| self.refused(refusal))?;
        Ok(Response::new(server::partition_results(answers)))
    }

    async fn assign_directories(
        &self,
        request: Request<wire::AssignDirectoriesRequest>,
    ) -> Result<Response<wire::AssignDirectoriesResponse>, Status> {
        let request = server::assign_directories(&request.into_inner());
        let (broker, epoch, assignments) = request.map_err(|e| invalid(&e))?;
        let asked = self.mailbox.ask(|reply| Message::AssignDirectories {
            sender: Sender { broker, epoch },
            assignments,
            reply,
        });
        let answers = asked.await.map_err(|refusal| self.refused(refusal))?;
        Ok(Response::new(server::directory_results(&answers)))
    }

    async fn describe_quorum(
        &self,
        _request: Request<wire::DescribeQuorumRequest>,
    ) -> Result<Response<wire::DescribeQuorumResponse>, Status> {
        let asked = self.mailbox.ask(|reply| Message::DescribeQuorum { reply });
        let description = asked.await.map_err(|refusal| self.refused(refusal))?;
        Ok(Response::new(server::quorum(description)))
    }
}

fn invalid(error: &InvalidRequest) -> Status {
    Status::invalid_argument(error.to_string())
}
