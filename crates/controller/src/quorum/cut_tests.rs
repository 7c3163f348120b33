//! Nodes whose links are cut: nobody raises its term in vain, nobody leads alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use metadata::v1;
use rpc::transport::{Connection, Connector, Incoming, TransportConfig, in_process, serve};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use types::{DirectoryId, NodeId, TopicId, Uuid};

use super::durable::{DurableStore as _, Identity, MemoryStore, Operation};
use super::raft_types::{Entry, EntryPayload, Membership};
use super::testing::{directory_id, log_id};
use super::*;

const PATIENCE: Duration = Duration::from_secs(60);
/// Many times the longest election timeout.
const LONG: Duration = Duration::from_secs(10);

/// The way from one node to another, which can be cut. What is cut is silent, not refused.
struct Link {
    connector: Connector,
    is_cut: watch::Sender<bool>,
}

impl Link {
    fn new(target: Connector) -> Self {
        let (connector, mut incoming) = in_process();
        let is_cut = watch::Sender::new(false);
        let cut = is_cut.subscribe();
        tokio::spawn(async move {
            while let Some(Ok(near)) = incoming.next().await {
                tokio::spawn(carry(near, target.clone(), cut.clone()));
            }
        });
        Self { connector, is_cut }
    }
}

/// Carries bytes until the link is cut; then holds both ends until it is whole again.
async fn carry(mut near: Connection, target: Connector, mut is_cut: watch::Receiver<bool>) {
    if *is_cut.borrow() {
        let _whole = is_cut.wait_for(|cut| !cut).await;
        return;
    }
    let Ok(mut far) = target.connect().await else {
        return;
    };
    tokio::select! {
        _ended = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
        _cut = is_cut.wait_for(|cut| *cut) => {}
    }
    let _whole = is_cut.wait_for(|cut| !cut).await;
}

struct Node {
    quorum: Quorum,
    server: tokio::task::JoinHandle<()>,
}

impl Node {
    async fn start(store: &Arc<MemoryStore>, config: QuorumConfig, incoming: Incoming) -> Self {
        let recovered = store.recover();
        let store = Arc::<MemoryStore>::clone(store);
        let quorum = Quorum::start_on(store, recovered, config).await;
        let quorum = quorum.expect("an intact store");
        let mut routes = tonic::service::Routes::builder();
        routes.add_service(quorum.service());
        let routes = routes.routes();
        let server = tokio::spawn(async move {
            let transport = TransportConfig::default();
            let served = serve(routes, incoming, &transport, std::future::pending()).await;
            served.expect("a pipe");
        });
        Self { quorum, server }
    }

    /// As `kill -9`: nothing is handed over.
    async fn kill(self) {
        self.server.abort();
        self.quorum.shutdown().await;
    }

    fn term(&self) -> u64 {
        self.quorum.leadership().term
    }

    fn leads(&self) -> bool {
        self.quorum.leadership().is_self
    }
}

/// Founders that are known by their ids alone, as `controller.quorum.voters` names them.
struct Cluster {
    stores: Vec<Arc<MemoryStore>>,
    nodes: Vec<Option<Node>>,
    /// `links[from][to]`.
    links: Vec<Vec<Link>>,
}

impl Cluster {
    async fn start(count: usize) -> Self {
        Self::start_on((0..count).map(|_| Arc::default()).collect()).await
    }

    async fn start_on(stores: Vec<Arc<MemoryStore>>) -> Self {
        Self::start_with(stores, |index| directory_id(id(index))).await
    }

