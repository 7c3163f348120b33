//! Blocks reserved for appends to come, and what becomes of them.

use std::os::unix::fs::MetadataExt;

use super::*;
use crate::disk::RealDisk;
use crate::disk::fault::{Fault, Op};

const MIB: u64 = 1 << 20;
const FIRST: &str = "00000000000000000000.log";
/// `ENOSPC` and `EOPNOTSUPP` on Linux.
const REFUSALS: [i32; 2] = [28, 95];

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.config.segment_bytes = 12 * MIB;
    bench.config.index_interval_bytes = 4096;
    bench
}

/// A batch of a little more than 256 KiB.
fn large() -> ValidatedBatch {
    batch_of(256 << 10)
}

fn batch_of(bytes: usize) -> ValidatedBatch {
    let mut builder = BatchBuilder::new(Compression::None);
    let value = Bytes::from(vec![7; bytes]);
    builder.append(NOW_MS, None, Some(&value), &[]).unwrap();
    ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap()
}

fn fill(log: &mut Log, mebibytes: u64) {
    for _ in 0..4 * mebibytes {
        log.append_as_leader(&[large()], EPOCH).unwrap();
    }
}

fn reserved(bench: &Bench) -> usize {
    bench.disk.reserved_bytes(&bench.path(FIRST))
}

#[test]
fn a_small_log_reserves_nothing_and_a_large_one_at_most_four_mebibytes() {
    let bench = bench();
    let mut log = bench.create();
    fill(&mut log, 1);
    assert_eq!(reserved(&bench), 0);
    let mut calls = 0;
    while log.size_bytes() < 11 * MIB {
        let before = bench.disk.calls();
        log.append_as_leader(&[large()], EPOCH).unwrap();
        calls += bench.disk.calls() - before - 1;
        let size = log.size_bytes();
        assert!(reserved(&bench) as u64 <= size.min(4 * MIB));
        assert!(size + reserved(&bench) as u64 <= 12 * MIB);
        let path = bench.path(FIRST);
        assert_eq!(bench.disk.contents(&path).unwrap().len() as u64, size);
    }
    assert_eq!(calls, 4, "at 1, 2, 4 and 8 MiB, not at every append");
}

#[test]
fn a_log_that_is_synced_in_small_pieces_reserves_nothing_until_they_are_large() {
    let bench = bench();
    let mut log = bench.create();
    let small = batch_of(64 << 10);
    while log.size_bytes() < 4 * MIB {
        let batches = std::slice::from_ref(&small);
        log.append_as_leader(batches, EPOCH).unwrap();
        log.flush().unwrap();
        assert_eq!(reserved(&bench), 0);
    }
    fill(&mut log, 5);
    assert!(reserved(&bench) > 0);
}

#[test]
fn a_roll_and_a_close_give_back_what_is_reserved() {
    let bench = bench();
    let mut log = bench.create();
    fill(&mut log, 5);
    assert!(reserved(&bench) > 0);
    log.roll(log.log_end_offset()).unwrap();
    assert_eq!(reserved(&bench), 0);

    fill(&mut log, 5);
    let second = log.active_segment().path(crate::files::names::Kind::Log);
    assert!(bench.disk.reserved_bytes(&second) > 0);
    log.close().unwrap();
    assert_eq!(bench.disk.reserved_bytes(&second), 0);
    assert_eq!(bench.open(40, Shutdown::Clean).log_end_offset(), 40);
}

#[test]
fn a_roll_that_is_broken_off_leaves_nothing_reserved_in_a_sealed_segment() {
    for k in 0.. {
        let bench = bench();
        let mut log = bench.create();
        fill(&mut log, 5);
        bench.disk.plan(Some(Op::Names), k, 1, Fault::Errno(28));
        let result = log.roll(log.log_end_offset());
        bench.disk.heal();
        let mut log = bench.kill(log);
        assert_eq!(reserved(&bench), 0, "call {k}");
        if result.is_ok() {
            assert!(k > 0, "a roll makes files");
            return;
        }
        fill(&mut log, 1);
        assert_eq!(log.log_end_offset(), 24);
    }
}

#[test]
fn recovery_gives_back_what_a_killed_process_had_reserved() {
    for power_cut in [false, true] {
        let bench = bench();
        let mut log = bench.create();
        fill(&mut log, 5);
        log.flush().unwrap();
        fill(&mut log, 1);
        let recovery_point = log.recovery_point();
        drop(log);
        let shutdown = if power_cut {
            bench.disk.crash(None);
            Shutdown::PowerLoss
        } else {
            bench.disk.kill();
            Shutdown::Unclean
        };
        assert!(reserved(&bench) > 0);
        bench.clock.set_wall_ms(NOW_MS + HOUR_MS);
        let mut log = bench.open(recovery_point, shutdown);
        assert_eq!(reserved(&bench), 0);
        assert_eq!(log.log_end_offset(), if power_cut { 20 } else { 24 });
        // Retention goes by the time of the last write.
        let listed = bench.disk.list(Path::new(DIR)).unwrap();
        let file = listed.iter().find(|entry| entry.name == FIRST).unwrap();
        assert_eq!(file.modified_ms, NOW_MS);
        fill(&mut log, 2);
        assert_eq!(offsets(&log).len(), if power_cut { 28 } else { 32 });
    }
}

