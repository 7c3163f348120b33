//! A running controller: the quorum's node, the deciding task and the services, started and stopped
//! together.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use config::server::{Quorum as Voters, ServerConfig};
use futures_util::FutureExt as _;
use metadata::MetadataImage;
use rpc::transport::{Connector, Incoming, TransportConfig, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use types::{Clock, DirectoryId, NodeId};

use crate::Error;
use crate::active::{ActiveConfig, ActiveTask, Mailbox};
use crate::decide::Settings;
use crate::quorum::{
    FileStore, Identity, MissingStore, Quorum, QuorumConfig, SnapshotPolicy, Timing, Voter,
    VoterNode,
};
use crate::service::ControlService;

/// Folder of the store within `metadata.log.dir`. One level down, so that a store can be made beside
/// its final place without a strange name among the folders of partitions.
const STORE_DIR: &str = "quorum/voter";
/// Requests waiting for the deciding task.
const MAILBOX_CAPACITY: usize = 4096;
/// How often a metadata tail without news says that it is alive.
const TAIL_IDLE_INTERVAL: Duration = Duration::from_millis(600);
/// How long connections may take to end once their streams are over.
const DRAIN_TIME: Duration = Duration::from_millis(50);

/// What a controller needs.
#[derive(Debug)]
pub struct ControllerOptions {
    /// The node's configuration.
    pub config: Arc<ServerConfig>,
    /// The cluster in `meta.properties`. `None` lets the first active controller choose.
    pub cluster_id: Option<String>,
    /// The directory id of `metadata.log.dir`: the disk that votes (KIP-853).
    pub directory_id: DirectoryId,
    /// What to do if there is no store yet.
    pub missing_store: MissingStore,
    /// The first voters, if the node was formatted with them (KIP-853). Else the configuration may name
    /// them, and if it does not, this node is none of them.
    pub initial_voters: Vec<InitialVoter>,
    /// Connections of this process's own broker.
    pub in_process: Incoming,
    /// The controller listeners, bound.
    pub listeners: Vec<TcpListener>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// One of the first voters of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialVoter {
    /// Its `node.id`.
    pub node_id: NodeId,
    /// `host:port` of its controller listener.
    pub address: String,
    /// Its disk.
    pub directory_id: DirectoryId,
}

/// A running controller. Dropping it without [`Controller::shutdown`] leaves its tasks running until
/// the runtime ends.
pub struct Controller {
    quorum: Arc<Quorum>,
    failure: watch::Receiver<Option<String>>,
    servers: TaskTracker,
    streams: TaskTracker,
    decider: TaskTracker,
    /// Ends streams, then servers.
    stop_serving: CancellationToken,
    stop_deciding: CancellationToken,
}

impl std::fmt::Debug for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controller")
            .field("node_id", &self.quorum.node_id())
            .field("leadership", &self.quorum.leadership())
            .finish_non_exhaustive()
    }
}

impl Controller {
    /// Opens the store, joins the quorum and serves. Does not wait for an election.
    ///
    /// # Errors
    /// The store cannot be used: see [`Error`]. This node has not voted then.
    pub async fn start(options: ControllerOptions) -> Result<Self, Error> {
        let quorum_config = quorum_config(&options);
        let dir = quorum_config.dir.clone();
        let started = Quorum::start(quorum_config).await;
        let quorum = started.map_err(|error| Error::from_quorum(error, dir))?;
        let active_config = ActiveConfig {
            settings: Settings::of(&options.config),
            cluster_id: options.cluster_id,
            session_timeout: options.config.sessions.broker_session_timeout,
            is_alone: options.config.is_sole_voter(),
        };
        let mut incomings = vec![options.in_process];
        incomings.extend(options.listeners.into_iter().map(Incoming::tcp));
        Ok(Self::run(quorum, active_config, incomings, options.clock))
    }

