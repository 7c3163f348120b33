//! One node of the quorum, with openraft behind it and none of it in sight.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use metadata::MetadataOffset;
use openraft::ServerState;
use openraft::error::{ClientWriteError, Fatal, InitializeError, RaftError};
use openraft::metrics::RaftServerMetrics;
use rpc::LeaderHint;
use rpc::proto::quorum::v1::quorum_server::QuorumServer;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{DirectoryId, NodeId};

use super::config::{MissingStore, QuorumConfig, SnapshotPolicy};
use super::durable::{DurableStore, FileStore, OpenError, Recovered};
use super::log_store::{LogStore, SharedLog};
use super::network::Network;
use super::published::{KnownClusterId, Published};
use super::raft_types::{Decision, Outcome, Raft, VoterNode, node_id, raft_id};
use super::service::QuorumService;
use super::state_machine::{Backlog, StateMachine};

/// A running node. Shared by everybody who proposes, reads or serves.
pub(crate) struct Quorum {
    raft: Raft,
    log: SharedLog,
    published: Published,
    config: QuorumConfig,
    cluster_id: KnownClusterId,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Why a node of the quorum cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuorumError {
    /// The store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Raft refused its settings, or what the store held.
    #[error("raft cannot start: {0}")]
    Raft(String),
}

/// Who leads, as far as this node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// Grows with every election.
    pub(crate) term: u64,
    /// The leader of that term.
    pub(crate) leader: Option<NodeId>,
    /// Whether it is this node.
    pub(crate) is_self: bool,
}

/// Why a proposal has no effect, or may have none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProposeError {
    /// Another node leads, or nobody does. The entry may still be committed by the next leader.
    #[error("this node no longer leads")]
    NotLeader,
    /// The log had moved on: the entry is in the log and has no effect.
    #[error("the entry got another place than it was decided for")]
    Void,
    /// This node has stopped, because it was told to or because its store failed.
    #[error("this node has stopped: {0}")]
    Stopped(String),
}

/// One node as the leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberState {
    pub(crate) node_id: NodeId,
    pub(crate) directory_id: DirectoryId,
    pub(crate) address: String,
    pub(crate) is_voter: bool,
    /// One past the last offset it is known to have; `None` if this node cannot know.
    pub(crate) log_end_offset: Option<MetadataOffset>,
}

impl Quorum {
    /// Opens the store, or makes one if that is allowed, and takes part in the quorum.
    ///
    /// # Errors
    /// The store is lost, damaged or somebody else's. The node has not voted then.
    pub(crate) async fn start(config: QuorumConfig) -> Result<Self, QuorumError> {
        let opening = config.clone();
        let opened = tokio::task::spawn_blocking(move || open_store(&opening)).await;
        let (store, recovered) = opened.map_err(|e| QuorumError::Raft(e.to_string()))??;
        Self::start_on(Arc::new(store), recovered, config).await
    }

