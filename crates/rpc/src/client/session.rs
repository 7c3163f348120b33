//! The heartbeats of one registered broker.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use types::{BrokerEpoch, NodeId};

use super::attempts::Attempts;
use super::convert;
use super::pool::{Lane, Peer, Pool};
use super::words::{HeartbeatAnswer, HeartbeatState};
use crate::Error;
use crate::proto::control::v1 as wire;

/// One registration's stream to the active controller, opened anew wherever that one goes.
///
/// Dropping the session ends the stream, which the controller takes as a sign that the broker may
/// be dead.
#[derive(Debug)]
pub struct BrokerSession {
    pool: Arc<Pool>,
    broker_id: NodeId,
    broker_epoch: BrokerEpoch,
    sequence: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    heartbeats: mpsc::Sender<wire::Heartbeat>,
    replies: Streaming<wire::HeartbeatReply>,
}

impl BrokerSession {
    pub(super) const fn new(pool: Arc<Pool>, broker_id: NodeId, broker_epoch: BrokerEpoch) -> Self {
        Self {
            pool,
            broker_id,
            broker_epoch,
            sequence: 0,
            open: None,
        }
    }

    /// Sends one heartbeat and waits for its answer, looking for the active controller if needed.
    ///
    /// # Errors
    /// `StaleBrokerEpoch` or `BrokerIdNotRegistered`: the registration is no longer the broker's,
    /// register again. [`Error::NoController`] after `timeout`: keep trying.
    ///
    /// # Cancel safety
    /// The heartbeat may have been counted; the next call starts over.
    pub async fn heartbeat(
        &mut self,
        state: &HeartbeatState,
        timeout: Duration,
    ) -> Result<HeartbeatAnswer, Error> {
        let pool = Arc::clone(&self.pool);
        let patience = pool.config().heartbeat_try_timeout;
        let mut attempts = Attempts::within(&pool, timeout).with_patience(patience);
        loop {
            let beat = attempts
                .bound(self.try_heartbeat(attempts.peer(), state))
                .await;
            match beat {
                Ok(answer) => return Ok(answer),
                Err(status) => {
                    self.open = None;
                    attempts.on_failure(&status).await?;
                }
            }
        }
    }

    /// Resolves when the stream breaks, at once if none is open: time to send a heartbeat, which
    /// opens a new one.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn broken(&mut self) {
        while let Some(open) = &mut self.open {
            // Answers to heartbeats that nobody waits for any more are of no interest.
            if let Ok(Some(_stale)) = open.replies.message().await {
                continue;
            }
            self.open = None;
        }
    }

    async fn try_heartbeat(
        &mut self,
        peer: &Peer,
        state: &HeartbeatState,
    ) -> Result<HeartbeatAnswer, Status> {
        self.sequence += 1;
        let sequence = self.sequence;
        let heartbeat = self.to_wire(state);
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open::on(peer, &self.pool).await?),
        };
        let gone = || Status::unavailable("the session stream has ended");
        if open.heartbeats.send(heartbeat).await.is_err() {
            // The stream's own end says why.
            return Err(open.replies.message().await.err().unwrap_or_else(gone));
        }
        loop {
            let reply = open.replies.message().await?.ok_or_else(gone)?;
            if reply.sequence == sequence {
                return Ok(convert::heartbeat_from_wire(reply));
            }
        }
    }

    fn to_wire(&self, state: &HeartbeatState) -> wire::Heartbeat {
        wire::Heartbeat {
            broker_id: self.broker_id.0,
            broker_epoch: self.broker_epoch.0,
            metadata_offset: state.metadata_offset,
            want_fence: state.want_fence,
            want_shutdown: state.want_shutdown,
            offline_log_dirs: state
                .offline_log_dirs
                .iter()
                .map(|d| convert::uuid_to_wire(d.0))
                .collect(),
            sequence: self.sequence,
            image_hash: state.image_hash.map(|image| wire::ImageHash {
                offset: image.offset,
                hash: image.hash,
            }),
        }
    }
}

impl Open {
    async fn on(peer: &Peer, pool: &Pool) -> Result<Self, Status> {
        let (heartbeats, receiver) = mpsc::channel(1);
        let mut stub = peer.stub(Lane::Session, pool.config());
        let replies = stub.session(ReceiverStream::new(receiver)).await?;
        Ok(Self {
            heartbeats,
            replies: replies.into_inner(),
        })
    }
}
