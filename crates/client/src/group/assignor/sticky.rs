//! Evenly, with as few moves as that allows; and in two steps where a partition changes hands.
//!
//! ```text
//! claims (the newest generation wins) ─▶ what is free goes to who has least ─▶ who has two more
//! than another gives one away ─▶ what another member still reads is held back until it is given up
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use types::TopicPartition;

use super::{Assignment, Candidate, PartitionCounts, in_order};

/// The cooperative assignment: a partition that another member still reads goes to nobody this
/// time. Its owner sees it missing, gives it up and joins again, and then it is free.
pub(super) fn assign_cooperatively(members: &[Candidate], topics: &PartitionCounts) -> Assignment {
    let mut assignment = assign(members, topics);
    let mut readers: BTreeMap<&TopicPartition, BTreeSet<&str>> = BTreeMap::new();
    for member in members {
        for partition in &member.owned {
            let ids = readers.entry(partition).or_default();
            ids.insert(&member.member_id);
        }
    }
    for (member_id, partitions) in &mut assignment {
        partitions.retain(|partition| {
            let others = readers.get(partition);
            others.is_none_or(|ids| ids.iter().all(|id| id == member_id))
        });
    }
    assignment
}

/// The assignment it shall come to.
fn assign(members: &[Candidate], topics: &PartitionCounts) -> Assignment {
    let mut shares = Shares::new(in_order(members));
    let owners = owners(&shares.members, topics);
    for (partition, place) in &owners {
        shares.give(*place, partition.clone());
    }
    let mut free: Vec<TopicPartition> = topics
        .iter()
        .flat_map(|(topic, count)| (0..*count).map(|i| TopicPartition::new(Arc::clone(topic), i)))
        .filter(|partition| !owners.contains_key(partition))
        .collect();
    // Those that few members can take come first: the others can make up for it.
    free.sort_by_cached_key(|partition| shares.eligible(partition).count());
    for partition in free {
        if let Some(place) = shares.least_loaded(&partition) {
            shares.give(place, partition);
        }
    }
    shares.even_out();
    shares.into_assignment()
}

/// Who may keep which partition: the one that says so for the newest generation. Two that say so for
/// the same one cannot both be right, and neither is believed.
fn owners(members: &[&Candidate], topics: &PartitionCounts) -> BTreeMap<TopicPartition, usize> {
    let mut claims: BTreeMap<TopicPartition, (i32, Option<usize>)> = BTreeMap::new();
    for (place, member) in members.iter().enumerate() {
        for partition in member.owned.iter().collect::<BTreeSet<_>>() {
            let count = topics.get(&partition.topic).copied().unwrap_or(0);
            let exists = (0..count).contains(&partition.partition);
            if !exists || !member.topics.contains(&partition.topic) {
                continue;
            }
            let claim = (member.generation, Some(place));
            let best = claims.entry(partition.clone()).or_insert(claim);
            match member.generation.cmp(&best.0) {
                std::cmp::Ordering::Greater => *best = claim,
                std::cmp::Ordering::Equal if best.1 != Some(place) => best.1 = None,
                _ => {}
            }
        }
    }
    let believed = claims.into_iter();
    believed
        .filter_map(|(partition, (_, place))| Some((partition, place?)))
        .collect()
}

/// What each member has, by its place in the order.
struct Shares<'a> {
    members: Vec<&'a Candidate>,
    partitions: Vec<BTreeSet<TopicPartition>>,
}

impl<'a> Shares<'a> {
    fn new(members: Vec<&'a Candidate>) -> Self {
        Self {
            partitions: vec![BTreeSet::new(); members.len()],
            members,
        }
    }

    fn give(&mut self, place: usize, partition: TopicPartition) {
        if let Some(partitions) = self.partitions.get_mut(place) {
            partitions.insert(partition);
        }
    }

    fn load(&self, place: usize) -> usize {
        self.partitions.get(place).map_or(0, BTreeSet::len)
    }

    fn eligible(&self, partition: &TopicPartition) -> impl Iterator<Item = usize> {
        let members = self.members.iter().enumerate();
        members
            .filter(|(_, member)| member.topics.contains(&partition.topic))
            .map(|(place, _)| place)
    }

    fn least_loaded(&self, partition: &TopicPartition) -> Option<usize> {
        self.eligible(partition)
            .min_by_key(|place| self.load(*place))
    }

    /// Moves partitions until nobody has two more than one who could take one of them. Each move
    /// brings two loads closer together, so that it ends.
    fn even_out(&mut self) {
        while let Some((from, to, partition)) = self.next_move() {
            if let Some(partitions) = self.partitions.get_mut(from) {
                partitions.remove(&partition);
            }
            self.give(to, partition);
        }
    }

