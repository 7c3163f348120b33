//! Batches that Kafka 4.3.1 wrote, read by us. `kafka_batches/MakeBatches.java` made them.

#![expect(clippy::unwrap_used, reason = "a test")]

use bytes::Bytes;
use protocol::records::{
    Batch, BatchError, BatchHeader, Compression, ControlRecord, EndTxnMarker, Outcome, Record,
    TimestampType, recompress, split_batches,
};
use types::{LeaderEpoch, ProducerEpoch, ProducerId};

const LIMIT: usize = 1 << 20;

/// A batch of the file, and Kafka's own reading of its records, a line each.
struct Golden {
    name: &'static str,
    batch: Batch,
    records: Vec<&'static str>,
}

fn golden() -> Vec<Golden> {
    let mut all: Vec<Golden> = Vec::new();
    for line in include_str!("kafka_batches/batches.txt").lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        match kind {
            "batch" => {
                let (name, hex) = rest.split_once(' ').unwrap();
                let mut batches = split_batches(unhex(hex));
                let batch = batches.next().unwrap().unwrap();
                assert_eq!(batches.next(), None, "{name}");
                all.push(Golden {
                    name,
                    batch,
                    records: Vec::new(),
                });
            }
            _ => all.last_mut().unwrap().records.push(rest),
        }
    }
    all
}

fn named(name: &str) -> Batch {
    let found = golden().into_iter().find(|golden| golden.name == name);
    found.unwrap().batch
}

#[test]
fn every_record_is_read_as_kafka_reads_it() {
    let all = golden();
    assert_eq!(all.len(), 21);
    for Golden {
        name,
        batch,
        records,
    } in all
    {
        batch.check_crc().unwrap();
        assert_eq!(batch.header.encode(), batch.bytes[..61], "{name}");
        let read: Vec<String> = batch
            .records(LIMIT)
            .unwrap()
            .map(|record| line(&batch.header, &record.unwrap()))
            .collect();
        assert_eq!(read, records, "{name}");
    }
}

#[test]
fn the_walk_sees_the_same_offsets_timestamps_and_keys() {
    for Golden {
        name,
        batch,
        records,
    } in golden()
    {
        let seen: Vec<String> = batch
            .walk(LIMIT)
            .unwrap()
            .map(|shape| {
                let shape = shape.unwrap();
                let offset = batch.header.offset_at(shape.offset_delta);
                let timestamp = batch.header.timestamp_at(shape.timestamp_delta);
                format!("{offset} {timestamp} {}", shape.has_key)
            })
            .collect();
        let expected: Vec<String> = records
            .iter()
            .map(|line| {
                let fields: Vec<&str> = line.split(' ').collect();
                format!("{} {} {}", fields[0], fields[1], fields[2] != "-")
            })
            .collect();
        assert_eq!(seen, expected, "{name}");
    }
}

#[test]
fn headers_say_what_kafka_put_in() {
    for compression in Compression::ALL {
        let header = named(&format!("{compression}-transactional")).header;
        assert_eq!(header.compression(), Ok(compression));
        assert!(header.is_transactional() && !header.is_control());
        assert_eq!((header.base_offset, header.last_offset()), (5, 8));
        assert_eq!(header.partition_leader_epoch, LeaderEpoch(9));
        assert_eq!(header.producer_id, ProducerId(4000));
        assert_eq!(header.producer_epoch, ProducerEpoch(3));
        assert_eq!(
            (header.base_sequence, header.last_sequence()),
            (i32::MAX - 1, 1)
        );
        let header = named(&format!("{compression}-append-time")).header;
        assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!(header.last_sequence(), -1);
    }
}

#[test]
fn markers_are_read() {
    for (name, outcome) in [
        ("marker-abort", Outcome::Abort),
        ("marker-commit", Outcome::Commit),
    ] {
        let marker = EndTxnMarker {
            outcome,
            coordinator_epoch: 12,
        };
        let control = named(name).control_record().unwrap();
        assert_eq!(control, Some(ControlRecord::EndTxn(marker)));
    }
}

#[test]
fn timestamps_find_the_exact_record() {
    for compression in Compression::ALL {
        let batch = named(&format!("{compression}-mixed"));
        let find = |target| {
            let found = batch.first_record_at_or_after(target, LIMIT).unwrap();
            found.map(|found| (found.offset, found.timestamp))
        };
        assert_eq!(find(0), Some((100, 1_700_000_000_500)));
        assert_eq!(find(1_700_000_000_501), Some((102, 1_700_000_000_900)));
        assert_eq!(find(1_700_000_000_901), None);
        let latest = batch.record_with_max_timestamp(LIMIT).unwrap().unwrap();
        assert_eq!(latest.offset, 102, "the first of two");
    }
}

#[test]
fn any_codec_can_be_made_of_any_other() {
    let from_all = golden().into_iter().filter(|g| g.name.ends_with("-mixed"));
    for Golden { name, batch, .. } in from_all {
        for to in Compression::ALL {
            let changed = recompress(&batch, to, LIMIT).unwrap();
            changed.check_crc().unwrap();
            assert_eq!(changed.header.compression(), Ok(to));
            assert_eq!(Batch::parse(&changed.bytes).unwrap(), changed);
            let records = |batch: &Batch| -> Vec<Result<Record, BatchError>> {
                batch.records(LIMIT).unwrap().collect()
            };
            assert_eq!(records(&changed), records(&batch), "{name} to {to}");
        }
    }
}

fn line(header: &BatchHeader, record: &Record) -> String {
    let mut line = format!(
        "{} {} {} {}",
        header.offset_at(record.offset_delta),
        header.timestamp_at(record.timestamp_delta),
        field(record.key.as_deref()),
        field(record.value.as_deref()),
    );
    for header in &record.headers {
        let value = field(header.value.as_deref());
        line += &format!(" {}={value}", hex(header.key.as_bytes()));
    }
    line
}

/// As `MakeBatches.java` prints it.
fn field(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "-".into(),
        Some(bytes) if bytes.len() <= 64 => hex(bytes),
        Some(bytes) => format!("{}*{}", bytes.len(), hex(&bytes[..3])),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Bytes {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}
