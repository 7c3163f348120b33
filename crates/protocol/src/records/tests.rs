use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use types::{LeaderEpoch, ProducerEpoch, ProducerId};

use super::*;

const LIMIT: usize = 1 << 20;

/// A record to be: timestamp, key, value, headers.
type Input = (
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(String, Option<Vec<u8>>)>,
);

fn input() -> impl Strategy<Value = Input> {
    let bytes = || option::of(vec(any::<u8>(), 0..40));
    let headers = vec((".{0,8}", bytes()), 0..3);
    (-1..5000_i64, bytes(), bytes(), headers)
}

fn build(compression: Compression, inputs: &[Input]) -> Batch {
    let mut builder = BatchBuilder::new(compression);
    builder.set_producer(ProducerId(9), ProducerEpoch(1), 70);
    for (timestamp, key, value, headers) in inputs {
        let headers = headers_of(headers);
        let before = builder.size_in_bytes();
        builder
            .append(*timestamp, key.as_deref(), value.as_deref(), &headers)
            .unwrap();
        let bound = BatchBuilder::record_size_max(key.as_deref(), value.as_deref(), &headers);
        assert!(builder.size_in_bytes() - before <= bound);
    }
    builder.build().unwrap()
}

fn headers_of(headers: &[(String, Option<Vec<u8>>)]) -> Vec<RecordHeader> {
    headers
        .iter()
        .map(|(key, value)| RecordHeader::new(key.as_str(), value.clone().map(Bytes::from)))
        .collect()
}

fn codec() -> impl Strategy<Value = Compression> {
    (0..5_usize).prop_map(|index| Compression::ALL[index])
}

fn sample(compression: Compression) -> Batch {
    let record = |i: i64| (i * 10, Some(vec![7; 20]), Some(vec![9; 90]), Vec::new());
    build(compression, &(0..9).map(record).collect::<Vec<_>>())
}

