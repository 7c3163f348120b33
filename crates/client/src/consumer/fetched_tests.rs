//! What the application sees of fetched bytes.

use bytes::{Bytes, BytesMut};
use protocol::records::{BatchBuilder, Compression};
use types::{ProducerEpoch, ProducerId};

use super::*;

fn data(base_offset: Offset, count: i32, producer: i64) -> Batch {
    let mut builder = BatchBuilder::new(Compression::Gzip);
    builder
        .set_base_offset(base_offset)
        .set_producer(ProducerId(producer), ProducerEpoch(0), 0)
        .set_transactional(producer >= 0);
    for i in 0..count {
        builder
            .append(1000 + i64::from(i), None, Some(b"v"), &[])
            .expect("appends");
    }
    builder.build().expect("builds")
}

fn marker(offset: Offset, producer: i64, outcome: Outcome) -> Batch {
    let marker = EndTxnMarker {
        outcome,
        coordinator_epoch: 0,
    };
    let batch = marker
        .to_batch(ProducerId(producer), ProducerEpoch(0), 0)
        .expect("builds");
    let mut bytes = batch.bytes.to_vec();
    bytes[..8].copy_from_slice(&offset.to_be_bytes());
    Batch::parse(&bytes.into()).expect("a batch")
}

fn fetched(batches: &[Batch], aborted: Vec<AbortedTransaction>) -> Fetched {
    let mut bytes = BytesMut::new();
    batches
        .iter()
        .for_each(|batch| bytes.extend_from_slice(&batch.bytes));
    let answer = PartitionAnswer {
        error_code: 0,
        high_watermark: 100,
        preferred_read_replica: -1,
        records: bytes.freeze(),
        aborted,
    };
    Fetched::new(TopicPartition::new("t", 0), answer)
}

fn read(fetched: &mut Fetched, from: Offset, config: &ConsumerConfig) -> (Vec<Offset>, Offset) {
    let mut position = Position::new(from, 0);
    let mut records = Vec::new();
    while !fetched.is_empty() {
        fetched
            .take(&mut records, 2, &mut position, config)
            .expect("reads");
    }
    (
        records.iter().map(|r| r.offset).collect(),
        position.next_offset,
    )
}

fn committed() -> ConsumerConfig {
    ConsumerConfig {
        isolation_level: IsolationLevel::ReadCommitted,
        ..ConsumerConfig::default()
    }
}

#[test]
fn a_fetch_in_the_middle_of_a_batch_skips_what_lies_before() {
    let mut fetched = fetched(&[data(10, 5, -1)], vec![]);
    let seen = read(&mut fetched, 12, &ConsumerConfig::default());
    assert_eq!(seen, (vec![12, 13, 14], 15));
}

#[test]
fn markers_are_passed_over_and_the_position_moves_past_them() {
    let batches = [data(0, 2, 7), marker(2, 7, Outcome::Commit)];
    let seen = read(&mut fetched(&batches, vec![]), 0, &committed());
    assert_eq!(seen, (vec![0, 1], 3));
}

#[test]
fn aborted_transactions_are_hidden_from_committed_readers_only() {
    let batches = [
        data(0, 2, 7),
        data(2, 1, 8),
        marker(3, 7, Outcome::Abort),
        data(4, 1, 7),
        marker(5, 7, Outcome::Commit),
        marker(6, 8, Outcome::Commit),
    ];
    let aborted = || {
        vec![AbortedTransaction {
            producer_id: 7,
            first_offset: 0,
        }]
    };
    let seen = read(&mut fetched(&batches, aborted()), 0, &committed());
    assert_eq!(seen, (vec![2, 4], 7));
    let seen = read(
        &mut fetched(&batches, aborted()),
        0,
        &ConsumerConfig::default(),
    );
    assert_eq!(seen.0, [0, 1, 2, 4]);
}

#[test]
fn a_batch_cut_off_at_the_end_is_left_for_the_next_fetch() {
    let whole = [data(0, 2, -1), data(2, 2, -1)];
    let mut fetched = fetched(&whole, vec![]);
    let rest = fetched.batches.rest().clone();
    fetched.batches = split_batches(rest.slice(..rest.len() - 1));
    assert_eq!(
        read(&mut fetched, 0, &ConsumerConfig::default()),
        (vec![0, 1], 2)
    );
}

#[test]
fn a_flipped_bit_is_an_error_unless_checksums_are_off() {
    let batch = data(0, 1, -1);
    let mut bytes = batch.bytes.to_vec();
    // The maximum timestamp: covered by the checksum, harmless to the decoder.
    bytes[42] ^= 1;
    let flipped = [Batch::parse(&Bytes::from(bytes)).expect("a batch")];
    let mut config = ConsumerConfig::default();
    let taken = fetched(&flipped, vec![]).take(&mut vec![], 1, &mut Position::new(0, 0), &config);
    assert!(matches!(taken, Err(Error::Malformed { .. })));
    config.checks_crc = false;
    assert_eq!(read(&mut fetched(&flipped, vec![]), 0, &config).0, [0]);
}
