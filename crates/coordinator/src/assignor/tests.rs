//! Golden cases, and promises checked with random groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use types::{PartitionIndex, TopicId, Uuid};

use super::{Assignment, Assignor, Input, Member, Topic};

/// A group as tests write it: owned names, so that an input can be borrowed from it.
#[derive(Clone, Debug, Default)]
struct Group {
    members: BTreeMap<String, Person>,
    topics: BTreeMap<TopicId, usize>,
    racks: BTreeMap<TopicId, Vec<Vec<Arc<str>>>>,
}

#[derive(Clone, Debug, Default)]
struct Person {
    instance: Option<String>,
    rack: Option<String>,
    topics: BTreeSet<TopicId>,
    target: Assignment,
}

fn id(n: u8) -> TopicId {
    TopicId(Uuid::from_bytes([n; 16]))
}

impl Group {
    fn of(topics: &[(u8, usize)], members: &[(&str, &[u8])]) -> Self {
        let mut group = Self::default();
        for (topic, partition_count) in topics {
            group.topics.insert(id(*topic), *partition_count);
        }
        for (name, topics) in members {
            group.join(name, topics);
        }
        group
    }

    fn join(&mut self, name: &str, topics: &[u8]) -> &mut Person {
        let person = self.members.entry(name.to_owned()).or_default();
        person.topics = topics.iter().map(|n| id(*n)).collect();
        person
    }

    fn input(&self) -> Input<'_> {
        let wanted: BTreeSet<TopicId> = self
            .members
            .values()
            .flat_map(|person| person.topics.iter().copied())
            .filter(|topic| self.topics.contains_key(topic))
            .collect();
        let wanted: Vec<TopicId> = wanted.into_iter().collect();
        Input {
            members: self
                .members
                .iter()
                .map(|(name, person)| Member {
                    id: name,
                    instance_id: person.instance.as_deref(),
                    rack_id: person.rack.as_deref(),
                    topics: (0..wanted.len())
                        .filter(|i| person.topics.contains(&wanted[*i]))
                        .collect(),
                    target: &person.target,
                })
                .collect(),
            topics: wanted
                .iter()
                .map(|topic| Topic {
                    id: *topic,
                    partition_count: self.topics[topic],
                    racks: self.racks.get(topic).cloned().unwrap_or_default(),
                })
                .collect(),
        }
    }

    fn assign(&mut self, assignor: Assignor) {
        let assigned = assignor.assign(&self.input());
        for (person, target) in self.members.values_mut().zip(assigned) {
            person.target = target;
        }
    }

    fn target(&self, name: &str) -> &Assignment {
        &self.members[name].target
    }

    fn loads(&self) -> Vec<usize> {
        let people = self.members.values();
        people.map(|p| p.target.partitions().count()).collect()
    }

    fn owners(&self) -> BTreeMap<(TopicId, PartitionIndex), String> {
        let mut owners = BTreeMap::new();
        for (name, person) in &self.members {
            for partition in person.target.partitions() {
                let before = owners.insert(partition, name.clone());
                assert_eq!(before, None, "{partition:?} has two owners");
                assert!(person.topics.contains(&partition.0), "not subscribed");
            }
        }
        owners
    }

    fn assert_complete(&self) {
        let owners = self.owners();
        for topic in self.members.values().flat_map(|person| &person.topics) {
            let partition_count = self.topics.get(topic).copied().unwrap_or(0);
            for partition in 0..i32::try_from(partition_count).unwrap() {
                assert!(owners.contains_key(&(*topic, partition)), "nobody has it");
            }
        }
    }
}

#[test]
fn range_cuts_topics_with_equally_many_partitions_at_the_same_places() {
    let mut group = Group::of(
        &[(1, 7), (2, 7)],
        &[("a", &[1, 2]), ("b", &[1, 2]), ("c", &[1, 2])],
    );
    group.assign(Assignor::Range);
    for (name, run) in [("a", vec![0, 1, 2]), ("b", vec![3, 4]), ("c", vec![5, 6])] {
        assert_eq!(group.target(name).of(id(1)), run);
        assert_eq!(group.target(name).of(id(2)), run);
    }
}