#[test]
fn a_truncation_gives_back_and_the_log_reserves_anew() {
    let bench = bench();
    let mut log = bench.create();
    fill(&mut log, 5);
    log.truncate_to(10).unwrap();
    assert_eq!(reserved(&bench), 0);
    fill(&mut log, 1);
    assert!(reserved(&bench) > 0);
    log.truncate_fully_and_start_at(3).unwrap();
    assert_eq!(reserved(&bench), 0);
}

#[test]
fn a_log_that_is_idle_gives_back_after_a_minute() {
    let bench = bench();
    let mut log = bench.create();
    fill(&mut log, 5);
    let before = reserved(&bench);
    bench.clock.set_wall_ms(NOW_MS + 59_999);
    log.close_unused_files();
    assert_eq!(reserved(&bench), before);
    bench.clock.set_wall_ms(NOW_MS + 60_000);
    log.close_unused_files();
    assert_eq!(reserved(&bench), 0);
    let size = log.size_bytes();
    assert_eq!(
        bench.disk.contents(&bench.path(FIRST)).unwrap().len() as u64,
        size
    );
    fill(&mut log, 1);
    assert!(reserved(&bench) > 0);
}

#[test]
fn a_refusal_fails_no_append_and_is_not_repeated_in_this_segment() {
    for errno in REFUSALS {
        let bench = bench();
        let mut log = bench.create();
        bench
            .disk
            .plan(Some(Op::Reserve), 0, 1, Fault::Errno(errno));
        fill(&mut log, 10);
        assert_eq!(bench.disk.planned_count(), 0);
        assert_eq!(reserved(&bench), 0);
        log.roll(log.log_end_offset()).unwrap();
        fill(&mut log, 5);
        let second = log.active_segment().path(crate::files::names::Kind::Log);
        assert!(bench.disk.reserved_bytes(&second) > 0);
    }
}

#[test]
fn what_a_full_disk_reserved_in_part_is_left_to_others() {
    let bench = bench();
    let mut log = bench.create();
    fill(&mut log, 1);
    bench.disk.set_capacity(Some(MIB / 2));
    log.append_as_leader(&[large()], EPOCH).unwrap_err();
    assert_eq!(reserved(&bench), 0);
    bench.disk.set_capacity(None);
    fill(&mut log, 5);
    assert_eq!(reserved(&bench), 0, "asked for once in a segment");
    assert_eq!(offsets(&log).len(), 24);
}

#[test]
fn a_disk_that_does_not_take_back_fails_no_roll() {
    let bench = bench();
    let mut log = bench.create();
    fill(&mut log, 5);
    bench.disk.plan(Some(Op::SetLen), 0, 1, Fault::Errno(5));
    log.roll(log.log_end_offset()).unwrap();
    assert_eq!(log.segment_count(), 2);
    assert!(!log.is_offline());
}

/// Bytes of blocks beyond what a file's size needs, and its time of last write.
fn surplus(path: &Path) -> (u64, i64) {
    let metadata = std::fs::metadata(path).unwrap();
    let surplus = (metadata.blocks() * 512).saturating_sub(metadata.len());
    (surplus, metadata.mtime())
}

/// Without the file system's own blocks.
fn is_little((surplus, _): (u64, i64)) -> bool {
    surplus < 128 << 10
}

#[test]
fn on_a_real_disk_the_blocks_are_free_after_a_roll_a_close_and_a_recovery() {
    let dir = tempfile::tempdir().unwrap();
    let open = |recovery_point, shutdown| {
        let bench = bench();
        let deps = LogDeps {
            disk: Arc::new(RealDisk),
            clock: Arc::clone(&bench.clock) as _,
        };
        let mut options = bench.options(recovery_point, shutdown);
        options.dir = dir.path().join("t-0");
        Log::open(options, deps).unwrap().0
    };
    let mut log = open(0, Shutdown::Clean);
    let path = log.active_segment().path(crate::files::names::Kind::Log);
    let is_supported = Disk::create(&RealDisk, &dir.path().join("probe"))
        .and_then(|file| file.reserve(0, 1))
        .is_ok();
    fill(&mut log, 5);
    assert_eq!(is_little(surplus(&path)), !is_supported);
    log.roll(log.log_end_offset()).unwrap();
    assert!(is_little(surplus(&path)), "{:?}", surplus(&path));
    assert_eq!(surplus(&path).1, NOW_MS / 1000);

    fill(&mut log, 5);
    let path = log.active_segment().path(crate::files::names::Kind::Log);
    drop(log);
    assert_eq!(is_little(surplus(&path)), !is_supported);
    let written = surplus(&path).1;
    let mut log = open(0, Shutdown::Unclean);
    assert!(is_little(surplus(&path)), "{:?}", surplus(&path));
    assert_eq!(surplus(&path).1, written);
    assert_eq!(log.log_end_offset(), 40);

    fill(&mut log, 1);
    assert_eq!(is_little(surplus(&path)), !is_supported);
    log.close().unwrap();
    assert!(is_little(surplus(&path)), "{:?}", surplus(&path));
    assert_eq!(
        std::fs::metadata(&path).unwrap().len(),
        log.active_segment().size_bytes()
    );
    assert_eq!(
        open(log.recovery_point(), Shutdown::Clean).log_end_offset(),
        44
    );
}
