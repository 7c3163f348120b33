//! This broker's replicas, as audits read them: below the high watermark, a piece at a time, on the
//! workers that wait for the disk.

use std::sync::Arc;

use protocol::records::{BatchHeader, verify_crc};
use rpc::audit::{
    Auditor, BatchSummary, PartitionId, Piece, PieceFuture, Range, Refusal, Replica, ReplicaState,
};
use storage::ReadError;
use types::{LeaderEpoch, Offset};

use crate::partition::{Partition, Readable};
use crate::state::Core;

/// Record bytes read at once. A batch that is larger comes alone.
const PIECE_BYTES: usize = 1 << 20;

/// Answers for the partitions of one broker.
#[derive(Debug)]
pub(crate) struct Replicas {
    core: Arc<Core>,
}

impl Replicas {
    pub(crate) const fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    fn state_of_missing(&self, id: PartitionId) -> ReplicaState {
        let image = self.core.image();
        let topic = image.topic_by_id(id.topic_id);
        let registration = topic.and_then(|topic| topic.partition(id.partition));
        match registration {
            Some(it) if it.replicas.contains(&self.core.node_id()) => ReplicaState::Offline,
            _ => ReplicaState::Absent,
        }
    }
}

impl Auditor for Replicas {
    fn position(&self, id: PartitionId) -> Replica {
        let without_offsets = |state| Replica {
            state,
            leader_epoch: LeaderEpoch::NONE,
            log_start_offset: -1,
            high_watermark: -1,
            log_end_offset: -1,
        };
        let Some(partition) = self.core.partitions.get(id.topic_id, id.partition) else {
            return without_offsets(self.state_of_missing(id));
        };
        match partition.inspect() {
            Some(found) => Replica {
                state: if found.is_leader {
                    ReplicaState::Leader
                } else {
                    ReplicaState::Follower
                },
                leader_epoch: found.leader_epoch,
                log_start_offset: found.log_start_offset,
                high_watermark: found.high_watermark,
                log_end_offset: found.log_end_offset,
            },
            None => without_offsets(ReplicaState::Offline),
        }
    }

    fn read(&self, range: Range) -> PieceFuture {
        let id = range.partition;
        let found = self.core.partitions.get(id.topic_id, id.partition);
        let reading = found.ok_or(Refusal::Absent).and_then(|partition| {
            let job = move || read(&partition, range);
            self.core.workers.run(job).map_err(|_busy| Refusal::Busy)
        });
        Box::pin(async move {
            let stopped = |_panicked| Refusal::Unreadable("the reader has ended".to_owned());
            reading?.await.map_err(stopped)?
        })
    }
}

/// Blocks for the disk.
fn read(partition: &Partition, range: Range) -> Result<Piece, Refusal> {
    let readable = partition.inspect().ok_or(Refusal::Absent)?;
    let (from, end) = (range.from_offset, range.end_offset);
    if from < readable.log_start_offset || end > readable.high_watermark {
        return Err(out_of_range(&readable));
    }
    if from >= end {
        return Ok(Piece {
            batches: Vec::new(),
            next_offset: from,
        });
    }
    // Also the batch in which the range ends belongs to it.
    let up_to = readable.high_watermark;
    let checks_crc = range.is_deep || readable.reader.verifies_crc();
    let reader = readable.reader.without_crc();
    let read = reader.read(from, PIECE_BYTES, up_to, true);
    let found = match read {
        Ok(found) => found,
        // Truncated or deleted meanwhile.
        Err(ReadError::Changed | ReadError::OffsetOutOfRange { .. }) => {
            return Err(out_of_range(&partition.inspect().ok_or(Refusal::Absent)?));
        }
        Err(ReadError::WouldBlock) => return Err(Refusal::Busy),
        Err(ReadError::Storage(error)) => return Err(Refusal::Unreadable(error.to_string())),
    };
    summaries(
        &found.bytes,
        range.end_offset,
        checks_crc,
        found.next_offset,
    )
}

fn out_of_range(readable: &Readable) -> Refusal {
    Refusal::OutOfRange {
        log_start_offset: readable.log_start_offset,
        high_watermark: readable.high_watermark,
    }
}

fn summaries(
    bytes: &[u8],
    end_offset: Offset,
    checks_crc: bool,
    next_offset: Offset,
) -> Result<Piece, Refusal> {
    let mut batches = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let header =
            BatchHeader::parse(rest).map_err(|error| Refusal::Unreadable(error.to_string()))?;
        let size = header.size_in_bytes();
        let Some((batch, behind)) = rest.split_at_checked(size) else {
            let message = format!("the batch at {} is cut short", header.base_offset);
            return Err(Refusal::Unreadable(message));
        };
        if header.base_offset >= end_offset {
            break;
        }
        batches.push(BatchSummary {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            leader_epoch: header.partition_leader_epoch,
            crc: header.crc,
            size_bytes: u32::try_from(size).unwrap_or(u32::MAX),
            is_damaged: checks_crc && !verify_crc(batch),
        });
        rest = behind;
    }
    let end = batches
        .last()
        .map(|batch| batch.last_offset.saturating_add(1));
    Ok(Piece {
        next_offset: end.unwrap_or(next_offset),
        batches,
    })
}
