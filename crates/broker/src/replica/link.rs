//! What one connection to a follower shares with the partitions that it carries: which of them have
//! something to send.

use std::sync::Arc;

use parking_lot::Mutex;
use rpc::replication::Lane;
use tokio::sync::Notify;
use types::{BrokerEpoch, NodeId};

/// How soon a mark wants to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// The high watermark or the log start moved: within milliseconds, together with others.
    Idle,
    /// Records wait.
    Data,
}

/// The handles of partitions that have something to send. A partition is in each list once at most,
/// so the lists are bounded by what the connection carries.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    pub(crate) data: Vec<u32>,
    pub(crate) idle: Vec<u32>,
}

/// One connection to a follower. Its lock comes after a partition's and its log's.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) follower: NodeId,
    /// The follower's registration, which vouches for what it acknowledges here.
    pub(crate) broker_epoch: BrokerEpoch,
    pub(crate) lane: Lane,
    ready: Mutex<Ready>,
    news: Arc<Notify>,
}

impl Link {
    pub(crate) fn new(
        follower: NodeId,
        broker_epoch: BrokerEpoch,
        lane: Lane,
        news: Arc<Notify>,
    ) -> Arc<Self> {
        Arc::new(Self {
            follower,
            broker_epoch,
            lane,
            ready: Mutex::default(),
            news,
        })
    }

    /// The partition of that handle has something to send. Returns whether the connection's task must
    /// be told, by [`Link::wake`], once no lock is held.
    pub(crate) fn mark(&self, handle: u32, urgency: Urgency) -> bool {
        let mut ready = self.ready.lock();
        let list = match urgency {
            Urgency::Idle => &mut ready.idle,
            Urgency::Data => &mut ready.data,
        };
        list.push(handle);
        list.len() == 1
    }

    pub(crate) fn wake(&self) {
        self.news.notify_one();
    }

    /// Everything that was marked since the last time.
    pub(crate) fn take_ready(&self) -> Ready {
        std::mem::take(&mut *self.ready.lock())
    }
}
