//! One node of the quorum, with openraft behind it and none of it in sight.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metadata::MetadataOffset;
use openraft::error::{ClientWriteError, RaftError};
use rpc::LeaderHint;
use rpc::proto::quorum::v1::quorum_server::QuorumServer;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use types::{DirectoryId, NodeId};

use super::change::{self, ChangeError, ChangeLock};
use super::config::QuorumConfig;
use super::contact::Contact;
use super::durable::{DurableStore, OpenError, Recovered};
use super::followers::Followers;
use super::lead::{self, Pulse};
use super::leadership::{Leadership, LeadershipWatch, leadership};
use super::local::{Local, NOBODY, Standing};
use super::log_store::LogStore;
use super::network::Network;
use super::peers::Peers;
use super::published::{KnownClusterId, Published};
use super::raft_types::{Decision, Outcome, Raft, VoterNode, node_id, raft_id};
use super::records::{self, RecordError};
use super::service::QuorumService;
use super::start::{StopReason, found, is_pristine, join, make_snapshots, open_store, raft_failed};
use super::state_machine::{Backlog, StateMachine};
use super::tasks::Tasks;
use super::{election, follow};

/// How long a leader that leaves waits for another one.
const HAND_OVER_MAX: Duration = Duration::from_secs(1);

/// A running node. Shared by everybody who proposes, reads or serves.
pub(crate) struct Quorum {
    local: Local,
    published: Published,
    config: QuorumConfig,
    /// Why this node must not go on.
    stop_reason: watch::Sender<Option<StopReason>>,
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
    /// How long ago it was heard, `None` for never.
    pub(crate) heard_ago: Option<Duration>,
    /// How long ago it had everything, `None` for never.
    pub(crate) caught_up_ago: Option<Duration>,
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
        let raft_config = config.to_openraft();
        let mut log_store = LogStore::new(&recovered, Arc::clone(&store));
        let log = log_store.shared();
        let state_machine = StateMachine::new(&recovered, store, Arc::clone(&log));
        let state_machine = state_machine.map_err(OpenError::Unreadable)?;
        log_store.purge_only_covered(state_machine.covered());
        let (published, backlog) = (state_machine.published(), state_machine.backlog());
        let cluster_id = KnownClusterId {
            formatted: config.cluster_id.clone(),
            published: published.clone(),
        };
        let id = raft_id(config.identity.node_id);
        let peers = Peers::new(&config, cluster_id.clone());
        let (followers, is_founded) = (Followers::default(), watch::Sender::new(false));
        let network = Network::new(
            peers.clone(),
            followers.clone(),
            Arc::clone(&log),
            is_founded.subscribe(),
        );
        let raft = Raft::new(id, Arc::new(raft_config), network, log_store, state_machine).await;
        let is_pristine = is_pristine(&recovered);
        let local = Local {
            raft: raft.map_err(|e| QuorumError::Raft(e.to_string()))?,
            log,
            identity: config.identity.clone(),
            timing: config.timing,
            beats_since: Instant::now(),
            cluster_id,
            contact: Contact::new(),
            standing: Standing::new(is_pristine && config.may_found() && !config.is_alone()),
            followers,
            pulse: Pulse::new(),
            peers,
            changes: ChangeLock::new(),
            own_address: config.own_address.clone(),
            tasks: Tasks::default(),
            resigned: watch::Sender::new(None),
        };
        let quorum = Self {
            local,
            published,
            config,
            stop_reason: watch::Sender::new(None),
        };
        quorum.spawn_snapshots(backlog);
        quorum.spawn_signs(is_founded);
        quorum.join_in(is_pristine).await?;
        Ok(quorum)
    }

    /// A lone voter begins at once. Any other node with an empty store first finds out what it is.
    async fn join_in(&self, is_pristine: bool) -> Result<(), QuorumError> {
        if is_pristine && self.config.is_alone() {
            return found(&self.local, &self.config.voters).await;
        }
        let (local, config) = (self.local.clone(), self.config.clone());
        let stop_reason = self.stop_reason.clone();
        self.local.tasks.spawn(async move {
            let joined = join(&local, &config, is_pristine).await;
            if let Err(reason) = joined {
                stop_reason.send_replace(Some(reason));
            }
        });
        Ok(())
    }

    fn spawn_signs(&self, is_founded: watch::Sender<bool>) {
        let local = || self.local.clone();
        self.local.tasks.spawn(lead::feel_pulse(local()));
        self.local.tasks.spawn(lead::check_majority(local()));
        self.local.tasks.spawn(follow::follow_leaders(local()));
        self.local.tasks.spawn(election::stand_when_due(local()));
        self.local
            .tasks
            .spawn(records::keep_records(local(), is_founded));
    }

    fn spawn_snapshots(&self, backlog: Arc<Backlog>) {
        let (raft, offset) = (self.local.raft.clone(), self.published.offset());
        let policy = self.config.snapshots;
        self.local
            .tasks
            .spawn(async move { make_snapshots(&raft, &backlog, offset, policy).await });
    }

    /// What is committed and applied here.
    pub(crate) const fn published(&self) -> &Published {
        &self.published
    }

    /// The folder's owner.
    pub(crate) const fn node_id(&self) -> NodeId {
        self.config.identity.node_id
    }

    /// What the controllers' listener is called.
    pub(crate) fn listener_name(&self) -> &str {
        &self.config.listener_name
    }

    /// Who leads.
    pub(crate) fn leadership(&self) -> Leadership {
        leadership(&self.local.raft.server_metrics().borrow())
    }

    /// Follows who leads.
    pub(crate) fn watch_leadership(&self) -> LeadershipWatch {
        LeadershipWatch(self.local.raft.server_metrics())
    }

    /// Where the leader is, for those who asked the wrong node.
    pub(crate) fn leader_hint(&self) -> Option<LeaderHint> {
        let metrics = self.local.raft.server_metrics();
        let metrics = metrics.borrow();
        let leader = metrics.current_leader?;
        let node = metrics.membership_config.membership().get_node(&leader);
        Some(LeaderHint {
            node_id: node_id(leader),
            address: node.map(|n| n.address.clone()).unwrap_or_default(),
        })
    }

    /// When this node wakes next in any case.
    pub(crate) fn next_beat(&self) -> Instant {
        self.local.next_beat()
    }

    /// The offset that the next proposal will get, if nothing comes between.
    pub(crate) fn next_offset(&self) -> MetadataOffset {
        let last = self.local.log.read().last_log_id();
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
        match self.local.raft.client_write(decision).await {
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
        self.put_own_disk_on_record().await?;
        match self.local.raft.ensure_linearizable().await {
            Ok(_read_at) => Ok(()),
            Err(RaftError::APIError(_not_leader)) => Err(ProposeError::NotLeader),
            Err(RaftError::Fatal(error)) => Err(ProposeError::Stopped(error.to_string())),
        }
    }

    /// Nothing is decided before the disks of the first voters are on record.
    async fn put_own_disk_on_record(&self) -> Result<(), ProposeError> {
        if self.local.known_directory_id() != Some(DirectoryId::ZERO) {
            return Ok(());
        }
        let recorded = records::record_disks(&self.local).await;
        recorded.map_err(|error| match error {
            RecordError::NotLeader | RecordError::Busy => ProposeError::NotLeader,
            RecordError::Stopped(error) => ProposeError::Stopped(error),
        })
    }

    /// Makes a voter of a controller, once it has the log.
    ///
    /// # Errors
    /// See [`ChangeError`].
    ///
    /// # Cancel safety
    /// A change that was begun may be committed.
    pub(crate) async fn add_voter(
        &self,
        id: NodeId,
        node: VoterNode,
        deadline: Instant,
    ) -> Result<(), ChangeError> {
        change::add_voter(&self.local, id, node, deadline).await
    }

    /// Takes a voter's vote.
    ///
    /// # Errors
    /// See [`ChangeError`].
    ///
    /// # Cancel safety
    /// A change that was begun may be committed.
    pub(crate) async fn remove_voter(
        &self,
        id: NodeId,
        directory_id: DirectoryId,
        deadline: Instant,
    ) -> Result<(), ChangeError> {
        change::remove_voter(&self.local, id, directory_id, deadline).await
    }

    /// Whether nobody else can have been elected by now: a majority has heard of this leader so lately
    /// that it refuses to vote for another one. Asks nobody; says no if in doubt.
    pub(crate) fn surely_leads(&self) -> bool {
        let Local { followers, .. } = &self.local;
        // The rest is for what differs between the clocks.
        let within = self.local.timing.election_timeout_min * 4 / 5;
        self.leadership().is_self
            && followers.has_proof(&self.local.membership(), self.local.id(), within)
    }

    /// Lets another voter lead, if this node does, and waits a moment until one is known. Does nothing
    /// while the others could not elect one.
    pub(crate) async fn hand_over(&self) {
        let Local { followers, .. } = &self.local;
        let within = self.local.timing.election_timeout_max;
        let can_go_on = followers.has_majority(&self.local.membership(), NOBODY, within);
        if !self.leadership().is_self || !can_go_on {
            return;
        }
        change::step_down(&self.local).await;
        let own = self.local.id();
        let mut metrics = self.local.metrics();
        let taken_over = metrics.wait_for(|m| m.current_leader.is_some_and(|id| id != own));
        // Nobody need take over: the shutdown goes on all the same.
        let _in_time = timeout(HAND_OVER_MAX, taken_over).await;
    }

    /// Every member, and how far it is.
    pub(crate) fn members(&self) -> Vec<MemberState> {
        let metrics = self.local.raft.metrics();
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
        let ago = |id: &u64, at: Option<Instant>| match *id == metrics.id {
            true => Some(Duration::ZERO),
            false => at.map(|at| at.elapsed()),
        };
        let members = membership.nodes().map(|(id, node)| {
            let follower = self.local.followers.get(*id);
            MemberState {
                node_id: node_id(*id),
                directory_id: node.directory_id,
                address: node.address.clone(),
                is_voter: voters.contains(id),
                log_end_offset: log_end_offset(id),
                heard_ago: ago(id, follower.fetch_at),
                caught_up_ago: ago(id, follower.caught_up_at),
            }
        });
        members.collect()
    }

    /// Serves the other voters.
    pub(crate) fn service(&self) -> QuorumServer<QuorumService> {
        let size = self.config.transport.message_bytes_max;
        let service = QuorumService::new(self.local.clone());
        QuorumServer::new(service)
            .max_decoding_message_size(size)
            .max_encoding_message_size(size)
    }

    /// Resolves when the node cannot go on, with the reason. Never after an orderly shutdown.
    pub(crate) fn failed(&self) -> impl Future<Output = StopReason> + Send + 'static {
        let (reports, last) = (self.local.metrics(), self.local.raft.metrics());
        let mut stop_reason = self.stop_reason.subscribe();
        async move {
            tokio::select! {
                reason = raft_failed(reports, last) => reason,
                Ok(reason) = stop_reason.wait_for(Option::is_some) => {
                    reason.clone().unwrap_or_else(|| StopReason::Raft(String::new()))
                }
            }
        }
    }

    /// Leaves the quorum. What was acknowledged is durable already.
    pub(crate) async fn shutdown(&self) {
        self.local.tasks.stop().await;
        if let Err(error) = self.local.raft.shutdown().await {
            tracing::error!(%error, "raft did not stop in an orderly way");
        }
    }

    #[cfg(test)]
    pub(crate) async fn make_snapshot(&self) {
        self.local
            .raft
            .trigger()
            .snapshot()
            .await
            .expect("a running node");
        let mut metrics = self.local.raft.metrics();
        let applied = metrics.borrow().last_applied;
        metrics
            .wait_for(|m| m.snapshot >= applied && m.purged.is_some())
            .await
            .expect("a running node");
    }
}
