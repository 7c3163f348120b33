//! Acknowledgements that a follower gives later than it writes: those of durable topics, once they are
//! synced, from the threads that sync to the task of the leader's stream.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use replication::SessionId;
use tokio::sync::Notify;
use types::Offset;

/// What one stream's task has still to send: the last of each partition.
#[derive(Debug, Default)]
pub(crate) struct LateAcks {
    acks: Mutex<HashMap<u32, LateAck>>,
    news: Notify,
}

/// Everything below the offset is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LateAck {
    pub(crate) session: SessionId,
    pub(crate) offset: Offset,
}

/// The way of one partition's acknowledgements to its leader.
#[derive(Debug)]
pub(crate) struct AckRoute {
    acks: Arc<LateAcks>,
    handle: u32,
}

impl LateAcks {
    /// Waits until there is something to [`take`](Self::take).
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// By handle, in no order. Those of sessions that are over are among them.
    pub(crate) fn take(&self) -> HashMap<u32, LateAck> {
        std::mem::take(&mut self.acks.lock())
    }
}

impl AckRoute {
    /// On the stream that `acks` belongs to, where the partition goes by that handle.
    pub(crate) fn new(acks: &Arc<LateAcks>, handle: u32) -> Self {
        let acks = Arc::clone(acks);
        Self { acks, handle }
    }

    /// To be called from any thread. Must not wait, and does not.
    pub(crate) fn acknowledge(&self, session: SessionId, offset: Offset) {
        let ack = LateAck { session, offset };
        self.acks.acks.lock().insert(self.handle, ack);
        self.acks.news.notify_one();
    }
}
