//! Disks that are full, short of descriptors, or failing, and logs whose name has another owner.

use super::*;
use crate::disk::fault::{Fault, Op};

/// `EIO`, `EMFILE` and `ENOSPC` on Linux.
const FAILING: i32 = 5;
const NO_DESCRIPTORS: i32 = 24;
const FULL: i32 = 28;

fn append_error(log: &mut Log) -> Error {
    match log.append_as_leader(&[batch(1)], EPOCH) {
        Err(AppendError::Storage(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_disk_that_fails_to_write_goes_offline_as_a_whole() {
    for op in [Op::Write, Op::Names] {
        let bench = Bench::new();
        let mut log = bench.create();
        append(&mut log, 3);
        let other = LogDeps {
            disk: Arc::new(bench.disk.clone()),
            clock: Arc::clone(&bench.clock) as _,
        };
        let mut options = bench.options(0, Shutdown::Clean);
        options.dir = PathBuf::from("/data/t-1");
        let (mut other, _) = Log::open_in(options, other, log.dir_state.clone()).unwrap();
        append(&mut other, 1);
        bench.disk.plan(Some(op), 0, 1, Fault::Errno(FAILING));
        // The second kind of failure needs a new segment.
        let error = (0..60)
            .find_map(|_| log.append_as_leader(&[batch(1)], EPOCH).err())
            .unwrap();
        assert!(
            matches!(error, AppendError::Storage(Error::Offline { .. })),
            "{error}"
        );
        assert!(append_error(&mut other).is_offline());
        assert!(log.truncate_to(1).unwrap_err().is_offline());
        let log = bench.kill(log);
        assert!(log.log_end_offset() >= 3, "{}", log.log_end_offset());
    }
}

#[test]
fn a_disk_that_fails_to_read_goes_offline_as_a_whole() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 3);
    bench.disk.plan(Some(Op::Read), 0, 1, Fault::Errno(FAILING));
    let read = log.reader().read(0, 1000, Offset::MAX, true);
    let Err(ReadError::Storage(error)) = read else {
        panic!("{read:?}");
    };
    assert!(error.is_offline());
    assert!(append_error(&mut log).is_offline());
}

#[test]
fn a_full_disk_is_a_refusal() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 1);
    bench.disk.plan(Some(Op::Write), 0, 1, Fault::Errno(FULL));
    let error = append_error(&mut log);
    assert!(error.is_disk_full() && !error.is_offline(), "{error}");
    assert_eq!(append(&mut log, 1).base_offset, 1);
}

#[test]
fn a_disk_that_fails_to_undo_a_write_goes_offline_as_a_whole() {
    let bench = Bench::new();
    let mut log = bench.create();
    append(&mut log, 1);
    bench.disk.plan(Some(Op::Write), 0, 1, Fault::Errno(FULL));
    let failing = Fault::Errno(FAILING);
    bench.disk.plan(Some(Op::SetLen), 0, 1, failing);
    assert!(append_error(&mut log).is_offline());
    assert!(log.dir_state.check().is_err(), "others have to lead");
}

#[test]
fn a_want_of_descriptors_never_takes_a_directory_offline() {
    for k in 0..200 {
        let bench = Bench::new();
        let mut log = bench.create();
        for _ in 0..30 {
            append(&mut log, 1);
        }
        log.flush().unwrap();
        let no_descriptors = Fault::Errno(NO_DESCRIPTORS);
        bench.disk.plan(Some(Op::Open), k, 1, no_descriptors);
        let result = log.truncate_to(13);
        assert!(log.dir_state.check().is_ok(), "call {k}");
        if bench.disk.planned_count() > 0 {
            result.unwrap();
            return;
        }
        bench.disk.heal();
        if log.check_online().is_ok() {
            log.truncate_to(13).unwrap();
        }
        let (log, _) = {
            drop(log);
            bench.try_open(30, Shutdown::Unclean).unwrap()
        };
        let end = log.log_end_offset();
        assert!((13..=30).contains(&end), "call {k}: {end}");
    }
    panic!("a truncation opens no end of files");
}

#[test]
fn a_truncation_that_cannot_begin_changes_nothing() {
    let bench = Bench::new();
    let mut log = bench.create();
    for _ in 0..5 {
        append(&mut log, 1);
    }
    let (log_end, before) = (log.log_end_offset(), offsets(&log));
    bench
        .disk
        .plan(Some(Op::Read), 0, 1, Fault::Errno(NO_DESCRIPTORS));
    log.truncate_to(3).unwrap_err();
    assert_eq!((log.log_end_offset(), offsets(&log)), (log_end, before));
    log.truncate_to(3).unwrap();
    assert_eq!(log.log_end_offset(), 3);
}

#[test]
fn a_truncation_that_finds_the_disk_full_may_be_tried_again() {
    let bench = Bench::new();
    let mut log = bench.create();
    for _ in 0..5 {
        append(&mut log, 1);
    }
    log.flush().unwrap();
    let full = |op| bench.disk.plan(Some(op), 0, 1, Fault::Errno(FULL));
    full(Op::Write);
    let error = log.truncate_to(3).unwrap_err();
    assert!(error.is_disk_full() && !error.is_offline(), "{error}");
    full(Op::Write);
    let error = log.truncate_fully_and_start_at(9).unwrap_err();
    assert!(error.is_disk_full() && !error.is_offline(), "{error}");
    assert_eq!(offsets(&log).len(), 5);
    log.truncate_to(3).unwrap();
    assert_eq!(log.log_end_offset(), 3);
    log.truncate_fully_and_start_at(9).unwrap();
    assert_eq!(log.log_end_offset(), 9);
}

#[test]
fn a_log_that_was_deleted_leaves_the_files_of_its_successor_alone() {
    let bench = Bench::new();
    let mut old = bench.create();
    for _ in 0..5 {
        append(&mut old, 1);
    }
    old.flush().unwrap();
    old.truncate_to(3).unwrap();
    assert!(old.is_recovery_point_lowered);
    old.retire("deleted");
    let from = Path::new(DIR);
    bench
        .disk
        .rename(from, Path::new("/data/t-0.x-delete"))
        .unwrap();

    let mut new = bench.create();
    for _ in 0..5 {
        append(&mut new, 1);
    }
    new.flush().unwrap();
    new.truncate_to(2).unwrap();
    old.on_recovery_point_persisted(3);
    assert!(
        bench
            .names()
            .iter()
            .any(|name| name == LOWERED_RECOVERY_POINT_FILE)
    );
    new.on_recovery_point_persisted(2);
    assert!(
        !bench
            .names()
            .iter()
            .any(|name| name == LOWERED_RECOVERY_POINT_FILE)
    );
}
