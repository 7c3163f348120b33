//! The leader, by transcript and against a naive model.

use std::time::Duration;

use proptest::prelude::*;
use types::BrokerEpoch;

use super::*;
use crate::{EpochHistory, Phase, Position, Reconcile, Session, SessionId};

const EPOCH: LeaderEpoch = LeaderEpoch(5);
const LIMITS: Limits = Limits {
    lag_max: Duration::from_secs(10),
    disconnected_max: Duration::from_secs(3),
};

/// Everything was written by the leader's own epoch, but for what the test says.
struct History(Offset);

impl EpochHistory for History {
    fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        if epoch == EPOCH {
            (EPOCH, self.0)
        } else {
            (LeaderEpoch::NONE, -1)
        }
    }
}

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
        durable_offset: None,
    })
}

fn session(id: u64) -> Session {
    Session {
        id: SessionId(id),
        broker_epoch: BrokerEpoch(100),
    }
}

fn at(log_end_offset: Offset) -> Position {
    Position {
        log_start_offset: 0,
        log_end_offset,
        last_epoch: EPOCH,
    }
}

/// The follower opens session `id` with a log that is a prefix of the leader's.
fn follow(leader: &mut Leader, node: i32, id: u64, log_end_offset: Offset) -> Option<Offset> {
    let node = NodeId(node);
    leader.on_open(node, session(id)).expect("a replica");
    let end = leader.log_end_offset();
    let (answer, advanced) = leader
        .on_position(node, SessionId(id), &at(log_end_offset), 0, &History(end))
        .expect("its session");
    assert_eq!(
        answer,
        Reconcile::Follow {
            offset: log_end_offset
        }
    );
    advanced
}

fn proposed(leader: &mut Leader, now: u64) -> Option<Vec<i32>> {
    let proposal = leader.propose(Duration::from_secs(now), LIMITS, &|_, _| true);
    proposal.map(|p| p.isr.iter().map(|(node, _)| node.0).collect())
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
    follow(&mut leader, 2, 1, 0);
    follow(&mut leader, 3, 2, 0);
    assert_eq!(leader.on_append(10), None);
    assert_eq!(leader.on_ack(NodeId(2), SessionId(1), 10), Ok(None));
    assert_eq!(leader.on_ack(NodeId(3), SessionId(2), 4), Ok(Some(4)));
    assert_eq!(leader.on_ack(NodeId(3), SessionId(2), 10), Ok(Some(10)));
}

#[test]
fn a_follower_outside_the_isr_does_not_hold_it_back() {
    let mut leader = leader(&[1, 2], 2, 0, 0);
    follow(&mut leader, 2, 1, 0);
    leader.on_append(10);
    assert_eq!(leader.on_ack(NodeId(2), SessionId(1), 10), Ok(Some(10)));
}

#[test]
fn below_the_minimum_nothing_is_committed() {
    let mut leader = leader(&[1], 2, 0, 0);
    follow(&mut leader, 2, 1, 0);
    assert_eq!(leader.on_append(10), None);
    assert!(leader.is_below_min_isr());
    assert_eq!(leader.on_ack(NodeId(2), SessionId(1), 10), Ok(None));
    assert_eq!(
        leader.on_registration(registration(1, &[1, 2], 2)),
        Some(10)
    );
}

#[test]
fn former_sessions_strangers_and_claims_beyond_the_end_are_refused() {
    let mut leader = leader(&[1, 2], 1, 10, 0);
    follow(&mut leader, 2, 1, 3);
    leader.on_open(NodeId(2), session(2)).expect("a replica");
    assert_eq!(
        leader.on_ack(NodeId(2), SessionId(1), 10),
        Err(AckError::OtherSession)
    );
    assert_eq!(
        leader.on_ack(NodeId(2), SessionId(2), 10),
        Err(AckError::NotFollowing)
    );
    assert_eq!(
        leader.on_open(NodeId(9), session(3)),
        Err(AckError::NotAReplica(NodeId(9)))
    );
    follow(&mut leader, 2, 4, 3);
    let beyond = leader.on_ack(NodeId(2), SessionId(4), 11);
    assert_eq!(beyond, Err(AckError::BeyondLogEnd { log_end_offset: 10 }));
    assert_eq!(leader.high_watermark(), 3);
}

