//! Logs that nobody has written to have no folder.

use super::*;

const EPOCHS: &str = "leader-epoch-checkpoint";

fn has_folder(bench: &Bench) -> bool {
    bench
        .names("/d/a")
        .iter()
        .any(|name| name.starts_with("t-"))
}

#[test]
fn an_empty_log_has_no_file_no_line_in_a_checkpoint_and_reads_as_empty() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let log = create(&dirs, 0);
    log.lock().assign_epoch_start(LeaderEpoch(3), 0).unwrap();
    dirs.housekeep(NOW_MS + 3_600_000, &|_| Some(0));
    {
        let mut log = log.lock();
        assert_eq!(log.latest_epoch(), LeaderEpoch(3));
        log.truncate_to(0).unwrap();
        assert_eq!(log.latest_epoch(), LeaderEpoch::NONE);
        assert_eq!(log.topic_id(), Some(topic_id(9)));
        let read = log.reader().read(0, 100, Offset::MAX, true).unwrap();
        assert!(read.bytes.is_empty());
        assert!(log.reader().read(1, 100, Offset::MAX, true).is_err());
        assert_eq!(log.offset_for_timestamp(0, Offset::MAX).unwrap(), None);
        assert_eq!(log.max_timestamp_offset(Offset::MAX).unwrap(), None);
    }
    close(&dirs, 7);
    assert!(!has_folder(&bench));
    for name in ["recovery-point", "log-start", "replication"] {
        let path = format!("/d/a/{name}-offset-checkpoint");
        let text = bench.disk.contents(Path::new(&path)).unwrap_or_default();
        assert!(!String::from_utf8(text).unwrap().contains("t 0"), "{name}");
    }
}

#[test]
fn the_first_record_brings_the_folder_and_whose_it_is_and_the_first_flush_the_epochs() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let log = create(&dirs, 0);
    log.lock().assign_epoch_start(LeaderEpoch(0), 0).unwrap();
    append(&log, 2);
    assert!(
        bench
            .text("/d/a/t-0/partition.metadata")
            .contains("topic_id")
    );
    assert!(!bench.names("/d/a/t-0").contains(&EPOCHS.to_owned()));
    dirs.housekeep(NOW_MS, &no_high_watermark);
    let path = format!("/d/a/t-0/{EPOCHS}");
    assert_eq!(bench.text(&path), "0\n1\n0 0\n");
    log.lock().assign_epoch_start(LeaderEpoch(4), 2).unwrap();
    assert_eq!(bench.text(&path), "0\n2\n0 0\n4 2\n");
}

/// Killed, or without power, anywhere near the first flush, which may find no room for the file.
#[test]
fn epochs_that_no_file_tells_yet_are_in_the_records() {
    for (is_flushed, is_full) in [(false, false), (true, false), (true, true)] {
        for seed in 0..16 {
            let bench = Bench::new();
            let dirs = one(&bench);
            let log = create(&dirs, 0);
            append(&log, 2);
            append_in(&log, LeaderEpoch(3));
            append_in(&log, LeaderEpoch(3));
            if is_full {
                let full = Fault::Error(ErrorKind::StorageFull);
                bench.disk.plan(Some(Op::Names), 0, 1, full);
            }
            if is_flushed {
                dirs.housekeep(NOW_MS, &no_high_watermark);
                assert_eq!(log.lock().recovery_point(), 4);
            }
            bench.disk.heal();
            drop((log, dirs));
            match seed {
                0 => bench.disk.kill(),
                1 if is_flushed => bench.disk.crash(None),
                seed if is_flushed => bench.disk.crash(Some(seed)),
                _ => continue,
            }
            let dirs = one(&bench);
            let log = dirs.log(&tp(0)).expect("found by its folder");
            let log = log.lock();
            assert_eq!(log.log_end_offset(), 4);
            assert_eq!(log.epoch_at(1), LeaderEpoch(0), "seed {seed}");
            assert_eq!(log.epoch_at(2), LeaderEpoch(3), "seed {seed}");
            assert_eq!(log.latest_epoch(), LeaderEpoch(3), "seed {seed}");
        }
    }
}

#[test]
fn epochs_there_was_no_room_for_are_written_and_synced_with_the_next_records() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let log = create(&dirs, 0);
    append(&log, 1);
    let full = Fault::Error(ErrorKind::StorageFull);
    bench.disk.plan(Some(Op::Names), 0, 1, full);
    dirs.housekeep(NOW_MS, &no_high_watermark);
    assert_eq!(bench.disk.planned_count(), 0);
    assert!(!bench.names("/d/a/t-0").contains(&EPOCHS.to_owned()));
    append(&log, 1);
    dirs.housekeep(NOW_MS + 1000, &no_high_watermark);
    drop((log, dirs));
    bench.disk.crash(None);
    assert_eq!(bench.text(&format!("/d/a/t-0/{EPOCHS}")), "0\n1\n0 0\n");
}

