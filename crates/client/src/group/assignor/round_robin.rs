//! All partitions of all topics, one after the other, to the members in turn.

use std::sync::Arc;

use types::TopicPartition;

use super::{Assignment, Candidate, PartitionCounts, empty, in_order};

pub(super) fn assign(members: &[Candidate], topics: &PartitionCounts) -> Assignment {
    let mut assignment = empty(members);
    let ordered = in_order(members);
    let mut turn = 0;
    for (topic, partition_count) in topics {
        if !ordered.iter().any(|member| member.topics.contains(topic)) {
            continue;
        }
        for index in 0..*partition_count {
            let offered = ordered.iter().cycle().skip(turn).take(ordered.len());
            let taker = (turn..)
                .zip(offered)
                .find(|(_, m)| m.topics.contains(topic));
            let Some((place, member)) = taker else {
                continue;
            };
            turn = (place + 1) % ordered.len();
            if let Some(assigned) = assignment.get_mut(&member.member_id) {
                assigned.push(TopicPartition::new(Arc::clone(topic), index));
            }
        }
    }
    assignment
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, counts, shown};
    use super::*;

    #[test]
    fn partitions_go_round() {
        let members = [
            candidate("a", &["t", "u"], &[]),
            candidate("b", &["t", "u"], &[]),
        ];
        let assignment = assign(&members, &counts(&[("t", 3), ("u", 2)]));
        assert_eq!(shown(&assignment), "a: t-0 t-2 u-1; b: t-1 u-0");
    }

    #[test]
    fn who_does_not_subscribe_is_passed_over() {
        let members = [
            candidate("a", &["t"], &[]),
            candidate("b", &["t", "u"], &[]),
            candidate("c", &["u"], &[]),
        ];
        let assignment = assign(&members, &counts(&[("t", 3), ("u", 3)]));
        assert_eq!(shown(&assignment), "a: t-0 t-2; b: t-1 u-0 u-2; c: u-1");
    }
}
