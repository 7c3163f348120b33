//! Transactions and snapshots. Sequences are tested through the log.

use protocol::records::{BatchBuilder, Compression, Outcome};
use types::LeaderEpoch;

use super::*;

const COMMIT: EndTxnMarker = EndTxnMarker {
    outcome: Outcome::Commit,
    coordinator_epoch: 4,
};
const ABORT: EndTxnMarker = EndTxnMarker {
    outcome: Outcome::Abort,
    coordinator_epoch: 4,
};

/// One record of producer `id` at `offset`.
fn header(id: i64, sequence: i32, offset: Offset, is_transactional: bool) -> BatchHeader {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.append(1000 + offset, None, None, &[]).unwrap();
    builder
        .set_producer(ProducerId(id), ProducerEpoch(0), sequence)
        .set_base_offset(offset)
        .set_leader_epoch(LeaderEpoch(0))
        .set_transactional(is_transactional);
    builder.build().unwrap().header
}

fn marker(id: i64, offset: Offset) -> BatchHeader {
    let mut header = header(id, -1, offset, true);
    header.set_control(true);
    header
}

#[test]
fn readers_of_committed_records_stop_at_the_oldest_open_transaction() {
    let mut producers = Producers::default();
    producers.on_batch(&header(1, 0, 10, true), 0);
    producers.on_batch(&header(2, 0, 11, true), 0);
    producers.on_batch(&header(1, 1, 12, true), 0);
    assert_eq!(producers.first_unstable_offset(13), Some(10));
    let ended = producers.on_marker(&marker(1, 13), COMMIT, 0).unwrap();
    assert_eq!(
        (ended.first_offset, ended.last_offset, ended.is_aborted),
        (10, 13, false)
    );
    // A marker that is not replicated yet decides nothing.
    assert_eq!(producers.first_unstable_offset(13), Some(10));
    assert_eq!(producers.first_unstable_offset(14), Some(11));
    assert!(
        producers
            .on_marker(&marker(2, 14), ABORT, 0)
            .unwrap()
            .is_aborted
    );
    assert_eq!(producers.first_unstable_offset(14), Some(11));
    assert_eq!(producers.first_unstable_offset(15), None);
    producers.on_high_watermark(15);
    assert!(producers.ended.is_empty());
    assert_eq!(producers.on_marker(&marker(2, 15), ABORT, 0), None);
}

#[test]
fn a_producer_with_an_open_transaction_never_expires() {
    let mut producers = Producers::default();
    producers.on_batch(&header(1, 0, 10, true), 0);
    producers.on_batch(&header(2, 0, 11, false), 0);
    producers.expire(1_000_000, 10);
    assert!(producers.get(ProducerId(1)).is_some());
    assert!(producers.get(ProducerId(2)).is_none());
}

#[test]
fn a_snapshot_keeps_the_window_and_the_open_transaction() {
    let mut producers = Producers::default();
    for i in 0..9 {
        producers.on_batch(&header(1, i, i64::from(i), false), 0);
    }
    producers.on_batch(&header(2, 0, 9, true), 0);
    producers.on_batch(&header(2, 1, 10, true), 0);
    producers.on_batch(&header(3, 0, 11, true), 0);
    producers.on_marker(&marker(3, 12), COMMIT, 0);
    let bytes = snapshot::encode(&producers);
    assert_eq!(bytes.len(), 10 + 46 * (5 + 2 + 1));
    let again = snapshot::decode(&bytes, 13).unwrap();
    for id in [1, 2, 3].map(ProducerId) {
        let (old, new) = (producers.get(id).unwrap(), again.get(id).unwrap());
        assert_eq!(new.transaction_start, old.transaction_start);
        assert_eq!(new.coordinator_epoch, old.coordinator_epoch);
        assert_eq!(new.last_sequence(), old.last_sequence());
        assert_eq!(new.batches().len(), old.batches().len());
    }
    assert_eq!(again.first_unstable_offset(13), Some(9));
    assert_eq!(snapshot::encode(&again), bytes);
}

#[test]
fn snapshots_that_cannot_be_right_are_refused() {
    let mut producers = Producers::default();
    producers.on_batch(&header(1, 0, 10, false), 0);
    let bytes = snapshot::encode(&producers);
    let error = |bytes: &[u8], offset| snapshot::decode(bytes, offset).unwrap_err();
    assert_eq!(error(&bytes, 10), snapshot::SnapshotError::Entry(0));
    assert_eq!(error(&bytes[..9], 11), snapshot::SnapshotError::Length(9));
    for at in 2..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        assert_eq!(error(&damaged, 11), snapshot::SnapshotError::Crc);
    }
    let mut other = bytes;
    other[1] = 2;
    assert_eq!(error(&other, 11), snapshot::SnapshotError::Version(2));
}
