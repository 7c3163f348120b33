//! openraft's type parameters, and what an entry holds.

use std::fmt;

use bytes::Bytes;
use openraft::entry::RaftPayload as _;
use types::{DirectoryId, NodeId};

openraft::declare_raft_types!(
    /// One record batch per entry; nodes by `node.id`.
    pub(crate) TypeConfig:
        D = Decision,
        R = Outcome,
        NodeId = u64,
        Node = VoterNode,
        SnapshotData = std::io::Cursor<Vec<u8>>,
        AsyncRuntime = super::runtime::PatientRuntime,
);

pub(crate) type Raft = openraft::Raft<TypeConfig>;
pub(crate) type LogId = openraft::LogId<u64>;
pub(crate) type Vote = openraft::Vote<u64>;
pub(crate) type Entry = openraft::Entry<TypeConfig>;
pub(crate) type EntryPayload = openraft::EntryPayload<TypeConfig>;
pub(crate) type Membership = openraft::Membership<u64, VoterNode>;
pub(crate) type StoredMembership = openraft::StoredMembership<u64, VoterNode>;
pub(crate) type SnapshotMeta = openraft::SnapshotMeta<u64, VoterNode>;
pub(crate) type StorageError = openraft::StorageError<u64>;
pub(crate) type StorageIOError = openraft::StorageIOError<u64>;

/// What the membership says of one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct VoterNode {
    /// `host:port` of its controller listener.
    pub(crate) address: String,
    /// The disk that votes. [`DirectoryId::ZERO`] if the configuration did not say.
    pub(crate) directory_id: DirectoryId,
}

/// Records that were decided on one state of the log and hold only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Index that the entry has to get.
    pub(crate) index: u64,
    /// Term that the entry has to get.
    pub(crate) term: u64,
    /// One encoded record batch.
    pub(crate) records: Bytes,
}

impl Decision {
    /// Whether the entry stands where it was decided for. If not, it has no effect on any node.
    pub(crate) const fn holds_at(&self, log_id: &LogId) -> bool {
        self.index == log_id.index && self.term == log_id.leader_id.term
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes for index {}", self.records.len(), self.index)
    }
}

/// What became of an entry once it was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its records are in the image, or it had none.
    Applied,
    /// It stands in another place than it was decided for and has no effect.
    Void,
}

/// The records that an entry brings into effect: none unless it is a decision that holds.
pub(crate) fn effective_records(entry: &Entry) -> Bytes {
    match &entry.payload {
        EntryPayload::Normal(decision) if decision.holds_at(&entry.log_id) => {
            decision.records.clone()
        }
        EntryPayload::Normal(_) | EntryPayload::Blank | EntryPayload::Membership(_) => Bytes::new(),
    }
}

/// Size of an entry for bounds on memory and messages.
pub(crate) fn size_bytes(entry: &Entry) -> usize {
    const OVERHEAD: usize = 64;
    match &entry.payload {
        EntryPayload::Normal(decision) => OVERHEAD + decision.records.len(),
        EntryPayload::Blank => OVERHEAD,
        EntryPayload::Membership(_) => OVERHEAD * (1 + member_count(entry)),
    }
}

fn member_count(entry: &Entry) -> usize {
    entry.get_membership().map_or(0, |m| m.nodes().count())
}

/// openraft counts nodes with unsigned numbers, Kafka with signed ones that are never negative.
pub(crate) fn raft_id(node_id: NodeId) -> u64 {
    u64::try_from(node_id.0).expect("a node id is never negative")
}

/// The way back.
pub(crate) fn node_id(raft_id: u64) -> NodeId {
    NodeId(i32::try_from(raft_id).unwrap_or(NodeId::NONE.0))
}
