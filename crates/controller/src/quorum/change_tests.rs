//! Voters that come and go.

use std::sync::Arc;
use std::time::Duration;

use rpc::transport::{Connector, TransportConfig, serve};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};
use types::{DirectoryId, NodeId};

use super::durable::{Identity, MemoryStore};
use super::testing::directory_id;
use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// One controller on a port of its own. The first one founds the quorum alone, the others observe it.
struct Node {
    quorum: Quorum,
    address: String,
    server: tokio::task::JoinHandle<()>,
}

impl Node {
    async fn start(id: i32, observed: &[&Self], joins_by_itself: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let directory_id = directory_id(u64::try_from(id).expect("small"));
        let voter = Voter {
            node_id: NodeId(id),
            node: VoterNode {
                address: address.clone(),
                directory_id,
            },
            connector: Connector::tcp(address.clone()),
        };
        let connectors = observed.iter().map(|node| node.address.clone());
        let config = QuorumConfig {
            identity: Identity {
                node_id: NodeId(id),
                directory_id,
            },
            dir: "unused".into(),
            missing_store: MissingStore::Format,
            own_address: address.clone(),
            listener_name: "CONTROLLER".to_owned(),
            joins_by_itself,
            voters: if observed.is_empty() {
                vec![voter]
            } else {
                Vec::new()
            },
            observed: connectors.map(Connector::tcp).collect(),
            cluster_id: None,
            timing: Timing::default(),
            snapshots: SnapshotPolicy {
                entries_kept: 0,
                purge_batch: 1,
                ..SnapshotPolicy::default()
            },
            transport: TransportConfig::default(),
        };
        let store = Arc::new(MemoryStore::default());
        let quorum = Quorum::start_on(store, durable::Recovered::default(), config).await;
        let quorum = quorum.expect("an empty store");
        let mut routes = tonic::service::Routes::builder();
        routes.add_service(quorum.service());
        let routes = routes.routes();
        let server = tokio::spawn(async move {
            let incoming = rpc::transport::Incoming::tcp(listener);
            let transport = TransportConfig::default();
            let served = serve(routes, incoming, &transport, std::future::pending()).await;
            served.expect("a port");
        });
        Self {
            quorum,
            address,
            server,
        }
    }

    async fn leads(&self) {
        until(|| self.quorum.leadership().is_self).await;
        self.quorum.catch_up().await.expect("it leads");
    }

    fn voters(&self) -> Vec<i32> {
        let members = self.quorum.members();
        let voters = members.iter().filter(|m| m.is_voter);
        voters.map(|m| m.node_id.0).collect()
    }

    fn observers(&self) -> Vec<i32> {
        let members = self.quorum.members();
        let observers = members.iter().filter(|m| !m.is_voter);
        observers.map(|m| m.node_id.0).collect()
    }

    async fn add(&self, node: &Self, id: i32) -> Result<(), ChangeError> {
        let voter = VoterNode {
            address: node.address.clone(),
            directory_id: directory_id(u64::try_from(id).expect("small")),
        };
        let deadline = Instant::now() + PATIENCE;
        self.quorum.add_voter(NodeId(id), voter, deadline).await
    }

    async fn remove(&self, id: i32, directory_id: DirectoryId) -> Result<(), ChangeError> {
        let deadline = Instant::now() + PATIENCE;
        self.quorum
            .remove_voter(NodeId(id), directory_id, deadline)
            .await
    }

    async fn stop(self) {
        self.server.abort();
        self.quorum.shutdown().await;
    }
}

async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("in time");
}

#[tokio::test]
async fn a_controller_observes_gets_the_log_by_a_snapshot_votes_and_leads() {
    let first = Node::start(1, &[], false).await;
    first.leads().await;
    timeout(PATIENCE, first.quorum.make_snapshot())
        .await
        .expect("a snapshot in time");
    let second = Node::start(2, &[&first], false).await;
    until(|| first.observers() == [2]).await;
    let third = Node::start(3, &[&second], false).await;
    until(|| first.observers() == [2, 3]).await;

    assert_eq!(first.add(&second, 2).await, Ok(()));
    assert_eq!(first.add(&third, 3).await, Ok(()));
    assert_eq!(first.voters(), [1, 2, 3]);
    assert_eq!(
        first.add(&third, 3).await,
        Err(ChangeError::Duplicate(NodeId(3)))
    );
    let wrong = directory_id(9);
    assert_eq!(
        first.remove(3, wrong).await,
        Err(ChangeError::NotFound(NodeId(3), wrong))
    );
    assert_eq!(second.add(&third, 3).await, Err(ChangeError::NotLeader));

    // The leader takes its own vote, and another one leads.
    assert_eq!(first.remove(1, directory_id(1)).await, Ok(()));
    until(|| second.quorum.leadership().is_self || third.quorum.leadership().is_self).await;
    let leader = match second.quorum.leadership().is_self {
        true => &second,
        false => &third,
    };
    leader.quorum.catch_up().await.expect("it leads");
    assert_eq!(leader.voters(), [2, 3]);
    assert_eq!(leader.observers(), [1], "it goes on reading");
    let goal = leader.quorum.next_offset() - 1;
    until(|| first.quorum.published().image().offset() >= goal).await;
    for node in [first, second, third] {
        node.stop().await;
    }
}

#[tokio::test]
async fn the_only_voter_keeps_its_vote_and_one_that_wants_to_join_does() {
    let first = Node::start(1, &[], false).await;
    first.leads().await;
    assert_eq!(
        first.remove(1, directory_id(1)).await,
        Err(ChangeError::LastVoter(NodeId(1)))
    );
    let second = Node::start(2, &[&first], true).await;
    until(|| first.voters() == [1, 2]).await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_controller_that_is_away_does_not_become_a_voter() {
    let first = Node::start(1, &[], false).await;
    first.leads().await;
    let nobody = VoterNode {
        address: "127.0.0.1:1".to_owned(),
        directory_id: directory_id(2),
    };
    let deadline = Instant::now() + Duration::from_millis(300);
    let added = first.quorum.add_voter(NodeId(2), nobody, deadline).await;
    assert_eq!(added, Err(ChangeError::Lagging(NodeId(2))));
    assert_eq!((first.voters(), first.observers()), (vec![1], vec![2]));
    first.stop().await;
}
