//! Logs without records: they cost no sync, and a power cut may take them.

use super::*;

#[test]
fn creating_a_log_syncs_nothing_nor_does_keeping_it_nor_closing_it() {
    let bench = Bench::new();
    let dirs = one(&bench);
    for op in [Op::Sync, Op::SyncDir] {
        let failing = Fault::Error(ErrorKind::Other);
        bench.disk.plan(Some(op), 0, 1, failing);
    }
    let log = create(&dirs, 0);
    log.lock()
        .assign_epoch_start(LeaderEpoch(3), 0)
        .expect("written, not synced");
    dirs.housekeep(NOW_MS, &no_high_watermark);
    log.lock().close().expect("nothing to sync");
    assert_eq!(bench.disk.planned_count(), 2);
    assert!(dirs.status()[0].offline.is_none());
}

#[test]
fn a_power_cut_before_the_first_records_leaves_a_log_that_is_created_again() {
    for seed in 0..64 {
        let bench = Bench::new();
        let dirs = one(&bench);
        create(&dirs, 0);
        drop(dirs);
        bench.disk.crash((seed > 0).then_some(seed));
        let dirs = one(&bench);
        let log = create(&dirs, 0);
        assert_eq!(log.lock().topic_id(), Some(topic_id(9)), "seed {seed}");
        assert_eq!(log.lock().log_end_offset(), 0);
    }
}

#[test]
fn with_its_first_records_a_log_becomes_durable_with_its_folder_and_whose_it_is() {
    for seed in 0..64 {
        for restart in 0..3 {
            let bench = Bench::new();
            let mut dirs = one(&bench);
            create(&dirs, 0);
            match restart {
                0 => {}
                1 => {
                    close(&dirs, 7);
                    drop(dirs);
                    bench.disk.kill();
                    dirs = one(&bench);
                }
                _ => {
                    drop(dirs);
                    bench.disk.kill();
                    dirs = one(&bench);
                }
            }
            append(&create(&dirs, 0), 5);
            dirs.housekeep(NOW_MS, &no_high_watermark);
            assert_eq!(dirs.log(&tp(0)).unwrap().lock().recovery_point(), 5);
            drop(dirs);
            bench.disk.crash((seed > 0).then_some(seed));
            let dirs = one(&bench);
            let log = dirs.log(&tp(0)).expect("loaded");
            assert_eq!(log.lock().topic_id(), Some(topic_id(9)), "seed {seed}");
            assert_eq!(log.lock().log_end_offset(), 5, "seed {seed}");
        }
    }
}

#[test]
fn logs_created_together_share_the_sync_of_their_directory() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let logs: Vec<_> = (0..5).map(|i| create(&dirs, i)).collect();
    logs.iter().for_each(|log| append(log, 1));
    let failing = Fault::Error(ErrorKind::Other);
    // One of the directory, one of each folder.
    bench.disk.plan(Some(Op::SyncDir), 6, 1, failing);
    logs.iter().for_each(|log| log.lock().flush().unwrap());
    assert_eq!(bench.disk.planned_count(), 1);
}

/// The folder and its records are on the disk, whose they are is not: a later topic of the same name must
/// not get them.
#[test]
fn records_of_nobody_knows_which_topic_are_set_aside_after_a_power_cut() {
    let bench = Bench::new();
    let dirs = one(&bench);
    let log = create(&dirs, 0);
    append(&log, 5);
    let folder = log.lock().dir().to_owned();
    let file = folder.join("00000000000000000000.log");
    bench.disk.open(&file).unwrap().sync().unwrap();
    bench.disk.sync_dir(&folder).unwrap();
    bench.disk.sync_dir(Path::new("/d/a")).unwrap();
    drop((log, dirs));
    bench.disk.crash(None);
    assert_eq!(bench.text("/d/a/t-0/partition.metadata"), "");
    let dirs = one(&bench);
    assert!(dirs.log(&tp(0)).is_none());
    assert!(bench.names("/d/a").contains(&"t-0-stray".to_owned()));
    let log = create(&dirs, 0);
    assert_eq!(log.lock().log_end_offset(), 0);
}

#[test]
fn a_folder_without_records_that_is_nobodys_is_set_aside() {
    let bench = Bench::new();
    drop(one(&bench));
    bench.disk.create_dir(Path::new("/d/a/t-0")).unwrap();
    let dirs = bench.try_open(options(&["/d/a"])).unwrap();
    let report = dirs.load(&|_, _| LoadDecision::Stray);
    assert_eq!(report.strays.len(), 1);
}
