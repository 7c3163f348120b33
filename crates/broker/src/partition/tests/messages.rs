//! What leaders and followers say, on a stream with one partition.

use bytes::Bytes;
use replication::Position;
use rpc::replication::{ToFollower, ToLeader};
use types::Offset;

use crate::partition::{Carried, Heard};

pub(super) fn append(base_offset: Offset, carried: Carried, batches: Vec<Bytes>) -> ToFollower {
    ToFollower::Append {
        handle: 0,
        base_offset,
        high_watermark: carried.high_watermark,
        log_start_offset: carried.log_start_offset,
        batches,
    }
}

pub(super) fn say(heard: Heard) -> ToFollower {
    let handle = 0;
    match heard {
        Heard::Truncate {
            leader_epoch,
            end_offset,
        } => ToFollower::Truncate {
            handle,
            leader_epoch,
            end_offset,
        },
        Heard::StartAt { offset } => ToFollower::StartAt { handle, offset },
        Heard::Follow {
            offset,
            high_watermark,
            log_start_offset,
        } => ToFollower::Follow {
            handle,
            offset,
            high_watermark,
            log_start_offset,
        },
    }
}

pub(super) fn report(position: &Position) -> ToLeader {
    ToLeader::Position {
        handle: 0,
        log_start_offset: position.log_start_offset,
        log_end_offset: position.log_end_offset,
        last_epoch: position.last_epoch,
    }
}

pub(super) fn ack(offset: Option<Offset>) -> Option<ToLeader> {
    Some(ToLeader::Ack {
        handle: 0,
        log_end_offset: offset?,
    })
}
