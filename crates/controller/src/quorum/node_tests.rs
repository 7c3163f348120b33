//! Nodes of a quorum: alone, coming back, and three of them.

use std::sync::Arc;
use std::time::Duration;

use ::types::{NodeId, TopicId, Uuid};
use metadata::{MetadataRecord, v1};
use rpc::transport::{Connector, Incoming, TransportConfig, in_process, serve};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::durable::MemoryStore;
use super::testing::{directory_id, identity};
use super::*;
use crate::quorum::leadership::Leadership;

const PATIENCE: Duration = Duration::from_secs(20);

fn config(id: i32, voters: Vec<Voter>) -> QuorumConfig {
    QuorumConfig {
        identity: identity(id),
        dir: "unused".into(),
        missing_store: MissingStore::Format,
        own_address: format!("c{id}:9093"),
        listener_name: "CONTROLLER".to_owned(),
        joins_by_itself: false,
        voters,
        observed: Vec::new(),
        cluster_id: None,
        timing: Timing::default(),
        snapshots: SnapshotPolicy {
            entries_kept: 0,
            purge_batch: 1,
            ..SnapshotPolicy::default()
        },
        transport: TransportConfig::default(),
    }
}

fn voter(id: i32, connector: Connector) -> Voter {
    Voter {
        node_id: NodeId(id),
        node: VoterNode {
            address: format!("c{id}:9093"),
            directory_id: directory_id(u64::try_from(id).expect("small")),
        },
        connector,
    }
}

pub(super) fn alone() -> QuorumConfig {
    config(1, vec![voter(1, Connector::tcp("c1:9093"))])
}

pub(super) async fn start(store: &Arc<MemoryStore>, config: QuorumConfig) -> Quorum {
    let recovered = store.recover();
    let started = Quorum::start_on(Arc::<MemoryStore>::clone(store), recovered, config);
    started.await.expect("an intact store")
}

async fn leader_term(quorum: &Quorum) -> u64 {
    let mut watch = quorum.watch_leadership();
    let leads = async {
        loop {
            let Leadership { term, is_self, .. } = watch.current();
            if is_self {
                return term;
            }
            watch.changed().await;
        }
    };
    timeout(PATIENCE, leads).await.expect("an election in time")
}

fn topic(n: u8) -> MetadataRecord {
    let topic = v1::Topic {
        name: format!("topic-{n}"),
        topic_id: topic_id(n).0.as_bytes().to_vec().into(),
    };
    topic.into()
}

fn topic_id(n: u8) -> TopicId {
    TopicId(Uuid::from_bytes([n; 16]))
}

async fn propose(quorum: &Quorum, record: MetadataRecord) -> Result<(), ProposeError> {
    let term = quorum.leadership().term;
    let records = rpc::batch::encode(vec![record]);
    quorum.propose(term, quorum.next_offset(), records).await
}

#[tokio::test]
async fn a_lone_voter_leads_at_once_and_again_after_a_restart() {
    let store = Arc::new(MemoryStore::default());
    let quorum = start(&store, alone()).await;
    leader_term(&quorum).await;
    quorum.catch_up().await.expect("nobody else to ask");
    propose(&quorum, topic(1)).await.expect("committed");
    let before = quorum.published().image();
    assert!(before.topic("topic-1").is_some());
    quorum.shutdown().await;

    let quorum = start(&store, alone()).await;
    leader_term(&quorum).await;
    quorum.catch_up().await.expect("nobody else to ask");
    assert!(quorum.published().image().topic("topic-1").is_some());
    propose(&quorum, topic(2)).await.expect("committed");
    quorum.shutdown().await;
}

#[tokio::test]
async fn a_decision_made_on_an_old_log_has_no_effect() {
    let store = Arc::new(MemoryStore::default());
    let quorum = start(&store, alone()).await;
    let term = leader_term(&quorum).await;
    quorum.catch_up().await.expect("nobody else to ask");
    let stale = quorum.next_offset();
    propose(&quorum, topic(1)).await.expect("committed");

    let records = rpc::batch::encode(vec![topic(2)]);
    let late = quorum.propose(term, stale, records.clone()).await;
    assert_eq!(late, Err(ProposeError::Void));
    let deposed = quorum
        .propose(term + 1, quorum.next_offset(), records)
        .await;
    assert_eq!(deposed, Err(ProposeError::Void));
    let image = quorum.published().image();
    assert!(image.topic("topic-2").is_none());
    // Void entries count all the same: offsets never have gaps.
    assert_eq!(image.offset() + 1, quorum.next_offset());
    quorum.shutdown().await;
}

