//! Cutting a log back.

use std::io::ErrorKind;

use super::*;
use crate::disk::fault::Fault;

fn filled(bench: &Bench) -> Log {
    let mut log = bench.create();
    for sequence in 0..40 {
        let batch = producer_batch(1, 0, sequence, 1);
        log.append_as_leader(&[batch], LeaderEpoch(sequence / 10))
            .unwrap();
    }
    log
}

#[test]
fn truncation_takes_records_epochs_and_producers_back() {
    for flush in [false, true] {
        for offset in 0..=40 {
            let bench = Bench::new();
            let mut log = filled(&bench);
            if flush {
                log.flush().unwrap();
            }
            log.truncate_to(offset).unwrap();
            assert_eq!(log.log_end_offset(), offset);
            assert_eq!(
                offsets(&log),
                (0..offset).map(|o| (o, o)).collect::<Vec<_>>()
            );
            let latest = if offset == 0 { -1 } else { (offset - 1) / 10 };
            assert_eq!(i64::from(log.latest_epoch().0), latest);
            let next = i32::try_from(offset).unwrap();
            let send = |log: &mut Log, sequence| {
                log.append_as_leader(&[producer_batch(1, 0, sequence, 1)], LeaderEpoch(9))
            };
            if offset > 0 {
                assert!(send(&mut log, next - 1).unwrap().duplicate);
                send(&mut log, next + 1).unwrap_err();
            }
            assert_eq!(send(&mut log, next).unwrap().base_offset, offset);
            let log = bench.kill(log);
            assert_eq!(log.log_end_offset(), offset + 1, "flush {flush}");
            assert_eq!(log.end_offset_for_epoch(LeaderEpoch(9)).1, offset + 1);
        }
    }
}

#[test]
fn a_cut_within_a_batch_takes_the_whole_batch() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 5);
    append(&mut log, 5);
    log.truncate_to(7).unwrap();
    assert_eq!(log.log_end_offset(), 5);
    assert_eq!(offsets(&log), [(0, 4)]);
}

#[test]
fn empty_epochs_go_although_the_log_keeps_its_length() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 2);
    log.assign_epoch_start(LeaderEpoch(3), 2).unwrap();
    log.truncate_to(2).unwrap();
    assert_eq!(log.latest_epoch(), EPOCH);
}

#[test]
fn the_cut_is_durable_and_a_stale_recovery_point_does_not_call_it_damage() {
    let bench = Bench::new();
    let mut log = filled(&bench);
    log.flush().unwrap();
    let stale = log.recovery_point();
    log.truncate_to(13).unwrap();
    drop(log);
    bench.disk.crash(None);
    let (mut log, report) = bench.try_open(stale, Shutdown::PowerLoss).unwrap();
    assert_eq!((log.log_end_offset(), report.cut_bytes), (13, 0));
    log.flush().unwrap();
    log.on_recovery_point_persisted(13);
    assert!(
        !bench
            .names()
            .iter()
            .any(|name| name == LOWERED_RECOVERY_POINT_FILE)
    );
}

#[test]
fn what_a_killed_truncation_took_does_not_come_back_with_a_power_cut() {
    for fail_at in 0..20 {
        for recovery_point in [0, 13, 40] {
            let bench = Bench::new();
            let mut log = filled(&bench);
            log.flush().unwrap();
            drop(log);
            // What is on the disk may be more than its checkpoint knows.
            let mut log = bench.try_open(recovery_point, Shutdown::Unclean).unwrap().0;
            let failing = Fault::Error(ErrorKind::Other);
            bench.disk.plan(None, fail_at, u64::MAX, failing);
            let result = log.truncate_to(13);
            bench.disk.heal();
            drop(log);
            let log = bench.try_open(recovery_point, Shutdown::Unclean).unwrap().0;
            let end = log.log_end_offset();
            drop(log);
            bench.disk.crash(None);
            let log = bench
                .try_open(recovery_point, Shutdown::PowerLoss)
                .unwrap()
                .0;
            assert_eq!(
                log.log_end_offset(),
                end,
                "{fail_at} {recovery_point} {result:?}"
            );
        }
    }
}

