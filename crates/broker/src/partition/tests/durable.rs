//! Durable topics: who is told what before a sync, after it, and when it fails.

use std::io::ErrorKind;

use storage::disk::fault::{Fault, Op};

use super::*;
use crate::partition::{Carried, Synced};
use crate::replica::{AckRoute, LateAcks};

/// A partition on node 1, which leads it with nobody else, or follows node 2.
struct Bench {
    partition: Arc<Partition>,
    disk: FaultDisk,
}

impl Bench {
    fn new(leader: i32, config: TopicConfig) -> Self {
        let disk = empty_disk();
        let bench = Self {
            partition: Arc::new(on_disk(NodeId(1), &disk, config)),
            disk,
        };
        bench.elect(leader, 0);
        // What becoming a leader or follower has to sync is not what the tests are about.
        bench.partition.log().lock().flush().expect("flushed");
        bench
    }

    fn leader() -> Self {
        Self::new(1, durable())
    }

    fn elect(&self, leader: i32, epoch: i32) {
        elect(&self.partition, leader, epoch);
    }

    fn append(&self) -> Waiting {
        append(&self.partition)
    }

    fn queued_count(&self) -> usize {
        self.partition.shared.sync_queue.take_all().len()
    }

    fn set(&self, config: TopicConfig) {
        let settings = TopicSettings::new(config, Duration::from_hours(24));
        self.partition.set_settings(Arc::new(settings));
    }
}

fn durable() -> TopicConfig {
    every(1)
}

fn every(flush_messages: i64) -> TopicConfig {
    TopicConfig {
        flush_messages,
        ..topic_config()
    }
}

fn elect(partition: &Partition, leader: i32, epoch: i32) {
    let isr = if leader == 1 { vec![1] } else { vec![1, 2] };
    let registration = PartitionRegistration {
        replicas: vec![NodeId(1), NodeId(2)],
        isr: isr.into_iter().map(NodeId).collect(),
        leader: Some(NodeId(leader)),
        leader_epoch: LeaderEpoch(epoch),
        partition_epoch: PartitionEpoch(epoch),
        ..PartitionRegistration::default()
    };
    let assignment = Assignment {
        local: NodeId(1),
        registration: &registration,
        min_isr: 1,
    };
    partition.assign(assignment).expect("takes it up");
}

/// A producer with `acks=all` and one with `acks=1`, for the same records.
struct Waiting {
    all: Option<oneshot::Receiver<Vec<AckOutcome>>>,
    one: Option<oneshot::Receiver<Vec<AckOutcome>>>,
}

impl Waiting {
    /// What each of them was told.
    fn told(&mut self) -> [Option<AckOutcome>; 2] {
        [&mut self.all, &mut self.one].map(|receiver| match receiver {
            Some(receiver) => receiver.try_recv().ok().map(|outcomes| outcomes[0]),
            None => Some(AckOutcome::Committed),
        })
    }
}

fn append(partition: &Partition) -> Waiting {
    let appended = partition
        .append(&batch(10), true, true, NOW_MS)
        .expect("appended");
    let (for_all, all) = PendingAcks::new(1);
    let (for_one, one) = PendingAcks::new(1);
    let waits = |commit: Commit| commit == Commit::Pending;
    Waiting {
        all: waits(partition.wait_for_commit(&appended, &for_all, 0)).then_some(all),
        one: waits(partition.wait_for_sync(&appended, &for_one, 0)).then_some(one),
    }
}

const NOBODY: [Option<AckOutcome>; 2] = [None; 2];
const BOTH: [Option<AckOutcome>; 2] = [Some(AckOutcome::Committed); 2];

#[test]
fn nobody_is_answered_before_the_sync_and_everybody_after_it() {
    let bench = Bench::leader();
    let mut waiting: Vec<_> = (0..10).map(|_| bench.append()).collect();
    assert!(waiting.iter_mut().all(|one| one.told() == NOBODY));
    assert_eq!(bench.partition.high_watermark(), 0);
    assert_eq!(bench.queued_count(), 1, "one sync is enough for all");
    assert_eq!(bench.partition.sync(), Synced::Done);
    assert!(waiting.iter_mut().all(|one| one.told() == BOTH));
    assert_eq!(bench.partition.high_watermark(), 10);
    assert_eq!(bench.queued_count(), 0);
}