    /// Takes part in the quorum with an open store.
    pub(crate) async fn start_on(
        store: Arc<dyn DurableStore>,
        recovered: Recovered,
        config: QuorumConfig,
    ) -> Result<Self, QuorumError> {
        let raft_config = config.to_openraft().map_err(QuorumError::Raft)?;
        let log_store = LogStore::new(&recovered, Arc::clone(&store));
        let log = log_store.shared();
        let state_machine = StateMachine::new(&recovered, store, Arc::clone(&log));
        let state_machine = state_machine.map_err(OpenError::Unreadable)?;
        let (published, backlog) = (state_machine.published(), state_machine.backlog());
        let cluster_id = KnownClusterId {
            formatted: config.cluster_id.clone(),
            published: published.clone(),
        };
        let network = Network::new(&config, cluster_id.clone());
        let id = raft_id(config.identity.node_id);
        let raft = Raft::new(id, Arc::new(raft_config), network, log_store, state_machine).await;
        let quorum = Self {
            raft: raft.map_err(|e| QuorumError::Raft(e.to_string()))?,
            log,
            published,
            config,
            cluster_id,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        quorum.join_in(is_pristine(&recovered)).await?;
        quorum.spawn_snapshots(backlog);
        Ok(quorum)
    }

    /// A fresh founder writes down who votes; a lone voter that comes back waits for nobody.
    async fn join_in(&self, is_pristine: bool) -> Result<(), QuorumError> {
        if is_pristine && self.config.may_found() {
            let nodes = self.config.voters.iter();
            let nodes = nodes.map(|v| (raft_id(v.node_id), v.node.clone()));
            let nodes: BTreeMap<u64, VoterNode> = nodes.collect();
            return match self.raft.initialize(nodes).await {
                // Another founder was faster and has written the same.
                Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
                Err(error) => Err(QuorumError::Raft(error.to_string())),
            };
        }
        if !is_pristine && self.config.is_alone() && !self.leadership().is_self {
            let triggered = self.raft.trigger().elect().await;
            return triggered.map_err(|e| QuorumError::Raft(e.to_string()));
        }
        Ok(())
    }

    fn spawn_snapshots(&self, backlog: Arc<Backlog>) {
        let (raft, offset) = (self.raft.clone(), self.published.offset());
        let (policy, stop) = (self.config.snapshots, self.stop.clone());
        self.tasks.spawn(async move {
            let work = make_snapshots(&raft, &backlog, offset, policy);
            stop.run_until_cancelled(work).await;
        });
    }

    /// What is committed and applied here.
    pub(crate) const fn published(&self) -> &Published {
        &self.published
    }

    /// The folder's owner.
    pub(crate) const fn node_id(&self) -> NodeId {
        self.config.identity.node_id
    }

    /// Who leads.
    pub(crate) fn leadership(&self) -> Leadership {
        leadership(&self.raft.server_metrics().borrow())
    }

    /// Follows who leads.
    pub(crate) fn watch_leadership(&self) -> LeadershipWatch {
        LeadershipWatch(self.raft.server_metrics())
    }

    /// Where the leader is, for those who asked the wrong node.
    pub(crate) fn leader_hint(&self) -> Option<LeaderHint> {
        let metrics = self.raft.server_metrics();
        let metrics = metrics.borrow();
        let leader = metrics.current_leader?;
        let node = metrics.membership_config.membership().get_node(&leader);
        Some(LeaderHint {
            node_id: node_id(leader),
            address: node.map(|n| n.address.clone()).unwrap_or_default(),
        })
    }

    /// The offset that the next proposal will get, if nothing comes between.
    pub(crate) fn next_offset(&self) -> MetadataOffset {
        let last = self.log.read().last_log_id();
        let next = last.map_or(0, |id| id.index + 1);
        MetadataOffset::try_from(next).unwrap_or(MetadataOffset::MAX)
    }

    /// Proposes records that were decided for this offset and this term. Committed and applied here
    /// when this returns.
    ///
    /// # Errors
    /// The records have no effect, or whether they have is unknown: see [`ProposeError`].
    ///
    /// # Cancel safety
    /// A dropped proposal may be committed.
    pub(crate) async fn propose(
        &self,
        term: u64,
        offset: MetadataOffset,
        records: Bytes,
    ) -> Result<(), ProposeError> {
        let decision = Decision {
            index: u64::try_from(offset).unwrap_or(0),
            term,
            records,
        };
        match self.raft.client_write(decision).await {
            Ok(written) => match written.data {
                Outcome::Applied => Ok(()),
                Outcome::Void => Err(ProposeError::Void),
            },
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => {
                Err(ProposeError::NotLeader)
            }
            Err(error) => Err(ProposeError::Stopped(error.to_string())),
        }
    }

    /// Returns once everything that was committed anywhere before the call is applied here, and
    /// this node still leads.
    ///
    /// # Errors
    /// Another node leads, or a majority could not be asked.
    pub(crate) async fn catch_up(&self) -> Result<(), ProposeError> {
        match self.raft.ensure_linearizable().await {
            Ok(_read_at) => Ok(()),
            Err(RaftError::APIError(_not_leader)) => Err(ProposeError::NotLeader),
            Err(RaftError::Fatal(error)) => Err(ProposeError::Stopped(error.to_string())),
        }
    }

    /// Every member, and how far it is.
    pub(crate) fn members(&self) -> Vec<MemberState> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow();
        let membership = metrics.membership_config.membership();
        let end = |index: u64| MetadataOffset::try_from(index + 1).unwrap_or(MetadataOffset::MAX);
        let log_end_offset = |id: &u64| {
            if *id == metrics.id {
                return Some(metrics.last_log_index.map_or(0, end));
            }
            let matching = metrics.replication.as_ref()?.get(id)?.as_ref();
            Some(matching.map_or(0, |log_id| end(log_id.index)))
        };
        let voters: Vec<u64> = membership.voter_ids().collect();
        let members = membership.nodes().map(|(id, node)| MemberState {
            node_id: node_id(*id),
            directory_id: node.directory_id,
            address: node.address.clone(),
            is_voter: voters.contains(id),
            log_end_offset: log_end_offset(id),
        });
        members.collect()
    }