#[test]
fn a_crash_at_any_call_of_a_truncation_leaves_a_log_between_old_and_new() {
    let calls = |fail_at: Option<u64>| {
        let bench = Bench::new();
        let mut log = filled(&bench);
        log.flush().unwrap();
        let before = bench.disk.calls();
        if let Some(k) = fail_at {
            bench
                .disk
                .plan(None, k, u64::MAX, Fault::Error(ErrorKind::Other));
        }
        let result = log.truncate_to(13);
        let calls = bench.disk.calls() - before;
        (bench, log, result, calls)
    };
    let (_, _, result, total) = calls(None);
    result.unwrap();
    for k in 0..total {
        for power_loss in [false, true] {
            let (bench, log, _, _) = calls(Some(k));
            let stale = 40;
            drop(log);
            let shutdown = if power_loss {
                bench.disk.crash(None);
                Shutdown::PowerLoss
            } else {
                bench.disk.kill();
                Shutdown::Unclean
            };
            let (log, _) = bench.try_open(stale, shutdown).unwrap();
            let end = log.log_end_offset();
            assert!((13..=40).contains(&end), "call {k}: {end}");
            assert_eq!(offsets(&log), (0..end).map(|o| (o, o)).collect::<Vec<_>>());
        }
    }
}

#[test]
fn readers_of_a_truncated_log_are_told_and_never_see_other_bytes() {
    let bench = Bench::new();
    let mut log = filled(&bench);
    let reader = log.reader();
    log.truncate_to(13).unwrap();
    for _ in 0..40 {
        log.append_as_leader(&[batch(1)], LeaderEpoch(9)).unwrap();
    }
    let expected = batch(1).bytes().len();
    for offset in 0..40 {
        match reader.read(offset, 1, Offset::MAX, true) {
            Ok(read) => {
                let header = split_batches(read.bytes).next().unwrap().unwrap().header;
                assert!(
                    header.partition_leader_epoch < LeaderEpoch(9),
                    "offset {offset}"
                );
                assert!(offset < 13);
            }
            Err(error) => assert!(matches!(error, ReadError::Changed), "{error}"),
        }
    }
    let read = log.reader().read(39, 1, Offset::MAX, true).unwrap();
    assert_eq!(read.bytes.len(), expected);
}

#[test]
fn a_log_may_start_again_at_another_offset() {
    let bench = Bench::new();
    let mut log = filled(&bench);
    let reader = log.reader();
    log.truncate_fully_and_start_at(1000).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (1000, 1000));
    assert!(matches!(
        reader.read(5, 1, Offset::MAX, true),
        Err(ReadError::Changed)
    ));
    log.append_as_leader(&[producer_batch(1, 0, 77, 2)], LeaderEpoch(0))
        .unwrap();
    let log = bench.kill(log);
    assert_eq!(log.log_start_offset(), 1000);
    assert_eq!(offsets(&log), [(1000, 1001)]);
}

#[test]
fn a_flush_begun_before_a_truncation_does_not_count() {
    let bench = Bench::new();
    let mut log = filled(&bench);
    let job = log.begin_flush().unwrap().unwrap();
    log.truncate_to(13).unwrap();
    for _ in 0..27 {
        append_at(&mut log);
    }
    let result = job.run();
    log.finish_flush(job, result).unwrap();
    assert_eq!(log.recovery_point(), 13);
}

fn append_at(log: &mut Log) {
    log.append_as_leader(&[batch(1)], LeaderEpoch(9)).unwrap();
}

#[test]
fn a_crash_at_any_call_of_a_fresh_start_is_never_taken_for_damage() {
    for target in [0, 13, 1000] {
        for k in 0.. {
            let bench = Bench::new();
            let mut log = filled(&bench);
            log.flush().unwrap();
            let before = bench.disk.calls();
            bench
                .disk
                .plan(None, k, u64::MAX, Fault::Error(ErrorKind::Other));
            let is_done = log.truncate_fully_and_start_at(target).is_ok();
            let calls = bench.disk.calls() - before;
            drop(log);
            bench.disk.crash((k % 2 == 0).then_some(k));
            let (log, _) = bench.try_open(40, Shutdown::PowerLoss).unwrap();
            let found = offsets(&log);
            if is_done {
                assert_eq!((log.log_end_offset(), found.len()), (target, 0));
                break;
            }
            assert!(k <= calls, "it ends");
            let end = log.log_end_offset();
            assert!((0..=40).contains(&end) || end == target, "call {k}: {end}");
        }
    }
}
