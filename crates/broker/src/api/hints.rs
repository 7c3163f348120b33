//! Where to go instead (KIP-951): the leader and its address, in the answer itself, so that a client
//! needs no round of metadata to follow a partition.

use metadata::MetadataImage;
use types::{LeaderEpoch, NodeId, PartitionIndex};

use super::lookup::TopicRef;
use super::view::{Address, View};

/// A leader that the image knows, and its epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeaderHint {
    pub(super) leader: NodeId,
    pub(super) leader_epoch: LeaderEpoch,
}

/// The hints of one response.
#[derive(Debug)]
pub(super) struct Hints<'a> {
    view: View<'a>,
    /// Leaders that were named, each once.
    named: Vec<NodeId>,
}

impl<'a> Hints<'a> {
    pub(super) fn new(image: &'a MetadataImage, listener: &'a str) -> Self {
        Self {
            view: View { image, listener },
            named: Vec::new(),
        }
    }

    /// What the hints are taken from.
    pub(super) const fn view(&self) -> View<'a> {
        self.view
    }

    /// The partition's leader as the image knows it.
    pub(super) fn leader_of(
        &mut self,
        topic: TopicRef<'_>,
        index: PartitionIndex,
    ) -> Option<LeaderHint> {
        let registration = topic.registration(self.view.image, index)?;
        let leader = registration.leader?;
        if !self.named.contains(&leader) {
            self.named.push(leader);
        }
        Some(LeaderHint {
            leader,
            leader_epoch: registration.leader_epoch,
        })
    }

    /// The addresses of all leaders that were named.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = (NodeId, Address)> {
        self.named.iter().filter_map(|leader| {
            let broker = self.view.image.broker(*leader)?;
            Some((*leader, self.view.address(broker)?))
        })
    }
}
