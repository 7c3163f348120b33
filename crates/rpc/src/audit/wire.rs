//! Between the words of an audit and the wire. Numbers from the wire are in their range.

use tonic::{Code, Status};
use types::{LeaderEpoch, Offset, TopicId, Uuid};

use super::words::{BatchSummary, ChunkDigest, PartitionId, Range, Refusal, Replica, ReplicaState};
use crate::client::uuid_to_wire;
use crate::proto::audit::v1 as wire;
use wire::replica::State;

/// Most partitions in one question for positions.
pub(super) const PARTITIONS_MAX: usize = 10_000;

pub(super) fn partition_to_wire(partition: &PartitionId) -> wire::Partition {
    wire::Partition {
        topic_id: uuid_to_wire(partition.topic_id.0),
        partition: partition.partition,
    }
}

pub(super) fn partition_from_wire(partition: &wire::Partition) -> Result<PartitionId, Status> {
    let id = <[u8; 16]>::try_from(&partition.topic_id[..]);
    let id = id.map_err(|_length| invalid("topic id"))?;
    if partition.partition < 0 {
        return Err(invalid("partition"));
    }
    Ok(PartitionId {
        topic_id: TopicId(Uuid::from_bytes(id)),
        partition: partition.partition,
    })
}

pub(super) fn range_to_wire(range: &Range) -> wire::Range {
    wire::Range {
        partition: Some(partition_to_wire(&range.partition)),
        from_offset: range.from_offset,
        end_offset: range.end_offset,
        deep: range.is_deep,
    }
}

pub(super) fn range_from_wire(range: Option<&wire::Range>) -> Result<Range, Status> {
    let range = range.ok_or_else(|| invalid("range"))?;
    let partition = range
        .partition
        .as_ref()
        .ok_or_else(|| invalid("partition"))?;
    if range.from_offset < 0 || range.end_offset < range.from_offset {
        return Err(invalid("range"));
    }
    Ok(Range {
        partition: partition_from_wire(partition)?,
        from_offset: range.from_offset,
        end_offset: range.end_offset,
        is_deep: range.deep,
    })
}

pub(super) fn invalid(field: &str) -> Status {
    Status::invalid_argument(format!("{field} makes no sense"))
}

pub(super) fn replica_to_wire(replica: &Replica) -> wire::Replica {
    let state = match replica.state {
        ReplicaState::Leader => State::Leader,
        ReplicaState::Follower => State::Follower,
        ReplicaState::Absent => State::Absent,
        ReplicaState::Offline => State::Offline,
    };
    wire::Replica {
        state: state.into(),
        leader_epoch: replica.leader_epoch.0,
        log_start_offset: replica.log_start_offset,
        high_watermark: replica.high_watermark,
        log_end_offset: replica.log_end_offset,
    }
}

pub(super) fn replica_from_wire(replica: &wire::Replica) -> Option<Replica> {
    let state = match replica.state() {
        State::Leader => ReplicaState::Leader,
        State::Follower => ReplicaState::Follower,
        State::Absent => ReplicaState::Absent,
        State::Offline => ReplicaState::Offline,
        State::Unspecified => return None,
    };
    Some(Replica {
        state,
        leader_epoch: LeaderEpoch(replica.leader_epoch),
        log_start_offset: replica.log_start_offset,
        high_watermark: replica.high_watermark,
        log_end_offset: replica.log_end_offset,
    })
}

pub(super) fn batch_to_wire(batch: &BatchSummary) -> wire::Batch {
    wire::Batch {
        base_offset: batch.base_offset,
        last_offset: batch.last_offset,
        leader_epoch: batch.leader_epoch.0,
        crc: batch.crc,
        size_bytes: batch.size_bytes,
        is_damaged: batch.is_damaged,
    }
}

pub(super) fn batch_from_wire(batch: &wire::Batch) -> BatchSummary {
    BatchSummary {
        base_offset: batch.base_offset,
        last_offset: batch.last_offset,
        leader_epoch: LeaderEpoch(batch.leader_epoch),
        crc: batch.crc,
        size_bytes: batch.size_bytes,
        is_damaged: batch.is_damaged,
    }
}

pub(super) const fn digest_to_wire(digest: &ChunkDigest) -> wire::Digest {
    wire::Digest {
        from_offset: digest.from_offset,
        batch_count: digest.batch_count,
        bytes: digest.bytes,
        digest: digest.digest,
        damaged_offset: digest.damaged_offset,
    }
}

pub(super) const fn digest_from_wire(digest: &wire::Digest) -> ChunkDigest {
    ChunkDigest {
        from_offset: digest.from_offset,
        batch_count: digest.batch_count,
        bytes: digest.bytes,
        digest: digest.digest,
        damaged_offset: digest.damaged_offset,
    }
}

/// Offsets of a refusal in a status's headers, so that an auditor can go on with another range.
const LOG_START_OFFSET: &str = "raudal-log-start-offset";
const HIGH_WATERMARK: &str = "raudal-high-watermark";

pub(super) fn refusal_to_status(refusal: &Refusal) -> Status {
    let message = refusal.to_string();
    match refusal {
        Refusal::Absent => Status::not_found(message),
        Refusal::OutOfRange {
            log_start_offset,
            high_watermark,
        } => {
            let mut status = Status::out_of_range(message);
            let headers = status.metadata_mut();
            headers.insert(LOG_START_OFFSET, (*log_start_offset).into());
            headers.insert(HIGH_WATERMARK, (*high_watermark).into());
            status
        }
        Refusal::Unreadable(what) => Status::data_loss(what),
        Refusal::Busy => Status::resource_exhausted(message),
    }
}

/// `None` for a failure of the transport.
pub(super) fn refusal_from_status(status: &Status) -> Option<Refusal> {
    let header = |name| -> Option<Offset> {
        let value = status.metadata().get(name)?;
        value.to_str().ok()?.parse().ok()
    };
    match status.code() {
        Code::NotFound => Some(Refusal::Absent),
        Code::OutOfRange => Some(Refusal::OutOfRange {
            log_start_offset: header(LOG_START_OFFSET)?,
            high_watermark: header(HIGH_WATERMARK)?,
        }),
        Code::DataLoss => Some(Refusal::Unreadable(status.message().to_owned())),
        Code::ResourceExhausted => Some(Refusal::Busy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_survive_the_status() {
        let refusals = [
            Refusal::Absent,
            Refusal::OutOfRange {
                log_start_offset: 5,
                high_watermark: 90,
            },
            Refusal::Unreadable("segment 0 is torn".to_owned()),
            Refusal::Busy,
        ];
        for refusal in refusals {
            let status = refusal_to_status(&refusal);
            assert_eq!(refusal_from_status(&status), Some(refusal));
        }
        assert_eq!(refusal_from_status(&Status::unavailable("gone")), None);
    }

    #[test]
    fn ranges_out_of_range_are_refused() {
        let good = Range {
            partition: PartitionId {
                topic_id: TopicId(Uuid::ONE),
                partition: 0,
            },
            from_offset: 3,
            end_offset: 9,
            is_deep: true,
        };
        let wire = range_to_wire(&good);
        assert_eq!(range_from_wire(Some(&wire)).expect("good"), good);
        let mut backwards = wire.clone();
        backwards.end_offset = 2;
        let mut negative = wire.clone();
        negative.from_offset = -1;
        let mut nameless = wire;
        nameless.partition = None;
        for bad in [Some(&backwards), Some(&negative), Some(&nameless), None] {
            assert!(range_from_wire(bad).is_err());
        }
    }
}
