//! Log directories over their whole life: formatted, opened, closed, crashed, refused.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use protocol::records::{BatchBuilder, Compression};
use types::{DirectoryId, LeaderEpoch, ManualClock, NodeId, Offset, TopicId, TopicPartition, Uuid};

use super::*;
use crate::disk::fault::{Fault, Op};
use crate::disk::{Disk, FaultDisk};
use crate::{LogConfig, ValidatedBatch};

mod chores;
mod cleaning;
mod flush;
mod unborn;
mod young;

const NOW_MS: i64 = 1_700_000_000_000;

struct Bench {
    disk: FaultDisk,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let disk = FaultDisk::new(Arc::clone(&clock) as _);
        disk.create_dir(Path::new("/d")).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        Self { disk, clock }
    }

    fn deps(&self) -> LogDeps {
        LogDeps {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::clone(&self.clock) as _,
        }
    }

    fn try_open(&self, options: LogDirsOptions) -> Result<LogDirs, Error> {
        LogDirs::open(options, self.deps())
    }

    fn open(&self) -> LogDirs {
        self.try_open(options(&["/d/a", "/d/b"])).unwrap()
    }

    fn open_and_load(&self) -> LogDirs {
        let dirs = self.open();
        let report = dirs.load(&|_, _| LoadDecision::Open(config()));
        assert!(report.failed.is_empty(), "{report:?}");
        dirs
    }

    fn names(&self, path: &str) -> Vec<String> {
        let entries = self.disk.list(Path::new(path)).unwrap();
        entries.into_iter().map(|entry| entry.name).collect()
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.disk.contents(Path::new(path)).unwrap()).unwrap()
    }
}

fn options(paths: &[&str]) -> LogDirsOptions {
    let id = |i: u8| DirectoryId(Uuid::from_bytes([i + 1; 16]));
    LogDirsOptions {
        paths: paths.iter().map(PathBuf::from).collect(),
        cluster_id: "the-cluster".to_owned(),
        node_id: NodeId(3),
        recovery_threads_per_dir: 2,
        new_directory_ids: (0..).map(id).take(paths.len()).collect(),
        foreign_names: vec!["ours".to_owned()],
    }
}

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 400,
        retention_bytes: Some(400),
        file_delete_delay_ms: 60_000,
        ..LogConfig::default()
    }
}

