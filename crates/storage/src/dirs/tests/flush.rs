//! When housekeeping makes bytes durable, and which logs it comes by.

use super::*;
use crate::BACKLOG_MS_MAX;

/// More than is flushed at every round.
const MUCH_BYTES: usize = 2 << 20;

fn one(bench: &Bench) -> LogDirs {
    let dirs = bench.try_open(options(&["/d/a"])).unwrap();
    dirs.load(&|_, _| LoadDecision::Open(config()));
    dirs
}

fn create_wide(dirs: &LogDirs, partition: i32, compact: bool) -> SharedLog {
    let config = LogConfig {
        segment_bytes: 3 << 20,
        compact,
        ..config()
    };
    dirs.create_log(&tp(partition), topic_id(9), config, None)
        .unwrap()
}

fn append_much(log: &SharedLog) {
    let mut builder = BatchBuilder::new(Compression::None);
    let value = Bytes::from(vec![7; MUCH_BYTES]);
    builder
        .append(NOW_MS, Some(b"key"), Some(&value), &[])
        .unwrap();
    let batch = ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap();
    let mut log = log.lock();
    log.append_as_leader(&[batch], LeaderEpoch(0)).unwrap();
}

fn recovery_point(log: &SharedLog) -> Offset {
    log.lock().recovery_point()
}

#[test]
fn what_is_little_is_flushed_at_once_and_what_is_much_once_the_kernel_had_its_time() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let (little, much) = (create_wide(&dirs, 0, false), create_wide(&dirs, 1, false));
    append(&little, 1);
    append_much(&much);
    assert_eq!(dirs.housekeep(NOW_MS, &no_high_watermark).flushed_logs, 1);
    assert_eq!((recovery_point(&little), recovery_point(&much)), (1, 0));
    let almost_ms = NOW_MS + BACKLOG_MS_MAX - 1;
    bench.clock.set_wall_ms(almost_ms);
    append(&much, 1);
    assert_eq!(
        dirs.housekeep(almost_ms, &no_high_watermark).flushed_logs,
        0
    );
    let due_ms = almost_ms + 1;
    assert_eq!(dirs.housekeep(due_ms, &no_high_watermark).flushed_logs, 1);
    assert_eq!(recovery_point(&much), 2);
}

#[test]
fn a_large_flush_is_written_down_at_once_so_that_recovery_reads_no_more_than_it_must() {
    let bench = Bench::new();
    let dirs = one(&bench);
    append_much(&create_wide(&dirs, 1, false));
    dirs.housekeep(NOW_MS + BACKLOG_MS_MAX, &no_high_watermark);
    assert_eq!(
        bench.text("/d/a/recovery-point-offset-checkpoint"),
        "0\n1\nt 1 1\n"
    );
}

#[test]
fn a_clock_that_was_set_back_keeps_nothing_from_being_flushed() {
    let bench = Bench::new();
    let dirs = one(&bench);
    append_much(&create_wide(&dirs, 0, false));
    let report = dirs.housekeep(NOW_MS - 3_600_000, &no_high_watermark);
    assert_eq!(report.flushed_logs, 1);
}

#[test]
fn a_closed_segment_that_waits_for_compaction_is_flushed_at_once() {
    for compact in [false, true] {
        let bench = Bench::new();
        let dirs = one(&bench);
        let log = create_wide(&dirs, 0, compact);
        append_much(&log);
        assert_eq!(dirs.housekeep(NOW_MS, &no_high_watermark).flushed_logs, 0);
        append_much(&log);
        assert_eq!(log.lock().segment_count(), 2);
        let report = dirs.housekeep(NOW_MS, &no_high_watermark);
        assert_eq!(report.flushed_logs, usize::from(compact));
    }
}

#[test]
fn what_a_failed_flush_left_keeps_its_age() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let log = create_wide(&dirs, 0, false);
    append_much(&log);
    log.lock().close_unused_files();
    log.lock().close_unused_files();
    let short = Fault::Errno(24);
    bench.disk.plan(Some(Op::Open), 0, 1, short);
    let due_ms = NOW_MS + BACKLOG_MS_MAX;
    assert_eq!(dirs.housekeep(due_ms, &no_high_watermark).flushed_logs, 0);
    assert_eq!(bench.disk.planned_count(), 0);
    let report = dirs.housekeep(due_ms + 1, &no_high_watermark);
    assert_eq!(report.flushed_logs, 1);
    assert_eq!(recovery_point(&log), 1);
}

#[test]
fn whatever_is_done_to_a_log_brings_housekeeping_to_it_and_only_that() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let log = create(&dirs, 0);
    create(&dirs, 1);
    let has_come = |log: &SharedLog| !log.lock().has_chores();
    let round = |ms: i64| dirs.housekeep(NOW_MS + ms, &no_high_watermark);
    append(&log, 30);
    round(1);
    assert!(has_come(&log));
    log.lock().assign_epoch_start(LeaderEpoch(3), 30).unwrap();
    round(2);
    assert!(has_come(&log), "epochs");
    log.lock().truncate_to(25).unwrap();
    round(3);
    assert!(has_come(&log), "truncation");
    let retired = {
        let mut log = log.lock();
        log.increment_log_start(20).unwrap();
        log.delete_old_segments(25, NOW_MS).unwrap()
    };
    assert!(!retired.is_empty());
    log.lock().remove_retired(retired, NOW_MS).unwrap();
    round(4);
    assert!(log.lock().has_chores(), "files wait for their removal");
    round(50_000);
    assert!(log.lock().has_chores());
    assert_eq!(dirs.dirs[0].state().take_noted(), [tp(0)]);
}
