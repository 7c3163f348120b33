use bytes::Bytes;
use types::{ProducerEpoch, ProducerId};

use super::*;
use crate::records::{BatchBuilder, RecordIter, crc, patched_prefix, verify_crc};

const NOW: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;

fn rules() -> Rules {
    Rules {
        message_bytes_max: 1_048_588,
        segment_bytes: 1 << 30,
        is_compacted: false,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: i64::MAX,
        timestamp_after_max_ms: HOUR,
        compression: TopicCompression::Producer,
        is_zstd_allowed: true,
        is_full_validation: false,
        decompressed_bytes_max: 1 << 20,
        now_ms: NOW,
    }
}

fn batch_at(compression: Compression, timestamps: &[i64]) -> Batch {
    let mut builder = BatchBuilder::new(compression);
    for timestamp in timestamps {
        builder
            .append(*timestamp, Some(b"k"), Some(b"v"), &[])
            .unwrap();
    }
    builder.build().unwrap()
}

fn batch() -> Batch {
    batch_at(Compression::None, &[NOW, NOW - 5])
}

/// The batch with its header changed, under a right CRC.
fn with(change: impl FnOnce(&mut BatchHeader)) -> Bytes {
    let batch = batch();
    let mut header = batch.header;
    change(&mut header);
    crc::seal(&mut header, &batch.payload());
    [&header.encode()[..], &batch.payload()].concat().into()
}

fn check(records: &Bytes) -> Result<Validated, Invalid> {
    validate_for_append(records, &rules())
}

#[test]
fn a_good_batch_passes_as_a_slice_of_the_request() {
    for compression in Compression::ALL {
        let batch = batch_at(compression, &[NOW]);
        let valid = check(&batch.bytes).unwrap();
        assert_eq!(valid.batch, batch);
        assert_eq!(valid.batch.bytes.as_ptr(), batch.bytes.as_ptr());
        assert_eq!(valid.log_append_time_ms, None);
    }
}

#[test]
fn there_must_be_exactly_one_batch() {
    assert_eq!(check(&Bytes::new()), Err(Invalid::NoBatch));
    let two = [batch().bytes, batch().bytes].concat().into();
    assert_eq!(check(&two), Err(Invalid::MoreThanOneBatch));
    let tail = [&batch().bytes[..], b"x"].concat().into();
    assert_eq!(check(&tail), Err(Invalid::MoreThanOneBatch));
}

#[test]
fn old_magic_is_refused() {
    for magic in [0, 1] {
        let old = with(|header| header.magic = magic);
        assert_eq!(check(&old), Err(Invalid::OldMagic { magic }));
    }
    let future = with(|header| header.magic = 3);
    let error = BatchError::Magic { magic: 3 };
    assert_eq!(check(&future), Err(Invalid::Corrupt(error)));
}

#[test]
fn every_flipped_byte_behind_the_prefix_is_refused() {
    let good = batch().bytes;
    for at in 8..good.len() {
        let mut bytes = good.to_vec();
        bytes[at] ^= 1;
        let result = check(&bytes.into());
        let is_leader_epoch = (12..16).contains(&at);
        assert_eq!(result.is_ok(), is_leader_epoch, "byte {at}");
    }
}

#[test]
fn a_cut_batch_is_none() {
    let good = batch().bytes;
    for end in 1..good.len() {
        let result = check(&good.slice(..end));
        assert_eq!(result, Err(Invalid::NoBatch), "cut at {end}");
    }
}

#[test]
fn sizes_are_those_of_the_compressed_batch() {
    let mut builder = BatchBuilder::new(Compression::Zstd);
    builder.append(NOW, None, Some(&[0; 5000]), &[]).unwrap();
    let batch = builder.build().unwrap().bytes;
    let size_bytes = batch.len();
    let mut rules = rules();
    rules.message_bytes_max = size_bytes;
    rules.segment_bytes = size_bytes;
    assert!(validate_for_append(&batch, &rules).is_ok());
    rules.segment_bytes = size_bytes - 1;
    assert!(matches!(
        validate_for_append(&batch, &rules),
        Err(Invalid::LargerThanSegment { .. })
    ));
    rules.message_bytes_max = size_bytes - 1;
    assert_eq!(
        validate_for_append(&batch, &rules),
        Err(Invalid::TooLarge {
            size_bytes,
            max_bytes: size_bytes - 1
        })
    );
}