    async fn start_with(
        stores: Vec<Arc<MemoryStore>>,
        disk: impl Fn(usize) -> DirectoryId,
    ) -> Self {
        let count = stores.len();
        let (mut connectors, mut incomings) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (connector, incoming) = in_process();
            connectors.push(connector);
            incomings.push(incoming);
        }
        let links = |_| connectors.iter().cloned().map(Link::new).collect();
        let mut cluster = Self {
            stores,
            nodes: Vec::new(),
            links: (0..count).map(links).collect(),
        };
        for (index, incoming) in incomings.into_iter().enumerate() {
            let config = cluster.config(index, disk(index));
            let node = Node::start(&cluster.stores[index], config, incoming).await;
            cluster.nodes.push(Some(node));
        }
        cluster
    }

    fn config(&self, own: usize, directory_id: DirectoryId) -> QuorumConfig {
        let voter = |index: usize| Voter {
            node_id: node_id(index),
            node: VoterNode {
                address: address(index),
                directory_id: DirectoryId::ZERO,
            },
            connector: self.links[own][index].connector.clone(),
        };
        QuorumConfig {
            identity: Identity {
                node_id: node_id(own),
                directory_id,
            },
            dir: "unused".into(),
            missing_store: MissingStore::Format,
            own_address: address(own),
            listener_name: "CONTROLLER".to_owned(),
            joins_by_itself: false,
            voters: (0..self.links.len()).map(voter).collect(),
            observed: Vec::new(),
            cluster_id: None,
            timing: Timing::default(),
            snapshots: SnapshotPolicy::default(),
            transport: TransportConfig::default(),
        }
    }

    fn node(&self, index: usize) -> &Node {
        self.nodes[index].as_ref().expect("running")
    }

    fn cut_off(&self, index: usize, is_cut: bool) {
        for other in 0..self.links.len() {
            self.links[index][other].is_cut.send_replace(is_cut);
            self.links[other][index].is_cut.send_replace(is_cut);
        }
    }

    /// The index of a leader that decides something, other than those.
    async fn leader(&self, besides: &[usize]) -> usize {
        let find = async {
            loop {
                for (index, node) in self.nodes.iter().enumerate() {
                    let node = node.as_ref().filter(|_| !besides.contains(&index));
                    if let Some(node) = node.filter(|node| node.leads())
                        && node.quorum.catch_up().await.is_ok()
                        && decide(&node.quorum, 1).await.is_ok()
                    {
                        return index;
                    }
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, find).await.expect("a leader in time")
    }

    async fn stop(self) {
        for node in self.nodes.into_iter().flatten() {
            node.kill().await;
        }
    }
}

const fn id(index: usize) -> u64 {
    index as u64 + 1
}

fn node_id(index: usize) -> NodeId {
    NodeId(i32::try_from(index).expect("small") + 1)
}

fn address(index: usize) -> String {
    format!("c{}:9093", id(index))
}

/// Commits something: a topic, once.
async fn decide(quorum: &Quorum, n: u8) -> Result<(), ProposeError> {
    let topic_id = TopicId(Uuid::from_bytes([n; 16]));
    if quorum.published().image().topic_by_id(topic_id).is_some() {
        return Ok(());
    }
    let topic = v1::Topic {
        name: format!("topic-{n}"),
        topic_id: topic_id.0.as_bytes().to_vec().into(),
    };
    let term = quorum.leadership().term;
    let records = rpc::batch::encode(vec![topic.into()]);
    quorum.propose(term, quorum.next_offset(), records).await
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_hears_nobody_keeps_its_term_and_disturbs_nobody_when_it_is_back() {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader(&[]).await;
    let lonely = (leader + 1) % 3;
    let term = cluster.node(leader).term();
    cluster.cut_off(lonely, true);
    sleep(LONG).await;
    assert_eq!(cluster.node(lonely).term(), term);
    cluster.cut_off(lonely, false);
    sleep(LONG).await;
    assert!(cluster.node(leader).leads());
    assert_eq!(cluster.node(leader).term(), term);
    assert_eq!(cluster.node(lonely).term(), term);
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_alone_does_not_hear_the_leader_does_not_depose_it() {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader(&[]).await;
    let deaf = (leader + 1) % 3;
    let term = cluster.node(leader).term();
    cluster.links[leader][deaf].is_cut.send_replace(true);
    cluster.links[deaf][leader].is_cut.send_replace(true);
    sleep(LONG).await;
    assert!(cluster.node(leader).leads());
    assert_eq!(cluster.node(deaf).term(), term);
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_without_a_majority_steps_down_and_another_one_decides() {
    let cluster = Cluster::start(3).await;
    let first = cluster.leader(&[]).await;
    cluster.cut_off(first, true);
    let second = cluster.leader(&[first]).await;
    assert_ne!(first, second);
    sleep(LONG).await;
    assert!(!cluster.node(first).leads(), "it has no majority");
    let own_term = cluster.node(first).term();
    assert!(own_term < cluster.node(second).term());
    decide(&cluster.node(second).quorum, 2)
        .await
        .expect("committed");
    cluster.cut_off(first, false);
    let goal = cluster.node(second).quorum.published().image().offset();
    let mut applied = cluster.node(first).quorum.published().offset();
    let caught_up = timeout(PATIENCE, applied.wait_for(|offset| *offset >= goal)).await;
    caught_up.expect("in time").expect("running");
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_is_no_longer_sure_of_itself_before_another_one_can_be_elected() {
    let cluster = Cluster::start(3).await;
    let first = cluster.leader(&[]).await;
    sleep(LONG).await;
    for index in 0..3 {
        let is_sure = cluster.node(index).quorum.surely_leads();
        assert_eq!(is_sure, index == first, "node {index}");
    }
    cluster.cut_off(first, true);
    sleep(Timing::default().election_timeout_min).await;
    assert!(cluster.node(first).leads(), "it has not noticed yet");
    assert!(!cluster.node(first).quorum.surely_leads());
    cluster.cut_off(first, false);
    sleep(LONG).await;
    let leader = cluster.leader(&[]).await;
    assert!(cluster.node(leader).quorum.surely_leads());
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_voter_whose_disk_was_wiped_is_told_so_and_never_votes() {
    let mut cluster = Cluster::start(3).await;
    let leader = cluster.leader(&[]).await;
    // The last voter's disk may be put on record a moment after the first decision.
    let recorded = async {
        while cluster
            .node(leader)
            .quorum
            .members()
            .iter()
            .any(|m| m.directory_id == DirectoryId::ZERO)
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, recorded)
        .await
        .expect("on record in time");
    let wiped = (leader + 1) % 3;
    cluster.nodes[wiped].take().expect("running").kill().await;
    let config = cluster.config(wiped, directory_id(77));
    let (_nobody_dials, incoming) = in_process();
    let node = Node::start(&Arc::default(), config, incoming).await;
    let reason = timeout(PATIENCE, node.quorum.failed()).await;
    let StopReason::ReplacedDisk { voter, own, .. } = reason.expect("told in time") else {
        panic!("another reason");
    };
    assert_eq!((voter, own), (directory_id(id(wiped)), directory_id(77)));
    assert_eq!(node.term(), 0, "it has not voted");
    node.kill().await;
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_store_among_those_that_cannot_tell_waits_and_does_not_vote() {
    let mut cluster = Cluster::start(3).await;
    let leader = cluster.leader(&[]).await;
    let (wiped, other) = ((leader + 1) % 3, (leader + 2) % 3);
    for gone in [leader, wiped] {
        cluster.nodes[gone].take().expect("running").kill().await;
    }
    let config = cluster.config(wiped, directory_id(77));
    let (_nobody_dials, incoming) = in_process();
    let node = Node::start(&Arc::default(), config, incoming).await;
    sleep(LONG).await;
    assert_eq!(node.term(), 0);
    assert!(!cluster.node(other).leads(), "there is no majority");
    node.kill().await;
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_empty_disks_do_not_outvote_the_one_that_remembers() {
    let cluster = Cluster::start(3).await;
    let survivor = cluster.leader(&[]).await;
    let mut stores: Vec<Arc<MemoryStore>> = (0..3).map(|_| Arc::default()).collect();
    stores[survivor] = Arc::clone(&cluster.stores[survivor]);
    cluster.stop().await;
    let disk = |index| match index == survivor {
        true => directory_id(id(index)),
        false => directory_id(70 + id(index)),
    };
    let cluster = Cluster::start_with(stores, disk).await;
    sleep(LONG).await;
    for index in 0..3 {
        assert!(!cluster.node(index).leads());
        let is_empty = index != survivor;
        assert_eq!(cluster.node(index).term() == 0, is_empty, "{index}");
    }
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_hands_over_is_followed_at_once() {
    let cluster = Cluster::start(3).await;
    let first = cluster.leader(&[]).await;
    // Nobody stands again right after an election.
    sleep(LONG).await;
    let before = tokio::time::Instant::now();
    cluster.node(first).quorum.hand_over().await;
    let second = cluster.leader(&[first]).await;
    assert_ne!(first, second);
    assert!(before.elapsed() < Timing::default().election_timeout_min);
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn slow_disks_depose_nobody() {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader(&[]).await;
    sleep(LONG).await;
    let term = cluster.node(leader).term();
    for store in &cluster.stores {
        store.slow_down(Duration::from_millis(1500));
    }
    for n in 2..5 {
        let decided = decide(&cluster.node(leader).quorum, n);
        let decided = timeout(PATIENCE, decided).await.expect("in time");
        decided.expect("committed");
    }
    assert!(cluster.node(leader).leads());
    assert_eq!(cluster.node(leader).term(), term);
    cluster.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_voters_is_finished_by_the_next_leader() {
    let nodes = (0..3).map(|index| {
        let node = VoterNode {
            address: address(index),
            directory_id: directory_id(id(index)),
        };
        (id(index), node)
    });
    let nodes: BTreeMap<u64, VoterNode> = nodes.collect();
    let before = BTreeSet::from([1, 2, 3]);
    let after = BTreeSet::from([1, 2]);
    let entry = |index, configs| Entry {
        log_id: log_id(1, index),
        payload: EntryPayload::Membership(Membership::new(configs, nodes.clone())),
    };
    // The leader that began it is gone; all have its first half.
    let begun = || {
        let store = Arc::new(MemoryStore::default());
        let entries = vec![
            entry(0, vec![before.clone()]),
            entry(1, vec![before.clone(), after.clone()]),
        ];
        store.submit(Operation::Append(entries), Box::new(|_stored| {}));
        store
    };
    let cluster = Cluster::start_on((0..3).map(|_| begun()).collect()).await;
    let leader = cluster.leader(&[]).await;
    let voters = || {
        let members = cluster.node(leader).quorum.members();
        let voters = members.into_iter().filter(|member| member.is_voter);
        voters.map(|member| member.node_id.0).collect::<Vec<_>>()
    };
    let finished = async {
        while voters() != [1, 2] {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, finished).await.expect("in time");
    cluster.stop().await;
}