    fn next_move(&self) -> Option<(usize, usize, TopicPartition)> {
        let mut places: Vec<usize> = (0..self.members.len()).collect();
        places.sort_by_key(|place| std::cmp::Reverse(self.load(*place)));
        let least = places.last().map_or(0, |place| self.load(*place));
        for from in places {
            if self.load(from) <= least + 1 {
                return None;
            }
            // What the member got only now moves rather than what it has been reading.
            let owned = self.members.get(from).map(|member| &member.owned);
            let is_owned = |p: &TopicPartition| owned.is_some_and(|owned| owned.contains(p));
            let mut partitions: Vec<_> = self.partitions.get(from)?.iter().collect();
            partitions.sort_by_cached_key(|partition| is_owned(partition));
            for partition in partitions {
                let to = self.least_loaded(partition)?;
                if self.load(to) + 1 < self.load(from) {
                    return Some((from, to, partition.clone()));
                }
            }
        }
        None
    }

    fn into_assignment(self) -> Assignment {
        let ids = self.members.iter().map(|member| member.member_id.clone());
        let partitions = self.partitions.into_iter();
        ids.zip(partitions.map(|all| all.into_iter().collect()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{candidate, counts, shown};
    use super::*;

    #[test]
    fn who_joins_gets_its_share_and_the_others_keep_theirs() {
        let topics = counts(&[("t", 6)]);
        let all = [("t", 0), ("t", 1), ("t", 2), ("t", 3), ("t", 4), ("t", 5)];
        let members = [candidate("a", &["t"], &all), candidate("b", &["t"], &[])];
        let target = assign(&members, &topics);
        assert_eq!(shown(&target), "a: t-3 t-4 t-5; b: t-0 t-1 t-2");
        let first = assign_cooperatively(&members, &topics);
        assert_eq!(shown(&first), "a: t-3 t-4 t-5; b: ");
        let members = [
            candidate("a", &["t"], &all[3..]),
            candidate("b", &["t"], &[]),
        ];
        let second = assign_cooperatively(&members, &topics);
        assert_eq!(second, target);
    }

    #[test]
    fn what_a_leaver_had_goes_to_who_has_least() {
        let topics = counts(&[("t", 6)]);
        let members = [
            candidate("a", &["t"], &[("t", 0), ("t", 1)]),
            candidate("c", &["t"], &[("t", 4), ("t", 5)]),
        ];
        let assignment = assign_cooperatively(&members, &topics);
        assert_eq!(shown(&assignment), "a: t-0 t-1 t-2; c: t-3 t-4 t-5");
    }

    #[test]
    fn a_claim_of_an_older_generation_is_not_believed() {
        let topics = counts(&[("t", 2)]);
        let mut old = candidate("a", &["t"], &[("t", 0), ("t", 1)]);
        old.generation = 1;
        let mut new = candidate("b", &["t"], &[("t", 0)]);
        new.generation = 2;
        let target = assign(&[old.clone(), new.clone()], &topics);
        assert_eq!(shown(&target), "a: t-1; b: t-0");
        // Until the older one has let go nobody else reads it.
        let now = assign_cooperatively(&[old, new], &topics);
        assert_eq!(shown(&now), "a: t-1; b: ");
    }

    #[test]
    fn two_claims_of_one_generation_are_both_wrong() {
        let topics = counts(&[("t", 2)]);
        let members = [
            candidate("a", &["t"], &[("t", 0), ("t", 1)]),
            candidate("b", &["t"], &[("t", 0), ("t", 1)]),
        ];
        let target = assign(&members, &topics);
        assert_eq!(shown(&target), "a: t-0; b: t-1");
    }

    #[test]
    fn members_that_subscribe_to_less_are_filled_first() {
        let topics = counts(&[("t", 2), ("u", 2)]);
        let members = [
            candidate("a", &["t", "u"], &[]),
            candidate("b", &["u"], &[]),
        ];
        let target = assign(&members, &topics);
        assert_eq!(shown(&target), "a: t-0 t-1; b: u-0 u-1");
    }

    #[test]
    fn claims_of_what_does_not_exist_are_passed_over() {
        let members = [candidate("a", &["t"], &[("t", 9), ("x", 0), ("t", -1)])];
        let target = assign(&members, &counts(&[("t", 1), ("x", 1)]));
        assert_eq!(shown(&target), "a: t-0");
    }
}
