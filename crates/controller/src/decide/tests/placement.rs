use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use types::NodeId;

use crate::decide::placement::place;
use crate::decide::testing::{Cluster, registration};

/// A cluster with so many brokers in each rack, and the rack of each.
fn racks(sizes: &[usize]) -> (Cluster, BTreeMap<NodeId, usize>) {
    let mut cluster = Cluster::empty();
    let mut rack_of = BTreeMap::new();
    for (rack, size) in sizes.iter().enumerate() {
        for _ in 0..*size {
            let id = i32::try_from(rack_of.len()).expect("few brokers") + 1;
            let mut broker = registration(id);
            broker.rack = Some(format!("rack{rack}"));
            cluster.join(&broker);
            rack_of.insert(NodeId(id), rack);
        }
    }
    (cluster, rack_of)
}

fn placed(cluster: &Cluster, count: usize, factor: usize, seed: u8) -> Vec<Vec<NodeId>> {
    let mut random = StdRng::from_seed([seed; 32]);
    place(&cluster.image, count, factor, &mut random).expect("enough brokers")
}

/// Highest and lowest number of times that any of the brokers occurs.
fn load<'a>(
    brokers: impl Iterator<Item = &'a NodeId>,
    occurrences: impl Iterator<Item = &'a NodeId>,
) -> (usize, usize) {
    let mut counts: BTreeMap<&NodeId, usize> = brokers.map(|broker| (broker, 0)).collect();
    for node in occurrences {
        *counts.entry(node).or_default() += 1;
    }
    let highest = counts.values().max().copied().unwrap_or(0);
    (highest, counts.values().min().copied().unwrap_or(0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn replicas_are_distinct_and_spread_over_racks_and_leaders_over_brokers(
        sizes in proptest::collection::vec(1..4usize, 1..5),
        count in 1..40usize,
        factor in 1..6usize,
        seed: u8,
    ) {
        let (cluster, rack_of) = racks(&sizes);
        prop_assume!(factor <= rack_of.len());
        let partitions = placed(&cluster, count, factor, seed);
        prop_assert_eq!(partitions.len(), count);
        for replicas in &partitions {
            prop_assert_eq!(replicas.len(), factor);
            let distinct: BTreeSet<&NodeId> = replicas.iter().collect();
            prop_assert_eq!(distinct.len(), factor);
            let used: BTreeSet<usize> = replicas.iter().map(|node| rack_of[node]).collect();
            prop_assert_eq!(used.len(), factor.min(sizes.len()), "{:?}", replicas);
        }
        let leaders = partitions.iter().filter_map(|replicas| replicas.first());
        let (highest, lowest) = load(rack_of.keys(), leaders);
        prop_assert!(highest - lowest <= 1, "leaders from {lowest} to {highest}");
    }

    #[test]
    fn the_same_seed_places_alike(seed: u8, count in 1..20usize) {
        let (cluster, _) = racks(&[2, 2, 1]);
        prop_assert_eq!(
            placed(&cluster, count, 3, seed),
            placed(&cluster, count, 3, seed)
        );
    }
}

#[test]
fn replicas_too_are_spread_where_racks_are_even() {
    for sizes in [&[1, 1, 1][..], &[2, 2, 2], &[3, 3, 3], &[6], &[4, 4]] {
        let (cluster, rack_of) = racks(sizes);
        let partitions = placed(&cluster, 60 * rack_of.len(), 2, 5);
        let (highest, lowest) = load(rack_of.keys(), partitions.iter().flatten());
        assert!(
            highest - lowest <= highest / 10,
            "{sizes:?}: {lowest} to {highest}"
        );
    }
}

#[test]
fn the_followers_of_one_leader_are_on_many_brokers() {
    let (cluster, rack_of) = racks(&[6]);
    let partitions = placed(&cluster, 60, 2, 5);
    for leader in rack_of.keys() {
        let led = partitions
            .iter()
            .filter(|replicas| replicas.first() == Some(leader));
        let followers: BTreeSet<_> = led.filter_map(|replicas| replicas.get(1)).collect();
        assert_eq!(followers.len(), 5, "followers of {leader}");
    }
}

#[test]
fn many_topics_of_one_partition_do_not_all_land_on_one_broker() {
    let (cluster, rack_of) = racks(&[3]);
    let mut random = StdRng::from_seed([5; 32]);
    let topics: Vec<NodeId> = (0..300)
        .map(|_| place(&cluster.image, 1, 1, &mut random).expect("enough")[0][0])
        .collect();
    let (_, lowest) = load(rack_of.keys(), topics.iter());
    assert!(lowest > 60, "{lowest}");
}

#[test]
fn brokers_that_are_being_emptied_get_replicas_only_if_the_others_are_too_few() {
    let (mut cluster, _) = racks(&[2, 2]);
    let drain = metadata::v1::Config {
        resource_type: metadata::v1::ResourceType::Broker.into(),
        resource_name: "1".to_owned(),
        key: metadata::BROKER_DRAIN.to_owned(),
        value: Some("true".to_owned()),
    };
    cluster.commit(&[drain.into()]);
    cluster.fence(2);
    let (draining, down) = (NodeId(1), NodeId(2));
    for seed in 0..20 {
        for replicas in placed(&cluster, 4, 2, seed) {
            assert!(!replicas.contains(&draining) && !replicas.contains(&down));
        }
        for replicas in placed(&cluster, 4, 3, seed) {
            assert!(!replicas.contains(&down), "the draining one lives at least");
            assert_ne!(replicas[0], draining);
        }
    }
}