    /// Serves the other voters.
    pub(crate) fn service(&self) -> QuorumServer<QuorumService> {
        let size = self.config.transport.message_bytes_max;
        let service = QuorumService::new(
            self.raft.clone(),
            self.config.identity.clone(),
            self.cluster_id.clone(),
        );
        QuorumServer::new(service)
            .max_decoding_message_size(size)
            .max_encoding_message_size(size)
    }

    /// Resolves when the node cannot go on, with the reason. Never after an orderly shutdown.
    pub(crate) fn failed(&self) -> impl Future<Output = String> + Send + 'static {
        let mut metrics = self.raft.metrics();
        async move {
            loop {
                let failure = match &metrics.borrow_and_update().running_state {
                    Err(Fatal::Stopped) | Ok(()) => None,
                    Err(failure) => Some(failure.to_string()),
                };
                if let Some(failure) = failure {
                    return failure;
                }
                if metrics.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Leaves the quorum. What was acknowledged is durable already.
    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = self.raft.shutdown().await {
            tracing::error!(%error, "raft did not stop in an orderly way");
        }
    }

    #[cfg(test)]
    pub(super) fn raft_for_tests(&self) -> Raft {
        self.raft.clone()
    }

    #[cfg(test)]
    pub(crate) async fn make_snapshot(&self) {
        self.raft
            .trigger()
            .snapshot()
            .await
            .expect("a running node");
        let mut metrics = self.raft.metrics();
        let applied = metrics.borrow().last_applied;
        metrics
            .wait_for(|m| m.snapshot >= applied && m.purged.is_some())
            .await
            .expect("a running node");
    }
}

/// Follows who leads.
#[derive(Debug, Clone)]
pub(crate) struct LeadershipWatch(watch::Receiver<RaftServerMetrics<u64, VoterNode>>);

impl LeadershipWatch {
    /// Who leads now.
    pub(crate) fn current(&mut self) -> Leadership {
        leadership(&self.0.borrow_and_update())
    }

    /// Resolves when something may have changed since [`LeadershipWatch::current`]. Never once the
    /// node has stopped.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn leadership(metrics: &RaftServerMetrics<u64, VoterNode>) -> Leadership {
    let vote = &metrics.vote;
    Leadership {
        term: vote.leader_id.term,
        leader: metrics.current_leader.map(node_id),
        is_self: metrics.state == ServerState::Leader
            && vote.committed
            && vote.leader_id.node_id == metrics.id,
    }
}

fn open_store(config: &QuorumConfig) -> Result<(FileStore, Recovered), OpenError> {
    if FileStore::find(&config.dir)?.is_none() {
        match config.missing_store {
            MissingStore::Format => FileStore::format(&config.dir, &config.identity)?,
            MissingStore::Refuse => return Err(OpenError::Missing("everything".to_owned())),
        }
    }
    FileStore::open(&config.dir, &config.identity)
}

/// Whether nothing was ever stored.
fn is_pristine(recovered: &Recovered) -> bool {
    recovered.vote.is_none() && recovered.last_log_id().is_none() && recovered.snapshot.is_none()
}

async fn make_snapshots(
    raft: &Raft,
    backlog: &Backlog,
    mut offset: watch::Receiver<MetadataOffset>,
    policy: SnapshotPolicy,
) {
    while offset.changed().await.is_ok() {
        if backlog.exceeds(policy.entry_count, policy.bytes)
            && raft.trigger().snapshot().await.is_err()
        {
            return;
        }
    }
}
