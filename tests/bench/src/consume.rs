//! Catching up: everything from the first offset on, again and again, without parsing a record.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use protocol::messages::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData,
};
use protocol::records::split_batches;
use serde_json::json;
use types::ErrorCode;

use crate::args::Args;
use crate::link::Link;
use crate::picture::Picture;
use crate::report;
use crate::window::{Crew, Window};

/// The last version that names topics instead of giving their ids.
const FETCH_VERSION: i16 = 12;
const RESPONSE_BYTES_MAX: i32 = 50 << 20;

/// Where the reader of a leader's partitions is.
#[derive(Debug)]
pub(crate) struct Reader {
    link: Link,
    topic: String,
    /// Partition and next offset.
    at: Vec<(i32, i64)>,
    partition_bytes_max: i32,
    max_wait_ms: i32,
}

impl Reader {
    pub(crate) fn new(
        address: &str,
        topic: &str,
        partitions: &[i32],
        partition_bytes_max: i32,
        max_wait_ms: i32,
    ) -> Result<Self> {
        Ok(Self {
            link: Link::connect(address)?,
            topic: topic.to_owned(),
            at: partitions.iter().map(|index| (*index, 0)).collect(),
            partition_bytes_max,
            max_wait_ms,
        })
    }

    /// One request and its answer.
    pub(crate) fn fetch(&mut self) -> Result<FetchResponse> {
        let partitions = self.at.iter().map(|(partition, offset)| FetchPartition {
            partition: *partition,
            fetch_offset: *offset,
            current_leader_epoch: -1,
            partition_max_bytes: self.partition_bytes_max,
            ..FetchPartition::default()
        });
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: self.max_wait_ms,
            min_bytes: 1,
            max_bytes: RESPONSE_BYTES_MAX,
            session_epoch: -1,
            topics: vec![FetchTopic {
                topic: self.topic.as_str().into(),
                partitions: partitions.collect(),
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        let response = self.link.call(&request, FETCH_VERSION)?;
        let code = ErrorCode::from_wire(response.error_code);
        ensure!(response.error_code == 0, "fetch: {code:?}");
        Ok(response)
    }

    /// Goes on behind the offset. Partitions rotate, so that each is the first of a response once.
    pub(crate) fn advance(&mut self, partition: i32, next_offset: i64) {
        let place = self.at.iter().position(|(index, _)| *index == partition);
        if let Some(place) = place {
            let (index, _) = self.at.remove(place);
            self.at.push((index, next_offset));
        }
    }
}

/// The whole batches of an answer for one partition.
pub(crate) fn records(partition: &PartitionData) -> Result<Bytes> {
    let code = ErrorCode::from_wire(partition.error_code);
    let index = partition.partition_index;
    ensure!(partition.error_code == 0, "partition {index}: {code:?}");
    Ok(partition
        .records
        .as_ref()
        .map_or_else(Bytes::new, |records| records.to_bytes()))
}

/// `--topic --bootstrap --size` (of a value, to count payload) `--partition-bytes`
pub(crate) fn run(args: &Args) -> Result<()> {
    let topic = args.text("topic")?;
    let picture = Picture::take(args.text("bootstrap")?, topic)?;
    let bytes_max = args.number("partition-bytes", 1 << 20)?;
    let record_bytes: u64 = args.number("size", 1024)?;
    let window = Window::new();
    let mut crew = Crew::new();
    for (address, partitions) in &picture.leaders {
        let reader = Reader::new(address, topic, partitions, bytes_max, 500)?;
        let window = window.clone();
        crew.hire(move || read_again_and_again(reader, &window));
    }
    let (counts, took) = crew.run(&window, args)?;
    let records: u64 = counts.iter().map(|(records, _)| records).sum();
    let wire_bytes: u64 = counts.iter().map(|(_, bytes)| bytes).sum();
    report::result(&json!({
        "secs": took.as_secs_f64(), "records": records, "bytes": records * record_bytes,
        "wire_bytes": wire_bytes,
    }))
}

/// Records and bytes of batches that came inside the window.
fn read_again_and_again(mut reader: Reader, window: &Window) -> Result<(u64, u64)> {
    let (mut record_count, mut byte_count) = (0, 0);
    while !window.is_over() {
        let response = reader.fetch()?;
        let is_measuring = window.is_measuring();
        for partition in response
            .responses
            .iter()
            .flat_map(|topic| &topic.partitions)
        {
            let bytes = records(partition)?;
            let size = bytes.len() as u64;
            let (count, next_offset) = outline(bytes)?;
            if is_measuring {
                record_count += count;
                byte_count += size;
            }
            let is_end = next_offset.is_none_or(|next| next >= partition.high_watermark);
            let next_offset = next_offset.filter(|_| !is_end).unwrap_or(0);
            reader.advance(partition.partition_index, next_offset);
        }
    }
    Ok((record_count, byte_count))
}

/// How many records, and where to go on; by the headers alone.
fn outline(bytes: Bytes) -> Result<(u64, Option<i64>)> {
    let (mut count, mut next_offset) = (0, None);
    for batch in split_batches(bytes) {
        // The last one may be cut off.
        let Ok(batch) = batch else { break };
        count += u64::try_from(batch.header.record_count).context("a count of records")?;
        next_offset = Some(batch.header.next_offset());
    }
    Ok((count, next_offset))
}