#[test]
fn the_header_must_make_sense() {
    let offset = with(|header| header.base_offset = 3);
    assert_eq!(check(&offset), Err(Invalid::BaseOffset { base_offset: 3 }));
    for (record_count, last_offset_delta) in [(0, -1), (2, 2), (3, 1), (-1, -2), (i32::MIN, 1)] {
        let lie = with(|header| {
            header.record_count = record_count;
            header.last_offset_delta = last_offset_delta;
        });
        assert_eq!(
            check(&lie),
            Err(Invalid::Count {
                record_count,
                last_offset_delta
            })
        );
    }
    let control = with(|header| header.set_control(true));
    assert_eq!(check(&control), Err(Invalid::Control));
    let sequence = with(|header| header.producer_id = ProducerId(1));
    assert_eq!(
        check(&sequence),
        Err(Invalid::Sequence { base_sequence: -1 })
    );
    let orphan = with(|header| header.set_transactional(true));
    assert_eq!(check(&orphan), Err(Invalid::TransactionWithoutProducer));
    let unknown = with(|header| header.attributes |= 7);
    assert!(matches!(check(&unknown), Err(Invalid::Records(_))));
}

#[test]
fn a_transaction_of_a_producer_passes() {
    let good = with(|header| {
        header.set_transactional(true);
        header.producer_id = ProducerId(1);
        header.producer_epoch = ProducerEpoch(0);
        header.base_sequence = 0;
    });
    assert!(check(&good).unwrap().batch.header.is_transactional());
}

#[test]
fn zstd_needs_a_request_that_knows_it() {
    let mut rules = rules();
    rules.is_zstd_allowed = false;
    let zstd = batch_at(Compression::Zstd, &[NOW]).bytes;
    assert_eq!(
        validate_for_append(&zstd, &rules),
        Err(Invalid::ZstdNotAllowed)
    );
}

#[test]
fn timestamps_out_of_the_window_are_named() {
    let late = [NOW, NOW + HOUR, NOW + HOUR + 1, NOW - 50 * HOUR];
    for compression in Compression::ALL {
        let batch = batch_at(compression, &late).bytes;
        let indexes = |rules: &Rules| -> Vec<i32> {
            let error = validate_for_append(&batch, rules).unwrap_err();
            assert!(matches!(error, Invalid::Timestamps { .. }));
            error
                .record_errors()
                .iter()
                .map(|record| record.index)
                .collect()
        };
        let mut rules = rules();
        assert_eq!(indexes(&rules), [2]);
        rules.timestamp_before_max_ms = 49 * HOUR;
        assert_eq!(indexes(&rules), [2, 3]);
        rules.timestamp_type = TimestampType::LogAppendTime;
        assert!(validate_for_append(&batch, &rules).is_ok());
    }
}

#[test]
fn a_producers_append_time_is_taken_back() {
    let stamped = with(|header| {
        header.set_timestamp_type(TimestampType::LogAppendTime);
        header.max_timestamp = NOW - 9;
    });
    let mut rules = rules();
    rules.is_full_validation = true;
    let valid = validate_for_append(&stamped, &rules).unwrap().batch;
    assert_eq!(valid.bytes, batch().bytes);
}

#[test]
fn a_late_record_makes_it_a_matter_of_timestamps() {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.append(NOW, None, None, &[]).unwrap();
    builder
        .append(NOW + 2 * HOUR, Some(b"k"), None, &[])
        .unwrap();
    let mut rules = rules();
    rules.is_compacted = true;
    let error = validate_for_append(&builder.build().unwrap().bytes, &rules).unwrap_err();
    assert!(matches!(error, Invalid::Timestamps { .. }));
    let indexes: Vec<i32> = error.record_errors().iter().map(|e| e.index).collect();
    assert_eq!(indexes, [0, 1]);
}

#[test]
fn no_timestamp_is_always_in_the_window() {
    let mut rules = rules();
    rules.timestamp_before_max_ms = 1;
    let batch = batch_at(Compression::None, &[-1, -1]).bytes;
    assert!(validate_for_append(&batch, &rules).is_ok());
}

#[test]
fn compacted_topics_name_the_records_without_key() {
    for compression in Compression::ALL {
        let mut builder = BatchBuilder::new(compression);
        for key in [Some(&b"a"[..]), None, Some(b""), None] {
            builder.append(NOW, key, None, &[]).unwrap();
        }
        let batch = builder.build().unwrap().bytes;
        assert!(check(&batch).is_ok());
        let mut rules = rules();
        rules.is_compacted = true;
        let error = validate_for_append(&batch, &rules).unwrap_err();
        assert!(matches!(error, Invalid::NullKeys { .. }));
        let indexes: Vec<i32> = error.record_errors().iter().map(|e| e.index).collect();
        assert_eq!(indexes, [1, 3], "{compression}");
    }
}

