//! A durable topic on three replicas, each with a page cache: what is committed survives every machine's
//! end at once.

use proptest::prelude::*;
use types::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionEpoch};

use crate::follower::tests::Epochs;
use crate::{Follower, Leader, Position, Reconcile, Registration, Session, SessionId, Start};

const EPOCH: LeaderEpoch = LeaderEpoch(5);

#[derive(Clone, Copy, Debug, Default)]
struct Log {
    end: Offset,
    durable: Offset,
}

/// Node 1 leads 2 and 3.
struct Topic {
    logs: [Log; 3],
    leader: Leader,
    followers: [Follower; 2],
    sessions: u64,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A producer writes so many records.
    Append(i64),
    /// The follower's stream breaks and is opened anew.
    Open(usize),
    /// The follower takes up to so many records.
    Send(usize, i64),
    /// A sync that began before returns.
    Sync(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1i64..5).prop_map(Step::Append),
        1 => (0usize..2).prop_map(Step::Open),
        6 => (0usize..2, 1i64..5).prop_map(|(follower, count)| Step::Send(follower, count)),
        4 => (0usize..3).prop_map(Step::Sync),
    ]
}

impl Topic {
    fn new() -> Self {
        let nodes = [NodeId(1), NodeId(2), NodeId(3)];
        let registration = Registration {
            partition_epoch: PartitionEpoch(0),
            replicas: nodes.to_vec(),
            isr: nodes.to_vec(),
            min_isr: 2,
        };
        let leader = Leader::new(Start {
            local: nodes[0],
            leader_epoch: EPOCH,
            registration,
            log_end_offset: 0,
            high_watermark: 0,
            durable_offset: Some(0),
        });
        let follower = || Follower::new(EPOCH, Some(nodes[0]), 0);
        let mut topic = Self {
            logs: [Log::default(); 3],
            leader,
            followers: [follower(), follower()],
            sessions: 0,
        };
        (0..2).for_each(|follower| topic.open(follower));
        topic
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Append(count) => {
                self.logs[0].end += count;
                self.leader.on_append(self.logs[0].end);
            }
            Step::Open(follower) => self.open(follower),
            Step::Send(follower, count) => self.send(follower, count),
            Step::Sync(node) => self.sync(node),
        }
        let high_watermark = self.leader.high_watermark();
        for (node, log) in (1..).zip(self.logs) {
            assert!(
                high_watermark <= log.durable,
                "node {node} would lose what is committed: {high_watermark} {log:?}"
            );
        }
    }

    fn open(&mut self, follower: usize) {
        self.sessions += 1;
        let (node, id) = (node(follower), SessionId(self.sessions));
        let broker_epoch = BrokerEpoch(1);
        let session = Session { id, broker_epoch };
        self.leader.on_open(node, session).expect("a replica");
        let machine = &mut self.followers[follower];
        machine.on_open(id, EPOCH).expect("its epoch");
        let end = self.logs[follower + 1].end;
        let position = Position {
            log_start_offset: 0,
            log_end_offset: end,
            last_epoch: EPOCH,
        };
        let history = Epochs(vec![(EPOCH.0, 0)], self.logs[0].end);
        let answer = self.leader.on_position(node, id, &position, 0, &history);
        let (answer, _) = answer.expect("its session");
        assert_eq!(answer, Reconcile::Follow { offset: end });
        machine.on_follow(id, end, end).expect("at the end");
        self.acknowledge(follower);
    }

    fn send(&mut self, follower: usize, count: i64) {
        let end = self.logs[0].end;
        let log = &mut self.logs[follower + 1];
        log.end = end.min(log.end + count);
        self.acknowledge(follower);
    }

    fn sync(&mut self, node: usize) {
        let log = &mut self.logs[node];
        log.durable = log.end;
        match node.checked_sub(1) {
            Some(follower) => self.acknowledge(follower),
            None => drop(self.leader.on_durable(self.logs[0].durable)),
        }
    }

    fn acknowledge(&mut self, follower: usize) {
        let log = self.logs[follower + 1];
        let news = self.followers[follower].acknowledge(log.end, Some(log.durable));
        if let Some((session, offset)) = news {
            let heard = self.leader.on_ack(node(follower), session, offset);
            heard.expect("its session");
        }
    }
}

