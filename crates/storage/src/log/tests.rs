//! What a log promises, seen from outside.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use protocol::records::{BatchBuilder, Compression, split_batches};
use types::{LeaderEpoch, ManualClock, Offset, ProducerEpoch, ProducerId, TopicPartition};

use super::*;
use crate::disk::FaultDisk;
use crate::{AppendError, ReadError};

mod append;
mod checksums;
mod disk;
mod flush;
mod follower;
mod recovery;
mod reserve;
mod retention;
mod truncation;

const DIR: &str = "/data/t-0";
const NOW_MS: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const EPOCH: LeaderEpoch = LeaderEpoch(0);

/// A log on a disk in memory, with small segments and a dense index.
struct Bench {
    disk: FaultDisk,
    clock: Arc<ManualClock>,
    config: LogConfig,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let disk = FaultDisk::new(Arc::clone(&clock) as _);
        disk.create_dir(Path::new("/data")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        Self {
            disk,
            clock,
            config: LogConfig {
                segment_bytes: 1000,
                index_interval_bytes: 150,
                ..LogConfig::default()
            },
        }
    }

    fn options(&self, recovery_point: Offset, shutdown: Shutdown) -> OpenOptions {
        OpenOptions {
            dir: PathBuf::from(DIR),
            topic_partition: TopicPartition::new("t", 0),
            topic_id: None,
            config: self.config.clone(),
            recovery_point,
            log_start_offset: 0,
            shutdown,
        }
    }

    fn try_open(
        &self,
        recovery_point: Offset,
        shutdown: Shutdown,
    ) -> Result<(Log, RecoveryReport), Error> {
        let deps = LogDeps {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::clone(&self.clock) as _,
        };
        Log::open(self.options(recovery_point, shutdown), deps)
    }

    fn open(&self, recovery_point: Offset, shutdown: Shutdown) -> Log {
        self.try_open(recovery_point, shutdown).unwrap().0
    }

    fn create(&self) -> Log {
        self.open(0, Shutdown::Clean)
    }

    fn reopen(&self, mut log: Log) -> Log {
        log.close().unwrap();
        self.open(log.recovery_point(), Shutdown::Clean)
    }

    fn kill(&self, log: Log) -> Log {
        let recovery_point = log.recovery_point();
        drop(log);
        self.open(recovery_point, Shutdown::Unclean)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(DIR).join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = self.disk.list(Path::new(DIR)).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    }
}

/// A batch of `count` records, each `NOW_MS` and onward.
fn batch(count: i32) -> ValidatedBatch {
    batch_at(count, NOW_MS)
}

fn batch_at(count: i32, timestamp: i64) -> ValidatedBatch {
    ValidatedBatch::new(&builder(count, timestamp).build().unwrap().bytes).unwrap()
}

fn producer_batch(id: i64, epoch: i16, sequence: i32, count: i32) -> ValidatedBatch {
    let mut builder = builder(count, NOW_MS);
    builder.set_producer(ProducerId(id), ProducerEpoch(epoch), sequence);
    ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap()
}

fn builder(count: i32, timestamp: i64) -> BatchBuilder {
    let mut builder = BatchBuilder::new(Compression::None);
    for i in 0..count {
        let value = Bytes::from(format!("value {i}"));
        builder
            .append(timestamp + i64::from(i), Some(b"key"), Some(&value), &[])
            .unwrap();
    }
    builder
}

fn append(log: &mut Log, count: i32) -> AppendInfo {
    log.append_as_leader(&[batch(count)], EPOCH).unwrap()
}

/// First and last offset of each batch from the log's start on.
fn offsets(log: &Log) -> Vec<(Offset, Offset)> {
    let mut offset = log.log_start_offset();
    let mut found = Vec::new();
    while offset < log.log_end_offset() {
        let read = log.reader().read(offset, 300, Offset::MAX, true).unwrap();
        for batch in split_batches(read.bytes) {
            let header = batch.unwrap().header;
            found.push((header.base_offset, header.last_offset()));
        }
        assert!(read.next_offset > offset, "no progress at {offset}");
        offset = read.next_offset;
    }
    found
}