#[test]
fn range_gives_nothing_to_who_comes_last_if_there_are_more_members_than_partitions() {
    let mut group = Group::of(&[(1, 2)], &[("a", &[1]), ("b", &[1]), ("c", &[1])]);
    group.assign(Assignor::Range);
    assert_eq!(group.loads(), [1, 1, 0]);
}

#[test]
fn range_lets_static_members_go_first_by_instance_id() {
    let mut group = Group::of(&[(1, 3)], &[("a", &[1]), ("b", &[1]), ("c", &[1])]);
    group.join("b", &[1]).instance = Some("z".to_owned());
    group.join("c", &[1]).instance = Some("y".to_owned());
    group.assign(Assignor::Range);
    assert_eq!(group.target("c").of(id(1)), [0]);
    assert_eq!(group.target("b").of(id(1)), [1]);
    assert_eq!(group.target("a").of(id(1)), [2]);
}

#[test]
fn range_divides_each_topic_among_its_own_subscribers() {
    let mut group = Group::of(
        &[(1, 3), (2, 3), (3, 2)],
        &[("a", &[1, 2]), ("b", &[3]), ("c", &[2, 3])],
    );
    group.assign(Assignor::Range);
    assert_eq!(group.target("a").of(id(1)), [0, 1, 2]);
    assert_eq!(group.target("a").of(id(2)), [0, 1]);
    assert_eq!(group.target("c").of(id(2)), [2]);
    assert_eq!(group.target("b").of(id(3)), [0]);
    assert_eq!(group.target("c").of(id(3)), [1]);
}

#[test]
fn uniform_moves_only_what_a_newcomer_needs() {
    let mut group = Group::of(&[(1, 10)], &[("a", &[1]), ("b", &[1])]);
    group.assign(Assignor::Uniform);
    let before = group.owners();
    group.join("c", &[1]);
    group.assign(Assignor::Uniform);
    group.assert_complete();
    let moved = before.iter().filter(|(k, v)| group.owners()[*k] != **v);
    assert_eq!(moved.count(), 3);
}

#[test]
fn uniform_gives_free_partitions_to_members_near_a_replica() {
    let mut group = Group::of(&[(1, 6)], &[("a", &[1]), ("b", &[1]), ("c", &[1])]);
    for (name, rack) in [("a", "x"), ("b", "y"), ("c", "z")] {
        group.join(name, &[1]).rack = Some(rack.to_owned());
    }
    let racks = ["z", "z", "y", "y", "x", "x"].map(|rack| vec![Arc::from(rack)]);
    group.racks.insert(id(1), racks.to_vec());
    group.assign(Assignor::Uniform);
    assert_eq!(group.target("a").of(id(1)), [4, 5]);
    assert_eq!(group.target("b").of(id(1)), [2, 3]);
    assert_eq!(group.target("c").of(id(1)), [0, 1]);
}

#[test]
fn uniform_stays_even_when_all_replicas_are_in_one_rack() {
    let mut group = Group::of(&[(1, 6)], &[("a", &[1]), ("b", &[1]), ("c", &[1])]);
    group.join("a", &[1]).rack = Some("x".to_owned());
    group.racks.insert(id(1), vec![vec![Arc::from("x")]; 6]);
    group.assign(Assignor::Uniform);
    assert_eq!(group.loads(), [2, 2, 2]);
}

#[test]
fn partitions_that_are_gone_or_unsubscribed_or_held_twice_are_taken_away() {
    let mut group = Group::of(&[(1, 2), (2, 2)], &[("a", &[1]), ("b", &[1])]);
    let stale: Assignment = [
        (id(1), vec![0, 1, 7, -1]),
        (id(2), vec![0]),
        (id(9), vec![0]),
    ]
    .into_iter()
    .collect();
    group.join("a", &[1]).target = stale.clone();
    group.join("b", &[1]).target = stale;
    group.assign(Assignor::Uniform);
    group.assert_complete();
    assert_eq!(group.loads(), [1, 1]);
}

