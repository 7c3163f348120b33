//! The high watermark, by transcript and against a naive model.

use proptest::prelude::*;

use super::*;

const EPOCH: LeaderEpoch = LeaderEpoch(5);

fn registration(epoch: i32, isr: &[i32], min_isr: usize) -> Registration {
    Registration {
        partition_epoch: PartitionEpoch(epoch),
        replicas: vec![NodeId(1), NodeId(2), NodeId(3)],
        isr: isr.iter().copied().map(NodeId).collect(),
        min_isr,
    }
}

fn leader(isr: &[i32], min_isr: usize, log_end_offset: Offset, high_watermark: Offset) -> Leader {
    Leader::new(Start {
        local: NodeId(1),
        leader_epoch: EPOCH,
        registration: registration(0, isr, min_isr),
        log_end_offset,
        high_watermark,
    })
}

#[test]
fn a_single_replica_commits_what_it_appends() {
    let mut leader = leader(&[1], 1, 10, 0);
    assert_eq!(leader.high_watermark(), 10);
    assert_eq!(leader.on_append(12), Some(12));
    assert_eq!(leader.on_append(12), None);
}

#[test]
fn the_high_watermark_waits_for_the_slowest_in_sync_replica() {
    let mut leader = leader(&[1, 2, 3], 2, 0, 0);
    assert_eq!(leader.on_append(10), None);
    assert_eq!(leader.on_ack(NodeId(2), EPOCH, 10), Ok(None));
    assert_eq!(leader.on_ack(NodeId(3), EPOCH, 4), Ok(Some(4)));
    assert_eq!(leader.on_ack(NodeId(3), EPOCH, 10), Ok(Some(10)));
}

#[test]
fn a_follower_outside_the_isr_does_not_hold_it_back() {
    let mut leader = leader(&[1, 2], 2, 0, 0);
    leader.on_append(10);
    assert_eq!(leader.on_ack(NodeId(2), EPOCH, 10), Ok(Some(10)));
}

#[test]
fn below_the_minimum_nothing_is_committed() {
    let mut leader = leader(&[1], 2, 0, 0);
    assert_eq!(leader.on_append(10), None);
    assert!(leader.is_below_min_isr());
    assert_eq!(leader.on_ack(NodeId(2), EPOCH, 10), Ok(None));
    assert_eq!(
        leader.on_registration(registration(1, &[1, 2], 2)),
        Some(10)
    );
}

#[test]
fn acknowledgements_of_other_epochs_strangers_and_beyond_the_end_are_refused() {
    let mut leader = leader(&[1, 2], 1, 10, 0);
    let other = leader.on_ack(NodeId(2), LeaderEpoch(4), 10);
    assert_eq!(other, Err(AckError::OtherEpoch { current: EPOCH }));
    assert_eq!(
        leader.on_ack(NodeId(9), EPOCH, 10),
        Err(AckError::NotAReplica(NodeId(9)))
    );
    let beyond = leader.on_ack(NodeId(2), EPOCH, 11);
    assert_eq!(beyond, Err(AckError::BeyondLogEnd { log_end_offset: 10 }));
    assert_eq!(leader.high_watermark(), 0);
}

#[test]
fn latest_is_not_answered_before_the_epoch_start_is_committed() {
    let mut leader = leader(&[1, 2], 1, 10, 3);
    assert!(!leader.may_answer_latest());
    assert_eq!(leader.on_ack(NodeId(2), EPOCH, 10), Ok(Some(10)));
    assert!(leader.may_answer_latest());
}

#[test]
fn an_older_registration_changes_nothing() {
    let mut leader = leader(&[1, 2], 1, 10, 0);
    assert_eq!(leader.on_registration(registration(0, &[1], 1)), None);
    assert_eq!(leader.registration().isr, [NodeId(1), NodeId(2)]);
}

#[derive(Clone, Debug)]
enum Event {
    Append(Offset),
    Ack(i32, Offset),
    Isr(Vec<i32>, usize),
}

fn event() -> impl Strategy<Value = Event> {
    let isr = proptest::sample::subsequence(vec![2, 3], 0..=2).prop_map(|mut isr| {
        isr.insert(0, 1);
        isr
    });
    prop_oneof![
        (0i64..5).prop_map(Event::Append),
        (2i32..=3, 0i64..40).prop_map(|(node, end)| Event::Ack(node, end)),
        (isr, 1usize..=3).prop_map(|(isr, min)| Event::Isr(isr, min)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Every advance is covered by every in-sync replica, and nothing ever goes back.
    #[test]
    fn the_high_watermark_only_covers_what_all_in_sync_replicas_have(events in proptest::collection::vec(event(), 1..60)) {
        let mut leader = leader(&[1, 2, 3], 2, 0, 0);
        let mut ends = BTreeMap::from([(NodeId(1), 0), (NodeId(2), -1), (NodeId(3), -1)]);
        for (step, event) in (1..).zip(events) {
            let before = leader.high_watermark();
            let advanced = match event {
                Event::Append(count) => {
                    let end = leader.log_end_offset() + count;
                    ends.insert(NodeId(1), end);
                    leader.on_append(end)
                }
                Event::Ack(node, end) => match leader.on_ack(NodeId(node), EPOCH, end) {
                    Ok(advanced) => {
                        ends.entry(NodeId(node)).and_modify(|known| *known = end.max(*known));
                        advanced
                    }
                    Err(error) => {
                        prop_assert_eq!(error, AckError::BeyondLogEnd { log_end_offset: leader.log_end_offset() });
                        None
                    }
                },
                Event::Isr(isr, min_isr) => leader.on_registration(registration(step, &isr, min_isr)),
            };
            prop_assert!(leader.high_watermark() >= before);
            if let Some(high_watermark) = advanced {
                prop_assert_eq!(high_watermark, leader.high_watermark());
                let isr = &leader.registration().isr;
                prop_assert!(isr.len() >= leader.registration().min_isr);
                prop_assert_eq!(Some(high_watermark), isr.iter().map(|node| ends[node]).min());
            }
        }
    }
}
