//! A partition's folder as Apache Kafka 4.3.1 left it, with idempotent producers, a committed and an
//! aborted transaction, two segments and two leader epochs: we read it, and from its log files alone
//! we make the same files again.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use protocol::records::split_batches;
use storage::disk::RealDisk;
use storage::{
    AppendError, Log, LogConfig, LogDeps, OpenOptions, RecoveryReport, Shutdown, ValidatedBatch,
};
use types::{LeaderEpoch, ManualClock, Offset, ProducerId, TopicPartition};

const GOLDEN: &str = "tests/golden/kafka-4.3.1/golden-0";

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

/// Copies the golden files whose names pass.
fn copy(dir: &Path, wanted: impl Fn(&str) -> bool) {
    std::fs::create_dir(dir).unwrap();
    for (name, contents) in files(Path::new(GOLDEN)) {
        if wanted(&name) {
            std::fs::write(dir.join(name), contents).unwrap();
        }
    }
}

fn open(dir: &Path, recovery_point: Offset, shutdown: Shutdown) -> (Log, RecoveryReport) {
    let options = OpenOptions {
        dir: dir.to_owned(),
        topic_partition: TopicPartition::new("golden", 0),
        topic_id: None,
        config: LogConfig {
            segment_bytes: 700,
            index_interval_bytes: 100,
            ..LogConfig::default()
        },
        recovery_point,
        log_start_offset: 0,
        shutdown,
    };
    let clock = Arc::new(ManualClock::at(1_795_335_790_000));
    let disk = Arc::new(RealDisk);
    Log::open(options, LogDeps { disk, clock }).unwrap()
}

#[test]
fn a_folder_that_kafka_closed_opens_without_a_scan() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("golden-0");
    copy(&dir, |_| true);
    let (mut log, report) = open(&dir, 34, Shutdown::Clean);
    assert_eq!(report, RecoveryReport::default());
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (0, 34));
    assert_eq!(
        log.topic_id().unwrap().to_string(),
        "btKKG7DmTHuLskg82MLVlQ"
    );
    assert_eq!(
        log.end_offset_for_epoch(LeaderEpoch(1)),
        (LeaderEpoch(0), 25)
    );
    assert_eq!(log.last_stable_offset(34), 34);
    assert_eq!(log.producer_count(), 7);

    let read = log.reader().read(31, 1000, Offset::MAX, true).unwrap();
    let batch = split_batches(read.bytes).next().unwrap().unwrap();
    assert_eq!(batch.header.producer_id, ProducerId(1001));
    let retry = ValidatedBatch::new(&batch.bytes).unwrap();
    let info = log.append_as_leader(&[retry], LeaderEpoch(2)).unwrap();
    assert_eq!(
        (info.base_offset, info.last_offset, info.duplicate),
        (31, 33, true)
    );

    // Kafka remembers one batch of each producer, so this is all that can be known.
    let read = log.reader().read(27, 1, Offset::MAX, true).unwrap();
    let fenced = ValidatedBatch::new(&read.bytes).unwrap();
    let error = log.append_as_leader(&[fenced], LeaderEpoch(2)).unwrap_err();
    assert!(
        matches!(error, AppendError::InvalidProducerEpoch { .. }),
        "{error}"
    );

    log.close().unwrap();
    assert_eq!(files(&dir), files(Path::new(GOLDEN)));
}

#[test]
fn indexes_snapshots_and_epochs_made_from_the_log_files_are_those_that_kafka_made() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("golden-0");
    let is_given = |name: &str| name.ends_with(".log") || name.ends_with(".txnindex");
    copy(&dir, |name| is_given(name) || name == "partition.metadata");
    let (mut log, report) = open(&dir, 0, Shutdown::Unclean);
    assert_eq!(report.scanned_bytes, 635 + 567);
    assert_eq!(report.rebuilt_indexes, 2);
    log.close().unwrap();
    let mut expected = files(Path::new(GOLDEN));
    // Made at the roll; recovery has no use for it.
    expected.remove("00000000000000000025.snapshot");
    assert_eq!(files(&dir), expected);
}
