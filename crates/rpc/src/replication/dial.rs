//! The leader's end of a stream.

use std::io;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::codec::Codec as _;
use tonic::codegen::http::{self, HeaderValue};
use tonic::transport::Uri;
use tonic::{Code, Status, Streaming};

use super::FRAMES_WAITING_MAX;
use super::body::FrameBody;
use super::codec::FrameCodec;
use super::stream::{Broken, Closed, Permit};
use super::wire::{self as convert, Malformed};
use super::words::{FollowerFrame, Hello, LeaderFrame};
use crate::proto::replication::v1 as wire;
use crate::transport::{Connector, TransportConfig};
use wire::follower_message::Message as FromFollower;
use wire::leader_message::Message as FromLeader;

/// The peer is reached by its address; the name only fills the :authority header.
const TARGET: &str = "http://raudal.invalid/raudal.replication.v1.Replication/Replicate";

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The follower is not who the leader takes it for, or does not want to follow now.
    #[error("the follower refused: {0}")]
    Refused(String),
    /// No connection. `ConnectionRefused` means that nobody listens there.
    #[error("the follower cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    /// The connection broke, or stayed without answer, before the follower had welcomed the leader.
    #[error("the follower did not answer: {0}")]
    Failed(String),
    /// The follower answered what makes no sense.
    #[error("malformed welcome: {0}")]
    Malformed(#[from] Malformed),
}

/// Opens one stream on a connection of its own. Returns once the follower has welcomed the leader,
/// within `connect_timeout` for the connection and the same again for the welcome.
///
/// # Errors
/// See [`DialError`]; nothing stays open.
///
/// # Cancel safety
/// A dropped call closes its connection.
pub async fn dial(
    connector: &Connector,
    config: &TransportConfig,
    hello: Hello,
) -> Result<(FrameSender, AckReceiver), DialError> {
    let requests = connect(connector, config).await?;
    let (frames, waiting) = mpsc::channel(FRAMES_WAITING_MAX);
    let hello = FromLeader::Hello(convert::hello_to_wire(hello));
    frames
        .try_send(message(hello))
        .map_err(|_full| DialError::Failed("no room for the first message".to_owned()))?;
    let welcomed = async {
        let mut messages = call(requests, FrameBody::new(waiting), config).await?;
        let first = messages.message().await?;
        Ok((messages, first))
    };
    let (messages, first) = timeout(config.connect_timeout, welcomed)
        .await
        .map_err(|_elapsed| DialError::Failed("no welcome in time".to_owned()))?
        .map_err(|status: Status| refused(&status))?;
    match first.and_then(|m| m.message) {
        Some(FromFollower::Welcome(_)) => Ok((FrameSender { frames }, AckReceiver { messages })),
        _ => Err(Malformed::Field("the follower's first message").into()),
    }
}

fn refused(status: &Status) -> DialError {
    match status.code() {
        Code::FailedPrecondition => DialError::Refused(status.message().to_owned()),
        _ => DialError::Failed(Broken::from_status(status).to_string()),
    }
}

/// Calls `Replicate`: what the generated client does, but for the body, which goes out without a copy.
async fn call(
    mut requests: http2::SendRequest<FrameBody>,
    body: FrameBody,
    config: &TransportConfig,
) -> Result<Streaming<wire::FollowerMessage>, Status> {
    let mut request = http::Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.version_mut() = http::Version::HTTP_2;
    *request.uri_mut() = Uri::from_static(TARGET);
    let headers = request.headers_mut();
    headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
    let grpc = HeaderValue::from_static("application/grpc");
    headers.insert(http::header::CONTENT_TYPE, grpc);
    let failed = |error: hyper::Error| Status::from_error(error.into());
    let response = requests.send_request(request).await.map_err(failed)?;
    if let Some(refused) = Status::from_header_map(response.headers()) {
        return Err(refused);
    }
    let decoder = FrameCodec::<wire::LeaderMessage, _>::default().decoder();
    let code = response.status();
    let max = Some(config.message_bytes_max);
    Ok(Streaming::new_response(
        decoder,
        response.into_body(),
        code,
        None,
        max,
    ))
}

/// One connection that is not opened again when it breaks: a stream ends with its connection. Tonic's
/// channel would want each message in one piece of memory.
async fn connect(
    connector: &Connector,
    config: &TransportConfig,
) -> Result<http2::SendRequest<FrameBody>, DialError> {
    let connecting = async {
        let connection = connector.connect().await.map_err(DialError::Unreachable)?;
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(config.keepalive_interval)
            .keep_alive_timeout(config.keepalive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(config.stream_window_bytes)
            .initial_connection_window_size(config.connection_window_bytes)
            .max_frame_size(config.frame_bytes_max)
            .handshake(TokioIo::new(connection))
            .await
            .map_err(|error| refused(&Status::from_error(error.into())))
    };
    let elapsed = |_| DialError::Unreachable(io::ErrorKind::TimedOut.into());
    let (requests, connection) = timeout(config.connect_timeout, connecting)
        .await
        .map_err(elapsed)??;
    // It ends by itself, once the stream has ended. Why it broke, the stream says.
    tokio::spawn(async move { drop(connection.await) });
    Ok(requests)
}

const fn message(message: FromLeader) -> wire::LeaderMessage {
    wire::LeaderMessage {
        message: Some(message),
    }
}

fn frame(frame: LeaderFrame) -> wire::LeaderMessage {
    message(FromLeader::Frame(convert::leader_frame_to_wire(frame)))
}

/// Sends the leader's frames. Dropping it tells the follower that the stream is over.
#[derive(Debug)]
pub struct FrameSender {
    frames: mpsc::Sender<wire::LeaderMessage>,
}

impl FrameSender {
    /// Waits for room for one frame: as long as two wait for the connection, there is none. Packing
    /// the frame only then makes it carry everything that has come together.
    ///
    /// # Errors
    /// The stream has ended.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn reserve(&self) -> Result<Permit<'_, LeaderFrame, wire::LeaderMessage>, Closed> {
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
    pub async fn send(&self, frame: LeaderFrame) -> Result<(), Closed> {
        self.reserve().await?.send(frame);
        Ok(())
    }
}

/// Receives what the follower answers.
#[derive(Debug)]
pub struct AckReceiver {
    messages: Streaming<wire::FollowerMessage>,
}

impl AckReceiver {
    /// The next frame.
    ///
    /// # Errors
    /// The stream has ended, and why. Ask no further.
    ///
    /// # Cancel safety
    /// Cancel-safe: no frame is lost.
    pub async fn next(&mut self) -> Result<FollowerFrame, Broken> {
        let message = self.messages.message().await;
        let message = message.map_err(|status| Broken::from_status(&status))?;
        match message.ok_or(Broken::Ended)?.message {
            Some(FromFollower::Frame(frame)) => Ok(convert::follower_frame_from_wire(frame)?),
            Some(FromFollower::Welcome(_)) => Err(Malformed::Field("a second welcome").into()),
            None => Err(Malformed::Field("a message without content").into()),
        }
    }
}