#[test]
fn what_is_appended_during_a_sync_is_the_next_ones() {
    let bench = Bench::leader();
    let mut first = bench.append();
    bench.queued_count();
    let (sender, receiver) = std::sync::mpsc::channel();
    let partition = Arc::clone(&bench.partition);
    bench.disk.meanwhile(Op::Sync, move || {
        sender.send(append(&partition)).expect("received");
    });
    bench.partition.sync();
    let mut second = receiver.recv().expect("appended");
    assert_eq!((first.told(), second.told()), (BOTH, NOBODY));
    assert_eq!(bench.queued_count(), 1);
    bench.partition.sync();
    assert_eq!(second.told(), BOTH);
}

#[test]
fn a_failing_sync_answers_nobody_and_is_not_tried_again() {
    let bench = Bench::leader();
    let mut waiting = bench.append();
    bench.queued_count();
    bench
        .disk
        .plan(Some(Op::Sync), 0, 1, Fault::Error(ErrorKind::Other));
    assert_eq!(bench.partition.sync(), Synced::Done);
    assert_eq!(bench.partition.sync(), Synced::Done);
    assert_eq!(waiting.told(), NOBODY);
    assert_eq!(bench.partition.high_watermark(), 0);
    assert!(bench.partition.log().lock().is_offline());
    assert_eq!(bench.queued_count(), 0);
    bench.partition.stop();
    assert_eq!(waiting.told(), [Some(AckOutcome::NotLeader); 2]);
}

#[test]
fn a_sync_that_finds_no_descriptor_is_tried_again() {
    let bench = Bench::leader();
    // A new epoch is written down, in a file that the next flush opens.
    bench.elect(1, 1);
    let mut waiting = bench.append();
    bench.disk.plan(Some(Op::Open), 0, 1, Fault::Errno(24));
    assert_eq!(bench.partition.sync(), Synced::TryAgain);
    assert_eq!(waiting.told(), NOBODY);
    assert_eq!(bench.partition.sync(), Synced::Done);
    assert_eq!(waiting.told(), BOTH);
}

#[test]
fn whoever_waits_for_a_sync_is_sent_to_the_next_leader() {
    let bench = Bench::leader();
    let mut waiting = bench.append();
    bench.elect(2, 1);
    assert_eq!(waiting.told(), [Some(AckOutcome::NotLeader); 2]);
}

#[test]
fn a_topic_becomes_durable_and_ordinary_again_while_it_is_served() {
    let bench = Bench::new(1, topic_config());
    assert_eq!(bench.append().told(), BOTH);
    assert_eq!(bench.queued_count(), 0);
    bench.set(durable());
    assert_eq!(bench.queued_count(), 1, "for what is there already");
    let mut waiting = bench.append();
    assert_eq!(waiting.told(), NOBODY);
    bench.set(topic_config());
    assert_eq!(waiting.told(), BOTH);
    assert_eq!(bench.append().told(), BOTH);
}

#[test]
fn flush_messages_and_flush_ms_ask_for_syncs_that_nobody_waits_for() {
    let bench = Bench::new(1, every(3));
    for (count, queued) in [(1, 0), (2, 0), (3, 1), (4, 0)] {
        assert_eq!(bench.append().told(), BOTH);
        assert_eq!(bench.queued_count(), queued, "{count} records");
    }
    bench.partition.sync();
    assert_eq!(bench.partition.log().lock().recovery_point(), 4);

    let bench = Bench::new(
        1,
        TopicConfig {
            flush_ms: 20,
            ..topic_config()
        },
    );
    for queued in [1, 0] {
        assert_eq!(bench.append().told(), BOTH);
        assert_eq!(bench.queued_count(), queued);
    }
    bench.partition.sync();
    assert_eq!(bench.partition.log().lock().recovery_point(), 2);
}

