//! Short ways to make what tests of the quorum need.

use std::collections::BTreeSet;

use bytes::Bytes;
use openraft::CommittedLeaderId;
use types::{DirectoryId, NodeId, Uuid};

use super::durable::{Identity, StoredSnapshot};
use super::raft_types::{
    Decision, Entry, EntryPayload, LogId, Membership, SnapshotMeta, StoredMembership, VoterNode,
};

pub(crate) fn log_id(term: u64, index: u64) -> LogId {
    LogId::new(CommittedLeaderId::new(term, 1), index)
}

pub(crate) fn decision(index: u64, term: u64, records: &'static [u8]) -> Decision {
    Decision {
        index,
        term,
        records: Bytes::from_static(records),
    }
}

/// An entry with that many bytes of records, which are none.
pub(crate) fn entry(term: u64, index: u64, size: usize) -> Entry {
    let records = vec![u8::try_from(index % 251).unwrap_or(0); size].into();
    Entry {
        log_id: log_id(term, index),
        payload: EntryPayload::Normal(Decision {
            index,
            term,
            records,
        }),
    }
}

pub(crate) fn membership(ids: &[u64]) -> Membership {
    let nodes = ids.iter().map(|id| {
        let node = VoterNode {
            address: format!("host-{id}:9093"),
            directory_id: directory_id(*id),
        };
        (*id, node)
    });
    let config: BTreeSet<u64> = ids.iter().copied().collect();
    Membership::new(
        vec![config],
        nodes.collect::<std::collections::BTreeMap<_, _>>(),
    )
}

pub(crate) fn directory_id(node: u64) -> DirectoryId {
    DirectoryId(Uuid::from_bytes([u8::try_from(node).unwrap_or(0xff); 16]))
}

pub(crate) fn identity(node: i32) -> Identity {
    Identity {
        node_id: NodeId(node),
        directory_id: directory_id(u64::try_from(node).unwrap_or(0)),
    }
}

pub(crate) fn snapshot(term: u64, index: u64, data: &'static [u8]) -> StoredSnapshot {
    StoredSnapshot {
        meta: SnapshotMeta {
            last_log_id: Some(log_id(term, index)),
            last_membership: StoredMembership::new(Some(log_id(1, 0)), membership(&[1])),
            snapshot_id: format!("{term}-{index}"),
        },
        data: Bytes::from_static(data),
    }
}