#[test]
fn a_new_session_proves_nothing_before_the_logs_are_reconciled() {
    let mut leader = leader(&[1, 2], 2, 10, 5);
    leader.on_open(NodeId(2), session(1)).expect("a replica");
    let longer = Position {
        last_epoch: LeaderEpoch(4),
        ..at(30)
    };
    let history = crate::follower::tests::Epochs(vec![(3, 0), (4, 6), (5, 10)], 10);
    let answer = leader.on_position(NodeId(2), SessionId(1), &longer, 0, &history);
    let truncate = Reconcile::Truncate {
        leader_epoch: LeaderEpoch(4),
        end_offset: 10,
    };
    assert_eq!(answer, Ok((truncate, None)));
    assert_eq!(leader.high_watermark(), 5);
    let cut = Position {
        last_epoch: LeaderEpoch(4),
        ..at(10)
    };
    let answer = leader.on_position(NodeId(2), SessionId(1), &cut, 0, &history);
    assert_eq!(answer, Ok((Reconcile::Follow { offset: 10 }, Some(10))));
}

#[test]
fn a_follower_below_the_log_start_begins_there() {
    let mut leader = leader(&[1], 1, 100, 100);
    leader.on_open(NodeId(2), session(1)).expect("a replica");
    let answer = leader.on_position(NodeId(2), SessionId(1), &at(3), 50, &History(100));
    assert_eq!(answer, Ok((Reconcile::StartAt { offset: 50 }, None)));
    let empty = Position {
        log_start_offset: 50,
        log_end_offset: 50,
        last_epoch: LeaderEpoch::NONE,
    };
    let answer = leader.on_position(NodeId(2), SessionId(1), &empty, 50, &History(100));
    assert_eq!(answer, Ok((Reconcile::Follow { offset: 50 }, None)));
}

#[test]
fn latest_is_not_answered_before_the_epoch_start_is_committed() {
    let mut leader = leader(&[1, 2], 1, 10, 3);
    assert!(!leader.may_answer_latest());
    assert_eq!(follow(&mut leader, 2, 1, 10), Some(10));
    assert!(leader.may_answer_latest());
}

#[test]
fn an_older_registration_changes_nothing() {
    let mut leader = leader(&[1, 2], 1, 10, 0);
    assert_eq!(leader.on_registration(registration(0, &[1], 1)), None);
    assert_eq!(leader.registration().isr, [NodeId(1), NodeId(2)]);
}

#[test]
fn a_follower_joins_once_it_has_reached_the_start_of_the_epoch() {
    let mut leader = leader(&[1], 1, 10, 4);
    leader.on_append(12);
    assert_eq!(leader.high_watermark(), 12);
    follow(&mut leader, 2, 1, 9);
    assert!(!leader.has_candidate());
    assert_eq!(proposed(&mut leader, 1), None);
    assert_eq!(leader.on_ack(NodeId(2), SessionId(1), 12), Ok(None));
    assert!(leader.has_candidate());
    assert_eq!(proposed(&mut leader, 1), Some(vec![1, 2]));
    assert_eq!(proposed(&mut leader, 1), None, "one at a time");
}

#[test]
fn a_stale_high_watermark_lets_nobody_join() {
    // The ISR is 1 and 3, 3 has not spoken: the new leader does not know how much is committed.
    let mut leader = leader(&[1, 3], 1, 10, 4);
    follow(&mut leader, 2, 1, 6);
    assert_eq!(leader.high_watermark(), 4);
    assert!(!leader.has_candidate());
}

#[test]
fn whoever_is_about_to_join_counts_already() {
    let mut leader = leader(&[1], 1, 10, 10);
    follow(&mut leader, 2, 1, 10);
    assert_eq!(proposed(&mut leader, 1), Some(vec![1, 2]));
    assert_eq!(leader.on_append(20), None);
    assert_eq!(leader.on_ack(NodeId(2), SessionId(1), 20), Ok(Some(20)));
}

#[test]
fn only_a_definite_refusal_ends_a_proposal() {
    let mut leader = leader(&[1], 1, 10, 10);
    follow(&mut leader, 2, 1, 10);
    let proposal = leader.propose(Duration::ZERO, LIMITS, &|_, _| true);
    let proposal = proposal.expect("2 has caught up");
    leader.on_append(20);
    assert_eq!(leader.on_answer(&proposal, Answer::Unknown), None);
    assert_eq!(leader.in_flight(), Some(&proposal));
    assert_eq!(leader.high_watermark(), 10);
    assert_eq!(leader.on_answer(&proposal, Answer::NotApplied), Some(20));
    assert_eq!(leader.in_flight(), None);
}

