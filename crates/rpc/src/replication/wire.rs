//! Between the words of replication and the wire. Numbers from the wire are in their range, or the
//! frame is refused as a whole; whether they make sense for the partition is not decided here.

use types::{BrokerEpoch, LeaderEpoch, NodeId, Offset, TopicId, Uuid};

use super::words::{FollowerFrame, Hello, Lane, LeaderFrame, RefusalReason, ToFollower, ToLeader};
use crate::client::uuid_to_wire;
use crate::proto::replication::v1 as wire;
use wire::follower_item::Item as FollowerItem;
use wire::leader_item::Item as LeaderItem;
use wire::refused::Reason;

/// Longest cluster id taken.
const CLUSTER_ID_BYTES_MAX: usize = 255;
/// Most items taken in one frame.
pub const FRAME_ITEMS_MAX: usize = 1 << 16;
/// Most pieces of batches taken in one append.
const APPEND_PIECES_MAX: usize = 1 << 16;

/// A message that no peer of ours sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A field is missing or out of its range.
    #[error("{0} makes no sense")]
    Field(&'static str),
    /// More of something than is taken.
    #[error("{count} {what}, more than {max}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many are taken.
        max: usize,
    },
}

/// Whether the count is one that is taken.
const fn bounded(what: &'static str, count: usize, max: usize) -> Result<(), Malformed> {
    if count > max {
        return Err(Malformed::TooMany { what, count, max });
    }
    Ok(())
}

const fn offset(value: i64, field: &'static str) -> Result<Offset, Malformed> {
    if value < 0 {
        return Err(Malformed::Field(field));
    }
    Ok(value)
}

const fn leader_epoch(value: i32) -> Result<LeaderEpoch, Malformed> {
    if value < 0 {
        return Err(Malformed::Field("leader epoch"));
    }
    Ok(LeaderEpoch(value))
}

const fn node(value: i32, field: &'static str) -> Result<NodeId, Malformed> {
    if value < 0 {
        return Err(Malformed::Field(field));
    }
    Ok(NodeId(value))
}

const fn broker_epoch(value: i64, field: &'static str) -> Result<BrokerEpoch, Malformed> {
    if value < 0 {
        return Err(Malformed::Field(field));
    }
    Ok(BrokerEpoch(value))
}

pub(super) fn hello_to_wire(hello: Hello) -> wire::Hello {
    let lane = match hello.lane {
        Lane::Live => wire::Lane::Live,
        Lane::CatchUp => wire::Lane::CatchUp,
    };
    wire::Hello {
        cluster_id: hello.cluster_id,
        leader_id: hello.leader.0,
        leader_broker_epoch: hello.leader_broker_epoch.0,
        follower_id: hello.follower.0,
        follower_broker_epoch: hello.follower_broker_epoch.0,
        lane: lane.into(),
    }
}

pub(super) fn hello_from_wire(hello: wire::Hello) -> Result<Hello, Malformed> {
    let id_bytes = hello.cluster_id.len();
    bounded("bytes of cluster id", id_bytes, CLUSTER_ID_BYTES_MAX)?;
    let lane = match hello.lane() {
        wire::Lane::Live => Lane::Live,
        wire::Lane::CatchUp => Lane::CatchUp,
        wire::Lane::Unspecified => return Err(Malformed::Field("lane")),
    };
    Ok(Hello {
        leader: node(hello.leader_id, "leader id")?,
        leader_broker_epoch: broker_epoch(hello.leader_broker_epoch, "leader broker epoch")?,
        follower: node(hello.follower_id, "follower id")?,
        follower_broker_epoch: broker_epoch(hello.follower_broker_epoch, "follower broker epoch")?,
        cluster_id: hello.cluster_id,
        lane,
    })
}

pub(super) fn leader_frame_to_wire(frame: LeaderFrame) -> wire::LeaderFrame {
    let items = frame.items.into_iter().map(|item| wire::LeaderItem {
        item: Some(to_follower(item)),
    });
    wire::LeaderFrame {
        items: items.collect(),
    }
}

