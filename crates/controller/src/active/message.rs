//! What the deciding task is asked, and how it refuses.

use rpc::{
    DirectoryAnswer, DirectoryAssignment, ForwardRequest, Forwarded, HeartbeatAnswer,
    HeartbeatState, PartitionAnswer, PartitionUpdate, ProducerIdBlock, QuorumDescription,
    Registered, Registration,
};
use tokio::sync::{mpsc, oneshot};
use types::{BrokerEpoch, ErrorCode, NodeId};

use crate::decide::Sender;

/// Where an answer goes. Dropped without an answer only if the task ended.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Refusal>>;

/// One request, or one piece of news.
#[derive(Debug)]
pub(crate) enum Message {
    /// A broker wants to register.
    Register {
        registration: Box<Registration>,
        reply: Reply<Registered>,
    },
    /// A broker is alive.
    Heartbeat {
        broker: NodeId,
        epoch: BrokerEpoch,
        state: HeartbeatState,
        reply: Reply<HeartbeatAnswer>,
    },
    /// A broker's stream of heartbeats ended.
    SessionBroken { broker: NodeId, epoch: BrokerEpoch },
    /// Nobody listens any more where a broker did.
    DialRefused { broker: NodeId, epoch: BrokerEpoch },
    /// A client's admin request.
    Forward {
        request: ForwardRequest,
        reply: Reply<Forwarded>,
    },
    /// A broker proposes who is in sync with what it leads.
    AlterPartitions {
        sender: Sender,
        updates: Vec<PartitionUpdate>,
        reply: Reply<Vec<PartitionAnswer>>,
    },
    /// A broker says in which directories its replicas are.
    AssignDirectories {
        sender: Sender,
        assignments: Vec<DirectoryAssignment>,
        reply: Reply<Vec<DirectoryAnswer>>,
    },
    /// A broker needs producer ids.
    AllocateProducerIds {
        broker: NodeId,
        epoch: BrokerEpoch,
        reply: Reply<ProducerIdBlock>,
    },
    /// Somebody wants to know about the quorum.
    DescribeQuorum { reply: Reply<QuorumDescription> },
}

impl Message {
    /// Answers with a refusal, where there is somebody to answer.
    pub(super) fn refuse(self, refusal: Refusal) {
        match self {
            Self::Register { reply, .. } => answer(reply, Err(refusal)),
            Self::Heartbeat { reply, .. } => answer(reply, Err(refusal)),
            Self::Forward { reply, .. } => answer(reply, Err(refusal)),
            Self::AlterPartitions { reply, .. } => answer(reply, Err(refusal)),
            Self::AssignDirectories { reply, .. } => answer(reply, Err(refusal)),
            Self::AllocateProducerIds { reply, .. } => answer(reply, Err(refusal)),
            Self::DescribeQuorum { reply } => answer(reply, Err(refusal)),
            Self::SessionBroken { .. } | Self::DialRefused { .. } => {}
        }
    }
}

/// Sends an answer. Nobody minds if the asker has gone.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, Refusal>) {
    let _asker_is_there = reply.send(result).is_ok();
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// This controller is not the active one, or stopped being it meanwhile.
    #[error("this is not the active controller")]
    NotActive,
    /// Too many requests are waiting.
    #[error("too many requests are waiting")]
    Busy,
    /// The request is not one that makes sense here.
    #[error("{0}")]
    Invalid(String),
    /// Kafka has a code for it.
    #[error("{message}")]
    Code { code: ErrorCode, message: String },
}

impl Refusal {
    pub(super) fn code(code: ErrorCode, error: &dyn std::error::Error) -> Self {
        Self::Code {
            code,
            message: error.to_string(),
        }
    }
}

/// The way to the deciding task. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox(mpsc::Sender<Message>);

impl Mailbox {
    pub(crate) fn new(capacity: usize) -> (Self, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self(sender), receiver)
    }

    /// Asks and waits for the answer.
    ///
    /// # Cancel safety
    /// A dropped question may be carried out.
    pub(crate) async fn ask<T>(
        &self,
        message: impl FnOnce(Reply<T>) -> Message,
    ) -> Result<T, Refusal> {
        let (reply, answered) = oneshot::channel();
        self.0.try_send(message(reply)).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => Refusal::Busy,
            mpsc::error::TrySendError::Closed(_) => Refusal::NotActive,
        })?;
        answered.await.unwrap_or(Err(Refusal::NotActive))
    }

    /// Passes on a piece of news; drops it if too many messages are waiting, since silence will tell
    /// the same a little later.
    pub(crate) fn tell(&self, message: Message) {
        if self.0.try_send(message).is_err() {
            tracing::debug!("the controller's mailbox is full, a piece of news is dropped");
        }
    }
}
