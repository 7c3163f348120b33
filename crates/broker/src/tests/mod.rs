//! A broker on real sockets with a disk in memory; the test is the controller and hands it records.

mod audit;
mod cleaner;
mod fetch;
mod frames;
mod groups;
mod housekeeping;
mod life;
mod long_poll;
mod nearest;
mod offsets;
mod pair;
mod produce;
mod replicas;
mod who_leads;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use config::properties::Properties;
use config::server::{ServerConfig, Surroundings};
use metadata::{Delta, MetadataImage, MetadataRecord, replay, v1};
use net::client::{Connection, Options};
use net::server::{Limits, Server, bind};
use parking_lot::Mutex;
use protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic, PartitionData};
use protocol::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use protocol::records::{BatchBuilder, Compression, split_batches};
use protocol::{RecordSet, Request};
use rpc::ControllerClient;
use rpc::client::{ClientConfig, ControllerEndpoint};
use storage::disk::FaultDisk;
use storage::{LogDeps, LogDirs, LogDirsOptions};
use tokio_util::sync::CancellationToken;
use types::{
    DirectoryId, ErrorCode, ManualClock, NodeId, ProducerEpoch, ProducerId, TopicId, Uuid,
};

use crate::api::KafkaService;
use crate::state::{BrokerOptions, Core};

/// When the tests begin, in wall-clock milliseconds.
const START_MS: i64 = 1_700_000_000_000;

