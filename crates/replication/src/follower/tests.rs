//! The follower, by transcript, and both sides together over random histories.

use proptest::prelude::*;

use super::*;
use crate::Reconcile;
use crate::epochs::reconcile;

/// Epochs with their start offsets, and the log's end: what a log's history amounts to.
pub(crate) struct Epochs(pub(crate) Vec<(i32, Offset)>, pub(crate) Offset);

impl EpochHistory for Epochs {
    fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        let latest = self.0.last().map_or(-1, |(e, _)| *e);
        if !epoch.is_known() || epoch.0 > latest {
            return (LeaderEpoch::NONE, -1);
        }
        let after = self.0.partition_point(|(e, _)| *e <= epoch.0);
        let end = self.0.get(after).map_or(self.1, |(_, start)| *start);
        let floor = after.checked_sub(1).map(|index| self.0[index].0);
        (LeaderEpoch(floor.unwrap_or(epoch.0)), end)
    }
}

const S: SessionId = SessionId(1);

fn follower(high_watermark: Offset) -> Follower {
    Follower::new(LeaderEpoch(5), Some(NodeId(1)), high_watermark)
}

fn following(high_watermark: Offset, log_end_offset: Offset) -> Follower {
    let mut follower = follower(high_watermark);
    follower.on_open(S, LeaderEpoch(5)).expect("its epoch");
    follower
        .on_follow(S, log_end_offset, log_end_offset)
        .expect("at the end");
    follower
}

#[test]
fn leaders_of_other_epochs_are_refused() {
    let mut follower = follower(0);
    let current = LeaderEpoch(5);
    let stale = follower.on_open(S, LeaderEpoch(4));
    assert_eq!(stale, Err(OpenRefusal::Stale { current }));
    let behind = follower.on_open(S, LeaderEpoch(6));
    assert_eq!(behind, Err(OpenRefusal::Behind { current }));
}

#[test]
fn records_are_taken_only_after_the_logs_are_reconciled_and_at_the_end() {
    let mut follower = follower(0);
    assert_eq!(follower.on_append(S, 0, 0), Err(Refusal::OtherSession));
    follower.on_open(S, LeaderEpoch(5)).expect("its epoch");
    assert_eq!(follower.on_append(S, 0, 0), Err(Refusal::OutOfTurn));
    assert_eq!(
        follower.on_follow(S, 7, 0),
        Err(Refusal::NotAtLogEnd { log_end_offset: 0 })
    );
    follower.on_follow(S, 0, 0).expect("at the end");
    assert_eq!(follower.on_append(S, 0, 0), Ok(()));
    assert_eq!(
        follower.on_append(S, 0, 5),
        Err(Refusal::NotAtLogEnd { log_end_offset: 5 })
    );
}

#[test]
fn a_newer_session_silences_the_former() {
    let mut follower = following(0, 0);
    let newer = SessionId(2);
    follower.on_open(newer, LeaderEpoch(5)).expect("its epoch");
    assert_eq!(follower.on_append(S, 0, 0), Err(Refusal::OtherSession));
    follower.on_close(S);
    assert_eq!(follower.phase(), Phase::Reconciling);
}

#[test]
fn the_high_watermark_reaches_no_further_than_the_log_and_never_back() {
    let mut follower = following(3, 10);
    assert_eq!(follower.on_high_watermark(S, 20, 10), Ok(Some(10)));
    assert_eq!(follower.on_high_watermark(S, 5, 10), Ok(None));
    assert_eq!(follower.high_watermark(), 10);
}

#[test]
fn cutting_committed_records_is_noticed() {
    let mut follower = follower(8);
    follower.on_open(S, LeaderEpoch(5)).expect("its epoch");
    let position = Position {
        log_start_offset: 0,
        log_end_offset: 10,
        last_epoch: LeaderEpoch(4),
    };
    let history = Epochs(vec![(2, 0), (4, 6)], 10);
    let cut = follower.on_truncate(S, LeaderEpoch(2), 9, &position, &history);
    let expected = Truncation {
        offset: 6,
        is_below_high_watermark: true,
    };
    assert_eq!(cut, Ok(expected));
    assert_eq!(follower.high_watermark(), 6);
}

