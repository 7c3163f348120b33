//! What a voter refuses to hear from others.

use std::sync::Arc;

use bytes::Bytes;
use rpc::proto::quorum::v1::quorum_server::Quorum as _;
use rpc::proto::quorum::v1::{
    AppendEntriesRequest, Decision, Entry, Envelope, InstallSnapshotRequest, LogId, Membership,
    SnapshotMeta, StoredMembership, Vote, VoteRequest, entry,
};
use tonic::{Code, Request};
use types::DirectoryId;

use super::durable::MemoryStore;
use super::node_tests::{alone, start};
use super::published::KnownClusterId;
use super::service::QuorumService;
use super::testing::{directory_id, identity};
use super::*;

const FAR: u64 = (1 << 62) + 1;

async fn serving() -> (Quorum, QuorumService) {
    let quorum = start(&Arc::new(MemoryStore::default()), alone()).await;
    let cluster_id = KnownClusterId {
        formatted: Some("cluster".to_owned()),
        published: quorum.published().clone(),
    };
    let service = QuorumService::new(quorum.raft_for_tests(), identity(1), cluster_id);
    (quorum, service)
}

fn envelope(to_node_id: i32, to_directory_id: &[u8], cluster_id: &str) -> Option<Envelope> {
    Some(Envelope {
        cluster_id: cluster_id.to_owned(),
        from_node_id: 3,
        to_node_id,
        to_directory_id: Bytes::copy_from_slice(to_directory_id),
    })
}

fn to_us() -> Option<Envelope> {
    envelope(1, directory_id(1).0.as_bytes(), "cluster")
}

fn vote(term: u64) -> Option<Vote> {
    Some(Vote {
        term,
        node_id: 3,
        committed: true,
    })
}

fn log_id(term: u64, index: u64) -> Option<LogId> {
    Some(LogId {
        term,
        node_id: 3,
        index,
    })
}

fn chunk(offset: u64) -> InstallSnapshotRequest {
    InstallSnapshotRequest {
        envelope: to_us(),
        vote: vote(99),
        meta: Some(SnapshotMeta {
            last_log_id: log_id(99, 99),
            last_membership: Some(StoredMembership {
                log_id: None,
                membership: Some(Membership::default()),
            }),
            snapshot_id: "99-99".to_owned(),
        }),
        offset,
        data: Bytes::from_static(b"piece"),
        done: false,
    }
}

#[tokio::test]
async fn a_voter_refuses_to_vote_in_the_name_of_another_disk() {
    let (quorum, service) = serving().await;
    let (own, other) = (directory_id(1), directory_id(2));
    let (own, other) = (own.0.as_bytes(), other.0.as_bytes());
    let envelopes = [
        (1, &other[..], "cluster"),
        (2, own, "cluster"),
        (1, own, "another"),
        (1, own, ""),
        // The membership names the disk that votes.
        (1, &[], "cluster"),
        (1, DirectoryId::ZERO.0.as_bytes(), "cluster"),
    ];
    for (to_node_id, directory_id, cluster_id) in envelopes {
        let request = VoteRequest {
            envelope: envelope(to_node_id, directory_id, cluster_id),
            vote: vote(99),
            last_log_id: None,
        };
        let refused = service.vote(Request::new(request)).await;
        let refused = refused.expect_err("not this voter");
        assert_eq!(refused.code(), Code::FailedPrecondition);
    }
    assert!(quorum.leadership().term < 99);
    quorum.shutdown().await;
}

#[tokio::test]
async fn terms_and_indexes_that_leave_no_room_for_the_next_are_refused() {
    let (quorum, service) = serving().await;
    let votes = [
        (vote(u64::MAX), None),
        (vote(FAR), None),
        (vote(99), log_id(FAR, 1)),
        (vote(99), log_id(1, FAR)),
    ];
    for (vote, last_log_id) in votes {
        let request = VoteRequest {
            envelope: to_us(),
            vote,
            last_log_id,
        };
        let refused = service.vote(Request::new(request)).await;
        assert_eq!(refused.expect_err("too far").code(), Code::InvalidArgument);
    }

    let entry = |log_id, term, index| Entry {
        log_id,
        payload: Some(entry::Payload::Decision(Decision {
            index,
            term,
            records: Bytes::new(),
        })),
    };
    let near = || log_id(1, 1);
    let appends = [
        (vote(FAR), near(), near(), entry(near(), 1, 1)),
        (vote(99), log_id(1, FAR), near(), entry(near(), 1, 1)),
        (vote(99), near(), log_id(FAR, 1), entry(near(), 1, 1)),
        (vote(99), near(), near(), entry(log_id(1, FAR), 1, 1)),
        (vote(99), near(), near(), entry(near(), FAR, 1)),
        (vote(99), near(), near(), entry(near(), 1, FAR)),
    ];
    for (vote, previous_log_id, committed, entry) in appends {
        let request = AppendEntriesRequest {
            envelope: to_us(),
            vote,
            previous_log_id,
            committed,
            entries: vec![entry],
        };
        let refused = service.append_entries(Request::new(request)).await;
        assert_eq!(refused.expect_err("too far").code(), Code::InvalidArgument);
    }

    let mut chunks = [chunk(0), chunk(0), chunk(0)];
    chunks[0].vote = vote(FAR);
    let [_, last, member] = chunks.each_mut().map(|c| c.meta.as_mut().expect("given"));
    last.last_log_id = log_id(1, FAR);
    let stored = member.last_membership.as_mut().expect("given");
    stored.log_id = log_id(FAR, 1);
    for chunk in chunks {
        let refused = service.install_snapshot(Request::new(chunk)).await;
        assert_eq!(refused.expect_err("too far").code(), Code::InvalidArgument);
    }
    assert!(quorum.leadership().term < 99);
    quorum.shutdown().await;
}

#[tokio::test]
async fn a_snapshot_larger_than_its_file_can_be_is_refused_at_the_chunk_that_says_so() {
    let (quorum, service) = serving().await;
    let begun = service.install_snapshot(Request::new(chunk(0))).await;
    begun.expect("a first chunk");
    for offset in [u64::MAX, u64::MAX - 5, i64::MAX as u64, (4 << 30) - 4] {
        let refused = service.install_snapshot(Request::new(chunk(offset))).await;
        let refused = refused.expect_err("too large");
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    let goes_on = service.install_snapshot(Request::new(chunk(5))).await;
    goes_on.expect("the next chunk");
    quorum.shutdown().await;
}