/// The broker under test is node 1; the others exist in metadata alone.
struct TestBroker {
    core: Arc<Core>,
    clock: Arc<ManualClock>,
    disk: FaultDisk,
    address: SocketAddr,
    image: Mutex<MetadataImage>,
    stop: CancellationToken,
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl TestBroker {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With more keys of `server.properties`.
    async fn start_with(properties: &[(&str, &str)]) -> Self {
        let clock = Arc::new(ManualClock::at(START_MS));
        let disk = FaultDisk::new(clock.clone());
        let core = Core::new(options(properties, &disk, &clock));
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let service = Arc::new(KafkaService::new(Arc::clone(&core)));
        let server = Server::new("PLAINTEXT", Limits::default(), service);
        tokio::spawn(server.serve(listener, stop.clone()));
        tokio::spawn({
            let (core, stop) = (Arc::clone(&core), stop.clone());
            async move { core.timers.run(stop).await }
        });
        tokio::spawn({
            let (core, stop) = (Arc::clone(&core), stop.clone());
            async move { core.groups.run(&core, stop).await }
        });
        let broker = Self {
            core,
            clock,
            disk,
            address,
            image: Mutex::new(MetadataImage::empty()),
            stop,
        };
        broker.apply((1..=3).map(register).collect()).await;
        broker
    }

    /// The controller commits an entry and the broker acts on it.
    async fn apply(&self, records: Vec<MetadataRecord>) {
        let (image, delta) = {
            let mut image = self.image.lock();
            let (newer, delta) = replay(&image, image.offset() + 1, &records).expect("replays");
            *image = newer.clone();
            (newer, delta)
        };
        self.apply_image(image, delta).await;
    }

    async fn apply_image(&self, image: MetadataImage, delta: Delta) {
        let core = Arc::clone(&self.core);
        let applied = tokio::task::spawn_blocking(move || core.apply(image, &delta));
        applied.await.expect("applied");
    }

    /// A topic with one replica per partition, led here.
    async fn create_topic(&self, name: &str, partition_count: i32) -> TopicId {
        let id = topic_id(name);
        let mut records = vec![topic(name, id)];
        records.extend((0..partition_count).map(|index| partition(id, index, &[1], &[1], 1)));
        self.apply(records).await;
        id
    }

    /// A topic with one partition on all three nodes, led here.
    async fn create_replicated(&self, name: &str, isr: &[i32]) -> TopicId {
        let id = topic_id(name);
        self.apply(vec![topic(name, id), partition(id, 0, &[1, 2, 3], isr, 1)])
            .await;
        id
    }

    async fn set_topic_config(&self, name: &str, key: &str, value: &str) {
        let config = v1::Config {
            resource_type: v1::ResourceType::Topic.into(),
            resource_name: name.to_owned(),
            key: key.to_owned(),
            value: Some(value.to_owned()),
        };
        self.apply(vec![config.into()]).await;
    }

    async fn client(&self) -> Client {
        let options = Options {
            client_id: Some("test".into()),
            ..Options::default()
        };
        let host = self.address.ip().to_string();
        let connected = Connection::connect(&host, self.address.port(), options).await;
        Client {
            connection: connected.expect("connected"),
            names: self
                .image
                .lock()
                .topics()
                .map(|t| (t.name().to_string(), t.id()))
                .collect(),
        }
    }
}

fn options(
    properties: &[(&str, &str)],
    disk: &FaultDisk,
    clock: &Arc<ManualClock>,
) -> BrokerOptions {
    let deps = LogDeps {
        disk: Arc::new(disk.clone()),
        clock: clock.clone(),
    };
    let dirs = LogDirsOptions {
        paths: vec![PathBuf::from("/data")],
        cluster_id: "cluster".to_owned(),
        node_id: NodeId(1),
        recovery_threads_per_dir: 1,
        new_directory_ids: vec![DirectoryId(Uuid::from_bytes([9; 16]))],
        foreign_names: Vec::new(),
    };
    let log_dirs = LogDirs::open(dirs, deps).expect("an empty disk");
    let (connector, _nobody) = rpc::transport::in_process();
    let endpoint = ControllerEndpoint {
        node_id: None,
        connector,
    };
    BrokerOptions {
        config: Arc::new(server_config(properties)),
        cluster_id: Some("cluster".to_owned()),
        log_dirs: Arc::new(log_dirs),
        controllers: ControllerClient::new(vec![endpoint], ClientConfig::default()),
        clock: clock.clone(),
    }
}

pub(crate) fn server_config(properties: &[(&str, &str)]) -> ServerConfig {
    let mut all = Properties::default();
    all.set("node.id", "1");
    all.set("listeners", "PLAINTEXT://127.0.0.1:0");
    all.set("log.dirs", "/data");
    for (key, value) in properties {
        all.set(*key, *value);
    }
    let surroundings = Surroundings {
        host_name: "localhost".to_owned(),
        has_file: false,
    };
    ServerConfig::new(all, &surroundings).expect("a good configuration")
}

fn register(id: i32) -> MetadataRecord {
    let listener = v1::Listener {
        name: "PLAINTEXT".to_owned(),
        host: format!("host{id}"),
        port: 9092,
        security_protocol: 0,
    };
    v1::RegisterBroker {
        broker_id: id,
        incarnation: vec![u8::try_from(id).expect("small"); 16].into(),
        listeners: vec![listener],
        fenced: false,
        ..v1::RegisterBroker::default()
    }
    .into()
}

/// An id that depends on the name alone.
fn topic_id(name: &str) -> TopicId {
    let mut bytes = [7; 16];
    for (byte, letter) in bytes.iter_mut().zip(name.bytes()) {
        *byte = letter;
    }
    TopicId(Uuid::from_bytes(bytes))
}

fn topic(name: &str, id: TopicId) -> MetadataRecord {
    v1::Topic {
        name: name.to_owned(),
        topic_id: id.0.as_bytes().to_vec().into(),
    }
    .into()
}

fn partition(
    id: TopicId,
    index: i32,
    replicas: &[i32],
    isr: &[i32],
    leader: i32,
) -> MetadataRecord {
    v1::Partition {
        topic_id: id.0.as_bytes().to_vec().into(),
        index,
        replicas: replicas.to_vec(),
        isr: isr.to_vec(),
        leader: Some(leader),
        leader_epoch: 0,
        ..v1::Partition::default()
    }
    .into()
}

/// A client with shorthands for what tests ask.
struct Client {
    connection: Connection,
    names: BTreeMap<String, TopicId>,
}

impl Client {
    async fn call<R: Request>(&self, request: &R, version: i16) -> R::Response {
        self.connection
            .request(request, version)
            .await
            .expect("a response")
    }

