//! How a node begins, goes on, and finds that it cannot.

use std::collections::BTreeMap;

use metadata::MetadataOffset;
use openraft::RaftMetrics;
use openraft::error::{Fatal, InitializeError, RaftError};
use tokio::sync::watch;
use types::{DirectoryId, NodeId};

use super::config::{MissingStore, QuorumConfig, SnapshotPolicy, Voter};
use super::durable::{FileStore, OpenError, Recovered};
use super::introduce;
use super::local::{Local, ServerMetrics};
use super::node::QuorumError;
use super::raft_types::{Raft, VoterNode, raft_id};
use super::state_machine::Backlog;

/// Why a node of the quorum must not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StopReason {
    /// The disk that votes under this node's id is another one.
    #[error(
        "controller {node_id} votes with directory id {voter}, and the metadata directory of this \
         node has directory id {own}: its disk was wiped or replaced, or another node has the same \
         node.id. It must not vote, because it may have forgotten what it promised. To replace it, \
         take the former voter out and let this node in: kcli quorum remove-voter {node_id} \
         --directory-id {voter} (or kafka-metadata-quorum remove-controller --controller-id {node_id} \
         --controller-directory-id {voter}), start this node again, and then kcli quorum add-voter \
         {node_id} --endpoint CONTROLLER://{address} (or kafka-metadata-quorum add-controller)"
    )]
    ReplacedDisk {
        /// This node.
        node_id: NodeId,
        /// The disk on record.
        voter: DirectoryId,
        /// The disk there is.
        own: DirectoryId,
        /// Its controller listener.
        address: String,
    },
    /// Raft has stopped.
    #[error("{0}")]
    Raft(String),
}

/// Resolves when openraft has failed. It says why in its last report, before it drops all of them; what
/// it reports meanwhile, several times a second, wakes nobody here.
pub(super) async fn raft_failed(
    mut reports: watch::Receiver<ServerMetrics>,
    last: watch::Receiver<RaftMetrics<u64, VoterNode>>,
) -> StopReason {
    while reports.changed().await.is_ok() {}
    let failure = match &last.borrow().running_state {
        Err(Fatal::Stopped) | Ok(()) => None,
        Err(failure) => Some(failure.to_string()),
    };
    match failure {
        Some(failure) => StopReason::Raft(failure),
        None => std::future::pending().await,
    }
}

/// Writes down who votes, as all founders do alike.
pub(super) async fn found(local: &Local, voters: &[Voter]) -> Result<(), QuorumError> {
    let nodes = voters.iter();
    let nodes = nodes.map(|v| (raft_id(v.node_id), v.node.clone()));
    let nodes: BTreeMap<u64, VoterNode> = nodes.collect();
    match local.raft.initialize(nodes).await {
        // A leader was faster and has sent it.
        Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
        Err(error) => Err(QuorumError::Raft(error.to_string())),
    }
}

/// What a node does to get its place in the quorum, and to keep it.
pub(super) async fn join(
    local: &Local,
    config: &QuorumConfig,
    is_pristine: bool,
) -> Result<(), StopReason> {
    if is_pristine && config.may_found() {
        match introduce::find_out(local, &config.voters).await? {
            introduce::Outcome::Joined => {}
            introduce::Outcome::Found => found(local, &config.voters)
                .await
                .map_err(|error| StopReason::Raft(error.to_string()))?,
        }
    }
    let others = config
        .voters
        .iter()
        .filter(|voter| voter.node_id != config.identity.node_id);
    let others = others.map(|voter| voter.connector.clone());
    let known: Vec<_> = others.chain(config.observed.iter().cloned()).collect();
    introduce::keep_in_touch(local, &known, config.joins_by_itself).await
}

pub(super) fn open_store(config: &QuorumConfig) -> Result<(FileStore, Recovered), OpenError> {
    if FileStore::find(&config.dir)?.is_none() {
        match config.missing_store {
            MissingStore::Format => FileStore::format(&config.dir, &config.identity)?,
            MissingStore::Refuse => return Err(OpenError::Missing("everything".to_owned())),
        }
    }
    FileStore::open(&config.dir, &config.identity)
}

/// Whether nothing was ever stored.
pub(super) fn is_pristine(recovered: &Recovered) -> bool {
    recovered.vote.is_none() && recovered.last_log_id().is_none() && recovered.snapshot.is_none()
}

pub(super) async fn make_snapshots(
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
