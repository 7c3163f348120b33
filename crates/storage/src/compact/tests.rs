//! Compaction of one log on a disk in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::records::{BatchBuilder, BatchHeader, Compression, split_batches};
use types::{LeaderEpoch, ManualClock, Offset, ProducerEpoch, ProducerId, TopicPartition};

use super::*;
use crate::disk::{Disk, FaultDisk};
use crate::{LogConfig, LogDeps, OpenOptions, Shutdown, ValidatedBatch};

mod crash;
mod model;
mod retention;
mod rounds;

const DIR: &str = "/data/t-0";
const NOW_MS: i64 = 1_700_000_000_000;
const EPOCH: LeaderEpoch = LeaderEpoch(0);

/// A compacted log with small segments.
struct Bench {
    disk: FaultDisk,
    clock: Arc<ManualClock>,
    config: LogConfig,
    log: Arc<Mutex<Log>>,
}

/// Offset, key, value.
type Row = (Offset, String, Option<String>);

impl Bench {
    fn new() -> Self {
        Self::with(LogConfig {
            segment_bytes: 500,
            index_interval_bytes: 100,
            compact: true,
            delete: false,
            delete_retention_ms: 1000,
            ..LogConfig::default()
        })
    }

    fn with(config: LogConfig) -> Self {
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let disk = FaultDisk::new(Arc::clone(&clock) as _);
        disk.create_dir(Path::new("/data")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        let log = open(&disk, &clock, &config, 0, Shutdown::Clean).unwrap();
        Self {
            disk,
            clock,
            config,
            log: Arc::new(Mutex::new(log)),
        }
    }

    /// Each item is a key and a value (`a1`), or a key that is deleted (`a-`); one batch of all.
    fn produce(&self, items: &str) {
        let mut log = self.log.lock();
        log.append_as_leader(&[batch(items, |_| {})], EPOCH)
            .unwrap();
    }

    fn produce_as(&self, id: i64, sequence: i32, items: &str) {
        let batch = batch(items, |builder| {
            builder.set_producer(ProducerId(id), ProducerEpoch(0), sequence);
        });
        self.log.lock().append_as_leader(&[batch], EPOCH).unwrap();
    }

    /// Closes the active segment and makes everything durable.
    fn seal(&self) {
        let mut log = self.log.lock();
        log.maybe_roll(i64::MAX / 2).unwrap();
        log.flush().unwrap();
    }

    fn try_clean(&self) -> Result<Option<CleanReport>, Stopped> {
        let end = self.log.lock().log_end_offset();
        self.clean_up_to(end, &CleanOptions::default())
    }

    fn clean_up_to(
        &self,
        high_watermark: Offset,
        options: &CleanOptions,
    ) -> Result<Option<CleanReport>, Stopped> {
        let mut spend = |_| ControlFlow::Continue(());
        let mut pace = Pace::new(&mut spend);
        let now_ms = types::Clock::wall_ms(&*self.clock);
        clean(&self.log, high_watermark, now_ms, options, &mut pace)
    }

    /// Seals and cleans what there is.
    fn clean(&self) -> CleanReport {
        self.seal();
        self.try_clean().unwrap().expect("there is something to do")
    }

    fn advance_ms(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    /// What a reader finds from the log's start to its end, walking as a consumer does.
    fn rows(&self) -> Vec<Row> {
        rows(&self.log.lock())
    }

    fn headers(&self) -> Vec<BatchHeader> {
        headers(&self.log.lock())
    }

    fn names(&self) -> Vec<String> {
        let entries = self.disk.list(Path::new(DIR)).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    }

    /// Opens the log again as after `shutdown`.
    fn reopen(&mut self, shutdown: Shutdown) {
        let recovery_point = {
            let mut log = self.log.lock();
            if shutdown == Shutdown::Clean {
                log.close().unwrap();
            }
            log.recovery_point()
        };
        let (disk, clock, config) = (&self.disk, &self.clock, &self.config);
        let log = open(disk, clock, config, recovery_point, shutdown).unwrap();
        self.log = Arc::new(Mutex::new(log));
    }
}

fn open(
    disk: &FaultDisk,
    clock: &Arc<ManualClock>,
    config: &LogConfig,
    recovery_point: Offset,
    shutdown: Shutdown,
) -> Result<Log, Error> {
    let options = OpenOptions {
        dir: PathBuf::from(DIR),
        topic_partition: TopicPartition::new("t", 0),
        topic_id: None,
        config: config.clone(),
        recovery_point,
        log_start_offset: 0,
        shutdown,
    };
    let deps = LogDeps {
        disk: Arc::new(disk.clone()),
        clock: Arc::clone(clock) as _,
    };
    Ok(Log::open(options, deps)?.0)
}

fn batch(items: &str, change: impl FnOnce(&mut BatchBuilder)) -> ValidatedBatch {
    let mut builder = BatchBuilder::new(Compression::None);
    for (item, i) in items.split_whitespace().zip(0..) {
        let (key, value) = item.split_at(1);
        let value = Some(value.as_bytes()).filter(|value| *value != b"-");
        let key = Some(key.as_bytes()).filter(|key| *key != b"?");
        builder.append(NOW_MS + i, key, value, &[]).unwrap();
    }
    change(&mut builder);
    ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap()
}

fn headers(log: &Log) -> Vec<BatchHeader> {
    batches(log).into_iter().map(|batch| batch.header).collect()
}

fn batches(log: &Log) -> Vec<protocol::records::Batch> {
    let mut offset = log.log_start_offset();
    let mut found = Vec::new();
    while offset < log.log_end_offset() {
        let read = log.reader().read(offset, 300, Offset::MAX, true).unwrap();
        found.extend(split_batches(read.bytes).map(Result::unwrap));
        assert!(read.next_offset > offset, "no progress at {offset}");
        offset = read.next_offset;
    }
    found
}

fn rows(log: &Log) -> Vec<Row> {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let mut rows = Vec::new();
    for batch in batches(log) {
        for record in batch.records(1 << 20).unwrap() {
            let record = record.unwrap();
            let offset = batch.header.offset_at(record.offset_delta);
            let key = record.key.map_or_else(|| "?".to_owned(), text);
            rows.push((offset, key, record.value.map(text)));
        }
    }
    rows
}

/// `a1@0 b-@3`: what rows say, in short.
fn short(rows: &[Row]) -> String {
    let words = rows.iter().map(|(offset, key, value)| {
        let value = value.as_deref().unwrap_or("-");
        format!("{key}{value}@{offset}")
    });
    words.collect::<Vec<_>>().join(" ")
}