    /// Whether the broker closes the connection instead of answering.
    async fn is_closed_by<R: Request>(&self, request: &R, version: i16) -> bool {
        match self.connection.send(request, version) {
            Ok(response) => response.await.is_err(),
            Err(_) => true,
        }
    }

    fn id_of(&self, topic: &str) -> Uuid {
        self.names.get(topic).map_or(Uuid::ZERO, |id| id.0)
    }

    fn produce_request(
        &self,
        topic: &str,
        partition: i32,
        acks: i16,
        records: Option<Bytes>,
    ) -> ProduceRequest {
        ProduceRequest {
            transactional_id: None,
            acks,
            timeout_ms: 1000,
            topic_data: vec![TopicProduceData {
                name: topic.into(),
                topic_id: self.id_of(topic),
                partition_data: vec![PartitionProduceData {
                    index: partition,
                    records: records.map(RecordSet::from),
                }],
            }],
        }
    }

    async fn produce_at(
        &self,
        version: i16,
        topic: &str,
        acks: i16,
        records: Bytes,
    ) -> PartitionProduceResponse {
        let request = self.produce_request(topic, 0, acks, Some(records));
        let response = self.call(&request, version).await;
        response.responses[0].partition_responses[0].clone()
    }

    async fn produce(&self, topic: &str, records: Bytes) -> PartitionProduceResponse {
        self.produce_at(13, topic, -1, records).await
    }

    fn fetch_request(&self, topic: &str, partition: i32, offset: i64) -> FetchRequest {
        FetchRequest {
            replica_id: -1,
            max_wait_ms: 0,
            min_bytes: 1,
            max_bytes: 50 << 20,
            session_epoch: -1,
            topics: vec![FetchTopic {
                topic: topic.into(),
                topic_id: self.id_of(topic),
                partitions: vec![FetchPartition {
                    partition,
                    current_leader_epoch: -1,
                    fetch_offset: offset,
                    last_fetched_epoch: -1,
                    log_start_offset: -1,
                    partition_max_bytes: 1 << 20,
                    ..FetchPartition::default()
                }],
            }],
            ..FetchRequest::default()
        }
    }

    async fn fetch(&self, topic: &str, offset: i64) -> PartitionData {
        let request = self.fetch_request(topic, 0, offset);
        let response = self.call(&request, 17).await;
        assert_eq!(response.error_code, 0);
        response.responses[0].partitions[0].clone()
    }

    /// The values of all records from an offset on, and their offsets.
    async fn read_all(&self, topic: &str) -> Vec<(i64, Bytes)> {
        let mut read = Vec::new();
        let mut offset = self.fetch(topic, 0).await.log_start_offset;
        loop {
            let answer = self.fetch(topic, offset).await;
            assert_code(answer.error_code, ErrorCode::None);
            let records = answer.records.unwrap_or_default().to_bytes();
            if records.is_empty() {
                return read;
            }
            for batch in split_batches(records) {
                let batch = batch.expect("a batch");
                batch.check_crc().expect("a sound batch");
                for record in batch.records(1 << 20).expect("records") {
                    let record = record.expect("a record");
                    let at = batch.header.base_offset + i64::from(record.offset_delta);
                    read.push((at, record.value.unwrap_or_default()));
                }
                offset = batch.header.next_offset();
            }
        }
    }
}

#[track_caller]
fn assert_code(code: i16, expected: ErrorCode) {
    assert_eq!(ErrorCode::from_wire(code), Some(expected));
}

/// A batch of values without keys, stamped with the tests' start.
fn batch(values: &[&str]) -> Bytes {
    built(BatchBuilder::new(Compression::None), values)
}

fn compressed(compression: Compression, values: &[&str]) -> Bytes {
    built(BatchBuilder::new(compression), values)
}

/// A batch of an idempotent producer.
fn sequenced(producer: i64, epoch: i16, sequence: i32, values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.set_producer(ProducerId(producer), ProducerEpoch(epoch), sequence);
    built(builder, values)
}

fn built(mut builder: BatchBuilder, values: &[&str]) -> Bytes {
    for (i, value) in (0..).zip(values) {
        builder
            .append(START_MS + i, None, Some(value.as_bytes()), &[])
            .expect("appended");
    }
    builder.build().expect("built").bytes
}