fn to_follower(item: ToFollower) -> LeaderItem {
    match item {
        ToFollower::Open {
            handle,
            topic_id,
            partition,
            leader_epoch,
        } => LeaderItem::Open(wire::Open {
            handle,
            topic_id: uuid_to_wire(topic_id.0),
            partition,
            leader_epoch: leader_epoch.0,
        }),
        ToFollower::Truncate {
            handle,
            leader_epoch,
            end_offset,
        } => LeaderItem::Truncate(wire::Truncate {
            handle,
            leader_epoch: leader_epoch.0,
            end_offset,
        }),
        ToFollower::StartAt { handle, offset } => {
            LeaderItem::StartAt(wire::StartAt { handle, offset })
        }
        ToFollower::Follow {
            handle,
            offset,
            high_watermark,
            log_start_offset,
        } => LeaderItem::Follow(wire::Follow {
            handle,
            offset,
            high_watermark,
            log_start_offset,
        }),
        ToFollower::Append {
            handle,
            base_offset,
            high_watermark,
            log_start_offset,
            batches,
        } => LeaderItem::Append(wire::Append {
            handle,
            base_offset,
            high_watermark,
            log_start_offset,
            batches,
        }),
        ToFollower::HighWatermark {
            handle,
            high_watermark,
            log_start_offset,
        } => LeaderItem::HighWatermark(wire::HighWatermark {
            handle,
            high_watermark,
            log_start_offset,
        }),
        ToFollower::Close { handle } => LeaderItem::Close(wire::Close { handle }),
    }
}

pub(super) fn leader_frame_from_wire(frame: wire::LeaderFrame) -> Result<LeaderFrame, Malformed> {
    bounded("items", frame.items.len(), FRAME_ITEMS_MAX)?;
    let items = frame.items.into_iter().map(|item| {
        let item = item.item.ok_or(Malformed::Field("item"))?;
        from_leader(item)
    });
    Ok(LeaderFrame {
        items: items.collect::<Result<_, _>>()?,
    })
}

fn from_leader(item: LeaderItem) -> Result<ToFollower, Malformed> {
    Ok(match item {
        LeaderItem::Open(open) => from_open(&open)?,
        LeaderItem::Truncate(truncate) => ToFollower::Truncate {
            handle: truncate.handle,
            leader_epoch: leader_epoch(truncate.leader_epoch)?,
            end_offset: offset(truncate.end_offset, "end offset")?,
        },
        LeaderItem::StartAt(start) => ToFollower::StartAt {
            handle: start.handle,
            offset: offset(start.offset, "start offset")?,
        },
        LeaderItem::Follow(follow) => ToFollower::Follow {
            handle: follow.handle,
            offset: offset(follow.offset, "follow offset")?,
            high_watermark: offset(follow.high_watermark, "high watermark")?,
            log_start_offset: offset(follow.log_start_offset, "log start offset")?,
        },
        LeaderItem::Append(append) => from_append(append)?,
        LeaderItem::HighWatermark(moved) => ToFollower::HighWatermark {
            handle: moved.handle,
            high_watermark: offset(moved.high_watermark, "high watermark")?,
            log_start_offset: offset(moved.log_start_offset, "log start offset")?,
        },
        LeaderItem::Close(close) => ToFollower::Close {
            handle: close.handle,
        },
    })
}

fn from_open(open: &wire::Open) -> Result<ToFollower, Malformed> {
    let id =
        <[u8; 16]>::try_from(&open.topic_id[..]).map_err(|_len| Malformed::Field("topic id"))?;
    let id = Uuid::from_bytes(id);
    if id.is_zero() {
        return Err(Malformed::Field("topic id"));
    }
    if open.partition < 0 {
        return Err(Malformed::Field("partition"));
    }
    Ok(ToFollower::Open {
        handle: open.handle,
        topic_id: TopicId(id),
        partition: open.partition,
        leader_epoch: leader_epoch(open.leader_epoch)?,
    })
}

fn from_append(append: wire::Append) -> Result<ToFollower, Malformed> {
    bounded("pieces of batches", append.batches.len(), APPEND_PIECES_MAX)?;
    if append.batches.is_empty() || append.batches.iter().any(bytes::Bytes::is_empty) {
        return Err(Malformed::Field("an append without records"));
    }
    Ok(ToFollower::Append {
        handle: append.handle,
        base_offset: offset(append.base_offset, "base offset")?,
        high_watermark: offset(append.high_watermark, "high watermark")?,
        log_start_offset: offset(append.log_start_offset, "log start offset")?,
        batches: append.batches,
    })
}