#[test]
fn a_late_answer_to_a_former_proposal_changes_nothing() {
    let mut leader = leader(&[1], 1, 10, 10);
    follow(&mut leader, 2, 1, 10);
    let former = leader.propose(Duration::ZERO, LIMITS, &|_, _| true);
    leader.on_registration(registration(1, &[1], 1));
    let current = leader.propose(Duration::ZERO, LIMITS, &|_, _| true);
    leader.on_answer(&former.expect("2 may join"), Answer::NotApplied);
    assert_eq!(leader.in_flight(), current.as_ref());
}

#[test]
fn an_ineligible_broker_is_not_proposed() {
    let mut leader = leader(&[1], 1, 10, 10);
    follow(&mut leader, 2, 1, 10);
    let other_process = |_: NodeId, epoch: BrokerEpoch| epoch == BrokerEpoch(101);
    assert_eq!(leader.propose(Duration::ZERO, LIMITS, &other_process), None);
}

#[test]
fn a_follower_that_keeps_behind_leaves() {
    let mut leader = leader(&[1, 2, 3], 2, 0, 0);
    follow(&mut leader, 2, 1, 0);
    follow(&mut leader, 3, 2, 0);
    assert_eq!(proposed(&mut leader, 0), None);
    leader.on_append(10);
    assert_eq!(leader.on_ack(NodeId(2), SessionId(1), 10), Ok(None));
    assert_eq!(proposed(&mut leader, 5), None);
    assert_eq!(proposed(&mut leader, 10), None);
    assert_eq!(proposed(&mut leader, 11), Some(vec![1, 2]));
    assert_eq!(leader.high_watermark(), 0, "it still counts");
}

#[test]
fn a_busy_follower_that_keeps_up_stays() {
    let mut leader = leader(&[1, 2], 1, 0, 0);
    follow(&mut leader, 2, 1, 0);
    for second in 0..60 {
        let end = leader.on_append(leader.log_end_offset() + 10);
        assert_eq!(end, None);
        assert_eq!(proposed(&mut leader, second), None);
        let had = leader.log_end_offset();
        leader.on_append(had + 10);
        // Never at the leader's end, always where that was a moment ago.
        assert_eq!(leader.on_ack(NodeId(2), SessionId(1), had), Ok(Some(had)));
    }
}

#[test]
fn a_long_idle_follower_is_not_late_at_the_first_record() {
    let mut leader = leader(&[1, 2], 1, 0, 0);
    follow(&mut leader, 2, 1, 0);
    for minute in 0..60 {
        assert_eq!(proposed(&mut leader, minute * 5), None);
    }
    leader.on_append(10);
    assert_eq!(proposed(&mut leader, 300), None);
}

#[test]
fn a_disconnected_follower_leaves_sooner() {
    let mut leader = leader(&[1, 2], 1, 0, 0);
    follow(&mut leader, 2, 1, 0);
    leader.on_append(10);
    leader.on_disconnect(NodeId(2), SessionId(1));
    assert_eq!(proposed(&mut leader, 1), None);
    assert_eq!(proposed(&mut leader, 5), Some(vec![1]));
}

#[test]
fn a_break_of_a_former_session_concerns_nobody() {
    let mut leader = leader(&[1, 2], 1, 0, 0);
    follow(&mut leader, 2, 1, 0);
    follow(&mut leader, 2, 2, 0);
    leader.on_disconnect(NodeId(2), SessionId(1));
    let progress = leader.follower(NodeId(2)).expect("a replica");
    assert_eq!(progress.phase(), Phase::Following);
}

#[test]
fn an_in_sync_replica_that_lost_committed_records_leaves_at_once() {
    let mut leader = leader(&[1, 2, 3], 2, 10, 0);
    follow(&mut leader, 2, 1, 10);
    follow(&mut leader, 3, 2, 10);
    assert_eq!(leader.high_watermark(), 10);
    follow(&mut leader, 2, 3, 4);
    assert!(leader.has_candidate());
    assert_eq!(proposed(&mut leader, 1), Some(vec![1, 3]));
}

