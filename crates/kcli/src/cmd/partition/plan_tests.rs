//! Plans for small clusters, and what holds of every plan.

use proptest::prelude::*;

use super::*;

fn brokers(racks: &[(i32, &str)]) -> Vec<Broker> {
    let broker = |(id, rack): &(i32, &str)| Broker {
        id: *id,
        rack: (!rack.is_empty()).then(|| (*rack).to_owned()),
    };
    racks.iter().map(broker).collect()
}

fn placed(replicas: &[&[i32]]) -> Vec<Placed> {
    let placed = replicas.iter().zip(0..).map(|(replicas, index)| Placed {
        partition: TopicPartition::new("t", index),
        replicas: replicas.to_vec(),
    });
    placed.collect()
}

fn after(before: &[Placed], changes: &[Change]) -> Vec<Vec<i32>> {
    let now = before.iter().map(|placed| {
        let change = changes.iter().find(|c| c.partition == placed.partition);
        change.map_or_else(|| placed.replicas.clone(), |change| change.to.clone())
    });
    now.collect()
}

fn spread(now: &[Vec<i32>], ids: &[i32], counts: impl Fn(&Vec<i32>, i32) -> usize) -> usize {
    let by_id = ids
        .iter()
        .map(|id| now.iter().map(|r| counts(r, *id)).sum::<usize>());
    let all: Vec<usize> = by_id.collect();
    all.iter().max().unwrap_or(&0) - all.iter().min().unwrap_or(&0)
}

fn has(replicas: &[i32], id: i32) -> usize {
    usize::from(replicas.contains(&id))
}

#[test]
fn what_is_even_stays() {
    let before = placed(&[&[1, 2], &[2, 3], &[3, 1]]);
    assert_eq!(
        balance(&before, &brokers(&[(1, ""), (2, ""), (3, "")])),
        Ok(vec![])
    );
}

#[test]
fn a_new_broker_gets_its_share_and_no_more_moves_than_that() {
    let before = placed(&[&[1, 2], &[2, 1], &[1, 2], &[2, 1], &[1, 2], &[2, 1]]);
    let brokers = brokers(&[(1, ""), (2, ""), (3, "")]);
    let changes = balance(&before, &brokers).expect("there is room");
    let moved: usize = changes.iter().map(|change| change.adding().len()).sum();
    assert_eq!(moved, 4);
    let now = after(&before, &changes);
    assert_eq!(spread(&now, &[1, 2, 3], |r, id| has(r, id)), 0);
    assert!(spread(&now, &[1, 2, 3], |r, id| usize::from(r[0] == id)) <= 1);
}

#[test]
fn two_replicas_on_one_rack_part() {
    let before = placed(&[&[1, 2]]);
    let brokers = brokers(&[(1, "a"), (2, "a"), (3, "b")]);
    let changes = balance(&before, &brokers).expect("there is room");
    assert_eq!(changes[0].to, [1, 3]);
    assert_eq!(
        (changes[0].adding(), changes[0].removing()),
        (vec![3], vec![2])
    );
}

#[test]
fn a_leaving_broker_is_replaced_in_its_place_on_another_rack() {
    let before = placed(&[&[1, 2], &[2, 3], &[3, 4]]);
    let left = brokers(&[(1, "a"), (3, "b"), (4, "a")]);
    let changes = leave(&before, &left, 2, &[]).expect("there is room");
    let now: Vec<_> = changes.iter().map(|change| change.to.clone()).collect();
    assert_eq!(now, [vec![1, 3], vec![1, 3]]);
}

#[test]
fn what_is_on_a_broker_that_is_only_away_stays() {
    let before = placed(&[&[1, 2, 3]]);
    let changes = leave(&before, &brokers(&[(1, ""), (4, "")]), 2, &[3]);
    assert_eq!(changes.expect("there is room")[0].to, [1, 4, 3]);
}

#[test]
fn more_replicas_than_brokers_cannot_be_placed() {
    let before = placed(&[&[1, 2, 3]]);
    let refused = leave(&before, &brokers(&[(1, ""), (2, "")]), 3, &[]);
    let NoRoom {
        replica_count,
        broker_count,
        ..
    } = refused.expect_err("no room");
    assert_eq!((replica_count, broker_count), (3, 2));
}

#[test]
fn leaders_are_spread_without_moving_data() {
    let before = placed(&[&[1, 2, 3], &[1, 2, 3], &[1, 2, 3]]);
    let changes = balance(&before, &brokers(&[(1, ""), (2, ""), (3, "")])).expect("room");
    assert!(changes.iter().all(|change| change.adding().is_empty()));
    let now = after(&before, &changes);
    assert_eq!(spread(&now, &[1, 2, 3], |r, id| usize::from(r[0] == id)), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_plan_keeps_replica_counts_distinct_brokers_and_racks(
        ids in proptest::collection::vec(proptest::sample::subsequence(vec![1, 2, 3, 4, 5, 6], 1..4), 1..20),
        left in proptest::sample::subsequence(vec![1, 2, 3, 4, 5, 6], 3..7),
    ) {
        let racks: Vec<_> = left.iter().map(|id: &i32| (*id, ["a", "b", "c"][id.unsigned_abs() as usize % 3])).collect();
        let brokers = brokers(&racks);
        let before: Vec<Placed> = placed(&ids.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let changes = balance(&before, &brokers).expect("three brokers have room for three replicas");
        let now = after(&before, &changes);
        let rack_count = racks.iter().map(|(_, rack)| *rack).collect::<BTreeSet<_>>().len();
        for (replicas, placed) in now.iter().zip(&before) {
            let distinct: BTreeSet<_> = replicas.iter().collect();
            prop_assert_eq!(distinct.len(), placed.replicas.len());
            prop_assert!(replicas.iter().all(|id| left.contains(id)));
            let used: BTreeSet<_> = replicas.iter().map(|id| racks.iter().find(|r| r.0 == *id)).collect();
            prop_assert_eq!(used.iter().map(|r| r.expect("left").1).collect::<BTreeSet<_>>().len(),
                replicas.len().min(rack_count));
        }
        // And a second look finds nothing to do.
        let again: Vec<Placed> = before.iter().zip(&now)
            .map(|(p, r)| Placed { partition: p.partition.clone(), replicas: r.clone() }).collect();
        prop_assert_eq!(balance(&again, &brokers), Ok(vec![]));
    }
}
