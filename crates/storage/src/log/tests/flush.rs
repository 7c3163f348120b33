//! What a flush that meets trouble leaves behind.

use std::io::ErrorKind;

use super::*;
use crate::disk::fault::{Fault, Op};

const EMFILE: Fault = Fault::Errno(24);
const ENFILE: Fault = Fault::Errno(23);
const ENOMEM: Fault = Fault::Error(ErrorKind::OutOfMemory);

/// Several segments, all of them closed.
fn filled(bench: &Bench) -> Log {
    let mut log = bench.create();
    for _ in 0..20 {
        append(&mut log, 1);
    }
    assert!(log.segment_count() > 1);
    log.close_files();
    log
}

#[test]
fn a_flush_that_finds_no_descriptor_is_tried_again_and_forgets_nothing() {
    for fault in [EMFILE, ENFILE, ENOMEM] {
        for k in 0.. {
            let bench = Bench::new();
            let mut log = filled(&bench);
            bench.disk.plan(Some(Op::Open), k, 1, fault);
            let result = log.flush();
            let is_hit = bench.disk.planned_count() == 0;
            if let Err(error) = result {
                assert!(!error.is_offline(), "{fault:?} {k}: {error}");
                assert_eq!(log.recovery_point(), 0);
                log.flush().unwrap();
            }
            assert_eq!(log.recovery_point(), 20);
            let expected = offsets(&log);
            drop(log);
            bench.disk.crash(None);
            let log = bench.open(20, Shutdown::PowerLoss);
            assert_eq!(offsets(&log), expected, "{fault:?} {k}");
            if !is_hit {
                assert!(k > 5, "segments, indexes, epochs and folder: {k}");
                break;
            }
        }
    }
}

#[test]
fn a_failed_fsync_is_never_tried_again_whatever_its_error() {
    for op in [Op::Sync, Op::SyncDir] {
        for fault in [Fault::Error(ErrorKind::Other), EMFILE, ENFILE, ENOMEM] {
            let bench = Bench::new();
            let mut log = filled(&bench);
            bench.disk.plan(Some(op), 0, 1, fault);
            assert!(log.flush().unwrap_err().is_offline(), "{op:?} {fault:?}");
            assert!(log.flush().unwrap_err().is_offline());
            assert_eq!(log.recovery_point(), 0);
        }
    }
}

#[test]
fn a_segment_that_is_deleted_just_before_it_is_opened_is_not_missed() {
    let mut bench = Bench::new();
    bench.config.retention_ms = None;
    let mut log = filled(&bench);
    log.increment_log_start(20).unwrap();
    let job = log.begin_flush().unwrap().unwrap();
    log.close_files();
    bench.disk.meanwhile(Op::Open, move || {
        let retired = log.delete_old_segments(20, NOW_MS).unwrap();
        assert!(!retired.is_empty());
        log.remove_retired(retired, NOW_MS).unwrap();
    });
    job.run().unwrap();
}

#[test]
fn a_flush_beside_another_one_does_not_count_without_what_that_one_still_has_to_sync() {
    let bench = Bench::new();
    let mut log = bench.create();
    log.flush().unwrap();
    for _ in 0..20 {
        append(&mut log, 1);
    }
    assert!(log.segment_count() > 1);
    let slow = log.begin_flush().unwrap().unwrap();
    append(&mut log, 1);
    let quick = log.begin_flush().unwrap().unwrap();
    let result = quick.run();
    log.finish_flush(quick, result).unwrap();
    assert_eq!(log.recovery_point(), 21);
    let expected = offsets(&log);
    bench.disk.crash(None);
    drop((log, slow));
    let log = bench.open(21, Shutdown::PowerLoss);
    assert_eq!(offsets(&log), expected);
}

#[test]
fn what_overlapping_flushes_have_synced_is_not_synced_again() {
    let bench = Bench::new();
    let mut log = filled(&bench);
    let first = log.begin_flush().unwrap().unwrap();
    let second = log.begin_flush().unwrap().unwrap();
    for job in [first, second] {
        let result = job.run();
        log.finish_flush(job, result).unwrap();
    }
    assert!(log.begin_flush().unwrap().is_none());
    append(&mut log, 1);
    bench
        .disk
        .plan(Some(Op::SyncDir), 0, 1, Fault::Error(ErrorKind::Other));
    log.flush().unwrap();
    assert_eq!(
        bench.disk.planned_count(),
        1,
        "the folder was synced before"
    );
}
