//! Which reads find out that a byte has changed on the disk, and which need not look.

use protocol::records::verify_crc;

use super::*;
use crate::Error;
use crate::disk::fault::Op;

const FIRST: &str = "00000000000000000000.log";
const BATCHES: i64 = 5;

fn filled(bench: &Bench) -> Log {
    let mut log = bench.create();
    for _ in 0..BATCHES {
        append(&mut log, 1);
    }
    log
}

/// Changes a bit in the middle of the batch with this offset; all of a file are of one size.
fn damage(bench: &Bench, file: &str, base: Offset, offset: Offset, batch_count: i64) {
    let path = bench.path(file);
    let mut bytes = bench.disk.contents(&path).unwrap();
    let middle =
        (2 * (offset - base) + 1) * i64::try_from(bytes.len()).unwrap() / (2 * batch_count);
    bytes[usize::try_from(middle).unwrap()] ^= 0x10;
    bench.disk.overwrite(&path, &bytes);
}

fn damage_first_file(bench: &Bench, offset: Offset) {
    damage(bench, FIRST, 0, offset, BATCHES);
}

/// Whether a read out of memory hands the batch out.
fn is_served(log: &Log, offset: Offset) -> bool {
    match log.reader().try_read_cached(offset, 1, Offset::MAX, true) {
        Ok(read) => {
            assert_eq!(read.first_offset, offset);
            true
        }
        Err(ReadError::WouldBlock) => false,
        Err(error) => panic!("{error}"),
    }
}

fn is_refused(log: &Log, offset: Offset) -> bool {
    let read = log.reader().read(offset, 1, Offset::MAX, true);
    matches!(read, Err(ReadError::Storage(Error::Corrupt { .. })))
}

#[test]
fn what_this_process_wrote_and_memory_holds_is_not_verified_again() {
    let bench = Bench::new();
    let log = filled(&bench);
    damage_first_file(&bench, 2);
    let read = log.reader().try_read_cached(2, 1, Offset::MAX, true);
    assert!(!verify_crc(&read.unwrap().bytes));
}

#[test]
fn whoever_may_wait_for_the_disk_verifies_everything() {
    let bench = Bench::new();
    let log = filled(&bench);
    damage_first_file(&bench, 0);
    assert!(is_refused(&log, 0) && !is_refused(&log, 1));
    // And from then on those do who may not.
    assert!(!is_served(&log, 0));
}

#[test]
fn what_was_not_in_memory_is_verified_when_it_is_there_again() {
    let bench = Bench::new();
    let mut log = filled(&bench);
    bench.disk.set_cold(true);
    assert!(!is_served(&log, 0));
    bench.disk.set_cold(false);
    // Reading ahead may have brought all of it from the disk by now, and nothing of what comes.
    append(&mut log, 1);
    for offset in [BATCHES - 1, BATCHES] {
        damage(&bench, FIRST, 0, offset, BATCHES + 1);
    }
    assert!(is_served(&log, 0));
    assert!(!is_served(&log, BATCHES - 1) && is_refused(&log, BATCHES - 1));
    append(&mut log, 1);
    damage(&bench, FIRST, 0, BATCHES + 1, BATCHES + 2);
    assert!(is_served(&log, BATCHES + 1), "written after the last wait");
}

#[test]
fn once_verified_is_enough_until_the_disk_is_read_again() {
    let bench = Bench::new();
    let log = bench.reopen(filled(&bench));
    // One after the other, as a consumer does.
    assert!(is_served(&log, 0) && is_served(&log, 1));
    damage_first_file(&bench, 0);
    damage_first_file(&bench, 2);
    assert!(is_served(&log, 0), "verified, and not read since");
    assert!(!is_served(&log, 2), "not verified yet");
    bench.disk.set_cold(true);
    assert!(!is_served(&log, 0));
    bench.disk.set_cold(false);
    assert!(!is_served(&log, 0) && is_refused(&log, 0));
}

#[test]
fn what_comes_from_the_disk_while_a_read_is_verified_stays_suspect() {
    let bench = Bench::new();
    let log = bench.reopen(filled(&bench));
    let (reader, disk) = (log.reader(), bench.disk.clone());
    bench.disk.meanwhile(Op::Read, move || {
        disk.set_cold(true);
        let cold = reader.try_read_cached(0, 1, Offset::MAX, true);
        assert!(matches!(cold, Err(ReadError::WouldBlock)));
        disk.set_cold(false);
    });
    let whole = log.reader().try_read_cached(0, 10_000, Offset::MAX, true);
    assert_eq!(whole.unwrap().next_offset, BATCHES);
    damage_first_file(&bench, 0);
    assert!(!is_served(&log, 0) && is_refused(&log, 0));
}

#[test]
fn a_walk_through_the_file_makes_it_suspect() {
    let bench = Bench::new();
    let log = filled(&bench);
    log.offset_for_timestamp(NOW_MS, Offset::MAX).unwrap();
    damage_first_file(&bench, 0);
    assert!(!is_served(&log, 0) && is_refused(&log, 0));
}

#[test]
fn what_was_there_when_the_log_was_opened_is_verified() {
    let openings: [fn(&Bench, Log) -> Log; 2] = [Bench::reopen, Bench::kill];
    for open in openings {
        let bench = Bench::new();
        let mut log = open(&bench, filled(&bench));
        append(&mut log, 1);
        damage(&bench, FIRST, 0, 0, BATCHES + 1);
        assert!(!is_served(&log, 0) && is_refused(&log, 0));
    }
}

#[test]
fn what_a_truncation_left_is_verified() {
    let bench = Bench::new();
    let mut log = filled(&bench);
    log.truncate_to(BATCHES - 1).unwrap();
    append(&mut log, 1);
    damage_first_file(&bench, 0);
    damage_first_file(&bench, BATCHES - 1);
    assert!(is_served(&log, BATCHES - 1), "written after the cut");
    assert!(!is_served(&log, 0) && is_refused(&log, 0));
}

#[test]
fn a_roll_changes_nothing() {
    let bench = Bench::new();
    let mut log = filled(&bench);
    bench.disk.set_cold(true);
    assert!(!is_served(&log, 0));
    bench.disk.set_cold(false);
    log.roll(BATCHES).unwrap();
    append(&mut log, 1);
    damage_first_file(&bench, 0);
    damage(&bench, "00000000000000000005.log", BATCHES, BATCHES, 1);
    assert!(!is_served(&log, 0) && is_served(&log, BATCHES));
}

#[test]
fn a_log_that_does_not_verify_serves_what_it_finds() {
    let mut bench = Bench::new();
    bench.config.verify_reads = false;
    let log = bench.reopen(filled(&bench));
    damage_first_file(&bench, 0);
    assert!(is_served(&log, 0) && !is_refused(&log, 0));
}
