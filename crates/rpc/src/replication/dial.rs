//! The leader's end of a stream.

use std::io;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Uri;
use tonic::{Code, Status, Streaming};
use tower::service_fn;

use super::FRAMES_WAITING_MAX;
use super::stream::{Broken, Closed, Permit};
use super::wire::{self as convert, Malformed};
use super::words::{FollowerFrame, Hello, LeaderFrame};
use crate::proto::replication::v1 as wire;
use crate::proto::replication::v1::replication_client::ReplicationClient;
use crate::transport::{Connector, TransportConfig};
use wire::follower_message::Message as FromFollower;
use wire::leader_message::Message as FromLeader;

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
    let mut client = connect(connector, config).await?;
    let (frames, waiting) = mpsc::channel(FRAMES_WAITING_MAX);
    let hello = FromLeader::Hello(convert::hello_to_wire(hello));
    frames
        .try_send(message(hello))
        .map_err(|_full| DialError::Failed("no room for the first message".to_owned()))?;
    let welcomed = async {
        let request = client.replicate(ReceiverStream::new(waiting));
        let mut messages = request.await?.into_inner();
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

type Client = ReplicationClient<tonic::transport::Channel>;

/// One connection that is not opened again when it breaks: a stream ends with its connection.
async fn connect(connector: &Connector, config: &TransportConfig) -> Result<Client, DialError> {
    let connection = timeout(config.connect_timeout, connector.connect())
        .await
        .map_err(|_elapsed| io::Error::from(io::ErrorKind::TimedOut))
        .and_then(|connected| connected)
        .map_err(DialError::Unreachable)?;
    let once = Arc::new(Mutex::new(Some(TokioIo::new(connection))));
    let take = service_fn(move |_: Uri| {
        let taken = once.lock().take();
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        async move { taken.ok_or_else(gone) }
    });
    let channel = Connector::endpoint(config)
        .connect_with_connector(take)
        .await
        .map_err(|error| DialError::Failed(error.to_string()))?;
    Ok(ReplicationClient::new(channel)
        .max_decoding_message_size(config.message_bytes_max)
        .max_encoding_message_size(config.message_bytes_max))
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
