//! The range assignor: each topic's partitions are cut into runs, one per subscriber.
//!
//! ```text
//! 7 partitions, 3 subscribers:   0 1 2 │ 3 4 │ 5 6
//! ```
//!
//! Subscribers stand in the same order for every topic, so topics with equally many partitions and
//! the same subscribers are cut at the same places: records with equal keys meet at one member.
//! Static members come first, by instance id, because they return under the same name.

use types::PartitionIndex;

use super::{Assignment, Input, Member};

pub(super) fn assign(input: &Input<'_>) -> Vec<Assignment> {
    let mut assignments = vec![Assignment::new(); input.members.len()];
    let mut subscribers: Vec<Vec<usize>> = vec![Vec::new(); input.topics.len()];
    for member in in_order(&input.members) {
        for topic in input.members[member].topics.iter() {
            if let Some(list) = subscribers.get_mut(*topic) {
                list.push(member);
            }
        }
    }
    for (topic, subscribers) in input.topics.iter().zip(subscribers) {
        let (mut start, mut left) = (0, topic.partition_count);
        for (i, member) in subscribers.iter().enumerate() {
            // What is left, divided among who is left and rounded up: the first ones get one more.
            let run = left.div_ceil(subscribers.len() - i);
            if run == 0 {
                break;
            }
            assignments[*member].insert(topic.id, (start..start + run).map(index));
            start += run;
            left -= run;
        }
    }
    assignments
}

/// The members' positions, static ones first by instance id, the others by member id.
fn in_order(members: &[Member<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|i| {
        let member = &members[*i];
        let instance = member.instance_id;
        (instance.is_none(), instance.unwrap_or(member.id))
    });
    order
}

/// The index on the wire of a position in a list of partitions.
pub(super) fn index(position: usize) -> PartitionIndex {
    PartitionIndex::try_from(position).unwrap_or(PartitionIndex::MAX)
}