#[test]
fn a_group_without_subscriptions_gets_nothing() {
    let mut group = Group::of(&[(1, 2)], &[("a", &[]), ("b", &[9])]);
    for assignor in [Assignor::Range, Assignor::Uniform] {
        group.assign(assignor);
        assert_eq!(group.loads(), [0, 0]);
    }
}

fn topics() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..40usize, 1..8)
}

fn homogeneous() -> impl Strategy<Value = Group> {
    (topics(), 1..20u8, any::<bool>()).prop_map(|(topics, member_count, with_racks)| {
        let mut group = Group::default();
        let all: Vec<u8> = (0..topics.len())
            .map(|i| u8::try_from(i).unwrap())
            .collect();
        for (topic, partition_count) in all.iter().zip(&topics) {
            group.topics.insert(id(*topic), *partition_count);
            if with_racks {
                let rack = |i: usize| vec![Arc::from(format!("r{}", (i * i) % 3))];
                group
                    .racks
                    .insert(id(*topic), (0..*partition_count).map(rack).collect());
            }
        }
        for member in 0..member_count {
            let person = group.join(&format!("m{member}"), &all);
            person.rack = with_racks.then(|| format!("r{}", member % 4));
        }
        group
    })
}

fn heterogeneous() -> impl Strategy<Value = Group> {
    let subscriptions = prop::collection::vec(prop::collection::vec(0..8u8, 0..8), 1..12);
    (topics(), subscriptions).prop_map(|(topics, members)| {
        let mut group = Group::default();
        for (topic, partition_count) in (0..).zip(topics) {
            group.topics.insert(id(topic), partition_count);
        }
        for (i, topics) in members.iter().enumerate() {
            group.join(&format!("m{i}"), topics);
        }
        group
    })
}

fn spread(loads: &[usize]) -> usize {
    loads.iter().max().unwrap_or(&0) - loads.iter().min().unwrap_or(&0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_partition_has_exactly_one_owner(group in heterogeneous()) {
        for assignor in [Assignor::Range, Assignor::Uniform] {
            let mut group = group.clone();
            group.assign(assignor);
            group.assert_complete();
            let again = assignor.assign(&group.input());
            let targets: Vec<Assignment> =
                group.members.values().map(|person| person.target.clone()).collect();
            prop_assert_eq!(again, targets, "a second look changes nothing");
        }
    }

    #[test]
    fn uniform_is_even_and_sticky(mut group in homogeneous(), leaver in any::<prop::sample::Index>()) {
        group.assign(Assignor::Uniform);
        group.assert_complete();
        prop_assert!(spread(&group.loads()) <= 1);

        let before = group.owners();
        let names: Vec<String> = group.members.keys().cloned().collect();
        let leaver = names[leaver.index(names.len())].clone();
        if let Some(mut person) = group.members.remove(&leaver) {
            group.assign(Assignor::Uniform);
            for (partition, owner) in before.iter().filter(|(_, owner)| **owner != leaver) {
                if !group.members.is_empty() {
                    prop_assert_eq!(&group.owners()[partition], owner);
                }
            }
            person.target = Assignment::new();
            let before = group.owners();
            group.members.insert("newcomer".to_owned(), person);
            group.assign(Assignor::Uniform);
            prop_assert!(spread(&group.loads()) <= 1);
            for (partition, owner) in group.owners() {
                let stayed = before.get(&partition).is_none_or(|earlier| *earlier == owner);
                prop_assert!(stayed || owner == "newcomer");
            }
        }
    }

    #[test]
    fn range_keeps_equal_topics_together(partition_count in 1..50usize, member_count in 1..9u8) {
        let names: Vec<String> = (0..member_count).map(|i| format!("m{i}")).collect();
        let members: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &[1, 2][..])).collect();
        let mut group = Group::of(&[(1, partition_count), (2, partition_count)], &members);
        group.assign(Assignor::Range);
        group.assert_complete();
        for person in group.members.values() {
            prop_assert_eq!(person.target.of(id(1)), person.target.of(id(2)));
        }
        let of_one: Vec<usize> =
            group.members.values().map(|person| person.target.of(id(1)).len()).collect();
        prop_assert!(spread(&of_one) <= 1);
    }
}
