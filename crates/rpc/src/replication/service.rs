//! The follower's end of a stream: a gRPC service that hands accepted sessions to a queue. It is spoken
//! as every gRPC service is; only the leader's messages are not gathered by tonic.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codec::{Codec as _, EncodeBody, SingleMessageCompressionOverride};
use tonic::codegen::http::{self, HeaderValue};
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::Service;

use super::codec::FrameCodec;
use super::messages::Messages;
use super::stream::{Broken, Closed, Permit};
use super::wire::{self as convert, Malformed};
use super::words::{FollowerFrame, Hello, LeaderFrame, Welcome};
use super::{FRAMES_WAITING_MAX, REPLICATE};
use crate::proto::replication::v1 as wire;
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
pub fn service(config: &TransportConfig) -> (Sessions, mpsc::Receiver<Incoming>) {
    let (sessions, receiver) = mpsc::channel(SESSIONS_WAITING_MAX);
    let service = Sessions {
        sessions,
        message_bytes_max: config.message_bytes_max,
    };
    (service, receiver)
}

/// The service itself. Opaque: [`service`] makes it, a server serves it.
#[derive(Clone, Debug)]
pub struct Sessions {
    sessions: mpsc::Sender<Incoming>,
    message_bytes_max: usize,
}

type Reply = Result<wire::FollowerMessage, Status>;

impl NamedService for Sessions {
    const NAME: &'static str = "raudal.replication.v1.Replication";
}

impl Service<http::Request<Body>> for Sessions {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != REPLICATE {
            return Box::pin(ready(Ok(Status::new(Code::Unimplemented, "").into_http())));
        }
        let messages = Messages::new(request.into_body(), self.message_bytes_max);
        let sessions = self.sessions.clone();
        Box::pin(async move {
            let opening = timeout(HELLO_TIMEOUT, open(&sessions, messages));
            Ok(match opening.await {
                Ok(Ok(replies)) => response(replies),
                Ok(Err(status)) => status.into_http(),
                Err(_elapsed) => Status::deadline_exceeded("no word in time").into_http(),
            })
        })
    }
}

/// Welcomes the leader, and answers what comes.
fn response(replies: mpsc::Receiver<Reply>) -> http::Response<Body> {
    let welcome = Ok(message(FromFollower::Welcome(wire::Welcome {})));
    let replies = tokio_stream::once(welcome).chain(ReceiverStream::new(replies));
    let encoder = FrameCodec::<_, wire::LeaderMessage>::default().encoder();
    let compression = SingleMessageCompressionOverride::Disable;
    let body = EncodeBody::new_server(encoder, replies, None, compression, None);
    let mut response = http::Response::new(Body::new(body));
    let grpc = HeaderValue::from_static("application/grpc");
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, grpc);
    response
}

/// Reads who calls, and waits until the session is accepted or refused.
async fn open(
    sessions: &mpsc::Sender<Incoming>,
    mut messages: Messages,
) -> Result<mpsc::Receiver<Reply>, Status> {
    let first = messages.next().await?;
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
    messages: Messages,
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
    messages: Messages,
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
        let message = self.messages.next().await;
        let message = message.map_err(|status| Broken::from_status(&status))?;
        match message.ok_or(Broken::Ended)?.message {
            Some(FromLeader::Frame(frame)) => Ok(convert::leader_frame_from_wire(frame)?),
            Some(FromLeader::Hello(_)) => Err(Malformed::Field("a second hello").into()),
            None => Err(Malformed::Field("a message without content").into()),
        }
    }
}