#[test]
fn a_follower_that_cannot_write_leaves_at_once_and_may_come_back() {
    let mut leader = leader(&[1, 2, 3], 2, 10, 0);
    follow(&mut leader, 2, 1, 10);
    follow(&mut leader, 3, 2, 10);
    leader.on_write_failure(NodeId(2), SessionId(9));
    assert!(!leader.has_candidate(), "another session");
    leader.on_write_failure(NodeId(2), SessionId(1));
    assert!(leader.has_candidate());
    assert_eq!(proposed(&mut leader, 1), Some(vec![1, 3]));
    leader.on_registration(registration(1, &[1, 3], 2));
    follow(&mut leader, 2, 3, 10);
    assert_eq!(proposed(&mut leader, 2), Some(vec![1, 2, 3]));
}

#[derive(Clone, Debug)]
enum Event {
    Append(Offset),
    Open(i32, Offset),
    Ack(i32, Offset),
    Isr(Vec<i32>, usize),
    Propose,
    Refused,
}

fn event() -> impl Strategy<Value = Event> {
    let isr = proptest::sample::subsequence(vec![2, 3], 0..=2).prop_map(|mut isr| {
        isr.insert(0, 1);
        isr
    });
    prop_oneof![
        (0i64..5).prop_map(Event::Append),
        (2i32..=3, 0i64..40).prop_map(|(node, end)| Event::Open(node, end)),
        (2i32..=3, 0i64..40).prop_map(|(node, end)| Event::Ack(node, end)),
        (isr, 1usize..=3).prop_map(|(isr, min)| Event::Isr(isr, min)),
        Just(Event::Propose),
        Just(Event::Refused),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Every advance is covered by every replica that is, or may be, in sync; and nothing goes back.
    #[test]
    fn the_high_watermark_only_covers_what_all_in_sync_replicas_have(events in proptest::collection::vec(event(), 1..80)) {
        let mut leader = leader(&[1, 2, 3], 2, 0, 0);
        // What each follower has said on its present session.
        let mut ends: BTreeMap<NodeId, (u64, Option<Offset>)> = BTreeMap::new();
        for (step, event) in (1i32..).zip(events) {
            let before = leader.high_watermark();
            let advanced = match event {
                Event::Append(count) => leader.on_append(leader.log_end_offset() + count),
                Event::Open(node, end) => {
                    let id = u64::from(step.unsigned_abs());
                    let end = end.min(leader.log_end_offset());
                    ends.insert(NodeId(node), (id, Some(end)));
                    follow(&mut leader, node, id, end)
                }
                Event::Ack(node, end) => {
                    let node = NodeId(node);
                    let Some((id, known)) = ends.get_mut(&node) else { continue };
                    match leader.on_ack(node, SessionId(*id), end) {
                        Ok(advanced) => {
                            *known = (*known).max(Some(end));
                            advanced
                        }
                        Err(error) => {
                            prop_assert_eq!(error, AckError::BeyondLogEnd { log_end_offset: leader.log_end_offset() });
                            None
                        }
                    }
                }
                Event::Isr(isr, min_isr) => leader.on_registration(registration(step, &isr, min_isr)),
                Event::Propose => {
                    leader.propose(Duration::from_secs(u64::from(step.unsigned_abs())), LIMITS, &|_, _| true);
                    None
                }
                Event::Refused => match leader.in_flight().cloned() {
                    Some(proposal) => leader.on_answer(&proposal, Answer::NotApplied),
                    None => None,
                },
            };
            prop_assert!(leader.high_watermark() >= before);
            if let Some(high_watermark) = advanced {
                prop_assert_eq!(high_watermark, leader.high_watermark());
                let isr = &leader.registration().isr;
                prop_assert!(isr.len() >= leader.registration().min_isr);
                let proposed = leader.in_flight().map(|p| p.isr.clone()).unwrap_or_default();
                for node in isr.iter().copied().chain(proposed.into_iter().map(|(node, _)| node)) {
                    let end = if node == NodeId(1) { Some(leader.log_end_offset()) } else { ends.get(&node).and_then(|(_, end)| *end) };
                    prop_assert!(end >= Some(high_watermark));
                }
            }
        }
    }
}

mod rest;
