//! Apache Kafka's own `DumpLogSegments` reads what we write and finds nothing wrong with it.
//!
//! Needs a JVM and the jars of Kafka 4.3: `KAFKA_LIBS` names the folder with the jars. Without it the
//! test says so and does nothing.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use protocol::records::{BatchBuilder, Compression};
use storage::compact::{CleanOptions, Pace, clean};
use storage::disk::RealDisk;
use storage::{Log, LogConfig, LogDeps, OpenOptions, Shutdown, ValidatedBatch};
use types::{LeaderEpoch, ManualClock, ProducerEpoch, ProducerId, TopicPartition};

const NOW_MS: i64 = 1_700_000_000_000;
const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];

fn open(dir: &Path, recovery_point: i64, shutdown: Shutdown) -> Log {
    let options = OpenOptions {
        dir: dir.to_owned(),
        topic_partition: TopicPartition::new("t", 0),
        topic_id: Some(
            "btKKG7DmTHuLskg82MLVlQ"
                .parse::<types::Uuid>()
                .unwrap()
                .into(),
        ),
        config: LogConfig {
            segment_bytes: 8_000,
            index_interval_bytes: 500,
            ..LogConfig::default()
        },
        recovery_point,
        log_start_offset: 0,
        shutdown,
    };
    let clock = Arc::new(ManualClock::at(NOW_MS));
    let disk = Arc::new(RealDisk);
    Log::open(options, LogDeps { disk, clock }).unwrap().0
}

/// Idempotent batches of every codec, with timestamps that go up and down.
fn fill(log: &mut Log, rounds: i64) {
    for round in 0..rounds {
        for (i, codec) in (0..).zip(CODECS) {
            let mut builder = BatchBuilder::new(codec);
            for record in 0..10 {
                let value = Bytes::from(format!("value {record} of round {round}, {codec}"));
                let timestamp = NOW_MS + round * 1000 - record * 7;
                builder
                    .append(timestamp, Some(b"key"), Some(&value), &[])
                    .unwrap();
            }
            let sequence = i32::try_from(round * 10).unwrap();
            builder.set_producer(ProducerId(i), ProducerEpoch(0), sequence);
            let batch = ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap();
            let epoch = LeaderEpoch(i32::try_from(round / 10).unwrap());
            log.append_as_leader(&[batch], epoch).unwrap();
        }
    }
}

/// Runs the tool on every file of that kind; returns what it printed.
fn dump(libs: &Path, dir: &Path, suffix: &str, options: &[&str]) -> String {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no {suffix} in {}", dir.display());
    let files: Vec<_> = files.iter().map(|path| path.to_string_lossy()).collect();
    let output = Command::new("java")
        .args(["-Xmx256m", "-cp", &format!("{}/*", libs.display())])
        .args([
            "org.apache.kafka.tools.DumpLogSegments",
            "--files",
            &files.join(","),
        ])
        .args(options)
        .output()
        .expect("java runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{suffix} {options:?}:\n{text}\n{errors}"
    );
    text
}

fn check_everything(libs: &Path, dir: &Path, records: usize) {
    let text = dump(libs, dir, ".log", &["--print-data-log", "--deep-iteration"]);
    assert!(!text.contains("isvalid: false"), "{text}");
    let found = text
        .lines()
        .filter(|line| line.trim_start().starts_with("| offset:"));
    assert_eq!(found.count(), records);
    for codec in CODECS {
        assert!(text.contains(&format!("compresscodec: {codec}")), "{codec}");
    }
    for suffix in [".index", ".timeindex"] {
        let text = dump(libs, dir, suffix, &["--index-sanity-check"]);
        assert!(text.contains("passed sanity check"), "{text}");
        let text = dump(libs, dir, suffix, &["--verify-index-only"]);
        for complaint in ["ismatch", "ut of order", "not found", "orrupt"] {
            assert!(!text.contains(complaint), "{suffix}: {text}");
        }
    }
    let text = dump(libs, dir, ".snapshot", &[]);
    assert!(text.contains("producerId: 4 producerEpoch: 0"), "{text}");
}

