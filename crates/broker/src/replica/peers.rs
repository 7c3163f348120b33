//! The followers of this broker, and which of the partitions led here their connections have to look at.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use rpc::replication::Lane;
use tokio::sync::Notify;
use types::{NodeId, PartitionIndex, TopicId};

use crate::partition::Partition;

/// Names a partition.
pub(crate) type Key = (TopicId, PartitionIndex);

/// A follower broker, as one lane to it. Lives as long as the broker.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(super) follower: NodeId,
    pub(super) lane: Lane,
    /// At most each partition once.
    touched: Mutex<HashMap<Key, Arc<Partition>>>,
    /// One task listens.
    pub(super) news: Arc<Notify>,
}

impl Peer {
    fn new(follower: NodeId, lane: Lane) -> Arc<Self> {
        Arc::new(Self {
            follower,
            lane,
            touched: Mutex::default(),
            news: Arc::default(),
        })
    }

    /// The connection has to look at the partition: it may have to be opened or closed.
    pub(super) fn touch(&self, partition: Arc<Partition>) {
        self.touched.lock().insert(partition.key(), partition);
        self.news.notify_one();
    }

    /// What was touched since the last time.
    pub(super) fn take_touched(&self) -> HashMap<Key, Arc<Partition>> {
        std::mem::take(&mut *self.touched.lock())
    }

    /// Whether something waits that is led here for this follower. Forgets the rest.
    pub(super) fn has_work(&self) -> bool {
        let mut touched = self.touched.lock();
        // The one place that asks partitions under this lock; no partition's lock is held around it.
        touched.retain(|_, partition| partition.is_led_for(self.follower));
        !touched.is_empty()
    }
}

/// All followers.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    lanes: Mutex<BTreeMap<NodeId, Lanes>>,
    /// Lanes without a task.
    new: Mutex<Vec<Arc<Peer>>>,
    pub(super) news: Notify,
}

#[derive(Clone, Debug)]
struct Lanes {
    live: Arc<Peer>,
    catch_up: Arc<Peer>,
}

impl Peers {
    /// The lane to a follower; its task starts if there is none.
    pub(super) fn lane(&self, follower: NodeId, lane: Lane) -> Arc<Peer> {
        let mut lanes = self.lanes.lock();
        let found = lanes.entry(follower).or_insert_with(|| {
            let lanes = Lanes {
                live: Peer::new(follower, Lane::Live),
                catch_up: Peer::new(follower, Lane::CatchUp),
            };
            let both = [Arc::clone(&lanes.live), Arc::clone(&lanes.catch_up)];
            self.new.lock().extend(both);
            self.news.notify_one();
            lanes
        });
        match lane {
            Lane::Live => Arc::clone(&found.live),
            Lane::CatchUp => Arc::clone(&found.catch_up),
        }
    }

    pub(super) fn take_new(&self) -> Vec<Arc<Peer>> {
        std::mem::take(&mut *self.new.lock())
    }

    /// These brokers' registrations changed: connections to former ones end.
    pub(crate) fn on_brokers<'a>(&self, brokers: impl Iterator<Item = &'a NodeId>) {
        let lanes = self.lanes.lock();
        for broker in brokers {
            if let Some(lanes) = lanes.get(broker) {
                lanes.live.news.notify_one();
                lanes.catch_up.news.notify_one();
            }
        }
    }
}

/// What one image changed for the followers: gathered, then told to all of them at once.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    partitions: BTreeMap<NodeId, Vec<Arc<Partition>>>,
}

impl Touched {
    /// The partition is or was led here; these are its replicas.
    pub(crate) fn add(&mut self, local: NodeId, replicas: &[NodeId], partition: &Arc<Partition>) {
        for follower in replicas.iter().filter(|node| **node != local) {
            let touched = self.partitions.entry(*follower).or_default();
            touched.push(Arc::clone(partition));
        }
    }

    /// Tells the connections, after the image is there to be seen.
    pub(crate) fn tell(self, peers: &Peers) {
        for (follower, partitions) in self.partitions {
            let peer = peers.lane(follower, Lane::Live);
            let mut touched = peer.touched.lock();
            for partition in partitions {
                touched.insert(partition.key(), partition);
            }
            drop(touched);
            peer.news.notify_one();
        }
    }
}
