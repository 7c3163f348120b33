//! A sound log beside indexes that hold anything.

use storage::Shutdown;
use types::Offset;

use super::storage_bench::{self, Bench, NOW_MS};

const BATCHES: i32 = 30;

/// The first byte says which segment's indexes are replaced and how the process ended, the second
/// where the offset index ends and the time index begins. Every read gives the right batches.
pub fn run(data: &[u8]) {
    let [how, length, contents @ ..] = data else {
        return;
    };
    let bench = Bench::new();
    let (mut log, _) = bench.open(0, Shutdown::Clean).expect("an empty folder");
    storage_bench::fill(&mut log, BATCHES);
    log.close().expect("a healthy disk");
    let expected = storage_bench::read_all(&log).expect("a sound log");

    let middle = usize::from(*length).min(contents.len());
    let (offsets, times) = contents.split_at(middle);
    let base = if how & 1 == 0 {
        "00000000000000000000"
    } else {
        "00000000000000000044"
    };
    bench.put(&format!("{base}.index"), offsets);
    bench.put(&format!("{base}.timeindex"), times);
    let shutdown = if how & 2 == 0 {
        Shutdown::Clean
    } else {
        Shutdown::Unclean
    };
    let recovery_point = if how & 4 == 0 {
        log.recovery_point()
    } else {
        20
    };
    let (mut log, _) = bench
        .open(recovery_point, shutdown)
        .expect("the log itself is sound");
    assert_eq!(log.log_end_offset(), i64::from(2 * BATCHES));
    check_reads(&log);
    assert_eq!(
        storage_bench::read_all(&log).expect("a sound log"),
        expected
    );
    check_searches(&log);
    let cut = i64::from(how >> 3);
    if log.truncate_to(cut).is_ok() {
        assert_eq!(log.log_end_offset(), cut / 2 * 2);
        check_reads(&log);
    }
}

/// Backwards, so that no read helps the next one.
fn check_reads(log: &storage::Log) {
    let reader = log.reader();
    for offset in (log.log_start_offset()..log.log_end_offset()).rev() {
        let read = reader
            .read(offset, 1, Offset::MAX, true)
            .expect("a sound log");
        assert_eq!(read.first_offset, offset / 2 * 2);
        assert_eq!(read.next_offset, offset / 2 * 2 + 2);
    }
}

/// A time index that lies may hide a record, but never makes one up.
fn check_searches(log: &storage::Log) {
    for target in [NOW_MS - 1, NOW_MS + 17, NOW_MS + 100] {
        if let Ok(Some(found)) = log.offset_for_timestamp(target, Offset::MAX) {
            assert!(found.timestamp >= target);
            assert_eq!(found.timestamp - NOW_MS, found.offset);
        }
    }
    if let Ok(Some(found)) = log.max_timestamp_offset(Offset::MAX) {
        assert_eq!(found.timestamp - NOW_MS, found.offset);
    }
}
