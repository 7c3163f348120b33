//! Two brokers that replicate over real connections. The test is the controller of both.

use std::time::Duration;

use rpc::replication::service;
use rpc::transport::{Routes, TransportConfig, serve};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use types::{BrokerEpoch, LeaderEpoch, Offset};

use super::replicas::elect;
use super::*;
use crate::inter_broker::InterBroker;
use crate::lifecycle::cleaner::clean_once;
use crate::partition::Partition;
use crate::replica;

/// One of the two. Its connections are refused until it serves.
struct Node {
    core: Arc<Core>,
    listener: Option<TcpListener>,
    address: SocketAddr,
    image: Mutex<MetadataImage>,
    stop: CancellationToken,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Node {
    async fn new(id: i32) -> Self {
        let clock = Arc::new(ManualClock::at(START_MS));
        let disk = FaultDisk::new(clock.clone());
        let id = id.to_string();
        let core = Core::new(options(&[("node.id", &id)], &disk, &clock));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        Self {
            core,
            address: listener.local_addr().expect("bound"),
            listener: Some(listener),
            image: Mutex::new(MetadataImage::empty()),
            stop: CancellationToken::new(),
        }
    }

    fn send(&self) {
        let (core, stop) = (Arc::clone(&self.core), self.stop.clone());
        tokio::spawn(replica::send_to_followers(core, stop));
    }

    fn receive(&mut self) {
        let config = TransportConfig::bulk();
        let (service, incoming) = service(&config);
        let (core, stop) = (Arc::clone(&self.core), self.stop.clone());
        tokio::spawn(replica::receive(core, incoming, stop.clone()));
        let (preface, connections) = InterBroker::pair();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(
            async move { serve(Routes::new(service), connections, &config, stopped).await },
        );
        let kafka = Arc::new(KafkaService::new(Arc::clone(&self.core)));
        let server = Server::new("PLAINTEXT", Limits::default(), kafka).with_preface(preface);
        let listener = self.listener.take().expect("not served yet");
        tokio::spawn(server.serve(listener, stop));
    }

    async fn apply(&self, records: &[MetadataRecord]) {
        let (image, delta) = {
            let mut image = self.image.lock();
            let (newer, delta) = replay(&image, image.offset() + 1, records).expect("replays");
            *image = newer.clone();
            (newer, delta)
        };
        if let Some(own) = image.broker(self.core.node_id()) {
            self.core.set_broker_epoch(own.epoch);
        }
        let core = Arc::clone(&self.core);
        let applied = tokio::task::spawn_blocking(move || core.apply(image, &delta));
        applied.await.expect("applied");
    }

    fn partition(&self) -> Arc<Partition> {
        let partitions = &self.core.partitions;
        partitions.get_by_name("t", 0).expect("a replica")
    }

    fn produce(&self, records: &Bytes) {
        let appended = self.partition().append(records, false, true, START_MS);
        appended.expect("appended");
    }

    fn position(&self) -> (Offset, Offset) {
        let partition = self.partition();
        let end = partition.log().lock().log_end_offset();
        (end, partition.high_watermark())
    }

    fn bytes(&self) -> Bytes {
        let reader = self.partition().log().lock().reader();
        let mut all = Vec::new();
        let mut offset = reader.log_start_offset();
        loop {
            let end = reader.log_end_offset();
            let read = reader.read(offset, 1 << 20, end, true).expect("readable");
            if read.bytes.is_empty() {
                return all.into();
            }
            offset = read.next_offset;
            all.extend_from_slice(&read.bytes);
        }
    }
}

struct Pair {
    leader: Node,
    follower: Node,
}

impl Pair {
    /// Broker 1 leads a partition that broker 2 follows; broker 2 does not listen yet.
    async fn new() -> Self {
        let pair = Self {
            leader: Node::new(1).await,
            follower: Node::new(2).await,
        };
        pair.leader.send();
        let id = topic_id("t");
        pair.apply(&[pair.registration(1, 1), pair.registration(2, 2)])
            .await;
        pair.apply(&[topic("t", id), partition(id, 0, &[1, 2], &[1, 2], 1)])
            .await;
        pair
    }

    async fn apply(&self, records: &[MetadataRecord]) {
        self.follower.apply(records).await;
        self.leader.apply(records).await;
    }

    fn registration(&self, id: i32, incarnation: u8) -> MetadataRecord {
        let node = if id == 1 {
            &self.leader
        } else {
            &self.follower
        };
        let listener = v1::Listener {
            name: "PLAINTEXT".to_owned(),
            host: node.address.ip().to_string(),
            port: node.address.port().into(),
            security_protocol: 0,
        };
        v1::RegisterBroker {
            broker_id: id,
            incarnation: vec![incarnation; 16].into(),
            listeners: vec![listener],
            fenced: false,
            ..v1::RegisterBroker::default()
        }
        .into()
    }

