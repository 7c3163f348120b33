//! Of each topic, a run of partitions to each member; the first ones get one more if it does not
//! come out even. Topics with as many partitions are dealt out alike, so that they can be joined.

use std::sync::Arc;

use types::TopicPartition;

use super::{Assignment, Candidate, PartitionCounts, empty, in_order};

pub(super) fn assign(members: &[Candidate], topics: &PartitionCounts) -> Assignment {
    let mut assignment = empty(members);
    let ordered = in_order(members);
    for (topic, partition_count) in topics {
        let subscribed = ordered.iter().filter(|m| m.topics.contains(topic));
        let subscribed: Vec<_> = subscribed.collect();
        let Ok(member_count) = i32::try_from(subscribed.len()) else {
            continue;
        };
        if member_count == 0 {
            continue;
        }
        let (share, extra) = (
            partition_count / member_count,
            partition_count % member_count,
        );
        let mut next = 0;
        for (position, member) in (0..).zip(subscribed) {
            let until = next + share + i32::from(position < extra);
            let run = (next..until).map(|index| TopicPartition::new(Arc::clone(topic), index));
            if let Some(assigned) = assignment.get_mut(&member.member_id) {
                assigned.extend(run);
            }
            next = until;
        }
    }
    assignment
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, counts, shown};
    use super::*;

    #[test]
    fn each_topic_is_cut_into_runs_and_the_first_members_get_one_more() {
        let members = [
            candidate("b", &["t", "u"], &[]),
            candidate("a", &["t"], &[]),
            candidate("c", &["t"], &[]),
        ];
        let assignment = assign(&members, &counts(&[("t", 7), ("u", 2)]));
        assert_eq!(
            shown(&assignment),
            "a: t-0 t-1 t-2; b: t-3 t-4 u-0 u-1; c: t-5 t-6"
        );
    }

    #[test]
    fn static_members_come_first_by_the_id_that_stays() {
        let mut late = candidate("z", &["t"], &[]);
        late.instance_id = Some("i".to_owned());
        let members = [candidate("a", &["t"], &[]), late];
        let assignment = assign(&members, &counts(&[("t", 3)]));
        assert_eq!(shown(&assignment), "a: t-2; z: t-0 t-1");
    }

    #[test]
    fn members_without_a_topic_that_exists_get_nothing() {
        let members = [candidate("a", &["gone"], &[])];
        assert_eq!(shown(&assign(&members, &counts(&[("t", 3)]))), "a: ");
    }
}