    pub(crate) fn run(
        quorum: Quorum,
        config: ActiveConfig,
        incomings: Vec<Incoming>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let quorum = Arc::new(quorum);
        let (failure, failed) = watch::channel(None);
        let controller = Self {
            quorum: Arc::clone(&quorum),
            failure: failed,
            servers: TaskTracker::new(),
            streams: TaskTracker::new(),
            decider: TaskTracker::new(),
            stop_serving: CancellationToken::new(),
            stop_deciding: CancellationToken::new(),
        };
        let (mailbox, messages) = Mailbox::new(MAILBOX_CAPACITY);
        let routes = controller.routes(mailbox.clone());
        let stop = controller.stop_deciding.clone();
        let mailboxes = (mailbox, messages);
        let task = ActiveTask::new(quorum, config, clock, mailboxes, stop, failure);
        controller.decider.spawn(or_abort(task.run()));
        for incoming in incomings {
            controller.serve(routes.clone(), incoming);
        }
        controller
    }

    fn routes(&self, mailbox: Mailbox) -> Routes {
        let transport = TransportConfig::default();
        let control = ControlService::new(
            Arc::clone(&self.quorum),
            mailbox,
            self.streams.clone(),
            self.stop_serving.clone(),
            TAIL_IDLE_INTERVAL,
        );
        let mut routes = Routes::builder();
        routes
            .add_service(control.into_server(transport.message_bytes_max))
            .add_service(self.quorum.service());
        routes.routes()
    }

    fn serve(&self, routes: Routes, incoming: Incoming) {
        let stop = self.stop_serving.clone();
        self.servers.spawn(async move {
            let transport = TransportConfig::default();
            let stopped = stop.clone().cancelled_owned();
            let serving = serve(routes, incoming, &transport, stopped);
            // A connection that nobody closes must not hold up the shutdown.
            let overdue = async {
                stop.cancelled().await;
                tokio::time::sleep(DRAIN_TIME).await;
            };
            tokio::select! {
                served = serving => if let Err(error) = served {
                    tracing::error!(%error, "a controller listener failed");
                },
                () = overdue => {}
            }
        });
    }

    /// The directory id that the store in `metadata.log.dir` was made for; `None` if there is none.
    /// Blocks.
    ///
    /// # Errors
    /// There is something where the store should be, but not a whole one.
    pub fn stored_directory_id(config: &ServerConfig) -> Result<Option<DirectoryId>, Error> {
        let dir = store_dir(config);
        let found = FileStore::find(&dir);
        let found = found.map_err(|error| Error::from_quorum(error.into(), dir))?;
        Ok(found.map(|identity| identity.directory_id))
    }

    /// The newest committed image.
    #[must_use]
    pub fn image(&self) -> Arc<MetadataImage> {
        self.quorum.published().image()
    }

    /// Resolves when the controller cannot go on, with the reason. The process had better stop.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn failed(&self) -> Error {
        let mut failure = self.failure.clone();
        let decided = async {
            match failure.wait_for(Option::is_some).await {
                Ok(reason) => reason.clone().unwrap_or_default(),
                Err(_stopped) => std::future::pending().await,
            }
        };
        tokio::select! {
            reason = decided => Error::Quorum(reason),
            reason = self.quorum.failed() => Error::from_stop(reason),
        }
    }

    #[cfg(test)]
    pub(crate) fn watch_offset(&self) -> watch::Receiver<metadata::MetadataOffset> {
        self.quorum.published().offset()
    }

    #[cfg(test)]
    pub(crate) async fn make_snapshot(&self) {
        self.quorum.make_snapshot().await;
    }

    /// Stops: no more decisions, then another controller takes over if this one was active, then no
    /// more requests and no more voting. Everything that was acknowledged is durable already.
    pub async fn shutdown(self) {
        self.stop_deciding.cancel();
        join(&self.decider).await;
        self.quorum.hand_over().await;
        self.stop_serving.cancel();
        join(&self.streams).await;
        join(&self.servers).await;
        self.quorum.shutdown().await;
    }
}

async fn join(tasks: &TaskTracker) {
    tasks.close();
    // The tasks have been told to stop and do not wait for anybody; this only bounds a mistake.
    if timeout(DRAIN_TIME * 4, tasks.wait()).await.is_err() {
        tracing::warn!("a task of the controller did not stop in time");
    }
}

