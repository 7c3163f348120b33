//! One partition's replication, both sides, as state machines: nothing but decisions.

use divan::counter::ItemsCount;
use divan::{Bencher, bench};
use replication::{
    EpochHistory, Follower, Leader, Position, Registration, Session, SessionId, Start,
};
use types::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionEpoch};

const EPOCH: LeaderEpoch = LeaderEpoch(3);
const FOLLOWERS: [NodeId; 2] = [NodeId(2), NodeId(3)];
const SESSION: SessionId = SessionId(1);

/// An empty log of one epoch.
struct Empty;

impl EpochHistory for Empty {
    fn end_offset_for_epoch(&self, _epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        (EPOCH, 0)
    }
}

/// A leader whose two followers follow.
fn leader() -> Leader {
    let replicas = vec![NodeId(1), FOLLOWERS[0], FOLLOWERS[1]];
    let mut leader = Leader::new(Start {
        local: NodeId(1),
        leader_epoch: EPOCH,
        registration: Registration {
            partition_epoch: PartitionEpoch(1),
            isr: replicas.clone(),
            replicas,
            min_isr: 2,
        },
        log_end_offset: 0,
        durable_offset: None,
        high_watermark: 0,
    });
    let session = Session {
        id: SESSION,
        broker_epoch: BrokerEpoch(1),
    };
    let position = Position {
        log_start_offset: 0,
        log_end_offset: 0,
        last_epoch: EPOCH,
    };
    for follower in FOLLOWERS {
        leader.on_open(follower, session).expect("a replica");
        let answer = leader.on_position(follower, SESSION, &position, 0, &Empty);
        answer.expect("reconciled");
    }
    leader
}

/// One append and both acknowledgements: the second one moves the high watermark.
#[bench]
fn append_and_two_acks(bencher: Bencher<'_, '_>) {
    let mut leader = leader();
    let mut end = 0;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        end += 16;
        assert_eq!(leader.on_append(end), None);
        let first = leader.on_ack(FOLLOWERS[0], SESSION, end);
        assert_eq!(first, Ok(None));
        leader.on_ack(FOLLOWERS[1], SESSION, end)
    });
}

/// Records and the high watermark that comes with them.
#[bench]
fn follower_append(bencher: Bencher<'_, '_>) {
    let mut follower = Follower::new(EPOCH, Some(NodeId(1)), 0);
    follower.on_open(SESSION, EPOCH).expect("the same epoch");
    follower.on_follow(SESSION, 0, 0).expect("at its end");
    let mut end = 0;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        follower.on_append(SESSION, end, end).expect("at its end");
        end += 16;
        follower.on_high_watermark(SESSION, end - 16, end)
    });
}
