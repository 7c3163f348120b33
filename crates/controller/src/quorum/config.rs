//! What a node of the quorum has to know before it starts.

use std::path::PathBuf;
use std::time::Duration;

use rpc::transport::{Connector, TransportConfig};
use types::NodeId;

use super::durable::Identity;
use super::raft_types::VoterNode;

/// Everything about one node of the quorum.
#[derive(Debug, Clone)]
pub(crate) struct QuorumConfig {
    /// Who this node is.
    pub(crate) identity: Identity,
    /// Folder of its store.
    pub(crate) dir: PathBuf,
    /// What to do if there is no store.
    pub(crate) missing_store: MissingStore,
    /// `host:port` of this node's controller listener.
    pub(crate) own_address: String,
    /// What that listener is called; every controller calls it alike.
    pub(crate) listener_name: String,
    /// Whether this node becomes a voter by itself once it has the log.
    pub(crate) joins_by_itself: bool,
    /// The voters that the cluster begins with. Later ones are in the log.
    pub(crate) voters: Vec<Voter>,
    /// Controllers that may know the voters, for a node that is not one of the first.
    pub(crate) observed: Vec<Connector>,
    /// The cluster that this node was formatted for.
    pub(crate) cluster_id: Option<String>,
    /// How patient the voters are with each other.
    pub(crate) timing: Timing,
    /// When to make a snapshot.
    pub(crate) snapshots: SnapshotPolicy,
    /// Settings of the connections between voters.
    pub(crate) transport: TransportConfig,
}

/// What to do if there is no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingStore {
    /// Make an empty one: this node has never voted.
    Format,
    /// Refuse to start: the node was formatted before, so the store is lost.
    Refuse,
}

/// One voter and the way to it.
#[derive(Debug, Clone)]
pub(crate) struct Voter {
    pub(crate) node_id: NodeId,
    pub(crate) node: VoterNode,
    pub(crate) connector: Connector,
}

/// How patient the voters are with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    /// How often a leader shows that it lives.
    pub(crate) heartbeat_interval: Duration,
    /// How long a follower waits for its leader at least.
    pub(crate) election_timeout_min: Duration,
    /// And at most.
    pub(crate) election_timeout_max: Duration,
}

/// How often a leader shows that it lives, and this process looks whether it runs.
pub(crate) const BEAT_INTERVAL: Duration = Duration::from_millis(200);

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat_interval: BEAT_INTERVAL,
            election_timeout_min: Duration::from_millis(600),
            election_timeout_max: Duration::from_millis(1200),
        }
    }
}

/// When to make a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotPolicy {
    /// After so many entries since the last one.
    pub(crate) entry_count: u64,
    /// Or after so many bytes of them.
    pub(crate) bytes: usize,
    /// Entries that stay in the log though a snapshot covers them, so that a reader that is a
    /// little late needs no snapshot.
    pub(crate) entries_kept: u64,
    /// Entries are purged in batches of at least so many.
    pub(crate) purge_batch: u64,
}

impl Default for SnapshotPolicy {
    fn default() -> Self {
        Self {
            entry_count: 5000,
            bytes: 20 << 20,
            entries_kept: 1000,
            purge_batch: 256,
        }
    }
}

const ENTRIES_PER_REQUEST_MAX: u64 = 300;
/// How often openraft sends an empty request, beside our own signs of life: it brings the news of a
/// commit to a follower that the first message of it did not reach. Kafka's followers ask that often.
const RAFT_BEAT_INTERVAL: Duration = Duration::from_millis(500);

impl QuorumConfig {
    /// openraft's share of the work: replication and counting votes. Elections and the signs of life
    /// are ours, so its lease, during which it refuses votes, is as short as it can be.
    pub(super) fn to_openraft(&self) -> openraft::Config {
        openraft::Config {
            cluster_name: "raudal".to_owned(),
            // It beats after one and a half of this.
            heartbeat_interval: millis(RAFT_BEAT_INTERVAL) * 2 / 3,
            election_timeout_min: 0,
            election_timeout_max: 1,
            enable_elect: false,
            max_payload_entries: ENTRIES_PER_REQUEST_MAX,
            replication_lag_threshold: self.snapshots.entry_count.saturating_mul(2),
            // Made by our own rule, which counts bytes too.
            snapshot_policy: openraft::SnapshotPolicy::Never,
            max_in_snapshot_log_to_keep: self.snapshots.entries_kept,
            purge_batch_size: self.snapshots.purge_batch,
            ..openraft::Config::default()
        }
    }

    /// The entry of this node among the first voters, if its disk is the one that may vote.
    pub(super) fn may_found(&self) -> bool {
        self.voters.iter().any(|voter| {
            voter.node_id == self.identity.node_id
                && (voter.node.directory_id == self.identity.directory_id
                    || voter.node.directory_id == types::DirectoryId::ZERO)
        })
    }

    /// Whether this node needs nobody else for a decision.
    pub(super) fn is_alone(&self) -> bool {
        self.voters.len() == 1 && self.may_found()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