fn node(follower: usize) -> NodeId {
    [NodeId(2), NodeId(3)][follower]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_is_committed_that_a_power_cut_of_all_would_take(
        steps in proptest::collection::vec(step(), 1..80)
    ) {
        let mut topic = Topic::new();
        for step in steps {
            topic.run(step);
        }
        // Nor does anything wait for ever.
        for follower in 0..2 {
            topic.run(Step::Send(follower, Offset::MAX / 2));
        }
        (0..3).for_each(|node| topic.run(Step::Sync(node)));
        prop_assert_eq!(topic.leader.high_watermark(), topic.logs[0].end);
    }
}

#[test]
fn records_go_on_while_a_sync_is_under_way() {
    let mut topic = Topic::new();
    for _ in 0..3 {
        topic.run(Step::Append(2));
        topic.run(Step::Send(0, 2));
        topic.run(Step::Send(1, 2));
    }
    assert_eq!((topic.logs[1].end, topic.leader.high_watermark()), (6, 0));
    (0..3).for_each(|node| topic.run(Step::Sync(node)));
    assert_eq!(topic.leader.high_watermark(), 6);
}

#[test]
fn a_topic_that_becomes_durable_keeps_what_is_committed_and_waits_from_then_on() {
    let mut topic = Topic::new();
    assert_eq!(topic.leader.set_durable(None), None);
    for end in [3, 5] {
        topic.leader.on_append(end);
        for (follower, session) in [(0, 1), (1, 2)] {
            let heard = topic.leader.on_ack(node(follower), SessionId(session), end);
            heard.expect("its session");
        }
        assert_eq!(topic.leader.high_watermark(), end.min(3));
        topic.leader.set_durable(Some(0));
    }
    assert_eq!(topic.leader.high_watermark(), 3);
    assert_eq!(topic.leader.on_durable(5), Some(5));
}

#[test]
fn the_same_is_acknowledged_once_on_each_session() {
    let mut topic = Topic::new();
    topic.run(Step::Append(2));
    topic.run(Step::Send(0, 2));
    let follower = &mut topic.followers[0];
    assert_eq!(follower.acknowledge(2, Some(0)), None);
    assert_eq!(follower.acknowledge(2, Some(1)), Some((SessionId(1), 1)));
    assert_eq!(follower.acknowledge(2, Some(1)), None);
    assert_eq!(follower.acknowledge(2, None), Some((SessionId(1), 2)));
    follower.on_close(SessionId(1));
    assert_eq!(follower.acknowledge(3, None), None);
}

#[cfg(feature = "mutants")]
mod mutants {
    use super::*;
    use crate::mutant::{self, Mutant};

    fn is_caught(mutant: Mutant, steps: &[Step]) -> bool {
        mutant::set(Some(mutant));
        let run = std::panic::catch_unwind(|| {
            let mut topic = Topic::new();
            steps.iter().for_each(|step| topic.run(*step));
        });
        mutant::set(None);
        run.is_err()
    }

    #[test]
    fn whoever_counts_what_is_not_synced_is_caught() {
        let (append, all) = (Step::Append(2), [Step::Send(0, 2), Step::Send(1, 2)]);
        let written = [append, all[0], all[1]];
        let but = |unsynced: usize| {
            let synced = (0..3).filter(move |node| *node != unsynced);
            let steps = written.into_iter().chain(synced.map(Step::Sync));
            steps.collect::<Vec<_>>()
        };
        assert!(is_caught(Mutant::LeaderCountsUnsynced, &but(0)));
        assert!(is_caught(Mutant::FollowerAcksUnsynced, &but(1)));
        let mut opened = but(1);
        opened.push(Step::Open(0));
        assert!(is_caught(Mutant::PositionCountsUnsynced, &opened));
        assert!(!is_caught(Mutant::NoMaximalIsr, &opened));
    }
}