/// Reads everything there is to read, to see that nothing panics.
fn read_all(batch: &Batch) -> bool {
    let _control = batch.control_record();
    let _found = batch.first_record_at_or_after(3, LIMIT);
    let _latest = batch.record_with_max_timestamp(LIMIT);
    let _other = recompress(batch, Compression::Lz4, LIMIT);
    batch
        .records(LIMIT)
        .is_ok_and(|mut records| records.all(|record| record.is_ok()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn records_survive_every_codec(inputs in vec(input(), 1..20), compression in codec()) {
        let batch = build(compression, &inputs);
        batch.check_crc().unwrap();
        prop_assert_eq!(&Batch::parse(&batch.bytes).unwrap(), &batch);
        let max = inputs.iter().map(|input| input.0).max();
        prop_assert_eq!(Some(batch.header.max_timestamp), max);
        let records: Vec<_> = batch.records(LIMIT).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(records.len(), inputs.len());
        for (index, (record, input)) in records.iter().zip(&inputs).enumerate() {
            prop_assert_eq!(usize::try_from(record.offset_delta), Ok(index));
            prop_assert_eq!(batch.header.timestamp_at(record.timestamp_delta), input.0);
            prop_assert_eq!(record.key.as_deref(), input.1.as_deref());
            prop_assert_eq!(record.value.as_deref(), input.2.as_deref());
            prop_assert_eq!(&record.headers, &headers_of(&input.3));
        }
    }

    #[test]
    fn a_flipped_byte_is_caught(compression in codec(), at: usize, flip in 1..=255_u8) {
        let batch = sample(compression);
        let mut bytes = batch.bytes.to_vec();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let is_outside_crc = at < 8 || (12..16).contains(&at);
        prop_assert_eq!(verify_crc(&bytes), is_outside_crc);
        for batch in split_batches(bytes.into()).filter_map(Result::ok) {
            read_all(&batch);
        }
    }

    #[test]
    fn a_cut_batch_is_incomplete(compression in codec(), cut: usize) {
        let batch = sample(compression);
        let cut = cut % batch.bytes.len();
        let mut batches = split_batches(batch.bytes.slice(..cut));
        match batches.next() {
            None => prop_assert_eq!(cut, 0),
            Some(Err(BatchError::Incomplete { needed, available })) => {
                prop_assert!(available == cut && needed > cut);
            }
            other => prop_assert!(false, "{:?}", other),
        }
        prop_assert_eq!(batches.next(), None);
    }

    #[test]
    fn damage_under_a_right_crc_never_panics(
        compression in codec(), at: usize, flip in 1..=255_u8, count: i32, cut in 0..9_usize
    ) {
        let batch = sample(compression);
        let mut payload = batch.payload().to_vec();
        let at = at % payload.len();
        payload[at] ^= flip;
        payload.truncate(payload.len() - cut);
        let mut header = batch.header;
        if flip > 128 {
            header.record_count = count;
        }
        header.batch_length -= i32::try_from(cut).unwrap();
        crc::seal(&mut header, &payload);
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(&payload);
        let batch = Batch::parse(&bytes.into()).unwrap();
        batch.check_crc().unwrap();
        read_all(&batch);
    }

    #[test]
    fn garbage_is_never_a_batch_with_a_right_crc(bytes: Vec<u8>) {
        prop_assert!(!verify_crc(&bytes));
        prop_assert!(split_batches(bytes.into()).count() < 4);
    }

    #[test]
    fn the_append_time_is_sealed_without_reading_the_records(compression in codec(), now: i64) {
        let stamped = with_log_append_time(&sample(compression), now);
        stamped.check_crc().unwrap();
        prop_assert_eq!(stamped.header.timestamp_type(), TimestampType::LogAppendTime);
        prop_assert_eq!(&Batch::parse(&stamped.bytes).unwrap(), &stamped);
        let first = stamped.first_record_at_or_after(now, LIMIT).unwrap().unwrap();
        prop_assert_eq!((first.offset, first.timestamp), (0, now));
    }
}

#[test]
fn sequence_numbers_go_from_the_largest_to_zero() {
    assert_eq!(next_sequence(i32::MAX), 0);
    assert_eq!(next_sequence(0), 1);
    let mut header = sample(Compression::None).header;
    header.base_sequence = i32::MAX - 3;
    assert_eq!(header.last_sequence(), 4);
    header.base_sequence = -1;
    assert_eq!(header.last_sequence(), -1);
}

#[test]
fn the_patched_prefix_leaves_the_crc_right() {
    let batch = sample(Compression::Zstd);
    let mut bytes = patched_prefix(&batch.header, 1234, LeaderEpoch(5)).to_vec();
    bytes.extend_from_slice(&batch.bytes[16..]);
    let patched = Batch::parse(&bytes.into()).unwrap();
    patched.check_crc().unwrap();
    assert_eq!(patched.header.base_offset, 1234);
    assert_eq!(patched.header.next_offset(), 1243);
    assert_eq!(patched.header.partition_leader_epoch, LeaderEpoch(5));
}

#[test]
fn a_record_set_is_cut_at_its_batches_without_copying() {
    let (one, two) = (sample(Compression::None), sample(Compression::Gzip));
    let set: Bytes = [&one.bytes[..], &two.bytes, &one.bytes[..70]]
        .concat()
        .into();
    let mut batches = split_batches(set.clone());
    let first = batches.next().unwrap().unwrap();
    assert_eq!(first.bytes.as_ptr(), set.as_ptr());
    assert_eq!((first, batches.next()), (one, Some(Ok(two))));
    assert!(matches!(
        batches.next(),
        Some(Err(BatchError::Incomplete { available: 70, .. }))
    ));
    assert_eq!(batches.next(), None);
}

#[test]
fn zeros_and_old_formats_are_told_apart() {
    assert_eq!(
        BatchHeader::parse(&[0; 61]),
        Err(BatchError::Length { batch_length: 0 })
    );
    let mut old = [0; 61];
    old[11] = 30;
    old[16] = 1;
    assert_eq!(
        BatchHeader::parse(&old),
        Err(BatchError::Magic { magic: 1 })
    );
}

#[test]
fn a_wrong_record_count_is_noticed_either_way() {
    for compression in Compression::ALL {
        let batch = sample(compression);
        for (count, expected_good) in [(8, 8), (10, 9)] {
            let mut batch = batch.clone();
            batch.header.record_count = count;
            let records: Vec<_> = batch.records(LIMIT).unwrap().collect();
            assert_eq!(records.len(), expected_good + 1);
            assert!(records[expected_good].is_err());
            let shapes: Vec<_> = batch.walk(LIMIT).unwrap().collect();
            assert_eq!(shapes.len(), expected_good + 1);
            assert!(shapes[expected_good].is_err());
        }
    }
}

#[test]
fn a_bomb_of_records_is_bounded_in_both_readers() {
    let mut builder = BatchBuilder::new(Compression::Zstd);
    builder
        .append(0, None, Some(&vec![0; 4 * LIMIT]), &[])
        .unwrap();
    let batch = builder.build().unwrap();
    assert!(batch.bytes.len() < 2000);
    let too_large = BatchError::DecompressedTooLarge { limit_bytes: LIMIT };
    assert_eq!(batch.records(LIMIT).unwrap_err(), too_large);
    let walked = batch.walk(LIMIT).unwrap().last();
    assert_eq!(walked, Some(Err(too_large)));
}

#[test]
fn a_header_name_that_is_no_utf_8_does_not_hide_the_record() {
    let mut builder = BatchBuilder::new(Compression::None);
    builder
        .append(0, None, None, &[RecordHeader::new("name", None)])
        .unwrap();
    let mut bytes = builder.build().unwrap().bytes.to_vec();
    let at = bytes
        .windows(4)
        .position(|window| window == b"name")
        .unwrap();
    bytes[at] = 0xff;
    let batch = Batch::parse(&bytes.into()).unwrap();
    let record = batch.records(LIMIT).unwrap().next().unwrap().unwrap();
    assert_eq!(&*record.headers[0].key, "\u{fffd}ame");
}

#[test]
fn the_builder_refuses_what_does_not_fit() {
    assert!(matches!(
        BatchBuilder::new(Compression::None).build(),
        Err(BuildError::Empty)
    ));
    let mut builder = BatchBuilder::new(Compression::None);
    builder.append(i64::MAX, None, None, &[]).unwrap();
    let error = builder.append(-2, None, None, &[]).unwrap_err();
    assert!(matches!(error, BuildError::Timestamp { .. }));
    assert_eq!(builder.record_count(), 1);
    assert_eq!(builder.build().unwrap().records(LIMIT).unwrap().count(), 1);
}