fn tp(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

fn topic_id(i: u8) -> TopicId {
    TopicId(Uuid::from_bytes([i; 16]))
}

fn create(dirs: &LogDirs, partition: i32) -> SharedLog {
    dirs.create_log(&tp(partition), topic_id(9), config(), None)
        .unwrap()
}

fn append(log: &SharedLog, count: i64) {
    for _ in 0..count {
        append_in(log, LeaderEpoch(0));
    }
}

fn append_in(log: &SharedLog, epoch: LeaderEpoch) {
    let batch = one_record(None);
    log.lock().append_as_leader(&[batch], epoch).unwrap();
}

fn one_record(key: Option<&[u8]>) -> ValidatedBatch {
    let mut builder = BatchBuilder::new(Compression::None);
    let value = Bytes::from_static(b"value");
    builder.append(NOW_MS, key, Some(&value), &[]).unwrap();
    ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap()
}

fn no_high_watermark(_: &TopicPartition) -> Option<Offset> {
    None
}

fn close(dirs: &LogDirs, broker_epoch: i64) {
    dirs.close(broker_epoch, &|_| Some(5)).unwrap();
}

/// What a start finds in one directory.
fn one(bench: &Bench) -> LogDirs {
    let dirs = bench.try_open(options(&["/d/a"])).unwrap();
    let report = dirs.load(&|_, _| LoadDecision::Open(config()));
    assert!(report.failed.is_empty(), "{report:?}");
    dirs
}

#[test]
fn empty_directories_are_formatted_and_known_again() {
    let bench = Bench::new();
    let dirs = bench.open();
    assert_eq!(dirs.restart(), Restart::Clean { broker_epoch: -1 });
    drop(dirs);
    let paths: Vec<PathBuf> = ["/d/a", "/d/missing"].map(PathBuf::from).to_vec();
    let found = LogDirs::identities(&paths, &bench.deps()).unwrap();
    let identity = found[0].clone().unwrap();
    assert_eq!(
        (identity.cluster_id.as_str(), identity.node_id),
        ("the-cluster", NodeId(3))
    );
    assert_eq!(
        identity.directory_id,
        DirectoryId(Uuid::from_bytes([1; 16]))
    );
    assert_eq!(found[1], None);
    let error = format(Path::new("/d/a"), &identity, &bench.deps()).unwrap_err();
    assert!(error.to_string().contains("formatted already"), "{error}");
    assert_eq!(bench.open().status()[0].directory_id, identity.directory_id);
}

#[test]
fn directories_of_others_are_refused_with_the_reason_and_nothing_is_written() {
    let bench = Bench::new();
    drop(bench.open());
    let before = bench.names("/d/a");
    let refused = |change: &dyn Fn(&mut LogDirsOptions), words: &str| {
        let mut options = options(&["/d/a", "/d/b"]);
        change(&mut options);
        let error = bench.try_open(options).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(
        &|o| o.cluster_id = "other".to_owned(),
        "belongs to cluster the-cluster",
    );
    refused(&|o| o.node_id = NodeId(4), "set node.id to 3");
    refused(&|o| o.paths[1] = PathBuf::from("/d/a"), "listed twice");
    bench.disk.create_dir(Path::new("/d/c/photos")).unwrap();
    refused(
        &|o| o.paths[1] = PathBuf::from("/d/c"),
        "not empty (photos)",
    );
    assert_eq!(bench.names("/d/a"), before);
    assert_eq!(bench.names("/d/c"), ["photos"]);
    // What other parts of the node keep there is no reason to refuse.
    bench.disk.create_dir(Path::new("/d/e/ours")).unwrap();
    bench.disk.create_dir(Path::new("/d/e/quorum")).unwrap();
    let mut options = options(&["/d/a", "/d/e"]);
    options.new_directory_ids.rotate_left(1);
    bench.try_open(options).unwrap();
}

#[test]
fn a_directory_in_use_is_refused() {
    let bench = Bench::new();
    let dirs = bench.open();
    let error = bench.try_open(options(&["/d/a", "/d/b"])).unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    drop(dirs);
    bench.open();
}

#[test]
fn logs_are_spread_over_the_directories_and_found_again() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    for partition in 0..6 {
        append(&create(&dirs, partition), i64::from(partition));
    }
    assert_eq!(
        dirs.sizes()
            .iter()
            .map(|dir| dir.partitions.len())
            .collect::<Vec<_>>(),
        [3, 3]
    );
    let second = dirs.status()[1].directory_id;
    dirs.create_log(&tp(6), topic_id(9), config(), Some(second))
        .unwrap();
    assert_eq!(dirs.directory_of(&tp(6)), Some(second));
    close(&dirs, 77);
    drop(dirs);
    let dirs = bench.open_and_load();
    assert_eq!(dirs.restart(), Restart::Clean { broker_epoch: 77 });
    assert_eq!(dirs.clean_shutdown_broker_epoch(), Some(77));
    assert_eq!(dirs.logs().len(), 5, "those with records have folders");
    for partition in 1..6 {
        let log = dirs.log(&tp(partition)).unwrap();
        assert_eq!(log.lock().log_end_offset(), i64::from(partition));
        assert_eq!(log.lock().topic_id(), Some(topic_id(9)));
    }
    assert_eq!(dirs.checkpointed_high_watermark(&tp(1)), 5);
    assert_eq!(dirs.checkpointed_high_watermark(&tp(99)), 0);
}

#[test]
fn a_clean_shutdown_counts_once() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    append(&create(&dirs, 0), 3);
    close(&dirs, 1);
    assert_eq!(
        bench.text("/d/a/.kafka_cleanshutdown"),
        r#"{"version":0,"brokerEpoch":1}"#
    );
    assert_eq!(
        bench.text("/d/a/recovery-point-offset-checkpoint"),
        "0\n1\nt 0 3\n"
    );
    drop(dirs);
    drop(bench.open());
    let dirs = bench.open();
    assert_eq!(dirs.restart(), Restart::ProcessCrash);
    assert_eq!(dirs.clean_shutdown_broker_epoch(), None);
}

