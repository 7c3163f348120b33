//! Which replica a consumer should read from (KIP-392): one that stands in its own rack.

use types::{NodeId, Offset};

use crate::api::view::View;
use crate::partition::{Partition, Readable};

/// Kafka's class that this is the equal of; without it consumers read from leaders.
const BY_RACK: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

/// Whether `replica.selector.class` asks for the nearest replica.
pub(super) fn is_by_rack(selector_class: Option<&str>) -> bool {
    selector_class == Some(BY_RACK)
}

/// A follower in the consumer's rack that has what the consumer reads next, unless the leader stands
/// there itself: of several the one that has most. `None` if the leader is as good as any.
pub(super) fn replica(
    view: View<'_>,
    partition: &Partition,
    readable: &Readable,
    leader: NodeId,
    rack: &str,
    offset: Offset,
) -> Option<NodeId> {
    let stands_there = |node: NodeId| {
        let broker = view.image.broker(node).filter(|broker| !broker.fenced);
        let address = broker.and_then(|broker| view.address(broker));
        address.is_some_and(|address| address.rack.as_deref() == Some(rack))
    };
    if !readable.is_leader || offset < readable.log_start_offset || stands_there(leader) {
        return None;
    }
    let followers = partition.followers_with(offset).into_iter();
    let near = followers.filter(|(node, _)| stands_there(*node));
    let best = near.max_by_key(|(node, log_end_offset)| (*log_end_offset, node.0));
    best.map(|(node, _)| node)
}
