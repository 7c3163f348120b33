//! Logs that go, and what housekeeping does for those that stay.

use super::*;

#[test]
fn deleted_logs_are_renamed_at_once_removed_later_and_leave_no_offsets_behind() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    append(&create(&dirs, 0), 9);
    let log = dirs.log(&tp(0)).unwrap();
    dirs.housekeep(NOW_MS + 60_000, &|_| Some(9));
    let reader = log.lock().reader();
    reader.read(8, 1, Offset::MAX, true).unwrap();
    bench.clock.set_wall_ms(NOW_MS + 60_000);
    dirs.delete_log(&tp(0)).unwrap();
    dirs.delete_log(&tp(0)).unwrap();
    assert!(log.lock().flush().unwrap_err().is_offline());
    let error = reader.read(8, 1, Offset::MAX, true).unwrap_err();
    assert!(matches!(error, crate::ReadError::Changed), "{error}");
    let deleted = |bench: &Bench| {
        let names = bench.names("/d/a").into_iter();
        names
            .filter(|name| name.ends_with("-delete"))
            .collect::<Vec<_>>()
    };
    let name = &deleted(&bench)[0];
    assert!(
        name.starts_with("t-0.") && name.len() == "t-0.-delete".len() + 32,
        "{name}"
    );
    // The same name may come back at once, and begins at 0.
    let again = dirs
        .create_log(&tp(0), topic_id(8), config(), None)
        .unwrap();
    assert_eq!(again.lock().log_end_offset(), 0);
    append(&again, 1);
    drop((dirs, log, reader, again));
    let dirs = bench.open_and_load();
    assert_eq!(dirs.log(&tp(0)).unwrap().lock().log_end_offset(), 1);
    dirs.housekeep(NOW_MS + 60_001, &no_high_watermark);
    assert!(deleted(&bench).is_empty());
}

#[test]
fn a_flush_that_a_deletion_overtakes_takes_nothing_offline() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    let log = create(&dirs, 0);
    append(&log, 9);
    let job = log.lock().begin_flush().unwrap().unwrap();
    dirs.delete_log(&tp(0)).unwrap();
    job.run().unwrap();
    assert!(dirs.status().iter().all(|dir| dir.offline.is_none()));
}

#[test]
fn retention_of_a_deleted_log_leaves_its_successor_alone() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    let old = create(&dirs, 0);
    append(&old, 9);
    let retired = {
        let mut old = old.lock();
        old.increment_log_start(9).unwrap();
        let later = NOW_MS + 365 * 24 * 3_600_000;
        old.delete_old_segments(9, later).unwrap()
    };
    assert!(!retired.is_empty());
    dirs.delete_log(&tp(0)).unwrap();
    let successor = dirs
        .create_log(&tp(0), topic_id(8), config(), None)
        .unwrap();
    append(&successor, 1);
    old.lock().remove_retired(retired, NOW_MS).unwrap();
    drop((dirs, old, successor));
    let dirs = bench.open_and_load();
    assert_eq!(dirs.log(&tp(0)).unwrap().lock().log_end_offset(), 1);
}

#[test]
fn a_folder_is_removed_only_after_the_delay() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    append(&create(&dirs, 0), 1);
    dirs.delete_log(&tp(0)).unwrap();
    let count = |bench: &Bench| {
        bench
            .names("/d/a")
            .iter()
            .filter(|n| n.contains("t-0"))
            .count()
    };
    dirs.housekeep(NOW_MS + 59_999, &no_high_watermark);
    assert_eq!(count(&bench), 1);
    dirs.housekeep(NOW_MS + 60_000, &no_high_watermark);
    assert_eq!(count(&bench), 0);
}

#[test]
fn strays_are_set_aside_by_topic_id() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    append(&create(&dirs, 0), 1);
    append(&create(&dirs, 1), 1);
    close(&dirs, 1);
    drop(dirs);
    let dirs = bench.open();
    let report = dirs.load(&|tp, id| {
        assert_eq!(id, Some(topic_id(9)));
        if tp.partition == 0 {
            LoadDecision::Stray
        } else {
            LoadDecision::Open(config())
        }
    });
    assert_eq!(report.strays, [PathBuf::from("/d/a/t-0-stray")]);
    dirs.set_aside_stray(&tp(1)).unwrap();
    assert!(bench.names("/d/b").contains(&"t-1-stray".to_owned()));
    assert!(dirs.logs().is_empty());
    close(&dirs, 2);
    drop(dirs);
    assert!(bench.open_and_load().logs().is_empty());
}