const SESSION: SessionId = SessionId(1);
const CARRIED: Carried = Carried {
    high_watermark: 0,
    log_start_offset: 0,
};

/// Node 2 opens the partition and makes it follow; what it acknowledges at once, and where the rest goes.
fn follow(
    partition: &Partition,
    session: SessionId,
    epoch: i32,
) -> (Option<Offset>, Arc<LateAcks>) {
    let late = Arc::default();
    let epoch = LeaderEpoch(epoch);
    let opened = partition.open_as_follower(session, NodeId(2), epoch);
    partition.set_ack_route(AckRoute::new(&late, 0));
    let end = opened.expect("its leader").log_end_offset;
    let at_once = partition.follow(session, end, CARRIED).expect("in turn");
    (at_once, late)
}

fn push(partition: &Partition, session: SessionId, base_offset: Offset) -> Option<Offset> {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.set_base_offset(base_offset);
    builder.set_leader_epoch(LeaderEpoch(0));
    builder
        .append(NOW_MS, None, Some(b"v"), &[])
        .expect("appended");
    let batch = builder.build().expect("built").bytes;
    partition
        .append_as_follower(session, base_offset, &[batch], CARRIED)
        .expect("continues")
}

fn late_offset(late: &LateAcks, session: SessionId) -> Option<Offset> {
    let late = late.take().remove(&0)?;
    (late.session == session).then_some(late.offset)
}

#[test]
fn a_follower_acknowledges_what_it_has_synced() {
    let bench = Bench::new(2, durable());
    let partition = &bench.partition;
    let (at_once, late) = follow(partition, SESSION, 0);
    assert_eq!(at_once, Some(0));
    assert_eq!(push(partition, SESSION, 0), None);
    assert_eq!(push(partition, SESSION, 1), None);
    assert_eq!(late_offset(&late, SESSION), None);
    partition.sync();
    assert_eq!(late_offset(&late, SESSION), Some(2));
    bench
        .disk
        .plan(Some(Op::Sync), 0, 1, Fault::Error(ErrorKind::Other));
    push(partition, SESSION, 2);
    partition.sync();
    assert_eq!(late_offset(&late, SESSION), None);
}

#[test]
fn a_follower_that_comes_back_acknowledges_what_it_has_synced_not_what_it_has() {
    let bench = Bench::new(2, durable());
    let partition = &bench.partition;
    let _first = follow(partition, SESSION, 0);
    push(partition, SESSION, 0);
    partition.sync();
    push(partition, SESSION, 1);
    let (at_once, late) = follow(partition, SessionId(2), 0);
    assert_eq!(at_once, Some(1));
    partition.sync();
    assert_eq!(late_offset(&late, SessionId(2)), Some(2));
}

#[test]
fn a_sync_acknowledges_nothing_that_was_cut_meanwhile() {
    let bench = Bench::new(2, durable());
    let (_, before) = follow(&bench.partition, SESSION, 0);
    for offset in 0..3 {
        push(&bench.partition, SESSION, offset);
    }
    let partition = Arc::clone(&bench.partition);
    let after = Arc::<LateAcks>::default();
    let route = AckRoute::new(&after, 0);
    let session = SessionId(2);
    bench.disk.meanwhile(Op::Sync, move || {
        elect(&partition, 2, 1);
        let opened = partition.open_as_follower(session, NodeId(2), LeaderEpoch(1));
        opened.expect("its leader");
        partition.set_ack_route(route);
        let cut = partition.truncate(session, LeaderEpoch(0), 1);
        assert_eq!(cut.expect("in turn").log_end_offset, 1);
        let at_once = partition.follow(session, 1, CARRIED).expect("in turn");
        assert_eq!(at_once, Some(1), "a cut is synced");
        push(&partition, session, 1);
    });
    bench.partition.sync();
    assert_eq!(bench.partition.log().lock().recovery_point(), 1);
    assert_eq!(late_offset(&before, SESSION), None);
    assert_eq!(late_offset(&after, session), None);
    assert_eq!(bench.queued_count(), 2);
    bench.partition.sync();
    assert_eq!(late_offset(&after, session), Some(2));
}