#[test]
fn an_epoch_beyond_this_log_is_refused() {
    let mut follower = follower(0);
    follower.on_open(S, LeaderEpoch(5)).expect("its epoch");
    let position = Position {
        log_start_offset: 0,
        log_end_offset: 0,
        last_epoch: LeaderEpoch::NONE,
    };
    let cut = follower.on_truncate(S, LeaderEpoch(2), 9, &position, &Epochs(vec![], 0));
    assert_eq!(cut, Err(Refusal::UnknownEpoch(LeaderEpoch(2))));
}

/// A log as the epoch of each record, and epochs that were begun without one.
#[derive(Clone, Debug, Default)]
struct Log {
    records: Vec<i32>,
    epochs: Vec<(i32, Offset)>,
}

impl Log {
    fn end(&self) -> Offset {
        i64::try_from(self.records.len()).expect("short")
    }

    fn begin(&mut self, epoch: i32) {
        let end = self.end();
        self.epochs.retain(|(e, start)| *e < epoch && *start < end);
        self.epochs.push((epoch, end));
    }

    fn append(&mut self, epoch: i32) {
        if self
            .epochs
            .last()
            .is_none_or(|(latest, _)| *latest != epoch)
        {
            self.begin(epoch);
        }
        self.records.push(epoch);
    }

    fn cut(&mut self, end: Offset) {
        self.records
            .truncate(usize::try_from(end).expect("not negative"));
        self.epochs.retain(|(_, start)| *start < end);
    }

    fn history(&self) -> Epochs {
        Epochs(self.epochs.clone(), self.end())
    }

    fn position(&self) -> Position {
        Position {
            log_start_offset: 0,
            log_end_offset: self.end(),
            last_epoch: LeaderEpoch(self.epochs.last().map_or(-1, |(e, _)| *e)),
        }
    }
}

/// Makes `follower` a prefix of `leader`, as the protocol does. Returns the rounds it took.
fn reconcile_logs(leader: &Log, follower: &mut Log, epoch: i32) -> usize {
    let mut machine = Follower::new(LeaderEpoch(epoch), None, 0);
    machine.on_open(S, LeaderEpoch(epoch)).expect("its epoch");
    for round in 1..100 {
        let answer = reconcile(&follower.position(), 0, leader.end(), &leader.history());
        match answer {
            Reconcile::Follow { offset } => {
                machine
                    .on_follow(S, offset, follower.end())
                    .expect("at the end");
                return round;
            }
            Reconcile::Truncate {
                leader_epoch,
                end_offset,
            } => {
                let (position, history) = (follower.position(), follower.history());
                let cut = machine.on_truncate(S, leader_epoch, end_offset, &position, &history);
                follower.cut(cut.expect("a known epoch").offset);
            }
            Reconcile::StartAt { offset } => {
                machine.on_start_at(S, offset).expect("in turn");
                *follower = Log::default();
            }
        }
    }
    panic!("the logs never agree: {leader:?} {follower:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whoever leads in turn, each writing and reaching whom it reaches, the follower's log ends up a
    /// prefix of the leader's and loses nothing that both wrote in common.
    #[test]
    fn logs_that_parted_agree_again(history in proptest::collection::vec((0usize..3, 0usize..4, proptest::option::of((0usize..3, 0usize..4))), 1..24)) {
        let mut logs = [Log::default(), Log::default(), Log::default()];
        for (epoch, (leader, writes, reached)) in (0i32..).zip(history) {
            logs[leader].begin(epoch);
            for _ in 0..writes {
                logs[leader].append(epoch);
            }
            let Some((follower, count)) = reached.filter(|(follower, _)| *follower != leader) else { continue };
            let source = logs[leader].clone();
            let common = source.records.iter().zip(&logs[follower].records).take_while(|(a, b)| a == b).count();
            reconcile_logs(&source, &mut logs[follower], epoch);
            let target = &mut logs[follower];
            prop_assert!(source.records.starts_with(&target.records));
            prop_assert!(target.records.len() >= common, "cut more than what differs");
            let missing = source.records[target.records.len()..].iter().take(count);
            for record in missing {
                target.append(*record);
            }
        }
    }
}
