//! A partition's log on the real disk: appended to as leader and as follower, read for consumers.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use bytes::Bytes;
use divan::counter::BytesCount;
use divan::{Bencher, bench};
use protocol::records::{BatchHeader, patched_prefix};
use storage::disk::RealDisk;
use storage::{Log, LogConfig, LogDeps, OpenOptions, Shutdown, ValidatedBatch};
use tempfile::TempDir;
use types::{LeaderEpoch, Offset, SystemClock, TopicPartition};

use crate::batches::{rules, validated};
use crate::input::Shape;

const EPOCH: LeaderEpoch = LeaderEpoch(0);
const SIZES: [usize; 3] = [1 << 10, 16 << 10, 256 << 10];
/// What is there to be read, in batches of 16 KiB.
const READ_BATCHES: Offset = 4096;

fn open(dir: &TempDir) -> Log {
    let options = OpenOptions {
        dir: dir.path().join("t-0"),
        topic_partition: TopicPartition::new("t", 0),
        topic_id: None,
        config: LogConfig::default(),
        recovery_point: 0,
        log_start_offset: 0,
        shutdown: Shutdown::Clean,
    };
    let deps = LogDeps {
        disk: Arc::new(RealDisk),
        clock: Arc::new(SystemClock::new()),
    };
    Log::open(options, deps).expect("an empty folder").0
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Offsets given, prefix written anew, one `pwritev` into the page cache.
#[bench(args = SIZES)]
fn append_as_leader(bencher: Bencher<'_, '_>, batch_bytes: usize) {
    let (dir, batch) = (folder(), Shape::plain(batch_bytes).batch());
    let mut log = open(&dir);
    let batches = [ValidatedBatch::from(validated(&batch, &rules()))];
    bencher
        .counter(BytesCount::new(batch.len()))
        .bench_local(|| log.append_as_leader(&batches, EPOCH).expect("appended"));
}

/// Checksum verified, written as it came.
#[bench(args = SIZES)]
fn append_as_follower(bencher: Bencher<'_, '_>, batch_bytes: usize) {
    let (dir, batch) = (folder(), Shape::plain(batch_bytes).batch());
    let log = RefCell::new(open(&dir));
    let header = BatchHeader::parse(&batch).expect("a batch");
    let next = Cell::new(0);
    bencher
        .counter(BytesCount::new(batch.len()))
        .with_inputs(|| {
            let base_offset = next.get();
            next.set(base_offset + i64::from(header.record_count));
            placed(&batch, &header, base_offset)
        })
        .bench_local_values(|bytes| {
            log.borrow_mut()
                .append_as_follower(bytes)
                .expect("appended")
        });
}

/// The batch as the leader's log has it.
fn placed(batch: &Bytes, header: &BatchHeader, base_offset: Offset) -> Bytes {
    let prefix = patched_prefix(header, base_offset, EPOCH);
    Bytes::from([&prefix[..], &batch[prefix.len()..]].concat())
}

/// Whole batches from anywhere in the page cache, as a fetch gets them.
#[bench(args = [16 << 10, 256 << 10, 1 << 20])]
fn read(bencher: Bencher<'_, '_>, max_bytes: usize) {
    let (dir, batch) = (folder(), Shape::plain(16 << 10).batch());
    let mut log = open(&dir);
    let batches = [ValidatedBatch::from(validated(&batch, &rules()))];
    for _ in 0..READ_BATCHES {
        log.append_as_leader(&batches, EPOCH).expect("appended");
    }
    let (reader, end) = (log.reader(), log.log_end_offset());
    let mut offset = 0;
    bencher.counter(BytesCount::new(max_bytes)).bench_local(|| {
        // A prime number of records further each time.
        offset = (offset + 7919) % (end - 1024);
        reader.read(offset, max_bytes, end, true).expect("read")
    });
}