#[test]
fn a_log_of_another_topic_with_the_same_name_is_not_taken_over() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    append(&create(&dirs, 0), 1);
    dirs.create_log(&tp(0), topic_id(9), config(), None)
        .unwrap();
    dirs.create_log(&tp(0), topic_id(8), config(), None)
        .unwrap_err();
    drop(dirs);
    let dirs = bench.open();
    let error = dirs
        .create_log(&tp(0), topic_id(8), config(), None)
        .unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
}

#[test]
fn housekeeping_flushes_applies_retention_and_persists_the_start_before_files_go() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    let log = create(&dirs, 0);
    append(&log, 30);
    let report = dirs.housekeep(NOW_MS + 1, &|_| Some(30));
    assert_eq!((report.flushed_logs, report.deleted_segments), (1, 0));
    assert_eq!(log.lock().recovery_point(), 30);
    assert_eq!(dirs.housekeep(NOW_MS + 2, &|_| Some(30)).flushed_logs, 0);
    let now_ms = NOW_MS + 300_000;
    let report = dirs.housekeep(now_ms, &no_high_watermark);
    assert_eq!(report.deleted_segments, 0);
    let report = dirs.housekeep(now_ms + 300_000, &|_| Some(30));
    assert!(report.deleted_segments > 2);
    let start = log.lock().log_start_offset();
    assert!(start > 0);
    assert_eq!(
        bench.text("/d/a/log-start-offset-checkpoint"),
        format!("0\n1\nt 0 {start}\n")
    );
    assert_eq!(
        bench.text("/d/a/recovery-point-offset-checkpoint"),
        "0\n1\nt 0 30\n"
    );
    assert_eq!(
        bench.text("/d/a/replication-offset-checkpoint"),
        "0\n1\nt 0 30\n"
    );
    let has_deleted = |bench: &Bench| {
        bench
            .names("/d/a/t-0")
            .iter()
            .any(|n| n.ends_with(".deleted"))
    };
    assert!(has_deleted(&bench));
    dirs.housekeep(now_ms + 360_000, &|_| Some(30));
    assert!(!has_deleted(&bench));
}

#[test]
fn idle_logs_are_written_to_by_nobody() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    append(&create(&dirs, 0), 3);
    for minutes in 1..3 {
        dirs.housekeep(NOW_MS + minutes * 60_000, &|_| Some(3));
    }
    let calls = bench.disk.calls();
    for minutes in 3..8 {
        dirs.housekeep(NOW_MS + minutes * 60_000, &|_| Some(3));
    }
    assert_eq!(bench.disk.calls(), calls);
}

#[test]
fn deleted_records_stay_deleted_once_the_log_starts_are_written() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    let log = create(&dirs, 0);
    append(&log, 9);
    log.lock().increment_log_start(7).unwrap();
    dirs.checkpoint_log_starts().unwrap();
    drop((dirs, log));
    bench.disk.kill();
    let dirs = bench.open_and_load();
    assert_eq!(dirs.log(&tp(0)).unwrap().lock().log_start_offset(), 7);
}

#[test]
fn a_full_disk_does_not_keep_old_segments_from_being_deleted() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    let log = create(&dirs, 0);
    append(&log, 30);
    dirs.housekeep(NOW_MS + 1, &|_| Some(30));
    bench.disk.set_capacity(Some(0));
    let report = dirs.housekeep(NOW_MS + 300_000, &|_| Some(30));
    assert!(report.deleted_segments > 2);
    assert!(report.newly_offline.is_empty());
    let start = log.lock().log_start_offset();
    assert!(start > 0);
    drop((dirs, log));
    bench.disk.set_capacity(None);
    let dirs = bench.open_and_load();
    let log = dirs.log(&tp(0)).unwrap();
    assert_eq!(log.lock().log_start_offset(), start);
    append(&log, 1);
}