#[test]
fn kafka_reads_what_we_leave_after_a_clean_close_and_after_recovery() {
    let Some(libs) = std::env::var_os("KAFKA_LIBS").map(PathBuf::from) else {
        eprintln!("SKIPPED: set KAFKA_LIBS to the folder with the jars of Apache Kafka 4.3");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("t-0");
    let mut log = open(&dir, 0, Shutdown::Clean);
    fill(&mut log, 40);
    assert!(log.segment_count() > 3);
    log.close().unwrap();
    check_everything(&libs, &dir, 2000);

    // A kill in the middle of a write, with half of the log not flushed.
    let mut log = open(&dir, log.recovery_point(), Shutdown::Clean);
    let recovery_point = log.recovery_point();
    fill_more(&mut log);
    drop(log);
    tear(&dir);
    let log = open(&dir, recovery_point, Shutdown::Unclean);
    assert_eq!(log.log_end_offset(), 2990);
    drop(log);
    check_everything(&libs, &dir, 2990);
}

fn fill_more(log: &mut Log) {
    for round in 40..60 {
        for (i, codec) in (0..).zip(CODECS) {
            let mut builder = BatchBuilder::new(codec);
            for record in 0..10 {
                builder
                    .append(NOW_MS + round * 1000 + record, None, Some(b"v"), &[])
                    .unwrap();
            }
            let sequence = i32::try_from(round * 10).unwrap();
            builder.set_producer(ProducerId(i), ProducerEpoch(0), sequence);
            let batch = ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap();
            log.append_as_leader(&[batch], LeaderEpoch(7)).unwrap();
        }
    }
}

/// Takes the last byte off the active segment.
fn tear(dir: &Path) {
    let mut logs: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    let active = logs.pop().unwrap();
    let bytes = std::fs::read(&active).unwrap();
    std::fs::write(&active, &bytes[..bytes.len() - 1]).unwrap();
}

#[test]
fn kafka_reads_what_compaction_leaves() {
    let Some(libs) = std::env::var_os("KAFKA_LIBS").map(PathBuf::from) else {
        eprintln!("SKIPPED: set KAFKA_LIBS to the folder with the jars of Apache Kafka 4.3");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("t-0");
    let log = Mutex::new(open(&dir, 0, Shutdown::Clean));
    {
        let mut log = log.lock();
        let config = LogConfig {
            compact: true,
            ..log.config().clone()
        };
        log.set_config(config);
        for round in 0..200 {
            let codec = CODECS[usize::try_from(round).unwrap() % CODECS.len()];
            let mut builder = BatchBuilder::new(codec);
            for record in 0..10 {
                let key = format!("key {}", (round * 7 + record * 13) % 300);
                let value = Bytes::from(format!("value {record} of round {round}"));
                let value = (record % 5 != 4).then_some(&value[..]);
                let appended = builder.append(NOW_MS + round, Some(key.as_bytes()), value, &[]);
                appended.unwrap();
            }
            let sequence = i32::try_from(round / 5 * 10).unwrap();
            builder.set_producer(ProducerId(round % 5), ProducerEpoch(0), sequence);
            let batch = ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap();
            log.append_as_leader(&[batch], LeaderEpoch(0)).unwrap();
        }
        log.flush().unwrap();
    }
    let mut spend = |_| ControlFlow::Continue(());
    let options = CleanOptions::default();
    let report = clean(&log, 2000, NOW_MS, &options, &mut Pace::new(&mut spend));
    let report = report.unwrap().expect("there is something to do");
    log.lock().close().unwrap();
    let left = 2000 - usize::try_from(report.dropped_count).unwrap();
    assert!(left < 700, "{report:?}");
    check_everything(&libs, &dir, left);
}
