//! The node's data directories: which cluster they belong to, and their locks.
//!
//! A metadata directory that never held a quorum store carries a marker, from its formatting until
//! the controller has made the store. Without the marker a missing store is a lost one, and the node
//! must not vote as if it had never voted before.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::server::{Quorum, ServerConfig};
use controller::{Controller, InitialVoter};
use storage::{LogDeps, LogDirs, LogDirsOptions, MetaProperties};
use types::{DirectoryId, SystemClock};

use crate::failure::Failure;
use crate::format::{deps, random_uuid};
use crate::founders;

/// Where in `metadata.log.dir` the controller keeps its store.
const QUORUM_DIR: &str = "quorum";

/// The marker's name in `metadata.log.dir`.
const MARKER: &str = "quorum.new";

/// The first voters that the node was formatted with. It stays: a first start may be interrupted before
/// the quorum is founded.
const VOTERS: &str = "quorum.voters";

/// What an empty directory may hold: a file system's own folder, a lock.
const LEFT_ALONE: [&str; 2] = ["lost+found", ".lock"];

/// Who this node's controller is when it starts.
#[derive(Debug, Clone)]
pub(crate) struct VoterStart {
    /// `None` before the node's first quorum has told it.
    pub(crate) cluster_id: Option<String>,
    /// The disk that votes.
    pub(crate) directory_id: DirectoryId,
    /// Whether the metadata directory has never had a quorum store.
    pub(crate) may_lack_store: bool,
    /// The first voters, if it was formatted with them.
    pub(crate) initial_voters: Vec<InitialVoter>,
}

/// What the directories say before they are opened. Nothing is locked yet.
#[derive(Debug)]
pub(crate) struct Premises {
    config: Arc<ServerConfig>,
    deps: LogDeps,
    /// The cluster that a directory was formatted for.
    cluster_id: Option<String>,
    /// The identity of the metadata directory, or the one it will get.
    metadata_directory_id: DirectoryId,
    /// Directories without an identity.
    nameless: Vec<PathBuf>,
}

impl Premises {
    /// Looks at the directories. Those of a node that has never run are marked so.
    pub(crate) async fn look(
        config: &Arc<ServerConfig>,
        clock: Arc<SystemClock>,
    ) -> Result<Self, Failure> {
        let config = Arc::clone(config);
        blocking(move || Self::look_blocking(config, clock)).await
    }

    fn look_blocking(config: Arc<ServerConfig>, clock: Arc<SystemClock>) -> Result<Self, Failure> {
        let deps = deps(clock);
        let paths = directories(&config);
        let found = LogDirs::identities(&paths, &deps).map_err(|error| failure(&error))?;
        let cluster_id = known_cluster_id(&config, &found)?;
        let own = paths.iter().zip(&found);
        let mut own = own.filter(|(path, _)| **path == config.metadata_log_dir);
        let metadata = own.next().and_then(|(_, identity)| identity.as_ref());
        let metadata_directory_id = match metadata {
            Some(identity) if identity.directory_id != DirectoryId::ZERO => identity.directory_id,
            Some(_) => new_metadata_directory(&config, &deps)?,
            None => {
                refuse_lost_log(&config, &deps, &found)?;
                new_metadata_directory(&config, &deps)?
            }
        };
        let has_none = |found: &Option<MetaProperties>| {
            let id = found.as_ref().map(|identity| identity.directory_id);
            id.is_none_or(|id| id == DirectoryId::ZERO)
        };
        let nameless = paths
            .iter()
            .zip(&found)
            .filter(|(_, found)| has_none(found));
        let nameless = nameless.map(|(path, _)| path.clone()).collect();
        Ok(Self {
            config,
            deps,
            cluster_id,
            metadata_directory_id,
            nameless,
        })
    }

    /// The cluster that the node belongs to; `None` if only its quorum can tell.
    pub(crate) fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// How the node's controller starts before the node knows its cluster.
    pub(crate) fn voter(&self) -> Result<VoterStart, Failure> {
        Ok(VoterStart {
            cluster_id: None,
            directory_id: self.metadata_directory_id,
            may_lack_store: is_marked(&self.config.metadata_log_dir, &self.deps)?,
            initial_voters: Vec::new(),
        })
    }

