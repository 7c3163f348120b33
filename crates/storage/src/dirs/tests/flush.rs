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

/// Many logs with their first records, and a fault at the sync of the file system, if there is one. The round
/// is over; returns how many it has flushed.
fn first_round(bench: &Bench, dirs: &LogDirs, count: i32, fault: Option<Fault>) -> usize {
    (0..count).for_each(|i| append(&create(dirs, i), 2));
    if let Some(fault) = fault {
        bench.disk.plan(Some(Op::SyncFileSystem), 0, 1, fault);
    }
    let report = dirs.housekeep(NOW_MS, &no_high_watermark);
    assert_eq!(bench.disk.planned_count(), 0, "the fault was met");
    report.flushed_logs
}

#[test]
fn many_logs_with_their_first_records_are_durable_with_one_sync() {
    for seed in [None, Some(1), Some(2)] {
        let bench = Bench::new();
        let dirs = one(&bench);
        let failing = Fault::Error(ErrorKind::Other);
        (0..100).for_each(|i| append(&create(&dirs, i), 2));
        bench.disk.plan(Some(Op::Sync), 0, 1, failing);
        bench.disk.plan(Some(Op::SyncDir), 1, 1, failing);
        let report = dirs.housekeep(NOW_MS, &no_high_watermark);
        assert_eq!(report.flushed_logs, 100);
        assert_eq!(
            bench.disk.planned_count(),
            2,
            "one sync of a directory, none of a file"
        );
        assert_eq!(recovery_point(&dirs.log(&tp(99)).unwrap()), 2);
        drop(dirs);
        bench.disk.heal();
        bench.disk.crash(seed);
        let dirs = one(&bench);
        for i in 0..100 {
            let log = dirs.log(&tp(i)).expect("found by its folder");
            assert_eq!(log.lock().log_end_offset(), 2);
            assert_eq!(log.lock().topic_id(), Some(topic_id(9)));
        }
    }
}

#[test]
fn where_a_sync_of_the_file_system_tells_nothing_or_failed_for_another_file_each_log_is_synced() {
    for kind in [ErrorKind::Unsupported, ErrorKind::StorageFull] {
        let bench = Bench::new();
        let dirs = one(&bench);
        assert_eq!(
            first_round(&bench, &dirs, 100, Some(Fault::Error(kind))),
            100
        );
        drop(dirs);
        bench.disk.crash(None);
        let dirs = one(&bench);
        for i in 0..100 {
            let log = dirs.log(&tp(i)).expect("found by its folder");
            assert_eq!(log.lock().log_end_offset(), 2, "{kind}");
        }
    }
}

#[test]
fn a_device_that_fails_in_a_sync_of_the_file_system_takes_the_directory_offline() {
    const EIO: i32 = 5;
    let bench = Bench::new();
    let dirs = one(&bench);
    assert_eq!(first_round(&bench, &dirs, 100, Some(Fault::Errno(EIO))), 0);
    assert!(dirs.status()[0].offline.is_some());
    assert_eq!(recovery_point(&dirs.log(&tp(0)).unwrap()), 0);
    let again = dirs.housekeep(NOW_MS + 1000, &no_high_watermark);
    assert_eq!(again.flushed_logs, 0);
}

#[test]
fn a_few_logs_wait_for_their_own_bytes_alone_and_so_do_many_that_were_synced_before() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let failing = Fault::Errno(5);
    bench.disk.plan(Some(Op::SyncFileSystem), 0, 1, failing);
    (0..10).for_each(|i| append(&create(&dirs, i), 2));
    assert_eq!(dirs.housekeep(NOW_MS, &no_high_watermark).flushed_logs, 10);
    bench.disk.heal();
    first_round(&bench, &dirs, 100, None);
    bench.disk.plan(Some(Op::SyncFileSystem), 0, 1, failing);
    (0..100).for_each(|i| append(&create(&dirs, i), 2));
    let report = dirs.housekeep(NOW_MS + 1000, &no_high_watermark);
    assert_eq!(report.flushed_logs, 100);
    assert_eq!(bench.disk.planned_count(), 1);
}