#[test]
fn a_start_that_finds_no_folder_creates_the_log_again_without_writing_anything() {
    for is_killed in [false, true] {
        let bench = Bench::new();
        let dirs = one(&bench);
        create(&dirs, 0);
        dirs.housekeep(NOW_MS + 3_600_000, &|_| Some(0));
        if !is_killed {
            close(&dirs, 7);
        }
        drop(dirs);
        bench.disk.kill();
        let dirs = one(&bench);
        assert!(dirs.log(&tp(0)).is_none());
        let calls = bench.disk.calls();
        let log = create(&dirs, 0);
        assert_eq!(log.lock().log_end_offset(), 0);
        assert!(bench.disk.calls() - calls <= 1, "it looks for a folder");
    }
}

#[test]
fn a_log_that_begins_where_the_leaders_does_has_a_folder_that_says_so() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let log = create(&dirs, 0);
    log.lock().truncate_fully_and_start_at(500).unwrap();
    dirs.housekeep(NOW_MS + 60_000, &|_| Some(500));
    drop((log, dirs));
    bench.disk.crash(None);
    let dirs = one(&bench);
    let log = dirs.log(&tp(0)).expect("found by its folder");
    assert_eq!(log.lock().log_start_offset(), 500);
}

/// Every call of the first write fails once, then the write is repeated, and the disk is killed.
#[test]
fn a_first_write_that_fails_anywhere_leaves_a_log_that_the_next_one_begins() {
    for k in 0.. {
        let bench = Bench::new();
        let dirs = one(&bench);
        let log = create(&dirs, 0);
        log.lock().assign_epoch_start(LeaderEpoch(0), 0).unwrap();
        let full = Fault::Error(ErrorKind::StorageFull);
        bench.disk.plan(None, k, 1, full);
        let first = log
            .lock()
            .append_as_leader(&[one_record(None)], LeaderEpoch(0));
        let is_hit = bench.disk.planned_count() == 0;
        bench.disk.heal();
        if first.is_err() {
            append(&log, 1);
        }
        drop((log, dirs));
        bench.disk.kill();
        let dirs = one(&bench);
        let log = dirs.log(&tp(0)).expect("found by its folder");
        assert_eq!(log.lock().topic_id(), Some(topic_id(9)), "call {k}");
        assert_eq!(log.lock().log_end_offset(), 1, "call {k}");
        if !is_hit {
            assert!(k > 4, "folder, whose it is, segment, record: {k}");
            break;
        }
    }
}

#[test]
fn of_a_file_of_whose_it_is_that_did_not_fit_nothing_is_left() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let log = create(&dirs, 0);
    bench.disk.plan(Some(Op::Write), 0, 1, Fault::Short(10));
    let full = Fault::Error(ErrorKind::StorageFull);
    bench.disk.plan(Some(Op::Write), 0, 1, full);
    assert!(log.lock().truncate_fully_and_start_at(0).is_err());
    assert_eq!(bench.disk.planned_count(), 0);
    assert!(bench.names("/d/a/t-0").is_empty());
    append(&log, 1);
    drop((log, dirs));
    bench.disk.kill();
    let dirs = one(&bench);
    let log = dirs.log(&tp(0)).expect("found by its folder");
    assert_eq!(log.lock().topic_id(), Some(topic_id(9)));
}

#[test]
fn deleting_and_setting_aside_an_empty_log_costs_the_disk_nothing_but_leaves_no_half_made_folder() {
    let bench = Bench::new();
    let dirs = one(&bench);
    for op in [Op::Sync, Op::SyncDir, Op::Names] {
        let failing = Fault::Error(ErrorKind::Other);
        bench.disk.plan(Some(op), 0, 1, failing);
    }
    create(&dirs, 0);
    dirs.delete_log(&tp(0)).unwrap();
    create(&dirs, 0);
    dirs.set_aside_stray(&tp(0)).unwrap();
    assert_eq!(bench.disk.planned_count(), 3);
    bench.disk.heal();
    create(&dirs, 0);
    bench.disk.create_dir(Path::new("/d/a/t-0")).unwrap();
    dirs.delete_log(&tp(0)).unwrap();
    assert!(!bench.names("/d/a").contains(&"t-0".to_owned()));
}
