//! A record set as a stranger sends it, and each of its batches once more under a right checksum.

use bytes::Bytes;
use protocol::records::{
    Batch, BatchBuilder, Compression, Record, RecordShape, Rules, TimestampType, TopicCompression,
    crc32c, split_batches, validate_for_append, verify_crc,
};

const LIMIT_BYTES: usize = 1 << 20;

/// Whatever can be read is read the same by every reader, and by itself after it was written again.
pub fn run(data: &[u8]) {
    let mut size = 0;
    for batch in split_batches(Bytes::copy_from_slice(data)).flatten() {
        size += batch.bytes.len();
        assert_eq!(batch.header.encode()[..], batch.bytes[..61]);
        check(&sealed(&batch));
    }
    assert!(size <= data.len());
}

/// The batch with its checksum made right, to get past it.
fn sealed(batch: &Batch) -> Batch {
    let mut bytes = batch.bytes.to_vec();
    let crc = crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    let batch = Batch::parse(&bytes.into()).expect("only the checksum changed");
    assert_eq!(batch.check_crc(), Ok(()));
    batch
}

fn check(batch: &Batch) {
    let records: Option<Vec<Record>> = batch.records(LIMIT_BYTES).and_then(Iterator::collect).ok();
    if let Some(records) = &records {
        check_walk(batch, records);
        check_searches(batch, records);
        check_rebuilt(batch, records);
    }
    drop(batch.control_record());
    check_append(batch);
}

fn check_walk(batch: &Batch, records: &[Record]) {
    let shapes: Vec<RecordShape> = batch
        .walk(LIMIT_BYTES)
        .and_then(Iterator::collect)
        .expect("the records could be read");
    assert_eq!(shapes.len(), records.len());
    for (shape, record) in shapes.iter().zip(records) {
        assert_eq!(shape.offset_delta, record.offset_delta);
        assert_eq!(shape.timestamp_delta, record.timestamp_delta);
        assert_eq!(shape.has_key, record.key.is_some());
    }
}

fn check_searches(batch: &Batch, records: &[Record]) {
    let header = &batch.header;
    let timestamps = records
        .iter()
        .map(|record| header.timestamp_at(record.timestamp_delta));
    let found = batch
        .record_with_max_timestamp(LIMIT_BYTES)
        .expect("the records could be read");
    assert_eq!(found.map(|found| found.timestamp), timestamps.max());
    if let Some(found) = found {
        let first = batch.first_record_at_or_after(found.timestamp, LIMIT_BYTES);
        let is_honest = header.max_timestamp >= found.timestamp;
        assert_eq!(first, Ok(is_honest.then_some(found)));
    }
}

/// The same records come out of a batch made of them.
fn check_rebuilt(batch: &Batch, records: &[Record]) {
    let mut builder = BatchBuilder::new(Compression::None);
    for record in records {
        let timestamp = batch.header.timestamp_at(record.timestamp_delta);
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        if builder
            .append(timestamp, key, value, &record.headers)
            .is_err()
        {
            return;
        }
    }
    let Ok(rebuilt) = builder.build() else {
        return;
    };
    let again = rebuilt.records(LIMIT_BYTES).expect("what was just built");
    for (record, again) in records.iter().zip(again) {
        let again = again.expect("what was just built");
        assert_eq!(again.key, record.key);
        assert_eq!(again.value, record.value);
        assert_eq!(again.headers, record.headers);
    }
}

/// What passes full validation can be read, and has the form that the topic wants.
fn check_append(batch: &Batch) {
    for compression in [
        TopicCompression::Producer,
        TopicCompression::Fixed(Compression::Lz4),
    ] {
        let rules = rules(compression);
        let Ok(valid) = validate_for_append(&batch.bytes, &rules) else {
            continue;
        };
        let stored = valid.batch;
        assert!(verify_crc(&stored.bytes));
        assert_eq!(Batch::parse(&stored.bytes).as_ref(), Ok(&stored));
        let walk = stored.walk(LIMIT_BYTES).expect("it was walked over");
        let shapes: Vec<RecordShape> = walk.map(|shape| shape.expect("as before")).collect();
        assert_eq!(i32::try_from(shapes.len()), Ok(stored.header.record_count));
        assert!(shapes.iter().all(|shape| shape.has_key));
    }
}

fn rules(compression: TopicCompression) -> Rules {
    Rules {
        message_bytes_max: usize::MAX,
        segment_bytes: usize::MAX,
        is_compacted: true,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: i64::MAX,
        timestamp_after_max_ms: i64::MAX,
        compression,
        is_zstd_allowed: true,
        is_full_validation: true,
        decompressed_bytes_max: LIMIT_BYTES,
        now_ms: 0,
    }
}
