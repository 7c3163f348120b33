//! What a voter refuses to hear from others.

use std::sync::Arc;

use bytes::Bytes;
use rpc::proto::quorum::v1::quorum_client::QuorumClient;
use rpc::proto::quorum::v1::{
    AppendEntriesRequest, Decision, Entry, Envelope, InstallSnapshotResponse, LogId, Membership,
    SnapshotHead, SnapshotMeta, SnapshotPart, StoredMembership, Vote, VoteRequest, entry,
    snapshot_part::Part,
};
use rpc::transport::{TransportConfig, in_process, serve};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use types::DirectoryId;

use super::durable::MemoryStore;
use super::node_tests::{alone, start};
use super::testing::directory_id;
use super::*;

const FAR: u64 = (1 << 62) + 1;

/// A lone voter of the cluster `cluster`, and the way to it.
async fn serving() -> (Quorum, QuorumClient<Channel>) {
    serving_on(&Arc::new(MemoryStore::default())).await
}

async fn serving_on(store: &Arc<MemoryStore>) -> (Quorum, QuorumClient<Channel>) {
    let config = QuorumConfig {
        cluster_id: Some("cluster".to_owned()),
        ..alone()
    };
    let quorum = start(store, config).await;
    let (connector, incoming) = in_process();
    let mut routes = tonic::service::Routes::builder();
    routes.add_service(quorum.service());
    let routes = routes.routes();
    tokio::spawn(async move {
        let transport = TransportConfig::default();
        serve(routes, incoming, &transport, std::future::pending()).await
    });
    let client = QuorumClient::new(connector.channel(&TransportConfig::default()));
    (quorum, client)
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

fn head(bytes: u64) -> SnapshotHead {
    SnapshotHead {
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
        bytes,
    }
}

async fn install(
    client: &mut QuorumClient<Channel>,
    parts: Vec<Part>,
) -> Result<InstallSnapshotResponse, Status> {
    let parts = parts
        .into_iter()
        .map(|part| SnapshotPart { part: Some(part) });
    let parts: Vec<_> = parts.collect();
    let reply = client.install_snapshot(tokio_stream::iter(parts)).await?;
    Ok(reply.into_inner())
}

#[tokio::test]
async fn a_voter_refuses_to_vote_in_the_name_of_another_disk() {
    let (quorum, mut client) = serving().await;
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
        let refused = client.vote(Request::new(request)).await;
        let refused = refused.expect_err("not this voter");
        assert_eq!(refused.code(), Code::FailedPrecondition);
    }
    assert!(quorum.leadership().term < 99);
    quorum.shutdown().await;
}

#[tokio::test]
async fn terms_and_indexes_that_leave_no_room_for_the_next_are_refused() {
    let (quorum, mut client) = serving().await;
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
        let refused = client.vote(Request::new(request)).await;
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
        let refused = client.append_entries(Request::new(request)).await;
        assert_eq!(refused.expect_err("too far").code(), Code::InvalidArgument);
    }

    let mut heads = [head(0), head(0), head(0)];
    heads[0].vote = vote(FAR);
    let [_, last, member] = heads.each_mut().map(|h| h.meta.as_mut().expect("given"));
    last.last_log_id = log_id(1, FAR);
    let stored = member.last_membership.as_mut().expect("given");
    stored.log_id = log_id(FAR, 1);
    for head in heads {
        let refused = install(&mut client, vec![Part::Head(head)]).await;
        assert_eq!(refused.expect_err("too far").code(), Code::InvalidArgument);
    }
    assert!(quorum.leadership().term < 99);
    quorum.shutdown().await;
}

#[tokio::test]
async fn a_snapshot_is_taken_as_it_was_announced_or_not_at_all() {
    let (quorum, mut client) = serving().await;
    let piece = || Part::Data(Bytes::from_static(b"piece"));
    let before = quorum.published().image().offset();
    for parts in [
        vec![],
        vec![piece()],
        vec![Part::Head(head((4 << 30) + 1))],
        vec![Part::Head(head(u64::MAX)), piece()],
        vec![Part::Head(head(4)), piece()],
        vec![Part::Head(head(6)), piece()],
        vec![Part::Head(head(10)), piece(), Part::Head(head(10))],
    ] {
        let refused = install(&mut client, parts.clone()).await;
        let refused = refused.expect_err("not as announced");
        assert_eq!(refused.code(), Code::InvalidArgument, "{parts:?}");
    }
    assert_eq!(quorum.published().image().offset(), before);
    quorum.shutdown().await;
}

/// What a process would find that starts after this one was killed now.
async fn restarted(store: &Arc<MemoryStore>) -> i64 {
    let recovered = store.recover();
    let config = QuorumConfig {
        cluster_id: Some("cluster".to_owned()),
        ..alone()
    };
    let copy = Arc::new(MemoryStore::default());
    let quorum = Quorum::start_on(copy, recovered, config).await;
    let quorum = quorum.expect("a whole store");
    let offset = quorum.published().image().offset();
    quorum.shutdown().await;
    offset
}

#[tokio::test]
async fn a_crash_while_a_snapshot_is_installed_leaves_the_old_state_or_the_new() {
    let store = Arc::new(MemoryStore::default());
    let (quorum, mut client) = serving_on(&store).await;
    quorum.catch_up().await.expect("a lone voter");
    let old = store.recover();
    assert!(old.purged.is_none() && !old.entries.is_empty());

    let image = metadata::MetadataImage::empty();
    let data = rpc::batch::encode(metadata::snapshot(&image));
    let parts = vec![Part::Head(head(data.len() as u64)), Part::Data(data)];
    store.hold_snapshots(true);
    let installing = tokio::spawn(async move { install(&mut client, parts).await });
    // Until the snapshot is stored, nothing that it replaces may go.
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let now = store.recover();
        assert_eq!((now.purged, now.entries.len()), (None, old.entries.len()));
    }
    assert!(restarted(&store).await < 99);
    store.hold_snapshots(false);
    let installed = installing.await.expect("no panic");
    installed.expect("installed");
    let new = store.recover();
    assert!(new.snapshot.is_some_and(|s| s.data.len() < 1000));
    assert_eq!(restarted(&store).await, 99);
    // The purge comes after the snapshot; in between, the snapshot covers the entries.
    let between = durable::Recovered {
        snapshot: store.recover().snapshot,
        vote: store.recover().vote,
        ..old
    };
    let config = QuorumConfig {
        cluster_id: Some("cluster".to_owned()),
        ..alone()
    };
    let copy = Arc::new(MemoryStore::default());
    let between = Quorum::start_on(copy, between, config)
        .await
        .expect("whole");
    assert_eq!(between.published().image().offset(), 99);
    between.shutdown().await;
    quorum.shutdown().await;
}
