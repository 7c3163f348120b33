//! Batches of records, and the requests that carry them, built before the clock starts.

use anyhow::{Result, ensure};
use bytes::Bytes;
use protocol::RecordSet;
use protocol::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use protocol::records::{BatchBuilder, Compression};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use types::{Clock as _, ErrorCode, SystemClock};

use crate::args::Args;
use crate::link;

/// Names its topics, as most clients do; the newest versions name them by id.
pub(crate) const PRODUCE_VERSION: i16 = 11;
const TIMEOUT_MS: i32 = 30_000;
/// What a record adds to its value, at most, in batches of ours.
const RECORD_OVERHEAD: usize = 16;
/// Sorts of words in records that compress.
const WORDS: usize = 256;

/// One batch and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) bytes: Bytes,
    pub(crate) record_count: u64,
    /// Bytes of the records' values, uncompressed: what is counted as payload.
    pub(crate) value_bytes: u64,
}

/// What batches shall be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Bytes of each record's value.
    pub(crate) record_bytes: usize,
    /// The batch is full when another record would make it larger; one record is always in.
    pub(crate) batch_bytes: usize,
    pub(crate) compression: Compression,
}

impl Shape {
    pub(crate) fn from_args(args: &Args) -> Result<Self> {
        Ok(Self {
            record_bytes: args.number("size", 1024)?,
            batch_bytes: args.number("batch", 65_536)?,
            compression: args.compression()?,
        })
    }

    /// A batch; other seeds have other bytes.
    pub(crate) fn batch(&self, seed: u64) -> Result<Prepared> {
        let mut random = SmallRng::seed_from_u64(seed);
        let now_ms = SystemClock::new().wall_ms();
        let mut builder = BatchBuilder::with_capacity(self.compression, self.batch_bytes);
        loop {
            let value = self.value(&mut random);
            builder.append(now_ms, None, Some(&value), &[])?;
            let next = builder.size_in_bytes() + self.record_bytes + RECORD_OVERHEAD;
            if next > self.batch_bytes {
                break;
            }
        }
        let record_count = u64::try_from(builder.record_count())?;
        Ok(Prepared {
            bytes: builder.build()?.bytes,
            record_count,
            value_bytes: record_count * self.record_bytes as u64,
        })
    }

    /// Random bytes, or words for codecs to find again.
    fn value(&self, random: &mut SmallRng) -> Vec<u8> {
        let mut value = vec![0; self.record_bytes];
        if self.compression == Compression::None {
            random.fill(&mut value[..]);
            return value;
        }
        let mut rest = &mut value[..];
        while !rest.is_empty() {
            let word = format!("word-{:x} ", random.random_range(0..WORDS) * 7919);
            let length = word.len().min(rest.len());
            let (here, later) = rest.split_at_mut(length);
            here.copy_from_slice(&word.as_bytes()[..length]);
            rest = later;
        }
        value
    }
}

/// A request that appends batches to partitions of one topic.
pub(crate) fn request(topic: &str, acks: i16, batches: Vec<(i32, Bytes)>) -> Result<Vec<u8>> {
    let partition_data = batches
        .into_iter()
        .map(|(index, batch)| PartitionProduceData {
            index,
            records: Some(RecordSet::from(batch)),
        });
    let request = ProduceRequest {
        acks,
        timeout_ms: TIMEOUT_MS,
        topic_data: vec![TopicProduceData {
            name: topic.into(),
            partition_data: partition_data.collect(),
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    link::frame(&request, PRODUCE_VERSION)
}

/// Every partition took its batch, or the first one that did not says why.
pub(crate) fn check(response: &ProduceResponse) -> Result<()> {
    for partition in response
        .responses
        .iter()
        .flat_map(|t| &t.partition_responses)
    {
        let code = ErrorCode::from_wire(partition.error_code);
        let index = partition.index;
        ensure!(partition.error_code == 0, "partition {index}: {code:?}");
    }
    Ok(())
}
