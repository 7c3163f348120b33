//! Controllers on stores in memory, reached over pipes, in the runtime's time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metadata::v1::Restart;
use metadata::{Listener, SecurityProtocol, SupportedLevels, feature::FEATURES};
use protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest, CreateTopicsResponse,
};
use protocol::{ApiKey, frame};
use rpc::transport::{Connector, Incoming, TransportConfig, in_process};
use rpc::{
    ClientConfig, ControllerClient, ControllerEndpoint, ForwardRequest, Forwarded, HeartbeatState,
    Registration,
};
use tokio::net::TcpListener;
use tokio::time::Instant;
use types::{BrokerEpoch, Clock, DirectoryId, NodeId, TimestampMs, Uuid};

use crate::Controller;
use crate::active::ActiveConfig;
use crate::decide::Settings;
use crate::quorum::testing::{directory_id, identity};
use crate::quorum::{
    MemoryStore, MissingStore, Quorum, QuorumConfig, SnapshotPolicy, Timing, Voter, VoterNode,
};

/// More than any step takes, in the runtime's time.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const SESSION_TIMEOUT: Duration = Duration::from_secs(9);
pub(super) const CLUSTER_ID: &str = "J7s9e8PPTKOO47PxzI39VA";

/// The runtime's own time, which tests can pause and which then jumps ahead.
#[derive(Debug)]
pub(super) struct RuntimeClock {
    start: Instant,
}

impl RuntimeClock {
    fn new() -> Arc<Self> {
        let start = Instant::now();
        Arc::new(Self { start })
    }
}

