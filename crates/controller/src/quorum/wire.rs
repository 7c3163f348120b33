//! Between openraft's types and their bytes, on the network and on disk.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use openraft::CommittedLeaderId;
use prost::Message;
use rpc::proto::quorum::v1 as wire;
use types::{DirectoryId, Uuid};

use super::raft_types::{
    Decision, Entry, EntryPayload, LogId, Membership, SnapshotMeta, StoredMembership, Vote,
    VoterNode,
};

/// Bytes that are not what they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// Not protobuf at all.
    #[error(transparent)]
    Decode(#[from] prost::DecodeError),
    /// A field without which the message means nothing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An id of the wrong length.
    #[error("an id has {0} bytes instead of 16")]
    IdLength(usize),
    /// A term or an index that no log reaches.
    #[error("{0} is beyond every term and index")]
    TooFar(u64),
    /// Entries that do not follow each other.
    #[error("entry {0} does not follow the one before it")]
    Gap(u64),
}

/// Terms and indexes end here. Whoever adds to one later needs no check, and openraft adds unchecked.
const COUNT_MAX: u64 = 1 << 62;

const fn checked(count: u64) -> Result<u64, WireError> {
    match count {
        0..=COUNT_MAX => Ok(count),
        _ => Err(WireError::TooFar(count)),
    }
}

pub(crate) fn vote_to_wire(vote: &Vote) -> wire::Vote {
    wire::Vote {
        term: vote.leader_id.term,
        node_id: vote.leader_id.node_id,
        committed: vote.committed,
    }
}

pub(crate) fn vote_from_wire(vote: wire::Vote) -> Result<Vote, WireError> {
    let mut own = Vote::new(checked(vote.term)?, vote.node_id);
    own.committed = vote.committed;
    Ok(own)
}

/// A vote that has to be there.
pub(crate) fn required_vote(vote: Option<wire::Vote>) -> Result<Vote, WireError> {
    vote_from_wire(vote.ok_or(WireError::Missing("vote"))?)
}

pub(crate) fn log_id_to_wire(log_id: &LogId) -> wire::LogId {
    wire::LogId {
        term: log_id.leader_id.term,
        node_id: log_id.leader_id.node_id,
        index: log_id.index,
    }
}

pub(crate) fn log_id_from_wire(log_id: wire::LogId) -> Result<LogId, WireError> {
    let leader_id = CommittedLeaderId::new(checked(log_id.term)?, log_id.node_id);
    Ok(LogId::new(leader_id, checked(log_id.index)?))
}

/// A log id that is missing where nothing is in the log.
pub(crate) fn optional_log_id(log_id: Option<wire::LogId>) -> Result<Option<LogId>, WireError> {
    log_id.map(log_id_from_wire).transpose()
}

pub(crate) fn entry_to_wire(entry: &Entry) -> wire::Entry {
    use wire::entry::Payload;
    let payload = match &entry.payload {
        EntryPayload::Blank => Payload::Blank(true),
        EntryPayload::Normal(decision) => Payload::Decision(wire::Decision {
            index: decision.index,
            term: decision.term,
            records: decision.records.clone(),
        }),
        EntryPayload::Membership(membership) => Payload::Membership(membership_to_wire(membership)),
    };
    wire::Entry {
        log_id: Some(log_id_to_wire(&entry.log_id)),
        payload: Some(payload),
    }
}

pub(crate) fn entry_from_wire(entry: wire::Entry) -> Result<Entry, WireError> {
    use wire::entry::Payload;
    let log_id = entry.log_id.ok_or(WireError::Missing("log id"))?;
    let payload = match entry.payload.ok_or(WireError::Missing("payload"))? {
        Payload::Blank(_) => EntryPayload::Blank,
        Payload::Decision(decision) => EntryPayload::Normal(Decision {
            index: checked(decision.index)?,
            term: checked(decision.term)?,
            records: decision.records,
        }),
        Payload::Membership(membership) => {
            EntryPayload::Membership(membership_from_wire(membership)?)
        }
    };
    Ok(Entry {
        log_id: log_id_from_wire(log_id)?,
        payload,
    })
}

/// Whether entries follow each other, and the first of them the one that is named. Raft relies on it.
pub(crate) fn check_sequence(previous: Option<&LogId>, entries: &[Entry]) -> Result<(), WireError> {
    let mut before = previous.copied();
    for LogId { leader_id, index } in entries.iter().map(|entry| entry.log_id) {
        let next = before.map_or(0, |id| id.index + 1);
        if index != next || before.is_some_and(|id| id.leader_id > leader_id) {
            return Err(WireError::Gap(index));
        }
        before = Some(LogId { leader_id, index });
    }
    Ok(())
}

pub(crate) fn encode_entry(entry: &Entry) -> Bytes {
    entry_to_wire(entry).encode_to_vec().into()
}

pub(crate) fn decode_entry(bytes: Bytes) -> Result<Entry, WireError> {
    entry_from_wire(wire::Entry::decode(bytes)?)
}

