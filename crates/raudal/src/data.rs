//! The node's data directories: which cluster they belong to, and their locks.
//!
//! A metadata directory that never held a quorum store carries a marker, from its formatting until
//! the controller has made the store. Without the marker a missing store is a lost one, and the node
//! must not vote as if it had never voted before.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::server::ServerConfig;
use storage::{LogDeps, LogDirs, LogDirsOptions, MetaProperties};
use types::{DirectoryId, SystemClock};

use crate::failure::Failure;
use crate::format::{deps, random_uuid};

/// Where in `metadata.log.dir` the controller keeps its store.
const QUORUM_DIR: &str = "quorum";

/// The marker's name in `metadata.log.dir`.
const MARKER: &str = "quorum.new";

/// What an empty directory may hold: a file system's own folder, a lock.
const LEFT_ALONE: [&str; 2] = ["lost+found", ".lock"];

/// The directories, locked until this is dropped.
#[derive(Debug)]
pub(crate) struct Directories {
    cluster_id: String,
    log_dirs: Arc<LogDirs>,
    /// `metadata.log.dir`, which may be one of `log_dirs`.
    metadata_dirs: Arc<LogDirs>,
    metadata_path: PathBuf,
    deps: LogDeps,
}

impl Directories {
    /// Locks the directories and checks that they are this node's. Empty ones are made its own.
    pub(crate) async fn open(
        config: &Arc<ServerConfig>,
        clock: Arc<SystemClock>,
    ) -> Result<Self, Failure> {
        let config = Arc::clone(config);
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&config, clock));
        match opened.await {
            Ok(opened) => opened,
            Err(error) => Err(Failure::Other(format!("opening directories: {error}"))),
        }
    }

    fn open_blocking(config: &ServerConfig, clock: Arc<SystemClock>) -> Result<Self, Failure> {
        let deps = deps(clock);
        let metadata_path = config.metadata_log_dir.clone();
        let paths = directories(config);
        let found = LogDirs::identities(&paths, &deps).map_err(|error| failure(&error))?;
        let cluster_id = cluster_id(config, &found)?;
        let is_new = |path: &Path| {
            let mut pairs = paths.iter().zip(&found);
            pairs.any(|(other, identity)| *other == path && identity.is_none())
        };
        if config.roles.controller && is_new(&metadata_path) {
            mark_new(&metadata_path, &deps)?;
        }
        let open = |paths: Vec<PathBuf>| {
            let options = options(config, &cluster_id, paths);
            let opened = LogDirs::open(options, deps.clone()).map(Arc::new);
            opened.map_err(|error| failure(&error))
        };
        let log_dirs = open(config.log_dirs.clone())?;
        let metadata_dirs = if config.log_dirs.contains(&metadata_path) {
            Arc::clone(&log_dirs)
        } else {
            open(vec![metadata_path.clone()])?
        };
        Ok(Self {
            cluster_id,
            log_dirs,
            metadata_dirs,
            metadata_path,
            deps,
        })
    }

    /// The cluster the node belongs to.
    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// Where partitions are kept.
    pub(crate) fn log_dirs(&self) -> Arc<LogDirs> {
        Arc::clone(&self.log_dirs)
    }

    /// The identity of the metadata directory, by which its voter is known.
    pub(crate) fn metadata_directory_id(&self) -> DirectoryId {
        let statuses = self.metadata_dirs.status();
        let status = statuses
            .iter()
            .find(|status| status.path == self.metadata_path);
        status.map_or(DirectoryId::ZERO, |status| status.directory_id)
    }

    /// Whether the metadata directory has never had a quorum store.
    pub(crate) fn may_lack_quorum_store(&self) -> Result<bool, Failure> {
        let marker = self.metadata_path.join(MARKER);
        let exists = self.deps.disk.exists(&marker);
        exists.map_err(|error| Failure::Data(format!("{}: {error}", marker.display())))
    }

    /// Remembers, durably, that the metadata directory has a quorum store.
    pub(crate) fn has_quorum_store(&self) -> Result<(), Failure> {
        if !self.may_lack_quorum_store()? {
            return Ok(());
        }
        let marker = self.metadata_path.join(MARKER);
        let removed = self.deps.disk.remove(&marker);
        removed
            .and_then(|()| self.deps.disk.sync_dir(&self.metadata_path))
            .map_err(|error| Failure::Data(format!("{}: {error}", marker.display())))
    }
}

/// Everything a node keeps data in, each directory once.
pub(crate) fn directories(config: &ServerConfig) -> Vec<PathBuf> {
    let mut paths = config.log_dirs.clone();
    if !paths.contains(&config.metadata_log_dir) {
        paths.push(config.metadata_log_dir.clone());
    }
    paths
}

/// Marks a metadata directory as one that never held a quorum store. One that holds anything else
/// is left alone: opening it will say what is wrong.
pub(crate) fn mark_new(path: &Path, deps: &LogDeps) -> Result<(), Failure> {
    let disk = &deps.disk;
    let marked = disk.create_dir(path).and_then(|()| {
        let is_empty = |name: &str| LEFT_ALONE.contains(&name) || name == MARKER;
        if disk.list(path)?.iter().all(|entry| is_empty(&entry.name)) {
            disk.replace(&path.join(MARKER), b"", true)?;
        }
        Ok(())
    });
    marked.map_err(|error| Failure::Data(format!("log.dirs: {}: {error}", path.display())))
}

/// Names in a data directory that are not the logs'.
pub(crate) fn foreign_names() -> Vec<String> {
    let ours = [QUORUM_DIR, MARKER];
    ours.iter()
        .chain(&LEFT_ALONE)
        .map(|name| (*name).to_owned())
        .collect()
}

fn failure(error: &storage::Error) -> Failure {
    Failure::Data(format!("log.dirs: {error}"))
}

/// The cluster that the directories belong to. A lone node with empty directories starts one.
fn cluster_id(config: &ServerConfig, found: &[Option<MetaProperties>]) -> Result<String, Failure> {
    if let Some(identity) = found.iter().flatten().next() {
        return Ok(identity.cluster_id.clone());
    }
    if config.is_sole_voter() {
        return Ok(random_uuid().to_string());
    }
    Err(Failure::Data(
        "log.dirs: the directories are empty, and several nodes must agree on a cluster id; run \
         raudal format with the same --cluster-id on each of them"
            .to_owned(),
    ))
}

fn options(config: &ServerConfig, cluster_id: &str, paths: Vec<PathBuf>) -> LogDirsOptions {
    let threads = config.logs.num_recovery_threads_per_data_dir;
    LogDirsOptions {
        new_directory_ids: paths.iter().map(|_| DirectoryId(random_uuid())).collect(),
        paths,
        cluster_id: cluster_id.to_owned(),
        node_id: config.node_id,
        recovery_threads_per_dir: usize::try_from(threads).unwrap_or(1),
        foreign_names: foreign_names(),
    }
}