    /// Locks the directories and checks that they are this node's. Empty ones are made its own.
    pub(crate) async fn open(self, cluster_id: String) -> Result<Directories, Failure> {
        blocking(move || Directories::open(&self, cluster_id)).await
    }
}

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
    fn open(premises: &Premises, cluster_id: String) -> Result<Self, Failure> {
        let config = &premises.config;
        let metadata_path = config.metadata_log_dir.clone();
        let open = |paths: Vec<PathBuf>| {
            let options = options(premises, &cluster_id, paths);
            let opened = LogDirs::open(options, premises.deps.clone()).map(Arc::new);
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
            deps: premises.deps.clone(),
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

    /// How the node's controller starts.
    pub(crate) fn voter(&self) -> Result<VoterStart, Failure> {
        let statuses = self.metadata_dirs.status();
        let status = statuses
            .iter()
            .find(|status| status.path == self.metadata_path);
        Ok(VoterStart {
            cluster_id: Some(self.cluster_id.clone()),
            directory_id: status.map_or(DirectoryId::ZERO, |status| status.directory_id),
            may_lack_store: is_marked(&self.metadata_path, &self.deps)?,
            initial_voters: initial_voters(&self.metadata_path)?,
        })
    }

    /// Remembers, durably, that the metadata directory has a quorum store.
    pub(crate) fn has_quorum_store(&self) -> Result<(), Failure> {
        if !is_marked(&self.metadata_path, &self.deps)? {
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
pub(crate) fn mark_new(
    path: &Path,
    voters: &[InitialVoter],
    deps: &LogDeps,
) -> Result<(), Failure> {
    let disk = &deps.disk;
    let marked = disk.create_dir(path).and_then(|()| {
        let is_empty = |name: &str| LEFT_ALONE.contains(&name) || [MARKER, VOTERS].contains(&name);
        if disk.list(path)?.iter().all(|entry| is_empty(&entry.name)) {
            if !voters.is_empty() {
                let text = founders::to_text(voters);
                disk.replace(&path.join(VOTERS), text.as_bytes(), true)?;
            }
            disk.replace(&path.join(MARKER), b"", true)?;
        }
        Ok(())
    });
    marked.map_err(|error| Failure::Data(format!("log.dirs: {}: {error}", path.display())))
}

/// Names in a data directory that are not the logs'.
pub(crate) fn foreign_names() -> Vec<String> {
    let ours = [QUORUM_DIR, MARKER, VOTERS];
    ours.iter()
        .chain(&LEFT_ALONE)
        .map(|name| (*name).to_owned())
        .collect()
}

fn failure(error: &storage::Error) -> Failure {
    Failure::Data(format!("log.dirs: {error}"))
}

/// The cluster that the directories belong to. A lone node with empty directories starts one; a node
/// among others asks them, unless it would have to be one of the first voters without a word about
/// who the others are.
fn known_cluster_id(
    config: &ServerConfig,
    found: &[Option<MetaProperties>],
) -> Result<Option<String>, Failure> {
    if let Some(identity) = found.iter().flatten().next() {
        return Ok(Some(identity.cluster_id.clone()));
    }
    if config.is_sole_voter() {
        return Ok(Some(random_uuid().to_string()));
    }
    if config.roles.controller && matches!(config.quorum, Quorum::Bootstrap(_)) {
        return Err(Failure::Data(
            "log.dirs: the directories are empty, and controller.quorum.bootstrap.servers does not \
             say who votes; run raudal format with the cluster's --cluster-id and --standalone (the \
             first controller), --initial-controllers (one of the first) or \
             --no-initial-controllers (a controller or broker that comes later)"
                .to_owned(),
        ));
    }
    Ok(None)
}

/// A lone voter cannot ask anybody whether its metadata directory was always empty. If another of its
/// directories knows the cluster, it was not: its disk was replaced, or is not mounted. An empty log in its
/// place would disown every partition there is.
fn refuse_lost_log(
    config: &ServerConfig,
    deps: &LogDeps,
    found: &[Option<MetaProperties>],
) -> Result<(), Failure> {
    let path = &config.metadata_log_dir;
    let Some(known) = found.iter().flatten().next() else {
        return Ok(());
    };
    if !config.is_sole_voter() || is_marked(path, deps)? || stored_directory_id(config)?.is_some() {
        return Ok(());
    }
    Err(Failure::Data(format!(
        "metadata.log.dir: {} holds no metadata log, and another directory of this node belongs to \
         cluster {}: the disk was replaced, or is not mounted. Bring it back; or, to begin with an empty \
         log, in which none of the cluster's topics exist, run raudal format --ignore-formatted",
        path.display(),
        known.cluster_id
    )))
}

fn stored_directory_id(config: &ServerConfig) -> Result<Option<DirectoryId>, Failure> {
    let stored = Controller::stored_directory_id(config);
    stored.map_err(|error| Failure::Data(error.to_string()))
}

/// The identity of a metadata directory that has none: that of the store in it, if the first start
/// came that far, or a new one.
fn new_metadata_directory(config: &ServerConfig, deps: &LogDeps) -> Result<DirectoryId, Failure> {
    if !config.roles.controller {
        return Ok(DirectoryId(random_uuid()));
    }
    if !is_marked(&config.metadata_log_dir, deps)? {
        mark_new(&config.metadata_log_dir, &[], deps)?;
    }
    let stored = stored_directory_id(config)?;
    Ok(stored.unwrap_or_else(|| DirectoryId(random_uuid())))
}

fn is_marked(metadata_path: &Path, deps: &LogDeps) -> Result<bool, Failure> {
    let marker = metadata_path.join(MARKER);
    let exists = deps.disk.exists(&marker);
    exists.map_err(|error| Failure::Data(format!("{}: {error}", marker.display())))
}

/// The first voters that the node was formatted with, if it was.
fn initial_voters(metadata_path: &Path) -> Result<Vec<InitialVoter>, Failure> {
    let path = metadata_path.join(VOTERS);
    let failure = |what: String| Failure::Data(format!("{}: {what}", path.display()));
    match std::fs::read_to_string(&path) {
        Ok(text) => founders::parse(&text).ok_or_else(|| failure("makes no sense".to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failure(error.to_string())),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure::Other(format!("opening directories: {error}"))))
}

fn options(premises: &Premises, cluster_id: &str, paths: Vec<PathBuf>) -> LogDirsOptions {
    let config = &premises.config;
    let threads = config.logs.num_recovery_threads_per_data_dir;
    // Handed out in order to those that have none.
    let nameless = paths.iter().filter(|path| premises.nameless.contains(path));
    let new_directory_ids = nameless.map(|path| match *path == config.metadata_log_dir {
        true => premises.metadata_directory_id,
        false => DirectoryId(random_uuid()),
    });
    LogDirsOptions {
        new_directory_ids: new_directory_ids.collect(),
        paths,
        cluster_id: cluster_id.to_owned(),
        node_id: config.node_id,
        recovery_threads_per_dir: usize::try_from(threads).unwrap_or(1),
        foreign_names: foreign_names(),
    }
}
