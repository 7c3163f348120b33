//! Who waits at a partition, compared with a list that is looked through every time; and, in [`three`],
//! what three replicas of one partition make of lost messages and changing leaders.

mod durable;
mod messages;
mod own;
mod three;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use config::topic::TopicConfig;
use config::{Layers, topic};
use metadata::PartitionRegistration;
use proptest::prelude::*;
use protocol::records::{BatchBuilder, Compression};
use replication::{AckError, Position, SessionId};
use rpc::replication::Lane;
use storage::disk::FaultDisk;
use storage::{LogDeps, LogDirs, LogDirsOptions};
use tokio::sync::oneshot;
use types::{
    BrokerEpoch, DirectoryId, LeaderEpoch, ManualClock, NodeId, Offset, PartitionEpoch, TopicId,
    TopicPartition, Uuid,
};

use super::{
    AckOutcome, Assignment, Commit, FetchWait, FollowFailure, Heard, Opening, Partition,
    PendingAcks, Shared, TailBudget, TopicSettings,
};
use crate::lifecycle::flusher::SyncQueue;
use crate::replica::Link;

impl Partition {
    /// A follower has written everything below `log_end_offset`, on a stream of its own that began with
    /// an empty log.
    pub(crate) fn on_follower_ack(
        &self,
        follower: NodeId,
        leader_epoch: LeaderEpoch,
        log_end_offset: Offset,
    ) -> Result<bool, AckError> {
        let number = u64::try_from(follower.0 * 1000 + leader_epoch.0).expect("small");
        let session = SessionId(number);
        if !self.is_carried_by(session) {
            let news = Arc::default();
            let link = Link::new(follower, BrokerEpoch(1), Lane::Live, news);
            let opening = self.open_stream(&link, session, 0);
            assert_eq!(opening, Opening::Open(leader_epoch));
            let position = Position {
                log_start_offset: 0,
                log_end_offset: 0,
                last_epoch: LeaderEpoch::NONE,
            };
            let heard = self.on_position(follower, session, &position)?;
            assert!(
                matches!(heard, Heard::Follow { offset: 0, .. }),
                "{heard:?}"
            );
        }
        self.on_ack(follower, session, log_end_offset)
    }

    /// Fetches that wait here.
    pub(crate) fn watcher_count(&self) -> usize {
        self.state.lock().watchers.len()
    }
}

const NOW_MS: i64 = 1_700_000_000_000;

/// A partition on nodes 1, 2 and 3, and what a simple mind knows of it.
struct Oracle {
    partition: Partition,
    epoch: i32,
    /// Ends (exclusive) and sizes of all batches.
    batches: Vec<(Offset, usize)>,
    /// How far nodes 2 and 3 have acknowledged in this epoch.
    followers: [Option<Offset>; 2],
    high_watermark: Offset,
    producers: Vec<Producer>,
    readers: Vec<Reader>,
}

struct Producer {
    required_offset: Offset,
    outcome: oneshot::Receiver<Vec<AckOutcome>>,
}

struct Reader {
    wait: Arc<FetchWait>,
    woken: oneshot::Receiver<()>,
    wanted_bytes: usize,
    seen_high_watermark: Offset,
}

#[derive(Clone, Debug)]
enum Step {
    Produce(usize),
    Ack { follower: usize, batch: usize },
    Read(usize),
    Elect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1usize..200).prop_map(Step::Produce),
        6 => (0usize..2, 0usize..30).prop_map(|(follower, batch)| Step::Ack { follower, batch }),
        3 => (1usize..500).prop_map(Step::Read),
        1 => Just(Step::Elect),
    ]
}

