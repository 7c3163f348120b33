//! A partition's record set from a produce request: parsed and checked.

use divan::counter::BytesCount;
use divan::{Bencher, bench};
use protocol::records::{
    Compression, Rules, TimestampType, TopicCompression, Validated, validate_for_append,
};

use crate::input::{NOW_MS, Shape};

const fn sizes(record_bytes: usize, compression: Compression) -> [Shape; 3] {
    [
        Shape::new(record_bytes, 1 << 10, compression),
        Shape::new(record_bytes, 16 << 10, compression),
        Shape::new(record_bytes, 256 << 10, compression),
    ]
}

fn shapes() -> Vec<Shape> {
    [Compression::None, Compression::Lz4, Compression::Zstd]
        .into_iter()
        .flat_map(|codec| [sizes(100, codec), sizes(1024, codec)])
        .flatten()
        .collect()
}

/// What a topic with Kafka's defaults demands.
pub(crate) fn rules() -> Rules {
    Rules {
        message_bytes_max: 1_048_588,
        segment_bytes: 1 << 30,
        is_compacted: false,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: i64::MAX,
        timestamp_after_max_ms: 3_600_000,
        compression: TopicCompression::Producer,
        is_zstd_allowed: true,
        is_full_validation: false,
        decompressed_bytes_max: 64 << 20,
        now_ms: NOW_MS,
    }
}

/// Header and checksum: what every batch goes through.
#[bench(args = shapes())]
fn validate(bencher: Bencher<'_, '_>, shape: &Shape) {
    let (batch, rules) = (shape.batch(), rules());
    bencher
        .counter(BytesCount::new(batch.len()))
        .bench_local(|| validated(&batch, &rules));
}

/// Every record as well, decompressed: compacted topics.
#[bench(args = [
    Shape::new(1024, 16 << 10, Compression::None),
    Shape::new(1024, 16 << 10, Compression::Zstd),
])]
fn validate_all_records(bencher: Bencher<'_, '_>, shape: &Shape) {
    let batch = shape.batch();
    let rules = Rules {
        is_full_validation: true,
        ..rules()
    };
    bencher
        .counter(BytesCount::new(batch.len()))
        .bench_local(|| validated(&batch, &rules));
}

pub(crate) fn validated(batch: &bytes::Bytes, rules: &Rules) -> Validated {
    validate_for_append(batch, rules).expect("a sound batch")
}