impl Clock for RuntimeClock {
    fn wall_ms(&self) -> TimestampMs {
        let ms = self.monotonic().as_millis();
        1_700_000_000_000 + TimestampMs::try_from(ms).expect("tests are short")
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// One controller of a cluster, and the store that outlives it.
pub(super) struct Node {
    pub(super) id: i32,
    pub(super) store: Arc<MemoryStore>,
}

impl Node {
    pub(super) fn new(id: i32) -> Self {
        let store = Arc::new(MemoryStore::default());
        Self { id, store }
    }

    /// Starts a controller on the store.
    pub(super) async fn start(&self, voters: Vec<Voter>, incoming: Incoming) -> Controller {
        let config = ActiveConfig {
            settings: settings(),
            cluster_id: Some(CLUSTER_ID.to_owned()),
            session_timeout: SESSION_TIMEOUT,
            is_alone: voters.len() == 1,
        };
        let quorum = self.quorum(voters).await;
        Controller::run(quorum, config, vec![incoming], RuntimeClock::new())
    }

    async fn quorum(&self, voters: Vec<Voter>) -> Quorum {
        let config = QuorumConfig {
            identity: identity(self.id),
            dir: "unused".into(),
            missing_store: MissingStore::Format,
            own_address: format!("c{}:9093", self.id),
            listener_name: "CONTROLLER".to_owned(),
            joins_by_itself: false,
            voters,
            observed: Vec::new(),
            cluster_id: Some(CLUSTER_ID.to_owned()),
            timing: Timing::default(),
            snapshots: SnapshotPolicy {
                entries_kept: 0,
                purge_batch: 1,
                ..SnapshotPolicy::default()
            },
            transport: TransportConfig::default(),
        };
        let recovered = self.store.recover();
        let store = Arc::<MemoryStore>::clone(&self.store);
        let started = Quorum::start_on(store, recovered, config).await;
        started.expect("an intact store")
    }
}

/// A cluster of one controller, running, and a client of it.
pub(super) struct Single {
    pub(super) node: Node,
    pub(super) controller: Controller,
    pub(super) client: ControllerClient,
}

impl Single {
    pub(super) async fn start() -> Self {
        Self::start_on(Node::new(1)).await
    }

    pub(super) async fn start_on(node: Node) -> Self {
        let (connector, incoming) = in_process();
        let voters = vec![voter(1, &connector)];
        Self {
            controller: node.start(voters, incoming).await,
            client: client(&[(1, connector)]),
            node,
        }
    }

    /// Stops the controller and starts another one on the same store.
    pub(super) async fn restart(self) -> Self {
        self.controller.shutdown().await;
        Self::start_on(self.node).await
    }
}

pub(super) fn voter(id: i32, connector: &Connector) -> Voter {
    Voter {
        node_id: NodeId(id),
        node: VoterNode {
            address: format!("c{id}:9093"),
            directory_id: directory_id(u64::try_from(id).expect("small")),
        },
        connector: connector.clone(),
    }
}

pub(super) fn client(controllers: &[(i32, Connector)]) -> ControllerClient {
    let endpoints = controllers
        .iter()
        .map(|(id, connector)| ControllerEndpoint {
            node_id: Some(NodeId(*id)),
            connector: connector.clone(),
        });
    ControllerClient::new(endpoints.collect(), ClientConfig::default())
}

fn settings() -> Settings {
    Settings {
        num_partitions: 1,
        default_replication_factor: 1,
        delete_topic_enable: true,
        partitions_per_request_max: Settings::PARTITIONS_PER_REQUEST_MAX,
        elections: crate::decide::testing::elections(),
        file: config::Properties::new(),
    }
}

/// A start of a broker. Another `incarnation` is another process.
pub(super) fn registration(broker: i32, incarnation: u8) -> Registration {
    let features = FEATURES.iter().map(|feature| {
        let levels = SupportedLevels {
            min: feature.min_level,
            max: feature.max_level,
        };
        (feature.name.into(), levels)
    });
    Registration {
        broker_id: NodeId(broker),
        incarnation_id: Uuid::from_bytes([incarnation; 16]),
        cluster_id: Some(CLUSTER_ID.to_owned()),
        listeners: vec![Listener {
            name: "PLAINTEXT".into(),
            // Nobody ever listens on port 1 here: a probe is refused.
            host: "127.0.0.1".into(),
            port: 1,
            security_protocol: SecurityProtocol::Plaintext,
        }],
        rack: None,
        features: features.collect(),
        log_dirs: vec![DirectoryId(Uuid::from_bytes([100; 16]))],
        previous_broker_epoch: BrokerEpoch::NONE,
        restart: Restart::ProcessCrash,
    }
}

/// A registration of a broker that accepts connections, as long as the listener lives.
pub(super) async fn listening(broker: i32) -> (Registration, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut registration = registration(broker, 1);
    registration.listeners[0].port = listener.local_addr().expect("bound").port();
    (registration, listener)
}

/// Registers and returns the epoch.
pub(super) async fn register(client: &ControllerClient, broker: i32) -> BrokerEpoch {
    let registered = client.register(&registration(broker, 1), PATIENCE).await;
    registered.expect("a good registration").broker_epoch
}

/// What a broker says that has applied everything up to `offset`.
pub(super) const fn state(offset: i64) -> HeartbeatState {
    HeartbeatState {
        metadata_offset: offset,
        want_fence: false,
        want_shutdown: false,
        offline_log_dirs: Vec::new(),
        image_hash: None,
    }
}

/// Registers a broker and unfences it.
pub(super) async fn join(client: &ControllerClient, broker: i32) -> rpc::BrokerSession {
    join_as(client, &registration(broker, 1)).await
}

/// The same for a broker that describes itself.
pub(super) async fn join_as(
    client: &ControllerClient,
    registration: &Registration,
) -> rpc::BrokerSession {
    let registered = client.register(registration, PATIENCE).await;
    let epoch = registered.expect("a good registration").broker_epoch;
    let mut session = client.session(registration.broker_id, epoch);
    let answer = session.heartbeat(&state(epoch.0), PATIENCE).await;
    assert!(!answer.expect("registered").fenced);
    session
}

/// Asks for a topic with one replica and returns its error code.
pub(super) async fn create_topic(client: &ControllerClient, name: &str) -> (i16, i64) {
    let forwarded = client.forward(create_topic_request(name), PATIENCE).await;
    created(&forwarded.expect("an active controller"))
}

/// Creates a topic of one partition on these brokers.
pub(super) async fn create_topic_on(client: &ControllerClient, name: &str, brokers: &[i32]) {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.to_owned().into(),
            num_partitions: -1,
            replication_factor: -1,
            assignments: vec![CreatableReplicaAssignment {
                partition_index: 0,
                broker_ids: brokers.to_vec(),
            }],
            ..CreatableTopic::default()
        }],
        timeout_ms: 30_000,
        ..CreateTopicsRequest::default()
    };
    let request = forward(ApiKey::CreateTopics, 7, encode(&request));
    let forwarded = client.forward(request, PATIENCE).await;
    assert_eq!(created(&forwarded.expect("an active controller")).0, 0);
}

pub(super) fn created(forwarded: &Forwarded) -> (i16, i64) {
    let body = frame::decode_body::<CreateTopicsResponse>(forwarded.body.clone(), 7);
    let response = body.expect("an answer");
    (response.topics[0].error_code, forwarded.metadata_offset)
}

pub(super) fn create_topic_request(name: &str) -> ForwardRequest {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.to_owned().into(),
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        timeout_ms: 30_000,
        ..CreateTopicsRequest::default()
    };
    forward(ApiKey::CreateTopics, 7, encode(&request))
}

fn encode(request: &CreateTopicsRequest) -> Bytes {
    frame::encode_body(request, 7).expect("a good request")
}

pub(super) fn forward(key: ApiKey, version: i16, body: Bytes) -> ForwardRequest {
    ForwardRequest {
        api_key: key.to_wire(),
        api_version: version,
        body,
        principal: "User:ANONYMOUS".to_owned(),
        client_host: "127.0.0.1".to_owned(),
        listener: "PLAINTEXT".to_owned(),
        client_id: "test".to_owned(),
    }
}