#[test]
fn the_list_of_culprits_is_bounded() {
    let mut builder = BatchBuilder::new(Compression::Zstd);
    for _ in 0..RECORD_ERRORS_MAX + 10 {
        builder.append(NOW, None, None, &[]).unwrap();
    }
    let mut rules = rules();
    rules.is_compacted = true;
    let error = validate_for_append(&builder.build().unwrap().bytes, &rules).unwrap_err();
    assert_eq!(error.record_errors().len(), RECORD_ERRORS_MAX);
}

#[test]
fn a_bomb_is_refused_where_records_are_looked_at() {
    let mut builder = BatchBuilder::new(Compression::Gzip);
    builder
        .append(NOW, Some(b"k"), Some(&vec![0; 2 << 20]), &[])
        .unwrap();
    let bomb = builder.build().unwrap().bytes;
    assert!(check(&bomb).is_ok(), "the header says nothing of it");
    let mut rules = rules();
    rules.is_compacted = true;
    assert_eq!(
        validate_for_append(&bomb, &rules),
        Err(Invalid::Records(BatchError::DecompressedTooLarge {
            limit_bytes: 1 << 20
        }))
    );
}

#[test]
fn full_validation_finds_lies_about_the_records() {
    let mut rules = rules();
    rules.is_full_validation = true;
    let count = with(|header| {
        header.record_count = 3;
        header.last_offset_delta = 2;
    });
    assert!(check(&count).is_ok(), "the producer's word");
    assert!(matches!(
        validate_for_append(&count, &rules),
        Err(Invalid::Records(_))
    ));
    let timestamp = with(|header| header.max_timestamp = NOW + 7);
    let valid = validate_for_append(&timestamp, &rules).unwrap();
    assert_eq!(valid.batch.header.max_timestamp, NOW);
    assert!(verify_crc(&valid.batch.bytes));
}

#[test]
fn log_append_time_stamps_every_record() {
    let mut rules = rules();
    rules.timestamp_type = TimestampType::LogAppendTime;
    for compression in Compression::ALL {
        let batch = batch_at(compression, &[1, 2, 3]).bytes;
        let valid = validate_for_append(&batch, &rules).unwrap();
        assert_eq!(valid.log_append_time_ms, Some(NOW));
        assert!(verify_crc(&valid.batch.bytes));
        let header = valid.batch.header;
        for record in valid.batch.records(1000).unwrap() {
            assert_eq!(header.timestamp_at(record.unwrap().timestamp_delta), NOW);
        }
    }
}

#[test]
fn a_topic_with_its_own_codec_recompresses_only_other_codecs() {
    for from in Compression::ALL {
        for to in Compression::ALL {
            let mut rules = rules();
            rules.compression = TopicCompression::Fixed(to);
            let batch = batch_at(from, &[NOW, NOW]);
            let valid = validate_for_append(&batch.bytes, &rules).unwrap().batch;
            assert_eq!(valid.header.compression(), Ok(to));
            let is_same = valid.bytes.as_ptr() == batch.bytes.as_ptr();
            assert_eq!(is_same, from == to, "{from} to {to}");
            assert!(verify_crc(&valid.bytes));
            assert_eq!(valid.records(1000).map(RecordIter::count), Ok(2));
        }
    }
}

#[test]
fn size_is_checked_again_after_recompression() {
    let mut builder = BatchBuilder::new(Compression::Gzip);
    builder.append(NOW, None, Some(&[0; 5000]), &[]).unwrap();
    let mut rules = rules();
    rules.message_bytes_max = 1000;
    rules.compression = TopicCompression::Fixed(Compression::None);
    assert!(matches!(
        validate_for_append(&builder.build().unwrap().bytes, &rules),
        Err(Invalid::TooLarge {
            size_bytes: 5070,
            ..
        })
    ));
}

#[test]
fn what_is_written_with_the_prefix_is_a_valid_batch() {
    let mut rules = rules();
    rules.timestamp_type = TimestampType::LogAppendTime;
    let valid = validate_for_append(&batch().bytes, &rules).unwrap().batch;
    let prefix = patched_prefix(&valid.header, 99, types::LeaderEpoch(4));
    let stored = [&prefix[..], &valid.bytes[16..]].concat();
    assert!(verify_crc(&stored));
}