#[tokio::test]
async fn the_tail_goes_on_from_an_image_when_the_log_is_purged() {
    let store = Arc::new(MemoryStore::default());
    let quorum = start(&store, alone()).await;
    leader_term(&quorum).await;
    quorum.catch_up().await.expect("nobody else to ask");
    for n in 1..=5 {
        propose(&quorum, topic(n)).await.expect("committed");
    }
    let TailPiece::Entries(all) = quorum.published().tail(0, usize::MAX) else {
        panic!("the log is whole");
    };
    let next = quorum.next_offset();
    assert_eq!(i64::try_from(all.len()), Ok(next));

    timeout(PATIENCE, quorum.make_snapshot())
        .await
        .expect("a snapshot in time");
    let TailPiece::Image(image) = quorum.published().tail(0, usize::MAX) else {
        panic!("the log is purged");
    };
    assert_eq!(image.offset() + 1, next);
    assert!(matches!(
        quorum.published().tail(next, usize::MAX),
        TailPiece::Nothing
    ));
    quorum.shutdown().await;

    // The snapshot is all that is left, and all that is needed.
    let quorum = start(&store, alone()).await;
    leader_term(&quorum).await;
    quorum.catch_up().await.expect("nobody else to ask");
    assert_eq!(quorum.published().image().topic_count(), 5);
    quorum.shutdown().await;
}

struct Trio {
    quorums: Vec<Quorum>,
    servers: Vec<JoinHandle<()>>,
}

impl Trio {
    async fn start() -> Self {
        let pipes: Vec<(Connector, Incoming)> = (0..3).map(|_| in_process()).collect();
        let (connectors, incomings): (Vec<_>, Vec<_>) = pipes.into_iter().unzip();
        let voters = || {
            let ids = 1..;
            ids.zip(&connectors)
                .map(|(id, c)| voter(id, c.clone()))
                .collect()
        };
        let mut trio = Self {
            quorums: Vec::new(),
            servers: Vec::new(),
        };
        for (id, incoming) in (1..).zip(incomings) {
            let store = Arc::new(MemoryStore::default());
            let quorum = start(&store, config(id, voters())).await;
            let mut routes = tonic::service::Routes::builder();
            routes.add_service(quorum.service());
            trio.servers.push(tokio::spawn(async move {
                let transport = TransportConfig::default();
                let served = serve(
                    routes.routes(),
                    incoming,
                    &transport,
                    std::future::pending(),
                );
                served.await.expect("an in-process pipe");
            }));
            trio.quorums.push(quorum);
        }
        trio
    }

    /// Whoever leads among those that run.
    async fn leader(&self) -> &Quorum {
        let elections = self.quorums.iter().map(|q| Box::pin(leader_term(q)));
        let (_, index, _) = futures_util::future::select_all(elections).await;
        &self.quorums[index]
    }

    /// Commits a topic with whoever leads. Founders may all stand for election at once, so the first
    /// leader need not be the one that stays.
    async fn commit(&self, n: u8) -> &Quorum {
        let commit = async {
            loop {
                let leader = self.leader().await;
                if leader.catch_up().await.is_err() {
                    continue;
                }
                let is_there = leader
                    .published()
                    .image()
                    .topic_by_id(topic_id(n))
                    .is_some();
                if is_there || propose(leader, topic(n)).await.is_ok() {
                    return leader;
                }
            }
        };
        timeout(PATIENCE, commit)
            .await
            .expect("a stable leader in time")
    }

    async fn stop(self) {
        for quorum in &self.quorums {
            quorum.shutdown().await;
        }
        for server in self.servers {
            server.abort();
        }
    }
}

async fn reaches(quorum: &Quorum, offset: i64) {
    let mut applied = quorum.published().offset();
    let reached = applied.wait_for(|o| *o >= offset);
    timeout(PATIENCE, reached)
        .await
        .expect("replicated in time")
        .expect("a running node");
}

#[tokio::test]
async fn three_voters_elect_replicate_and_agree() {
    let trio = Trio::start().await;
    let leader = trio.commit(1).await;
    let offset = leader.published().image().offset();
    let hash = metadata::content_hash(&leader.published().image());
    for quorum in &trio.quorums {
        reaches(quorum, offset).await;
        let image = quorum.published().image();
        assert_eq!(metadata::content_hash(&image), hash);
        assert!(quorum.leader_hint().is_some());
    }
    trio.stop().await;
}

#[tokio::test]
async fn two_of_three_voters_go_on_without_their_leader() {
    let mut trio = Trio::start().await;
    let first = trio.commit(1).await.node_id();
    let index = usize::try_from(first.0 - 1).expect("small");
    trio.servers.remove(index).abort();
    trio.quorums.remove(index).shutdown().await;

    let second = trio.commit(2).await;
    assert_ne!(second.node_id(), first);
    assert!(second.published().image().topic("topic-1").is_some());
    trio.stop().await;
}
