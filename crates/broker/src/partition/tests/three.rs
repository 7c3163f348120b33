//! Three replicas of one partition, joined by queues that may break at any time. Each learns of a new
//! leader when it does, so that old leaders go on for a while.
//!
//! What is checked all the time: what one leader showed as committed is what every later leader shows,
//! and in a durable topic everybody has it on disk.
//! In the end: everybody has the same bytes.

use std::collections::VecDeque;

use rpc::replication::{ToFollower, ToLeader};

use super::messages::{ack, append, report, say};
use super::*;
use crate::partition::{Carried, Take};
use crate::replica::{AckRoute, LateAcks};

const NODES: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

#[derive(Clone, Copy, Debug)]
enum Step {
    Produce {
        node: usize,
        bytes: usize,
    },
    /// The leader looks what there is to send.
    Send {
        from: usize,
        to: usize,
        bytes_max: usize,
    },
    /// The oldest message arrives.
    Deliver {
        from: usize,
        to: usize,
    },
    Answer {
        from: usize,
        to: usize,
    },
    Break {
        from: usize,
        to: usize,
    },
    Elect {
        node: usize,
    },
    Learn {
        node: usize,
    },
    /// The partition's turn to be synced, if it asked for one.
    Sync {
        node: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0usize..3;
    let pair = (0usize..3, 1usize..3).prop_map(|(from, by)| (from, (from + by) % 3));
    prop_oneof![
        6 => (node.clone(), 1usize..400).prop_map(|(node, bytes)| Step::Produce { node, bytes }),
        10 => (pair.clone(), 1usize..1500)
            .prop_map(|((from, to), bytes_max)| Step::Send { from, to, bytes_max }),
        12 => pair.clone().prop_map(|(from, to)| Step::Deliver { from, to }),
        12 => pair.clone().prop_map(|(from, to)| Step::Answer { from, to }),
        1 => pair.prop_map(|(from, to)| Step::Break { from, to }),
        1 => node.clone().prop_map(|node| Step::Elect { node }),
        3 => node.clone().prop_map(|node| Step::Learn { node }),
        4 => node.prop_map(|node| Step::Sync { node }),
    ]
}

/// A connection from one node to another, with one partition on it.
#[derive(Default)]
struct Wire {
    /// The session of the leader's end and, once it is there, of the follower's.
    leader: Option<SessionId>,
    follower: Option<SessionId>,
    forth: VecDeque<ToFollower>,
    back: VecDeque<ToLeader>,
    /// What the follower acknowledges once it is synced.
    late: Arc<LateAcks>,
}

struct Cluster {
    partitions: Vec<Partition>,
    wires: Vec<Vec<Wire>>,
    registration: PartitionRegistration,
    sessions: u64,
    /// What was shown as committed.
    committed: Vec<u8>,
    /// The largest high watermark that anybody had.
    high_watermark: Offset,
    is_durable: bool,
}

impl Cluster {
    fn new(config: &TopicConfig) -> Self {
        let partition = |node| on_disk(node, &empty_disk(), config.clone());
        let mut cluster = Self {
            partitions: NODES.map(partition).into(),
            wires: (0..3)
                .map(|_| (0..3).map(|_| Wire::default()).collect())
                .collect(),
            registration: PartitionRegistration {
                replicas: NODES.to_vec(),
                isr: NODES.to_vec(),
                leader: Some(NODES[0]),
                leader_epoch: LeaderEpoch(0),
                partition_epoch: PartitionEpoch(0),
                ..PartitionRegistration::default()
            },
            sessions: 0,
            committed: Vec::new(),
            high_watermark: 0,
            is_durable: config.flush_messages == 1,
        };
        (0..3).for_each(|node| cluster.learn(node));
        cluster
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Produce { node, bytes } => {
                let records = batch(bytes);
                drop(self.partitions[node].append(&records, false, true, NOW_MS));
            }
            Step::Send {
                from,
                to,
                bytes_max,
            } => self.send(from, to, bytes_max),
            Step::Deliver { from, to } => self.deliver(from, to),
            Step::Answer { from, to } => self.answer(from, to),
            Step::Break { from, to } => self.break_off(from, to),
            Step::Elect { node } => {
                self.registration.leader = Some(NODES[node]);
                self.registration.leader_epoch = self.registration.leader_epoch.next();
                self.registration.partition_epoch = self.registration.partition_epoch.next();
            }
            Step::Learn { node } => self.learn(node),
            Step::Sync { node } => self.sync(node),
        }
        for node in 0..3 {
            self.check_committed(node);
        }
        if self.is_durable {
            self.check_durable();
        }
    }

    fn sync(&mut self, node: usize) {
        self.partitions[node].sync();
        for wires in &mut self.wires {
            let wire = &mut wires[node];
            for (_, late) in wire.late.take() {
                if wire.follower == Some(late.session) {
                    wire.back.extend(ack(Some(late.offset)));
                }
            }
        }
    }

