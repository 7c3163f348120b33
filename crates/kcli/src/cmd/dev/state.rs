//! What is known about the cluster between two calls: a file in its folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use storage::disk::{Disk as _, RealDisk};

use super::Place;
use super::layout::{HOST, Role};
use super::process::{Life, Process};
use crate::failure::{Failure, Result};

/// The file's name.
const FILE: &str = "cluster.json";
/// The form of the file.
const VERSION: u32 = 1;
/// Far more than the file of the largest cluster.
const BYTES_MAX: u64 = 1 << 20;
/// The port that kcli knocks at when nobody says otherwise.
const DEFAULT_PORT: u16 = client::DEFAULT_PORT;

/// A cluster that was started here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cluster {
    version: u32,
    /// Its id.
    pub(crate) cluster_id: String,
    /// The server's binary.
    pub(crate) binary: PathBuf,
    /// Its nodes by id.
    pub(crate) nodes: Vec<Node>,
    /// Where all of it lies.
    #[serde(skip)]
    pub(crate) dir: PathBuf,
}

/// One of its nodes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    /// `node.id`.
    pub(crate) id: i32,
    /// What it does.
    pub(crate) role: Role,
    /// Where clients connect, of a broker.
    pub(crate) port: Option<u16>,
    /// Where its controller listens, of a voter.
    pub(crate) controller_port: Option<u16>,
    /// Its properties.
    pub(crate) config: PathBuf,
    /// What it says.
    pub(crate) log: PathBuf,
    /// Its process, if it was ever started.
    pub(crate) process: Option<Process>,
}

impl Node {
    /// How it is.
    pub(crate) fn life(&self) -> Life {
        let process = self.process.as_ref();
        process.map_or(Life::Gone, |process| process.life(&self.config))
    }
}

impl Cluster {
    pub(super) fn new(dir: PathBuf, cluster_id: String, binary: PathBuf, nodes: Vec<Node>) -> Self {
        Self {
            version: VERSION,
            cluster_id,
            binary,
            nodes,
            dir,
        }
    }

    /// The cluster in that place, if there is one.
    ///
    /// # Errors
    /// The file is there and cannot be used.
    pub(crate) fn load(place: &Place) -> Result<Option<Self>> {
        Self::load_from(&dir_of(place)?)
    }

    fn load_from(dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(FILE);
        let failure = |what: String| Failure::failed(format!("{}: {what}", path.display()));
        let bytes = match RealDisk.read(&path, BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failure(error.to_string())),
        };
        let mut cluster: Self =
            serde_json::from_slice(&bytes).map_err(|error| failure(error.to_string()))?;
        if cluster.version != VERSION {
            return Err(failure(format!(
                "version {} is not known here",
                cluster.version
            )));
        }
        cluster.dir = dir.to_owned();
        Ok(Some(cluster))
    }

    /// The cluster in that place.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn find(place: &Place) -> Result<Self> {
        let dir = dir_of(place)?;
        Self::load_from(&dir)?.ok_or_else(|| {
            Failure::failed(format!("there is no dev cluster in {}", dir.display()))
                .hint("`kcli dev start` makes one; --dir names another folder")
        })
    }

    /// Keeps what is known.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn save(&self) -> Result {
        let path = self.file();
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
        RealDisk
            .replace(&path, &text, false)
            .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
    }

    /// The file itself.
    pub(super) fn file(&self) -> PathBuf {
        self.dir.join(FILE)
    }

    /// The node with this id.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn node(&self, id: i32) -> Result<&Node> {
        self.nodes.iter().find(|node| node.id == id).ok_or_else(|| {
            let ids: Vec<_> = self.nodes.iter().map(|node| node.id.to_string()).collect();
            Failure::usage(format!(
                "there is no node {id}; there are {}",
                ids.join(", ")
            ))
        })
    }

    /// Where clients start.
    pub(crate) fn bootstrap(&self) -> String {
        let ports = self.nodes.iter().filter_map(|node| node.port);
        ports
            .map(|port| format!("{HOST}:{port}"))
            .collect::<Vec<_>>()
            .join(",")
    }
}

/// The folder of that place.
pub(super) fn dir_of(place: &Place) -> Result<PathBuf> {
    let dir = match &place.dir {
        Some(dir) => dir.clone(),
        None => default_dir(),
    };
    std::path::absolute(&dir)
        .map_err(|error| Failure::failed(format!("--dir {}: {error}", dir.display())))
}

fn default_dir() -> PathBuf {
    let set = |name| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    if let Some(dir) = set("KCLI_DEV_DIR") {
        return dir;
    }
    let home = set("HOME").map(|home| home.join(".local/state"));
    let state = set("XDG_STATE_HOME").or(home);
    state
        .unwrap_or_else(|| ".local/state".into())
        .join("raudal/dev")
}

/// Where the cluster in the usual place can be reached, if it is up and owns the usual port: then any
/// of its brokers will do when one of them has been killed.
pub(crate) fn running_bootstrap() -> Option<String> {
    let cluster = Cluster::load(&Place::default()).ok()??;
    let owns_port = cluster
        .nodes
        .iter()
        .any(|node| node.port == Some(DEFAULT_PORT));
    let is_up = || cluster.nodes.iter().any(|node| node.life() == Life::Up);
    (owns_port && is_up()).then(|| cluster.bootstrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(dir: &Path) -> Cluster {
        let node = Node {
            id: 1,
            role: Role::Combined,
            port: Some(9092),
            controller_port: Some(9192),
            config: dir.join("server.properties"),
            log: dir.join("log"),
            process: None,
        };
        Cluster::new(dir.to_owned(), "id".to_owned(), "raudal".into(), vec![node])
    }

    #[test]
    fn what_was_saved_is_found_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = Place {
            dir: Some(dir.path().to_owned()),
        };
        assert!(Cluster::load(&place).expect("readable").is_none());
        assert!(Cluster::find(&place).is_err());
        cluster(dir.path()).save().expect("saved");
        let found = Cluster::find(&place).expect("there");
        assert_eq!(found.bootstrap(), "127.0.0.1:9092");
        assert_eq!(found.node(1).expect("there").life(), Life::Gone);
        let refused = found.node(7).expect_err("not there");
        assert_eq!(refused.message, "there is no node 7; there are 1");
    }

    #[test]
    fn a_damaged_file_is_told_and_not_taken_for_no_cluster() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join(FILE), "{").expect("written");
        assert!(Cluster::load_from(dir.path()).is_err());
    }
}