    /// Both have everything, and know it.
    async fn agrees_at(&self, end: Offset) {
        let agrees = async {
            while [self.leader.position(), self.follower.position()] != [(end, end); 2] {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(20), agrees)
            .await
            .expect("in time");
        assert_eq!(self.leader.bytes(), self.follower.bytes());
    }
}

#[tokio::test]
async fn records_and_the_high_watermark_reach_the_follower() {
    let mut pair = Pair::new().await;
    pair.follower.receive();
    for end in 1..=20 {
        pair.leader.produce(&batch(&["a", "b"]));
        pair.agrees_at(2 * end).await;
    }
}

#[tokio::test]
async fn a_follower_far_behind_catches_up_while_records_keep_coming() {
    let mut pair = Pair::new().await;
    let large = "x".repeat(900_000);
    let large = batch(&[&large]);
    for _ in 0..16 {
        pair.leader.produce(&large);
    }
    assert_eq!(pair.leader.partition().high_watermark(), 0);
    pair.follower.receive();
    for _ in 0..50 {
        pair.leader.produce(&batch(&["a"]));
        sleep(Duration::from_millis(5)).await;
    }
    pair.agrees_at(66).await;
}

#[tokio::test]
async fn a_follower_begins_within_a_batch_where_its_leader_does() {
    let mut pair = Pair::new().await;
    pair.leader.produce(&batch(&["a", "b", "c"]));
    pair.leader.produce(&batch(&["d"]));
    let partition = pair.leader.partition();
    let moved = partition.log().lock().increment_log_start(2);
    assert!(moved.expect("moved"));
    pair.follower.receive();
    pair.agrees_at(4).await;
    pair.leader.produce(&batch(&["e"]));
    pair.agrees_at(5).await;
    assert_eq!(pair.follower.partition().log_start_offset(), 2);
}

#[tokio::test]
async fn another_process_of_the_follower_gets_a_stream_of_its_own() {
    let mut pair = Pair::new().await;
    pair.follower.receive();
    pair.leader.produce(&batch(&["a"]));
    pair.agrees_at(1).await;
    let before = pair.follower.core.broker_epoch();
    pair.apply(&[pair.registration(2, 3)]).await;
    assert!(pair.follower.core.broker_epoch() > before);
    pair.leader.produce(&batch(&["b"]));
    pair.agrees_at(2).await;
    let partition = pair.leader.partition();
    assert!(before > BrokerEpoch::NONE && partition.is_led_for(NodeId(2)));
}

#[tokio::test]
async fn a_leader_that_hears_of_its_election_first_waits_for_its_follower() {
    let mut pair = Pair::new().await;
    pair.follower.receive();
    pair.leader.produce(&batch(&["a"]));
    pair.agrees_at(1).await;
    let elected = [elect(topic_id("t"), 1, 1)];
    pair.leader.apply(&elected).await;
    pair.leader.produce(&batch(&["b"]));
    sleep(Duration::from_millis(50)).await;
    assert_eq!(pair.follower.position(), (1, 1));
    pair.follower.apply(&elected).await;
    pair.agrees_at(2).await;
    let epoch = pair.follower.partition().readable_anywhere(LeaderEpoch(1));
    assert!(epoch.is_ok());
}

/// A batch of one record with that key.
fn keyed(key: &str) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    let appended = builder.append(START_MS, Some(key.as_bytes()), Some(b"value"), &[]);
    appended.expect("appended");
    builder.build().expect("built").bytes
}

#[tokio::test]
async fn a_follower_copies_a_compacted_log_from_within_a_gap() {
    let mut pair = Pair::new().await;
    let configs = [
        ("cleanup.policy", "compact"),
        ("internal.segment.bytes", "400"),
    ];
    for (key, value) in configs {
        let config = v1::Config {
            resource_type: v1::ResourceType::Topic.into(),
            resource_name: "t".to_owned(),
            key: key.to_owned(),
            value: Some(value.to_owned()),
        };
        pair.apply(&[config.into()]).await;
    }
    // Only the leader is in sync, so that its high watermark goes on alone.
    let alone = v1::PartitionChange {
        topic_id: topic_id("t").0.as_bytes().to_vec().into(),
        index: 0,
        partition_epoch: 1,
        isr: Some(v1::NodeList { nodes: vec![1] }),
        ..v1::PartitionChange::default()
    };
    pair.apply(&[alone.into()]).await;
    for key in ["a", "b", "c"] {
        pair.leader.produce(&keyed(key));
    }
    // What the follower has of an earlier time, byte for byte.
    let earlier = pair.leader.bytes();
    let copied = pair
        .follower
        .partition()
        .log()
        .lock()
        .append_as_follower(earlier);
    assert_eq!(copied.expect("copied").last_offset, 2);
    for round in 0..20 {
        pair.leader.produce(&keyed(["a", "b", "c"][round % 3]));
    }
    let core = Arc::clone(&pair.leader.core);
    let compacted = tokio::task::spawn_blocking(move || {
        core.log_dirs.housekeep(START_MS, &|_| None);
        clean_once(&core)
    });
    assert!(compacted.await.expect("no panic"));
    let reader = pair.leader.partition().log().lock().reader();
    let next = reader
        .read(3, 100, 23, true)
        .expect("readable")
        .first_offset;
    assert!(next > 3, "there is a gap at 3");

    pair.follower.receive();
    let agrees = async {
        while pair.follower.position().0 != 23 {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), agrees)
        .await
        .expect("in time");
    let (ours, theirs) = (pair.leader.bytes(), pair.follower.bytes());
    assert!(theirs.ends_with(&ours[ours.len() - 100..]));
    pair.leader.produce(&keyed("d"));
    let agrees = async {
        while pair.follower.position() != (24, 24) {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), agrees)
        .await
        .expect("in time");
}