#[test]
fn a_killed_process_and_a_lost_machine_are_told_apart() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    append(&create(&dirs, 0), 3);
    drop(dirs);
    bench.disk.kill();
    let dirs = bench.open_and_load();
    assert_eq!(dirs.restart(), Restart::ProcessCrash);
    assert_eq!(dirs.log(&tp(0)).unwrap().lock().log_end_offset(), 3);
    dirs.housekeep(NOW_MS, &no_high_watermark);
    append(&dirs.log(&tp(0)).unwrap(), 2);
    drop(dirs);
    bench.disk.crash(None);
    let dirs = bench.open_and_load();
    assert_eq!(dirs.restart(), Restart::MachineCrash);
    assert_eq!(dirs.log(&tp(0)).unwrap().lock().log_end_offset(), 3);
}

#[test]
fn a_machine_that_went_down_is_reported_until_a_start_got_its_logs_open() {
    let bench = Bench::new();
    drop(bench.open_and_load());
    bench.disk.crash(Some(1));
    // Killed before the cluster knew, twice: nobody may take that for a crash of the process.
    for _ in 0..2 {
        let dirs = bench.open();
        assert_eq!(dirs.restart(), Restart::MachineCrash);
        drop(dirs);
    }
    drop(bench.open_and_load());
    assert_eq!(bench.open().restart(), Restart::ProcessCrash);
}

#[test]
fn a_log_that_cannot_be_opened_does_not_stop_the_others_nor_count_as_closed() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    append(&create(&dirs, 0), 3);
    append(&create(&dirs, 2), 3);
    dirs.create_log(&tp(1), topic_id(9), config(), None)
        .unwrap();
    close(&dirs, 1);
    drop(dirs);
    bench
        .disk
        .overwrite(Path::new("/d/a/t-0/00000000000000000000.log"), b"short");
    let dirs = bench.open();
    let report = dirs.load(&|_, _| LoadDecision::Open(config()));
    assert_eq!(report.failed.len(), 1);
    assert!(matches!(report.failed[0].1, Error::Corrupt { .. }));
    assert!(dirs.log(&tp(0)).is_none() && dirs.log(&tp(2)).is_some());
    dirs.close(2, &no_high_watermark).unwrap_err();
    assert!(
        !bench
            .names("/d/a")
            .contains(&".kafka_cleanshutdown".to_owned())
    );
    // The recovery point of the log that is not open is not forgotten.
    assert!(
        bench
            .text("/d/a/recovery-point-offset-checkpoint")
            .contains("t 0 3")
    );
}

#[test]
fn a_directory_that_fails_goes_offline_alone() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    let (a, b) = (create(&dirs, 0), create(&dirs, 1));
    append(&a, 1);
    bench
        .disk
        .plan(Some(Op::Sync), 0, 1, Fault::Error(ErrorKind::Other));
    let report = dirs.housekeep(NOW_MS, &no_high_watermark);
    assert_eq!(report.newly_offline.len(), 1);
    assert!(
        report.newly_offline[0]
            .offline
            .as_ref()
            .unwrap()
            .contains("fsync")
    );
    assert!(
        dirs.housekeep(NOW_MS, &no_high_watermark)
            .newly_offline
            .is_empty()
    );
    assert!(a.lock().flush().unwrap_err().is_offline());
    append(&b, 1);
    let error = dirs.create_log(
        &tp(2),
        topic_id(9),
        config(),
        Some(dirs.status()[0].directory_id),
    );
    assert!(error.unwrap_err().is_offline());
    create(&dirs, 2);
    dirs.close(1, &no_high_watermark).unwrap_err();
    assert!(
        bench
            .names("/d/b")
            .contains(&".kafka_cleanshutdown".to_owned())
    );
    assert!(
        !bench
            .names("/d/a")
            .contains(&".kafka_cleanshutdown".to_owned())
    );
}

