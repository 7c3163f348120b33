//! A log on a disk in memory, and batches to put into it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use protocol::records::{BatchBuilder, Compression};
use storage::disk::fault::Fault;
use storage::disk::{Disk, FaultDisk};
use storage::{
    Error, Log, LogConfig, LogDeps, OpenOptions, RecoveryReport, Shutdown, ValidatedBatch,
};
use types::{ManualClock, Offset, ProducerEpoch, ProducerId, TopicPartition};

pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
const DIR: &str = "/data/t-0";

pub(crate) struct Bench {
    pub(crate) disk: FaultDisk,
    pub(crate) config: LogConfig,
    clock: Arc<ManualClock>,
}

impl Bench {
    pub(crate) fn new(config: LogConfig) -> Self {
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let disk = FaultDisk::new(Arc::clone(&clock) as _);
        disk.create_dir(Path::new("/data")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        Self {
            disk,
            config,
            clock,
        }
    }

    pub(crate) fn open(
        &self,
        recovery_point: Offset,
        log_start_offset: Offset,
        shutdown: Shutdown,
    ) -> Result<(Log, RecoveryReport), Error> {
        let options = OpenOptions {
            dir: PathBuf::from(DIR),
            topic_partition: TopicPartition::new("t", 0),
            topic_id: None,
            config: self.config.clone(),
            recovery_point,
            log_start_offset,
            shutdown,
        };
        let deps = LogDeps {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::clone(&self.clock) as _,
        };
        Log::open(options, deps)
    }

    pub(crate) fn fail_one_call(&self, after: u64) {
        let fault = Fault::Error(ErrorKind::StorageFull);
        self.disk.plan(None, after, 1, fault);
    }

    pub(crate) fn remove(&self, suffix: &str) {
        let dir = Path::new(DIR);
        for entry in self.disk.list(dir).unwrap() {
            if entry.name.ends_with(suffix) {
                self.disk.remove(&dir.join(entry.name)).unwrap();
            }
        }
    }
}

/// A batch whose records have one byte of value: the tag.
pub(crate) fn batch(records: i32, tag: u8) -> ValidatedBatch {
    let mut builder = BatchBuilder::new(Compression::None);
    for i in 0..records {
        let value = Bytes::from(vec![tag]);
        builder
            .append(NOW_MS + i64::from(i), None, Some(&value), &[])
            .unwrap();
    }
    ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap()
}

pub(crate) fn producer_batch(id: i64, epoch: i16, sequence: i32, records: i32) -> ValidatedBatch {
    let mut builder = BatchBuilder::new(Compression::None);
    for i in 0..records {
        builder
            .append(NOW_MS + i64::from(i), None, Some(b"v"), &[])
            .unwrap();
    }
    builder.set_producer(ProducerId(id), ProducerEpoch(epoch), sequence);
    ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap()
}