    /// Everybody is in sync all the time: what one counts as committed, each of them has on disk.
    fn check_durable(&mut self) {
        for partition in &self.partitions {
            self.high_watermark = self.high_watermark.max(partition.high_watermark());
        }
        for (node, partition) in NODES.iter().zip(&self.partitions) {
            let durable = partition.log().lock().recovery_point();
            let committed = self.high_watermark;
            assert!(durable >= committed, "{node}: {durable} of {committed}");
        }
    }

    fn learn(&mut self, node: usize) {
        let assignment = Assignment {
            local: NODES[node],
            registration: &self.registration,
            min_isr: 2,
        };
        self.partitions[node]
            .assign(assignment)
            .expect("takes it up");
    }

    fn session(&mut self) -> SessionId {
        self.sessions += 1;
        SessionId(self.sessions)
    }

    fn send(&mut self, from: usize, to: usize, bytes_max: usize) {
        let new = self.session();
        let partition = &self.partitions[from];
        let wire = &mut self.wires[from][to];
        let Some(session) = wire.leader else {
            let link = Link::new(NODES[to], BrokerEpoch(1), Lane::Live, Arc::default());
            if let Opening::Open(leader_epoch) = partition.open_stream(&link, new, 0) {
                wire.leader = Some(new);
                wire.forth.push_back(ToFollower::Open {
                    handle: 0,
                    topic_id: partition.topic_id(),
                    partition: 0,
                    leader_epoch,
                });
            }
            return;
        };
        match partition.take(session, bytes_max) {
            Take::Append {
                base_offset,
                pieces,
                carried,
                ..
            } => wire.forth.push_back(append(base_offset, carried, pieces)),
            Take::Read { reader, from, .. } => {
                let end = reader.log_end_offset();
                let read = reader.read(from, bytes_max, end, true).expect("readable");
                let sent = partition
                    .on_read(session, from, read.next_offset)
                    .expect("still open");
                let pieces = vec![read.bytes];
                wire.forth.push_back(append(from, sent.carried, pieces));
            }
            Take::HighWatermark(carried) => wire.forth.push_back(ToFollower::HighWatermark {
                handle: 0,
                high_watermark: carried.high_watermark,
                log_start_offset: carried.log_start_offset,
            }),
            Take::Nothing => {}
            Take::Gone => self.break_off(from, to),
        }
    }

    fn deliver(&mut self, from: usize, to: usize) {
        let new = self.session();
        let partition = &self.partitions[to];
        let wire = &mut self.wires[from][to];
        let Some(message) = wire.forth.pop_front() else {
            return;
        };
        let session = wire.follower.unwrap_or(new);
        let answer = match message {
            ToFollower::Open { leader_epoch, .. } => {
                wire.follower = Some(new);
                partition
                    .open_as_follower(new, NODES[from], leader_epoch)
                    .map(|position| {
                        partition.set_ack_route(AckRoute::new(&wire.late, 0));
                        Some(report(&position))
                    })
            }
            ToFollower::Truncate {
                leader_epoch,
                end_offset,
                ..
            } => partition
                .truncate(session, leader_epoch, end_offset)
                .map(|position| Some(report(&position))),
            ToFollower::StartAt { offset, .. } => partition
                .start_at(session, offset)
                .map(|position| Some(report(&position))),
            ToFollower::Follow {
                offset,
                high_watermark,
                log_start_offset,
                ..
            } => {
                let carried = Carried {
                    high_watermark,
                    log_start_offset,
                };
                partition.follow(session, offset, carried).map(ack)
            }
            ToFollower::Append {
                base_offset,
                high_watermark,
                log_start_offset,
                batches,
                ..
            } => {
                let carried = Carried {
                    high_watermark,
                    log_start_offset,
                };
                partition
                    .append_as_follower(session, base_offset, &batches, carried)
                    .map(ack)
            }
            ToFollower::HighWatermark {
                high_watermark,
                log_start_offset,
                ..
            } => {
                let carried = Carried {
                    high_watermark,
                    log_start_offset,
                };
                partition.on_leader_offsets(session, carried).map(|()| None)
            }
            ToFollower::Close { .. } => Ok(None),
        };
        match answer {
            Ok(answer) => self.wires[from][to].back.extend(answer),
            Err(FollowFailure::Malformed(error)) => panic!("malformed: {error}"),
            Err(FollowFailure::Storage(error)) => panic!("disk: {error}"),
            Err(_refused) => self.break_off(from, to),
        }
    }