#[test]
fn a_directory_that_cannot_be_read_is_offline_unless_it_is_the_last() {
    let bench = Bench::new();
    drop(bench.open());
    let path = Path::new("/d/b/recovery-point-offset-checkpoint");
    bench.disk.overwrite(path, b"garbage");
    let dirs = bench.open_and_load();
    assert!(dirs.status()[0].offline.is_none());
    let reason = dirs.status()[1].offline.clone().unwrap();
    assert!(
        reason.contains("recovery-point-offset-checkpoint"),
        "{reason}"
    );
    assert_eq!(
        dirs.housekeep(NOW_MS, &no_high_watermark)
            .newly_offline
            .len(),
        1
    );
    create(&dirs, 0);
    drop(dirs);
    let error = bench.try_open(options(&["/d/b"])).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[test]
fn a_directory_whose_identity_cannot_be_read_is_offline_and_the_others_are_not() {
    let bench = Bench::new();
    drop(bench.open());
    // The first file read is the first directory's identity.
    bench.disk.plan(Some(Op::Read), 0, 1, Fault::Errno(5));
    let dirs = bench.open_and_load();
    let [a, b] = &dirs.status()[..] else {
        panic!("two directories");
    };
    assert!(a.offline.is_some() && b.offline.is_none());
    assert_eq!(a.directory_id, DirectoryId::ZERO);
    drop(dirs);
    bench
        .disk
        .plan(Some(Op::Read), 0, u64::MAX, Fault::Errno(5));
    bench.try_open(options(&["/d/a", "/d/b"])).unwrap_err();
}

#[test]
fn a_replica_of_a_directory_that_is_offline_is_not_created_empty_elsewhere() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    let ids: Vec<_> = dirs.status().iter().map(|dir| dir.directory_id).collect();
    let create = |dirs: &LogDirs, directory| {
        dirs.create_log(&tp(0), topic_id(9), config(), directory)
            .map(|log| append(&log, 1))
    };
    create(&dirs, Some(ids[0])).unwrap();
    drop(dirs);
    // Its disk cannot be read at the next start: whose it was is not known.
    bench.disk.plan(Some(Op::Read), 0, 1, Fault::Errno(5));
    let dirs = bench.open_and_load();
    assert!(create(&dirs, Some(ids[0])).unwrap_err().is_offline());
    assert!(dirs.log(&tp(0)).is_none());
    // What belongs to the other one, or to none yet, can be created.
    let other = |partition, directory| {
        let created = dirs.create_log(&tp(partition), topic_id(9), config(), directory);
        created.unwrap();
        dirs.directory_of(&tp(partition))
    };
    assert_eq!(other(1, Some(ids[1])), Some(ids[1]));
    assert_eq!(other(2, None), Some(ids[1]));
    drop(dirs);
    // With every disk there, a directory that nobody knows was replaced.
    let dirs = bench.open_and_load();
    let gone = DirectoryId(Uuid::from_bytes([77; 16]));
    let created = dirs.create_log(&tp(3), topic_id(9), config(), Some(gone));
    created.unwrap();
}

#[test]
fn many_logs_are_loaded_by_several_threads() {
    let bench = Bench::new();
    let dirs = bench.open_and_load();
    for partition in 0..60 {
        append(&create(&dirs, partition), 2);
    }
    drop(dirs);
    let mut options = options(&["/d/a", "/d/b"]);
    options.recovery_threads_per_dir = 8;
    let dirs = bench.try_open(options).unwrap();
    let report = dirs.load(&|_, _| LoadDecision::Open(config()));
    assert_eq!((report.opened.len(), report.failed.len()), (60, 0));
    assert!(
        dirs.logs()
            .iter()
            .all(|(_, log)| log.lock().log_end_offset() == 2)
    );
}
