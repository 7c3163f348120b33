//! A sound log beside small files that hold anything: checkpoints, epochs, identities, markers.

use std::path::{Path, PathBuf};

use storage::{LoadDecision, LogDirs, LogDirsOptions, MetaProperties};
use types::{DirectoryId, LeaderEpoch, NodeId, TopicPartition, Uuid};

use super::storage_bench::{self, Bench, ROOT};

const FILES: [&str; 9] = [
    "recovery-point-offset-checkpoint",
    "log-start-offset-checkpoint",
    "replication-offset-checkpoint",
    "meta.properties",
    ".kafka_cleanshutdown",
    "boot-id",
    "t-0/leader-epoch-checkpoint",
    "t-0/partition.metadata",
    "t-0/recovery-point-lowered",
];

/// The first byte names the file, the rest is its contents. The directory is refused, or its log is
/// refused, or what it serves is what was written.
pub fn run(data: &[u8]) {
    let Some((which, contents)) = data.split_first() else {
        return;
    };
    let bench = Bench::new();
    let identity = MetaProperties {
        cluster_id: "c".to_owned(),
        node_id: NodeId(1),
        directory_id: DirectoryId(Uuid::ONE),
    };
    bench
        .disk
        .overwrite(&Path::new(ROOT).join("meta.properties"), META);
    let dirs = open(&bench, &identity).expect("a sound directory");
    load(&dirs);
    let written = {
        let log = dirs.log(&tp()).expect("it was loaded");
        let mut log = log.lock();
        storage_bench::fill(&mut log, 20);
        storage_bench::read_all(&log).expect("a sound log")
    };
    dirs.close(1, &|_| Some(40)).expect("a healthy disk");
    drop(dirs);

    let name = FILES[usize::from(*which) % FILES.len()];
    bench.disk.overwrite(&Path::new(ROOT).join(name), contents);
    let Ok(dirs) = open(&bench, &identity) else {
        return;
    };
    load(&dirs);
    if let Some(log) = dirs.log(&tp()) {
        let log = log.lock();
        let served = storage_bench::read_all(&log).expect("a sound log");
        assert!(written.ends_with(&served));
        let ends: Vec<_> = (-1..4)
            .map(|e| log.end_offset_for_epoch(LeaderEpoch(e)))
            .collect();
        assert!(ends.iter().all(|(_, end)| *end <= log.log_end_offset()));
    }
    let _closed = dirs.close(2, &|_| None);
}

const META: &[u8] = b"version=1\ncluster.id=c\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n";

fn tp() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn open(bench: &Bench, identity: &MetaProperties) -> Result<LogDirs, storage::Error> {
    let options = LogDirsOptions {
        paths: vec![PathBuf::from(ROOT)],
        cluster_id: identity.cluster_id.clone(),
        node_id: identity.node_id,
        recovery_threads_per_dir: 1,
        new_directory_ids: vec![identity.directory_id],
        foreign_names: Vec::new(),
    };
    LogDirs::open(options, bench.deps())
}

fn load(dirs: &LogDirs) {
    dirs.load(&|_, _| LoadDecision::Open(Bench::config()));
}