/// Has the owner of the second log asked about delete the first one and create it again, in the
/// same directory, with one record; returns which it was.
fn housekeep_while_a_topic_is_recreated(dirs: &LogDirs, now_ms: i64) -> TopicPartition {
    let asked = std::cell::RefCell::new(Vec::new());
    dirs.housekeep(now_ms, &|tp| {
        asked.borrow_mut().push(tp.clone());
        if let [first, _] = &asked.borrow()[..] {
            let directory = dirs.directory_of(first);
            dirs.delete_log(first).unwrap();
            let again = dirs.create_log(first, topic_id(8), config(), directory);
            append(&again.unwrap(), 1);
        }
        Some(30)
    });
    asked.into_inner().swap_remove(0)
}

/// Two logs of 30 records each, flushed, in one directory.
fn two_in_one_directory(bench: &Bench) -> LogDirs {
    let dirs = bench.try_open(options(&["/d/a"])).unwrap();
    append(&create(&dirs, 0), 30);
    append(&create(&dirs, 1), 30);
    dirs.housekeep(NOW_MS + 1, &no_high_watermark);
    dirs
}

#[test]
fn a_topic_recreated_during_retention_keeps_its_records() {
    let bench = Bench::new();
    let dirs = two_in_one_directory(&bench);
    let recreated = housekeep_while_a_topic_is_recreated(&dirs, NOW_MS + 300_000);
    drop(dirs);
    bench.disk.kill();
    let dirs = bench.try_open(options(&["/d/a"])).unwrap();
    dirs.load(&|_, _| LoadDecision::Open(config()));
    let log = dirs.log(&recreated).unwrap();
    let log = log.lock();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, 1));
}

#[test]
fn a_topic_recreated_before_a_checkpoint_inherits_no_offsets() {
    let bench = Bench::new();
    let dirs = two_in_one_directory(&bench);
    let recreated = housekeep_while_a_topic_is_recreated(&dirs, NOW_MS + 60_001);
    for name in ["recovery-point", "log-start", "replication"] {
        let text = bench.text(&format!("/d/a/{name}-offset-checkpoint"));
        let line = format!("t {} 30", recreated.partition);
        assert!(!text.contains(&line), "{name}: {text}");
    }
}

#[test]
fn checkpoints_forget_logs_that_are_gone() {
    let bench = Bench::new();
    let dirs = two_in_one_directory(&bench);
    dirs.housekeep(NOW_MS + 300_000, &|_| Some(30));
    dirs.delete_log(&tp(0)).unwrap();
    dirs.set_aside_stray(&tp(1)).unwrap();
    dirs.housekeep(NOW_MS + 600_000, &|_| Some(30));
    for name in ["recovery-point", "log-start", "replication"] {
        let text = bench.text(&format!("/d/a/{name}-offset-checkpoint"));
        assert_eq!(text, "0\n0\n", "{name}");
    }
}

#[test]
fn the_high_watermark_is_that_of_the_directory_the_log_is_in() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    create(&dirs, 0);
    append(&create(&dirs, 1), 9);
    close(&dirs, 1);
    drop(dirs);
    let path = Path::new("/d/a/replication-offset-checkpoint");
    bench.disk.overwrite(path, b"0\n2\nt 0 5\nt 1 7\n");
    let dirs = bench.open_and_load();
    assert_eq!(dirs.checkpointed_high_watermark(&tp(1)), 5);
}

#[test]
fn a_file_that_cannot_be_removed_is_tried_again_and_keeps_no_other() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    append(&create(&dirs, 0), 30);
    dirs.housekeep(NOW_MS + 300_000, &|_| Some(30));
    let deleted = || {
        let names = bench.names("/d/a/t-0").into_iter();
        names.filter(|name| name.ends_with(".deleted")).count()
    };
    assert!(deleted() > 2);
    let refused = Fault::Error(ErrorKind::PermissionDenied);
    bench.disk.plan(Some(Op::Names), 0, 1, refused);
    dirs.housekeep(NOW_MS + 360_000, &|_| Some(30));
    assert_eq!(deleted(), 1);
    dirs.housekeep(NOW_MS + 360_001, &|_| Some(30));
    assert_eq!(deleted(), 0);
}
