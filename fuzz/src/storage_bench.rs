//! A log on a disk in memory, for the targets that damage its files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use protocol::records::{BatchBuilder, Compression, split_batches};
use storage::disk::{Disk, FaultDisk};
use storage::{
    Error, Log, LogConfig, LogDeps, OpenOptions, ReadError, RecoveryReport, Shutdown,
    ValidatedBatch,
};
use types::{LeaderEpoch, ManualClock, Offset, ProducerEpoch, ProducerId, TopicPartition};

pub const NOW_MS: i64 = 1_700_000_000_000;
pub const ROOT: &str = "/data";
pub const DIR: &str = "/data/t-0";

pub struct Bench {
    pub disk: FaultDisk,
    pub clock: Arc<ManualClock>,
}

impl Bench {
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let disk = FaultDisk::new(Arc::clone(&clock) as _);
        disk.create_dir(Path::new(DIR)).expect("a healthy disk");
        Self { disk, clock }
    }

    pub fn deps(&self) -> LogDeps {
        LogDeps {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::clone(&self.clock) as _,
        }
    }

    pub fn config() -> LogConfig {
        LogConfig {
            segment_bytes: 1000,
            index_interval_bytes: 150,
            ..LogConfig::default()
        }
    }

    pub fn open(
        &self,
        recovery_point: Offset,
        shutdown: Shutdown,
    ) -> Result<(Log, RecoveryReport), Error> {
        let options = OpenOptions {
            dir: PathBuf::from(DIR),
            topic_partition: TopicPartition::new("t", 0),
            topic_id: None,
            config: Self::config(),
            recovery_point,
            log_start_offset: 0,
            shutdown,
        };
        Log::open(options, self.deps())
    }

    pub fn put(&self, name: &str, contents: &[u8]) {
        self.disk.overwrite(&Path::new(DIR).join(name), contents);
    }
}

/// Idempotent batches of two records with growing timestamps; several segments of them.
pub fn fill(log: &mut Log, batches: i32) {
    for i in 0..batches {
        log.append_as_leader(&[batch(i)], LeaderEpoch(i / 10))
            .expect("a healthy disk");
    }
}

pub fn batch(i: i32) -> ValidatedBatch {
    let mut builder = BatchBuilder::new(Compression::None);
    for record in 0..2 {
        let timestamp = NOW_MS + i64::from(2 * i + record);
        let value = format!("value {i}");
        builder
            .append(timestamp, None, Some(value.as_bytes()), &[])
            .expect("a small record");
    }
    builder.set_producer(ProducerId(1), ProducerEpoch(0), 2 * i);
    let batch = builder.build().expect("a small batch");
    ValidatedBatch::new(&batch.bytes).expect("one whole batch")
}

/// Everything that can be read, each batch checked. An error is the end.
pub fn read_all(log: &Log) -> Result<Vec<Bytes>, ReadError> {
    let reader = log.reader();
    let mut offset = log.log_start_offset();
    let mut batches = Vec::new();
    while offset < log.log_end_offset() {
        let read = reader.read(offset, 400, Offset::MAX, true)?;
        if read.bytes.is_empty() {
            break;
        }
        for batch in split_batches(read.bytes) {
            let batch = batch.expect("reads give whole batches");
            assert_eq!(batch.check_crc(), Ok(()), "a damaged batch was served");
            assert!(batch.header.last_offset() >= offset);
            batches.push(batch.bytes);
        }
        assert!(read.next_offset > offset);
        offset = read.next_offset;
    }
    Ok(batches)
}
