//! A sound log beside a producer snapshot that holds anything.

use protocol::records::crc32c;
use storage::Shutdown;
use types::LeaderEpoch;

use super::storage_bench::{self, Bench};

/// The first byte says whether to make the snapshot's checksum right; the rest is the snapshot. The
/// log opens in any case, and a snapshot that is used is written back the same.
pub fn run(data: &[u8]) {
    let Some((how, contents)) = data.split_first() else {
        return;
    };
    let bench = Bench::new();
    let (mut log, _) = bench.open(0, Shutdown::Clean).expect("an empty folder");
    storage_bench::fill(&mut log, 8);
    log.close().expect("a healthy disk");
    let mut snapshot = contents.to_vec();
    if how & 1 == 0 && snapshot.len() >= 6 {
        let crc = crc32c(&snapshot[6..]);
        snapshot[2..6].copy_from_slice(&crc.to_be_bytes());
    }
    bench.put("00000000000000000016.snapshot", &snapshot);
    let (mut log, _) = bench
        .open(16, Shutdown::Clean)
        .expect("the log itself is sound");
    assert!(log.last_stable_offset(16) <= 16);
    let mut before = log.producers();
    before.sort_by_key(|producer| producer.producer_id);
    log.close().expect("a healthy disk");
    let (mut log, _) = bench.open(16, Shutdown::Clean).expect("closed cleanly");
    let mut after = log.producers();
    after.sort_by_key(|producer| producer.producer_id);
    assert_eq!(before, after);
    if let Ok(info) = log.append_as_leader(&[storage_bench::batch(8)], LeaderEpoch(0)) {
        assert!(info.duplicate || info.base_offset == 16);
    }
    log.truncate_to(6).expect("a healthy disk");
    assert_eq!(log.log_end_offset(), 6);
}