impl Oracle {
    fn new() -> Self {
        let mut oracle = Self {
            partition: on_empty_disk(NodeId(1)),
            epoch: -1,
            batches: Vec::new(),
            followers: [None; 2],
            high_watermark: 0,
            producers: Vec::new(),
            readers: Vec::new(),
        };
        oracle.elect();
        oracle
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Produce(bytes) => self.produce(*bytes),
            Step::Ack { follower, batch } => self.ack(*follower, *batch),
            Step::Read(wanted_bytes) => self.read(*wanted_bytes),
            Step::Elect => self.elect(),
        }
        assert_eq!(self.partition.high_watermark(), self.high_watermark);
        self.check_producers();
        self.check_readers();
    }

    fn produce(&mut self, bytes: usize) {
        let records = batch(bytes);
        let appended = self
            .partition
            .append(&records, true, true, NOW_MS)
            .expect("appended");
        self.batches.push((appended.end_offset, records.len()));
        let (pending, outcome) = PendingAcks::new(1);
        let commit = self.partition.wait_for_commit(&appended, &pending, 0);
        assert_eq!(commit, Commit::Pending, "the followers have not written it");
        self.producers.push(Producer {
            required_offset: appended.end_offset,
            outcome,
        });
    }

    fn ack(&mut self, follower: usize, batch: usize) {
        let end = self.batches.get(batch).map_or(0, |(end, _)| *end);
        let node = NodeId(2 + i32::try_from(follower).expect("two of them"));
        let epoch = LeaderEpoch(self.epoch);
        self.partition
            .on_follower_ack(node, epoch, end)
            .expect("counts");
        self.followers[follower] = self.followers[follower].max(Some(end));
        if let [Some(one), Some(other)] = self.followers {
            self.high_watermark = self.high_watermark.max(one.min(other));
        }
    }

    fn read(&mut self, wanted_bytes: usize) {
        let (wait, woken) = FetchWait::new(wanted_bytes);
        let epoch = LeaderEpoch(self.epoch);
        assert!(self.partition.watch(&wait, epoch, self.high_watermark));
        let other_epoch = LeaderEpoch(self.epoch - 1);
        assert!(
            !self
                .partition
                .watch(&wait, other_epoch, self.high_watermark)
        );
        assert!(!self.partition.watch(&wait, epoch, self.high_watermark + 1));
        self.readers.push(Reader {
            wait,
            woken,
            wanted_bytes,
            seen_high_watermark: self.high_watermark,
        });
    }

    fn elect(&mut self) {
        self.epoch += 1;
        self.followers = [None; 2];
        let registration = PartitionRegistration {
            replicas: [1, 2, 3].map(NodeId).to_vec(),
            isr: [1, 2, 3].map(NodeId).to_vec(),
            leader: Some(NodeId(1)),
            leader_epoch: LeaderEpoch(self.epoch),
            partition_epoch: PartitionEpoch(self.epoch),
            ..PartitionRegistration::default()
        };
        let assignment = Assignment {
            local: NodeId(1),
            registration: &registration,
            min_isr: 2,
        };
        self.partition.assign(assignment).expect("leads");
        for mut producer in self.producers.drain(..) {
            let outcome = producer.outcome.try_recv().expect("told");
            assert_eq!(outcome, [AckOutcome::NotLeader]);
        }
        for mut reader in self.readers.drain(..) {
            reader.woken.try_recv().expect("woken");
            self.partition.unwatch(&reader.wait);
        }
        assert_eq!(self.partition.watcher_count(), 0);
    }

    /// Exactly those that the high watermark has reached are done.
    fn check_producers(&mut self) {
        let high_watermark = self.high_watermark;
        self.producers.retain_mut(|producer| {
            let outcome = producer.outcome.try_recv().ok();
            let is_committed = producer.required_offset <= high_watermark;
            assert_eq!(outcome, is_committed.then(|| vec![AckOutcome::Committed]));
            !is_committed
        });
    }

    /// Nobody sleeps while there is enough to read. Being woken early is allowed, but not for nothing.
    fn check_readers(&mut self) {
        let mut readers = std::mem::take(&mut self.readers);
        readers.retain_mut(|reader| {
            let new_bytes = self.bytes_between(reader.seen_high_watermark, self.high_watermark);
            let is_woken = reader.woken.try_recv().is_ok();
            assert!(
                is_woken || new_bytes < reader.wanted_bytes,
                "asleep over {new_bytes} bytes"
            );
            assert!(!is_woken || self.high_watermark > reader.seen_high_watermark);
            if is_woken {
                self.partition.unwatch(&reader.wait);
            }
            !is_woken
        });
        self.readers = readers;
    }

    fn bytes_between(&self, from: Offset, to: Offset) -> usize {
        let inside = self
            .batches
            .iter()
            .filter(|(end, _)| *end > from && *end <= to);
        inside.map(|(_, bytes)| bytes).sum()
    }
}

/// A partition without a role, on a disk of its own.
fn on_empty_disk(node_id: NodeId) -> Partition {
    on_disk(node_id, &empty_disk(), topic_config())
}

fn empty_disk() -> FaultDisk {
    FaultDisk::new(Arc::new(ManualClock::at(NOW_MS)))
}

fn on_disk(node_id: NodeId, disk: &FaultDisk, config: TopicConfig) -> Partition {
    let deps = LogDeps {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::at(NOW_MS)),
    };
    let options = LogDirsOptions {
        paths: vec![PathBuf::from("/data")],
        cluster_id: "cluster".to_owned(),
        node_id,
        recovery_threads_per_dir: 1,
        new_directory_ids: vec![DirectoryId(Uuid::ONE)],
        foreign_names: Vec::new(),
    };
    let dirs = LogDirs::open(options, deps).expect("an empty disk");
    let settings = TopicSettings::new(config, Duration::from_hours(24));
    let (name, id) = (TopicPartition::new("t", 0), TopicId(Uuid::ONE));
    let log = dirs
        .create_log(&name, id, settings.log.clone(), None)
        .expect("created");
    let shared = Shared {
        tail_budget: TailBudget::new(1000),
        room: Arc::default(),
        sync_queue: SyncQueue::new(Arc::new(ManualClock::at(NOW_MS))),
        isr_watch: Arc::default(),
    };
    Partition::new(name, id, log, Arc::new(settings), 0, shared)
}

fn topic_config() -> TopicConfig {
    topic::effective(&Layers::default())
}

fn batch(bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder
        .append(NOW_MS, None, Some(&vec![7; bytes]), &[])
        .expect("appended");
    builder.build().expect("built").bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn everybody_who_waits_is_told_in_time(steps in prop::collection::vec(step(), 1..60)) {
        let mut oracle = Oracle::new();
        for step in &steps {
            oracle.run(step);
        }
    }
}

#[test]
fn a_replica_whose_log_is_out_of_service_follows_nobody() {
    let nodes = [NodeId(1), NodeId(2)];
    let partition = on_empty_disk(nodes[1]);
    let registration = PartitionRegistration {
        replicas: nodes.to_vec(),
        isr: nodes.to_vec(),
        leader: Some(nodes[0]),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: PartitionEpoch(0),
        ..PartitionRegistration::default()
    };
    let assignment = Assignment {
        local: nodes[1],
        registration: &registration,
        min_isr: 1,
    };
    partition.assign(assignment).expect("takes it up");
    let open = |id| partition.open_as_follower(SessionId(id), nodes[0], LeaderEpoch(0));
    assert!(open(1).is_ok());
    partition.log().lock().close().expect("closed");
    assert!(matches!(open(2), Err(FollowFailure::OutOfService)));
}