fn membership_to_wire(membership: &Membership) -> wire::Membership {
    let configs = membership
        .get_joint_config()
        .iter()
        .map(|config| wire::VoterSet {
            node_ids: config.iter().copied().collect(),
        });
    let nodes = membership.nodes().map(|(node_id, node)| wire::Voter {
        node_id: *node_id,
        address: node.address.clone(),
        directory_id: Bytes::copy_from_slice(node.directory_id.0.as_bytes()),
    });
    wire::Membership {
        configs: configs.collect(),
        nodes: nodes.collect(),
    }
}

fn membership_from_wire(membership: wire::Membership) -> Result<Membership, WireError> {
    let configs: Vec<BTreeSet<u64>> = membership
        .configs
        .into_iter()
        .map(|config| config.node_ids.into_iter().collect())
        .collect();
    let mut nodes = BTreeMap::new();
    for voter in membership.nodes {
        let node = VoterNode {
            directory_id: directory_id_from_wire(&voter.directory_id)?,
            address: voter.address,
        };
        nodes.insert(voter.node_id, node);
    }
    Ok(Membership::new(configs, nodes))
}

/// Sixteen bytes, or none for "unknown".
pub(crate) fn directory_id_from_wire(bytes: &[u8]) -> Result<DirectoryId, WireError> {
    if bytes.is_empty() {
        return Ok(DirectoryId::ZERO);
    }
    let id = <[u8; 16]>::try_from(bytes).map_err(|_length| WireError::IdLength(bytes.len()))?;
    Ok(DirectoryId(Uuid::from_bytes(id)))
}

pub(crate) fn snapshot_meta_to_wire(meta: &SnapshotMeta) -> wire::SnapshotMeta {
    let membership = wire::StoredMembership {
        log_id: meta.last_membership.log_id().as_ref().map(log_id_to_wire),
        membership: Some(membership_to_wire(meta.last_membership.membership())),
    };
    wire::SnapshotMeta {
        last_log_id: meta.last_log_id.as_ref().map(log_id_to_wire),
        last_membership: Some(membership),
        snapshot_id: meta.snapshot_id.clone(),
    }
}

pub(crate) fn snapshot_meta_from_wire(meta: wire::SnapshotMeta) -> Result<SnapshotMeta, WireError> {
    let stored = meta
        .last_membership
        .ok_or(WireError::Missing("membership"))?;
    let membership = stored.membership.ok_or(WireError::Missing("membership"))?;
    let membership = membership_from_wire(membership)?;
    Ok(SnapshotMeta {
        last_log_id: optional_log_id(meta.last_log_id)?,
        last_membership: StoredMembership::new(optional_log_id(stored.log_id)?, membership),
        snapshot_id: meta.snapshot_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::testing::{decision, log_id, membership};

    #[test]
    fn every_payload_survives_the_disk() {
        let payloads = [
            EntryPayload::Blank,
            EntryPayload::Normal(decision(7, 3, b"records")),
            EntryPayload::Membership(membership(&[1, 2, 3])),
        ];
        for payload in payloads {
            let entry = Entry {
                log_id: log_id(3, 7),
                payload,
            };
            let back = decode_entry(encode_entry(&entry)).expect("what was encoded");
            assert_eq!(format!("{back:?}"), format!("{entry:?}"));
        }
    }

    #[test]
    fn snapshot_meta_survives_the_disk() {
        let meta = SnapshotMeta {
            last_log_id: Some(log_id(3, 7)),
            last_membership: StoredMembership::new(Some(log_id(1, 0)), membership(&[1])),
            snapshot_id: "3-7".to_owned(),
        };
        let back = snapshot_meta_from_wire(snapshot_meta_to_wire(&meta));
        assert_eq!(back.expect("what was encoded"), meta);
    }

    #[test]
    fn entries_with_a_gap_or_of_an_earlier_term_are_refused() {
        use crate::quorum::testing::entry;
        let check = |previous: Option<LogId>, entries: &[(u64, u64)]| {
            let entries = entries.iter().map(|(term, index)| entry(*term, *index, 1));
            check_sequence(previous.as_ref(), &entries.collect::<Vec<_>>()).is_ok()
        };
        assert!(check(None, &[]));
        assert!(check(None, &[(1, 0), (1, 1), (3, 2)]));
        assert!(check(Some(log_id(2, 6)), &[(2, 7), (3, 8)]));
        assert!(!check(None, &[(1, 1)]));
        assert!(!check(Some(log_id(2, 6)), &[(2, 8)]));
        assert!(!check(Some(log_id(2, 6)), &[(2, 7), (2, 9)]));
        assert!(!check(Some(log_id(2, 6)), &[(1, 7)]));
    }

    #[test]
    fn an_entry_without_its_parts_is_refused() {
        assert!(matches!(
            decode_entry(Bytes::new()),
            Err(WireError::Missing("log id"))
        ));
        assert!(decode_entry(Bytes::from_static(&[0xff; 9])).is_err());
    }
}