pub(super) fn follower_frame_to_wire(frame: FollowerFrame) -> wire::FollowerFrame {
    let items = frame.items.into_iter().map(|item| wire::FollowerItem {
        item: Some(to_leader(item)),
    });
    wire::FollowerFrame {
        items: items.collect(),
        consumed_bytes: frame.consumed_bytes,
    }
}

fn to_leader(item: ToLeader) -> FollowerItem {
    match item {
        ToLeader::Position {
            handle,
            log_start_offset,
            log_end_offset,
            last_epoch,
        } => FollowerItem::Position(wire::Position {
            handle,
            log_start_offset,
            log_end_offset,
            last_epoch: last_epoch.0,
        }),
        ToLeader::Ack {
            handle,
            log_end_offset,
        } => FollowerItem::Ack(wire::Ack {
            handle,
            log_end_offset,
        }),
        ToLeader::Refused { handle, reason } => FollowerItem::Refused(refused(handle, reason)),
    }
}

fn refused(handle: u32, reason: RefusalReason) -> wire::Refused {
    let (reason, current) = match reason {
        RefusalReason::StaleEpoch { current } => (Reason::StaleEpoch, current),
        RefusalReason::Behind => (Reason::Behind, LeaderEpoch::NONE),
        RefusalReason::NotReplica => (Reason::NotReplica, LeaderEpoch::NONE),
        RefusalReason::Storage => (Reason::Storage, LeaderEpoch::NONE),
        RefusalReason::Diverged => (Reason::Diverged, LeaderEpoch::NONE),
    };
    wire::Refused {
        handle,
        reason: reason.into(),
        current_leader_epoch: current.0,
    }
}

pub(super) fn follower_frame_from_wire(
    frame: wire::FollowerFrame,
) -> Result<FollowerFrame, Malformed> {
    bounded("items", frame.items.len(), FRAME_ITEMS_MAX)?;
    let items = frame.items.into_iter().map(|item| {
        let item = item.item.ok_or(Malformed::Field("item"))?;
        from_follower(item)
    });
    Ok(FollowerFrame {
        items: items.collect::<Result<_, _>>()?,
        consumed_bytes: frame.consumed_bytes,
    })
}

fn from_follower(item: FollowerItem) -> Result<ToLeader, Malformed> {
    Ok(match item {
        FollowerItem::Position(position) => from_position(&position)?,
        FollowerItem::Ack(ack) => ToLeader::Ack {
            handle: ack.handle,
            log_end_offset: offset(ack.log_end_offset, "log end offset")?,
        },
        FollowerItem::Refused(refused) => ToLeader::Refused {
            handle: refused.handle,
            reason: reason(&refused)?,
        },
    })
}

fn from_position(position: &wire::Position) -> Result<ToLeader, Malformed> {
    if position.last_epoch < -1 {
        return Err(Malformed::Field("last epoch"));
    }
    let log_start_offset = offset(position.log_start_offset, "log start offset")?;
    let log_end_offset = offset(position.log_end_offset, "log end offset")?;
    if log_end_offset < log_start_offset {
        return Err(Malformed::Field("a log that ends before it starts"));
    }
    Ok(ToLeader::Position {
        handle: position.handle,
        log_start_offset,
        log_end_offset,
        last_epoch: LeaderEpoch(position.last_epoch),
    })
}

fn reason(refused: &wire::Refused) -> Result<RefusalReason, Malformed> {
    Ok(match refused.reason() {
        Reason::StaleEpoch => RefusalReason::StaleEpoch {
            current: leader_epoch(refused.current_leader_epoch)?,
        },
        Reason::Behind => RefusalReason::Behind,
        Reason::NotReplica => RefusalReason::NotReplica,
        Reason::Storage => RefusalReason::Storage,
        Reason::Diverged => RefusalReason::Diverged,
        Reason::Unspecified => return Err(Malformed::Field("reason of a refusal")),
    })
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
