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
    /// The connection's task comes by itself, soon enough for what is idle.
    comes: bool,
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
        match urgency {
            Urgency::Idle => {
                ready.idle.push(handle);
                ready.idle.len() == 1 && !ready.comes
            }
            Urgency::Data => {
                ready.data.push(handle);
                ready.data.len() == 1
            }
        }
    }

    pub(crate) fn wake(&self) {
        self.news.notify_one();
    }

    /// Everything that was marked since the last time. If the task `comes` again soon by itself, it is not
    /// told of offsets that move until then.
    pub(crate) fn take_ready(&self, comes: bool) -> Ready {
        let next = Ready {
            comes,
            ..Ready::default()
        };
        std::mem::replace(&mut *self.ready.lock(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_comes_by_itself_is_told_of_records_but_not_of_offsets() {
        let link = Link::new(NodeId(2), BrokerEpoch(1), Lane::Live, Arc::default());
        assert!(link.mark(1, Urgency::Idle), "nobody would come");
        assert!(!link.mark(2, Urgency::Idle), "somebody is on the way");
        assert!(link.mark(1, Urgency::Data));
        let ready = link.take_ready(true);
        assert_eq!((ready.idle, ready.data), (vec![1, 2], vec![1]));

        assert!(!link.mark(3, Urgency::Idle));
        assert!(link.mark(3, Urgency::Data));
        let ready = link.take_ready(false);
        assert_eq!((ready.idle, ready.data), (vec![3], vec![3]));
        assert!(link.mark(4, Urgency::Idle), "nobody would come any more");
    }
}
