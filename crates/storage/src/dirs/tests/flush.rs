//! When housekeeping makes bytes durable, and which logs it comes by.

use super::*;

fn recovery_point(log: &SharedLog) -> Offset {
    log.lock().recovery_point()
}

#[test]
fn what_a_failed_flush_left_is_flushed_by_the_next_round() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let log = create(&dirs, 0);
    append(&log, 1);
    log.lock().close_unused_files();
    log.lock().close_unused_files();
    bench.disk.plan(Some(Op::Open), 0, 1, Fault::Errno(24));
    assert_eq!(dirs.housekeep(NOW_MS, &no_high_watermark).flushed_logs, 0);
    assert_eq!(bench.disk.planned_count(), 0);
    let report = dirs.housekeep(NOW_MS + 1, &no_high_watermark);
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
