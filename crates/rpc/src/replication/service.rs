//! The follower's end of a stream: a gRPC service that hands accepted sessions to a queue.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::FRAMES_WAITING_MAX;
use super::stream::{Broken, Closed, Permit};
use super::wire::{self as convert, Malformed};
use super::words::{FollowerFrame, Hello, LeaderFrame, Welcome};
use crate::proto::replication::v1 as wire;
use crate::proto::replication::v1::replication_server::{Replication, ReplicationServer};
use crate::transport::TransportConfig;
use wire::follower_message::Message as FromFollower;
use wire::leader_message::Message as FromLeader;

/// Sessions that wait to be accepted. There is one per peer and lane; more are storms.
const SESSIONS_WAITING_MAX: usize = 64;
/// How long a caller may take to say who it is, and a session may wait for its acceptance.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// The service to add to a server's routes, and the sessions that leaders open on it. When the
/// receiver is dropped, every further session is refused.
#[must_use]
pub fn service(
    config: &TransportConfig,
) -> (ReplicationServer<Sessions>, mpsc::Receiver<Incoming>) {
    let (sessions, receiver) = mpsc::channel(SESSIONS_WAITING_MAX);
    let server = ReplicationServer::new(Sessions { sessions })
        .max_decoding_message_size(config.message_bytes_max)
        .max_encoding_message_size(config.message_bytes_max);
    (server, receiver)
}

/// The service itself. Opaque: [`service`] makes it, a server serves it.
#[derive(Debug)]
pub struct Sessions {
    sessions: mpsc::Sender<Incoming>,
}

type Reply = Result<wire::FollowerMessage, Status>;

#[tonic::async_trait]
impl Replication for Sessions {
    type ReplicateStream = Pin<Box<dyn Stream<Item = Reply> + Send>>;

    async fn replicate(
        &self,
        request: Request<Streaming<wire::LeaderMessage>>,
    ) -> Result<Response<Self::ReplicateStream>, Status> {
        let late = |_elapsed| Status::deadline_exceeded("no word in time");
        let opening = open(&self.sessions, request.into_inner());
        let replies = timeout(HELLO_TIMEOUT, opening).await.map_err(late)??;
        let welcome = Ok(message(FromFollower::Welcome(wire::Welcome {})));
        let replies = tokio_stream::once(welcome).chain(ReceiverStream::new(replies));
        Ok(Response::new(Box::pin(replies)))
    }
}

/// Reads who calls, and waits until the session is accepted or refused.
async fn open(
    sessions: &mpsc::Sender<Incoming>,
    mut messages: Streaming<wire::LeaderMessage>,
) -> Result<mpsc::Receiver<Reply>, Status> {
    let first = messages.message().await?;
    let Some(FromLeader::Hello(hello)) = first.and_then(|m| m.message) else {
        return Err(Status::invalid_argument("the first message is a hello"));
    };
    let malformed = |error: Malformed| Status::invalid_argument(error.to_string());
    let hello = convert::hello_from_wire(hello).map_err(malformed)?;
    let (verdict, decided) = oneshot::channel();
    let incoming = Incoming {
        hello,
        messages,
        verdict,
    };
    let stopping = || Status::unavailable("the follower is stopping");
    let queued = sessions.send(incoming).await;
    queued.map_err(|_closed| stopping())?;
    match decided.await {
        Ok(Verdict::Accepted(replies)) => Ok(replies),
        Ok(Verdict::Refused(reason)) => Err(Status::failed_precondition(reason)),
        Err(_dropped) => Err(stopping()),
    }
}

#[derive(Debug)]
enum Verdict {
    Accepted(mpsc::Receiver<Reply>),
    Refused(String),
}

/// A leader that wants to open a stream. Dropped, it is told that the follower is stopping.
#[derive(Debug)]
pub struct Incoming {
    hello: Hello,
    messages: Streaming<wire::LeaderMessage>,
    verdict: oneshot::Sender<Verdict>,
}

impl Incoming {
    /// Who calls.
    #[must_use]
    pub const fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Takes the session. If the leader has gone meanwhile, both halves say so when they are used.
    #[must_use]
    pub fn accept(self, _welcome: Welcome) -> (AckSender, FrameReceiver) {
        let (frames, replies) = mpsc::channel(FRAMES_WAITING_MAX);
        // A leader that no longer waits has dropped its messages as well, which ends the session.
        let _gone = self.verdict.send(Verdict::Accepted(replies));
        let messages = self.messages;
        (AckSender { frames }, FrameReceiver { messages })
    }

    /// Turns the leader away; it tries again on its next image, or after a pause.
    pub fn refuse(self, reason: impl Into<String>) {
        // A leader that no longer waits needs no reason.
        let _gone = self.verdict.send(Verdict::Refused(reason.into()));
    }
}

const fn message(message: FromFollower) -> wire::FollowerMessage {
    wire::FollowerMessage {
        message: Some(message),
    }
}

fn frame(frame: FollowerFrame) -> Reply {
    let frame = convert::follower_frame_to_wire(frame);
    Ok(message(FromFollower::Frame(frame)))
}

/// Sends the follower's frames. Dropping it ends the stream.
#[derive(Debug)]
pub struct AckSender {
    frames: mpsc::Sender<Reply>,
}

impl AckSender {
    /// Waits for room for one frame.
    ///
    /// # Errors
    /// The stream has ended.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn reserve(&self) -> Result<Permit<'_, FollowerFrame, Reply>, Closed> {
        let room = self.frames.reserve().await.map_err(|_closed| Closed)?;
        Ok(Permit::new(room, frame))
    }

    /// Waits for room and sends.
    ///
    /// # Errors
    /// The stream has ended.
    ///
    /// # Cancel safety
    /// A dropped call has not sent the frame.
    pub async fn send(&self, frame: FollowerFrame) -> Result<(), Closed> {
        self.reserve().await?.send(frame);
        Ok(())
    }
}

/// Receives what the leader sends.
#[derive(Debug)]
pub struct FrameReceiver {
    messages: Streaming<wire::LeaderMessage>,
}

impl FrameReceiver {
    /// The next frame. Until it is asked for, the leader's bytes pile up to the stream's window.
    ///
    /// # Errors
    /// The stream has ended, and why. Ask no further.
    ///
    /// # Cancel safety
    /// Cancel-safe: no frame is lost.
    pub async fn next(&mut self) -> Result<LeaderFrame, Broken> {
        let message = self.messages.message().await;
        let message = message.map_err(|status| Broken::from_status(&status))?;
        match message.ok_or(Broken::Ended)?.message {
            Some(FromLeader::Frame(frame)) => Ok(convert::leader_frame_from_wire(frame)?),
            Some(FromLeader::Hello(_)) => Err(Malformed::Field("a second hello").into()),
            None => Err(Malformed::Field("a message without content").into()),
        }
    }
}
