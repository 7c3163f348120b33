//! Every word there and back, and what is not taken from a peer.

use bytes::Bytes;

use super::*;

fn every_leader_item() -> Vec<ToFollower> {
    vec![
        ToFollower::Open {
            handle: u32::MAX,
            topic_id: TopicId(Uuid::ONE),
            partition: 7,
            leader_epoch: LeaderEpoch(0),
        },
        ToFollower::Truncate {
            handle: 1,
            leader_epoch: LeaderEpoch(4),
            end_offset: 0,
        },
        ToFollower::StartAt {
            handle: 1,
            offset: i64::MAX,
        },
        ToFollower::Follow {
            handle: 1,
            offset: 20,
            high_watermark: 10,
            log_start_offset: 5,
        },
        ToFollower::Append {
            handle: 1,
            base_offset: 20,
            high_watermark: 15,
            log_start_offset: 5,
            batches: vec![Bytes::from_static(b"prefix"), Bytes::from_static(b"rest")],
        },
        ToFollower::HighWatermark {
            handle: 1,
            high_watermark: 22,
            log_start_offset: 6,
        },
        ToFollower::Close { handle: 1 },
    ]
}

fn every_follower_item() -> Vec<ToLeader> {
    let reasons = [
        RefusalReason::StaleEpoch {
            current: LeaderEpoch(9),
        },
        RefusalReason::Behind,
        RefusalReason::NotReplica,
        RefusalReason::Storage,
        RefusalReason::Diverged,
    ];
    let refusals = reasons.map(|reason| ToLeader::Refused { handle: 3, reason });
    let position = ToLeader::Position {
        handle: 3,
        log_start_offset: 0,
        log_end_offset: 0,
        last_epoch: LeaderEpoch::NONE,
    };
    let ack = ToLeader::Ack {
        handle: 3,
        log_end_offset: 12,
    };
    refusals.into_iter().chain([position, ack]).collect()
}

#[test]
fn everything_a_leader_says_survives_the_wire() {
    let frame = LeaderFrame {
        items: every_leader_item(),
    };
    assert_eq!(frame.record_bytes(), 10);
    assert_eq!(
        leader_frame_from_wire(leader_frame_to_wire(frame.clone())),
        Ok(frame)
    );
}

#[test]
fn everything_a_follower_says_survives_the_wire() {
    let frame = FollowerFrame {
        items: every_follower_item(),
        consumed_bytes: u64::MAX,
    };
    let read = follower_frame_from_wire(follower_frame_to_wire(frame.clone()));
    assert_eq!(read, Ok(frame));
}

fn hello() -> Hello {
    Hello {
        cluster_id: "c".to_owned(),
        leader: NodeId(1),
        leader_broker_epoch: BrokerEpoch(10),
        follower: NodeId(2),
        follower_broker_epoch: BrokerEpoch(11),
        lane: Lane::CatchUp,
    }
}

#[test]
fn a_hello_survives_the_wire() {
    assert_eq!(hello_from_wire(hello_to_wire(hello())), Ok(hello()));
}

#[test]
fn a_hello_out_of_range_is_refused() {
    let change = |spoil: fn(&mut wire::Hello)| {
        let mut hello = hello_to_wire(hello());
        spoil(&mut hello);
        hello_from_wire(hello)
    };
    let spoilt = [
        change(|h| h.leader_id = -1),
        change(|h| h.follower_id = i32::MIN),
        change(|h| h.leader_broker_epoch = -1),
        change(|h| h.follower_broker_epoch = i64::MIN),
        change(|h| h.lane = 0),
        change(|h| h.lane = 77),
        change(|h| h.cluster_id = "x".repeat(CLUSTER_ID_BYTES_MAX + 1)),
    ];
    for result in spoilt {
        assert!(result.is_err(), "{result:?}");
    }
}

fn read_leader(item: LeaderItem) -> Result<LeaderFrame, Malformed> {
    let item = wire::LeaderItem { item: Some(item) };
    leader_frame_from_wire(wire::LeaderFrame { items: vec![item] })
}

#[test]
fn numbers_of_a_leader_out_of_range_are_refused() {
    let id = uuid_to_wire(Uuid::ONE);
    let open = |topic_id: Bytes, partition, leader_epoch| {
        LeaderItem::Open(wire::Open {
            handle: 0,
            topic_id,
            partition,
            leader_epoch,
        })
    };
    let append = |base_offset, batches: Vec<Bytes>| {
        LeaderItem::Append(wire::Append {
            base_offset,
            batches,
            ..Default::default()
        })
    };
    let good = Bytes::from_static(b"x");
    let items = [
        open(Bytes::new(), 0, 0),
        open(Bytes::from_static(&[0; 16]), 0, 0),
        open(Bytes::from_static(&[1; 17]), 0, 0),
        open(id.clone(), -1, 0),
        open(id, 0, -1),
        append(-1, vec![good.clone()]),
        append(0, vec![]),
        append(0, vec![good, Bytes::new()]),
        LeaderItem::Truncate(wire::Truncate {
            leader_epoch: -1,
            ..Default::default()
        }),
        LeaderItem::Truncate(wire::Truncate {
            end_offset: -1,
            ..Default::default()
        }),
        LeaderItem::StartAt(wire::StartAt {
            handle: 0,
            offset: i64::MIN,
        }),
        LeaderItem::Follow(wire::Follow {
            high_watermark: -1,
            ..Default::default()
        }),
        LeaderItem::HighWatermark(wire::HighWatermark {
            log_start_offset: -1,
            ..Default::default()
        }),
    ];
    for item in items {
        assert!(read_leader(item.clone()).is_err(), "{item:?}");
    }
    let empty = wire::LeaderFrame {
        items: vec![wire::LeaderItem { item: None }],
    };
    assert!(leader_frame_from_wire(empty).is_err());
}

#[test]
fn numbers_of_a_follower_out_of_range_are_refused() {
    let position = |log_start_offset, log_end_offset, last_epoch| {
        FollowerItem::Position(wire::Position {
            handle: 0,
            log_start_offset,
            log_end_offset,
            last_epoch,
        })
    };
    let refused = |reason: i32, current_leader_epoch| {
        FollowerItem::Refused(wire::Refused {
            handle: 0,
            reason,
            current_leader_epoch,
        })
    };
    let items = [
        position(-1, 0, 0),
        position(5, 4, 0),
        position(0, 0, -2),
        refused(0, -1),
        refused(99, -1),
        refused(Reason::StaleEpoch.into(), -1),
        FollowerItem::Ack(wire::Ack {
            handle: 0,
            log_end_offset: -1,
        }),
    ];
    for item in items {
        let frame = wire::FollowerFrame {
            items: vec![wire::FollowerItem { item: Some(item) }],
            consumed_bytes: 0,
        };
        assert!(follower_frame_from_wire(frame).is_err(), "{item:?}");
    }
}

#[test]
fn a_frame_of_too_many_items_is_refused() {
    let close = wire::LeaderItem {
        item: Some(LeaderItem::Close(wire::Close { handle: 0 })),
    };
    let items = vec![close; FRAME_ITEMS_MAX + 1];
    let read = leader_frame_from_wire(wire::LeaderFrame { items });
    assert!(matches!(read, Err(Malformed::TooMany { .. })));
}
