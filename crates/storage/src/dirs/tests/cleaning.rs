//! What directories remember of compaction.

use std::ops::ControlFlow;

use super::*;
use crate::compact::{CleanOptions, Pace, Stopped};

const CHECKPOINT: &str = "/d/a/cleaner-offset-checkpoint";

/// One directory.
fn open(bench: &Bench) -> LogDirs {
    let dirs = bench.try_open(options(&["/d/a"])).unwrap();
    let report = dirs.load(&|_, _| LoadDecision::Open(compacted()));
    assert!(report.failed.is_empty(), "{report:?}");
    dirs
}

fn compacted() -> LogConfig {
    LogConfig {
        compact: true,
        delete: false,
        ..config()
    }
}

/// A log with more than one segment of records with the same key.
fn fill(dirs: &LogDirs) -> SharedLog {
    let log = dirs
        .create_log(&tp(0), topic_id(9), compacted(), None)
        .unwrap();
    for _ in 0..20 {
        let batch = one_record(Some(b"key"));
        let mut log = log.lock();
        log.append_as_leader(&[batch], LeaderEpoch(0)).unwrap();
    }
    dirs.housekeep(NOW_MS, &no_high_watermark);
    log
}

/// Compacts everything that is dirty; how many logs that were.
fn clean(dirs: &LogDirs) -> usize {
    let dirty = dirs.dirty_logs(NOW_MS, &|_| Some(20));
    for log in &dirty {
        try_clean(dirs, log).unwrap();
    }
    dirty.len()
}

fn try_clean(dirs: &LogDirs, log: &Dirty) -> Result<(), Stopped> {
    let mut spend = |_| ControlFlow::Continue(());
    let options = CleanOptions::default();
    dirs.clean(log, NOW_MS, &options, &mut Pace::new(&mut spend))?;
    Ok(())
}

#[test]
fn how_far_compaction_came_survives_a_restart() {
    let bench = Bench::new();
    let dirs = open(&bench);
    let log = fill(&dirs);
    assert_eq!(clean(&dirs), 1);
    let clean_offset = log.lock().clean_offset().unwrap();
    assert_eq!(
        bench.text(CHECKPOINT),
        format!("0\n1\nt 0 {clean_offset}\n")
    );
    close(&dirs, 1);
    drop((dirs, log));
    let dirs = open(&bench);
    let log = dirs.log(&tp(0)).unwrap();
    assert_eq!(log.lock().clean_offset(), Some(clean_offset));
    assert_eq!(clean(&dirs), 0);
}

#[test]
fn without_the_checkpoint_or_with_garbage_everything_is_compacted_once_more() {
    for garbage in [
        &b""[..],
        b"0\n1\n",
        b"\xff\xfe",
        b"1\n0\n",
        b"0\n1\nt 0 -7\n",
    ] {
        let bench = Bench::new();
        let dirs = open(&bench);
        fill(&dirs);
        assert_eq!(clean(&dirs), 1);
        close(&dirs, 1);
        drop(dirs);
        bench.disk.overwrite(Path::new(CHECKPOINT), garbage);
        let dirs = open(&bench);
        assert_eq!(dirs.log(&tp(0)).unwrap().lock().clean_offset(), None);
        assert_eq!(clean(&dirs), 1);
    }
}

#[test]
fn a_topic_created_again_begins_dirty() {
    let bench = Bench::new();
    let dirs = open(&bench);
    fill(&dirs);
    assert_eq!(clean(&dirs), 1);
    dirs.delete_log(&tp(0)).unwrap();
    let log = fill(&dirs);
    assert_eq!(log.lock().clean_offset(), None);
    assert_eq!(clean(&dirs), 1);
    assert!(log.lock().clean_offset().is_some());
}

#[test]
fn a_round_over_a_deleted_log_leaves_its_successor_alone() {
    for op in [Op::Open, Op::Read, Op::Write, Op::Sync, Op::SyncDir] {
        let bench = Bench::new();
        let dirs = Arc::new(open(&bench));
        fill(&dirs);
        let dirty = dirs.dirty_logs(NOW_MS, &|_| Some(20)).remove(0);
        let others = Arc::clone(&dirs);
        bench.disk.meanwhile(op, move || {
            others.delete_log(&tp(0)).unwrap();
            fill(&others);
        });
        let result = try_clean(&dirs, &dirty);
        assert!(
            matches!(result, Err(Stopped::Changed)),
            "{op:?}: {result:?}"
        );
        let successor = dirs.log(&tp(0)).unwrap();
        let names = bench.names("/d/a/t-0");
        let has_leftover = |name: &String| name.ends_with(".swap") || name.ends_with(".cleaned");
        assert!(!names.iter().any(has_leftover), "{op:?}: {names:?}");
        assert_eq!(successor.lock().clean_offset(), None);
        assert_eq!(clean(&dirs), 1);
    }
}

#[test]
fn the_dirtiest_log_comes_first_and_those_that_are_clean_enough_not_at_all() {
    let bench = Bench::new();
    let dirs = open(&bench);
    let log = fill(&dirs);
    let dirty = dirs.dirty_logs(NOW_MS, &|_| Some(20));
    assert!((dirty[0].dirtiness.ratio() - 1.0).abs() < 1e-9);
    let config = LogConfig {
        min_cleanable_dirty_ratio: 1.0,
        ..compacted()
    };
    log.lock().set_config(config.clone());
    assert_eq!(clean(&dirs), 0);
    // Unless records have waited for too long.
    let config = LogConfig {
        max_compaction_lag_ms: 1000,
        ..config
    };
    log.lock().set_config(config);
    assert!(dirs.dirty_logs(NOW_MS, &|_| Some(20)).is_empty());
    assert_eq!(dirs.dirty_logs(NOW_MS + 1001, &|_| Some(20)).len(), 1);
    // What nobody knows the high watermark of is left alone.
    assert!(dirs.dirty_logs(NOW_MS + 1001, &|_| None).is_empty());
}