    fn answer(&mut self, from: usize, to: usize) {
        let partition = &self.partitions[from];
        let wire = &mut self.wires[from][to];
        let (Some(session), Some(message)) = (wire.leader, wire.back.pop_front()) else {
            return;
        };
        let heard = match message {
            ToLeader::Position {
                log_start_offset,
                log_end_offset,
                last_epoch,
                ..
            } => {
                let position = Position {
                    log_start_offset,
                    log_end_offset,
                    last_epoch,
                };
                partition
                    .on_position(NODES[to], session, &position)
                    .map(|heard| wire.forth.push_back(say(heard)))
            }
            ToLeader::Ack { log_end_offset, .. } => partition
                .on_ack(NODES[to], session, log_end_offset)
                .map(drop),
            ToLeader::Refused { .. } => Ok(()),
        };
        if heard.is_err() {
            self.break_off(from, to);
        }
    }

    fn break_off(&mut self, from: usize, to: usize) {
        let wire = std::mem::take(&mut self.wires[from][to]);
        if let Some(session) = wire.leader {
            self.partitions[from].close_stream(session);
        }
        if let Some(session) = wire.follower {
            self.partitions[to].close_as_follower(session);
        }
    }

    /// What the node shows to readers agrees with what was shown before by anyone.
    fn check_committed(&mut self, node: usize) {
        let Ok(readable) = self.partitions[node].readable_anywhere(LeaderEpoch::NONE) else {
            return;
        };
        let end = readable.high_watermark;
        let bytes = readable
            .reader
            .read(0, 1 << 20, end, true)
            .expect("readable")
            .bytes;
        let common = bytes.len().min(self.committed.len());
        assert_eq!(
            bytes[..common],
            self.committed[..common],
            "node {node} shows something else"
        );
        if bytes.len() > common {
            self.committed = bytes.to_vec();
        }
    }

    /// No more faults: everybody learns, and all messages arrive.
    fn heal(&mut self) {
        (0..3).for_each(|node| self.learn(node));
        for _ in 0..3 {
            for from in 0..3 {
                for to in (0..3).filter(|to| *to != from) {
                    self.break_off(from, to);
                }
            }
        }
        for _ in 0..200 {
            (0..3).for_each(|node| self.sync(node));
            for from in 0..3 {
                for to in (0..3).filter(|to| *to != from) {
                    self.send(from, to, 1 << 20);
                    self.deliver(from, to);
                    self.answer(from, to);
                }
            }
        }
        let all = |node: usize| {
            let log = self.partitions[node].log().lock();
            let (reader, end) = (log.reader(), log.log_end_offset());
            reader.read(0, 1 << 20, end, true).expect("readable").bytes
        };
        let bytes = all(0);
        assert_eq!(bytes, all(1));
        assert_eq!(bytes, all(2));
        (0..3).for_each(|node| self.check_committed(node));
        assert_eq!(self.committed.len(), bytes.len(), "everything is committed");
        for partition in &self.partitions {
            let end = partition.log().lock().log_end_offset();
            assert_eq!(partition.high_watermark(), end);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn replicas_agree_whoever_leads_and_whatever_is_lost(
        steps in prop::collection::vec(step(), 1..250),
        is_durable: bool,
    ) {
        let flush_messages = if is_durable { 1 } else { Offset::MAX };
        let config = TopicConfig { flush_messages, ..topic_config() };
        let mut cluster = Cluster::new(&config);
        for step in steps {
            cluster.run(step);
        }
        cluster.heal();
    }
}

/// A leader that was replaced without knowing goes on alone: its followers refuse it, so nothing of what
/// it takes is ever committed, and it is cut off later.
#[test]
fn a_leader_that_was_replaced_commits_nothing() {
    let mut cluster = Cluster::new(&topic_config());
    cluster.run(Step::Produce { node: 0, bytes: 10 });
    let exchange = |cluster: &mut Cluster, from: usize| {
        for _ in 0..10 {
            for to in (0..3).filter(|to| *to != from) {
                cluster.run(Step::Send {
                    from,
                    to,
                    bytes_max: 1000,
                });
                cluster.run(Step::Deliver { from, to });
                cluster.run(Step::Answer { from, to });
            }
        }
    };
    exchange(&mut cluster, 0);
    assert_eq!(cluster.partitions[0].high_watermark(), 1);
    cluster.run(Step::Elect { node: 1 });
    cluster.run(Step::Learn { node: 1 });
    cluster.run(Step::Produce { node: 0, bytes: 20 });
    // The third node still believes in the old leader, and takes what it sends.
    exchange(&mut cluster, 0);
    assert_eq!(cluster.partitions[2].log().lock().log_end_offset(), 2);
    assert_eq!(cluster.partitions[0].high_watermark(), 1);
    cluster.run(Step::Produce { node: 1, bytes: 30 });
    cluster.heal();
    assert_eq!(cluster.partitions[0].high_watermark(), 2);
}