/// Decisions that are half made are worse than none: a panic in the deciding task ends the process,
/// and another controller takes over.
async fn or_abort(work: impl Future<Output = ()>) {
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        tracing::error!("the controller panicked; the process stops, because its state is suspect");
        std::process::abort();
    }
}

fn quorum_config(options: &ControllerOptions) -> QuorumConfig {
    let config = &*options.config;
    let identity = Identity {
        node_id: config.node_id,
        directory_id: options.directory_id,
    };
    QuorumConfig {
        own_address: own_address(config),
        listener_name: config
            .listeners
            .controller
            .first()
            .map_or_else(|| "CONTROLLER".to_owned(), |first| first.name.clone()),
        joins_by_itself: joins_by_itself(config),
        voters: voters(config, options),
        observed: observed(config),
        identity,
        dir: store_dir(config),
        missing_store: options.missing_store,
        cluster_id: options.cluster_id.clone(),
        timing: timing(config),
        snapshots: SnapshotPolicy {
            bytes: usize::try_from(
                config
                    .metadata_log
                    .metadata_log_max_record_bytes_between_snapshots,
            )
            .unwrap_or(usize::MAX),
            ..SnapshotPolicy::default()
        },
        transport: TransportConfig::default(),
    }
}

fn store_dir(config: &ServerConfig) -> PathBuf {
    config.metadata_log_dir.join(STORE_DIR)
}

/// The voters that a new cluster begins with.
fn voters(config: &ServerConfig, options: &ControllerOptions) -> Vec<Voter> {
    if !options.initial_voters.is_empty() {
        let voters = options.initial_voters.iter();
        return voters
            .map(|v| voter(v.node_id, v.address.clone(), v.directory_id))
            .collect();
    }
    if config.is_sole_voter() {
        let directory_id = options.directory_id;
        return vec![voter(config.node_id, own_address(config), directory_id)];
    }
    match &config.quorum {
        // The configuration does not name the disks, and all founders have to write the same.
        Voters::Voters(voters) => voters
            .iter()
            .map(|v| voter(v.node_id, v.endpoint.to_string(), DirectoryId::ZERO))
            .collect(),
        Voters::Embedded | Voters::Bootstrap(_) => Vec::new(),
    }
}

/// As the other controllers know it: where the configuration names the voters, all of them read the
/// same.
fn own_address(config: &ServerConfig) -> String {
    if let Voters::Voters(voters) = &config.quorum
        && let Some(own) = voters.iter().find(|it| it.node_id == config.node_id)
    {
        return own.endpoint.to_string();
    }
    let listener = config.listeners.advertised_controller.first();
    listener.map(|l| l.endpoint.to_string()).unwrap_or_default()
}

/// `controller.quorum.auto.join.enable`.
fn joins_by_itself(config: &ServerConfig) -> bool {
    let key = config.properties.get("controller.quorum.auto.join.enable");
    key.is_some_and(|text| text.trim() == "true")
}

/// Whom a controller asks that is not one of the first voters.
fn observed(config: &ServerConfig) -> Vec<Connector> {
    match &config.quorum {
        Voters::Bootstrap(servers) => {
            let servers = servers.iter().map(ToString::to_string);
            servers.map(Connector::tcp).collect()
        }
        Voters::Embedded | Voters::Voters(_) => Vec::new(),
    }
}

fn voter(node_id: NodeId, address: String, directory_id: DirectoryId) -> Voter {
    Voter {
        node_id,
        connector: Connector::tcp(address.clone()),
        node: VoterNode {
            address,
            directory_id,
        },
    }
}

/// Ours unless the operator has said otherwise: Kafka's default waits for a second and more.
fn timing(config: &ServerConfig) -> Timing {
    const KEY: &str = "controller.quorum.election.timeout.ms";
    if config.properties.get(KEY).is_none() {
        return Timing::default();
    }
    let election = config.metadata_log.controller_quorum_election_timeout;
    let election = election.max(Duration::from_millis(50));
    let default = Timing::default();
    Timing {
        heartbeat_interval: (election / 5).min(default.heartbeat_interval),
        election_timeout_min: election,
        election_timeout_max: election * 2,
    }
}
