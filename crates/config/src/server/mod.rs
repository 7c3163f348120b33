//! A node's configuration, typed and checked as a whole: what a `server.properties` means.
//!
//! Three shapes start without a word more: no file at all, Kafka's stock KRaft file, and an old
//! file with `broker.id` and `listeners` alone. A node whose configuration says nothing about
//! roles is broker and controller in one, its own only voter, and needs no controller listener.

mod addresses;
mod build;
mod checks;
mod listen;
mod listeners;
mod problem;
mod quorum;
mod read;
mod settings;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use types::NodeId;

use crate::properties::Properties;

pub use addresses::Endpoint;
pub use listeners::{AdvertisedListener, Listener, Listeners, SecurityProtocol};
pub use problem::{Problem, Problems, Warning};
pub use quorum::{Quorum, Voter};
pub use settings::{
    Elections, Fetching, Groups, Logs, MetadataLog, Offsets, Producers, Replication, Sessions,
    Sockets, Topics,
};

/// What the node is: `process.roles`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Keeps partitions and serves clients.
    pub broker: bool,
    /// Votes on the cluster's metadata.
    pub controller: bool,
}

/// What the operator cannot write down: facts about this machine and how the node was started.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// This machine's canonical host name, advertised for listeners that name no host.
    pub host_name: String,
    /// Whether a `server.properties` was given. Without one, the node listens on localhost and
    /// keeps its data under `./data`.
    pub has_file: bool,
}

/// A node's configuration. Everything in it has been checked against everything else.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// `process.roles`.
    pub roles: Roles,
    /// `node.id`, or `broker.id`.
    pub node_id: NodeId,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Where the node listens and what it tells others.
    pub listeners: Listeners,
    /// Who votes on metadata.
    pub quorum: Quorum,
    /// `log.dirs`, else `log.dir`.
    pub log_dirs: Vec<PathBuf>,
    /// `metadata.log.dir`, else the first of `log_dirs`.
    pub metadata_log_dir: PathBuf,
    /// Defaults and limits for topics.
    pub topics: Topics,
    /// Sockets and connections.
    pub sockets: Sockets,
    /// How brokers prove that they live.
    pub sessions: Sessions,
    /// When leaders change without a broker coming or going.
    pub elections: Elections,
    /// How reads are bounded.
    pub fetching: Fetching,
    /// Work on logs that no topic can change.
    pub logs: Logs,
    /// What is remembered of idempotent producers.
    pub producers: Producers,
    /// Consumer groups.
    pub groups: Groups,
    /// What consumer groups commit.
    pub offsets: Offsets,
    /// Replication between brokers.
    pub replication: Replication,
    /// The metadata log and its quorum.
    pub metadata_log: MetadataLog,
    /// The values given by the operator, by name: the file layer of [`crate::Layers`]. Values the
    /// node chose itself (such as a data directory without a file) stand here too.
    pub properties: Properties,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

impl ServerConfig {
    /// Reads and checks a node's configuration.
    ///
    /// # Errors
    /// Everything that keeps the node from starting, each with key, value and remedy.
    pub fn new(properties: Properties, surroundings: &Surroundings) -> Result<Self, Problems> {
        build::build(properties, surroundings)
    }
}
