//! What is asked and answered in an audit.

use types::{LeaderEpoch, Offset, PartitionIndex, TopicId};

/// One partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartitionId {
    /// The topic.
    pub topic_id: TopicId,
    /// The partition.
    pub partition: PartitionIndex,
}

/// What a broker is to a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaState {
    /// It leads it.
    Leader,
    /// It follows.
    Follower,
    /// It has no replica of it.
    Absent,
    /// The replica's log directory has failed.
    Offline,
}

/// Where a replica stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    /// What the broker is to the partition. The offsets mean something for a leader and a follower.
    pub state: ReplicaState,
    /// The epoch it is in, [`LeaderEpoch::NONE`] if it knows none.
    pub leader_epoch: LeaderEpoch,
    /// First offset it has.
    pub log_start_offset: Offset,
    /// What it knows to be committed, exclusive.
    pub high_watermark: Offset,
    /// One past the last offset it has.
    pub log_end_offset: Offset,
}

/// Whole batches from the one that holds `from_offset` up to the last that begins before `end_offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Of which partition.
    pub partition: PartitionId,
    /// Where it begins.
    pub from_offset: Offset,
    /// Where it ends, exclusive; not above the replica's high watermark.
    pub end_offset: Offset,
    /// Whether the checksum of every batch is computed anew.
    pub is_deep: bool,
}

/// One batch as it stands in a replica's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSummary {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset of its last record (inclusive).
    pub last_offset: Offset,
    /// The epoch it was appended in.
    pub leader_epoch: LeaderEpoch,
    /// The CRC-32C that it carries.
    pub crc: u32,
    /// Its size with its header.
    pub size_bytes: u32,
    /// The content does not match the checksum; certain only of a deep range.
    pub is_damaged: bool,
}

/// What the batches of one chunk amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkDigest {
    /// First offset of the chunk.
    pub from_offset: Offset,
    /// How many batches begin in it; never 0, a chunk without batches is left out.
    pub batch_count: u64,
    /// Their size.
    pub bytes: u64,
    /// Over everything in their summaries.
    pub digest: u64,
    /// The first batch whose content does not match its checksum; certain only of a deep range.
    pub damaged_offset: Option<Offset>,
}

/// Why a range is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The broker has no readable replica of the partition.
    #[error("no replica of the partition can be read here")]
    Absent,
    /// The range is not between the log start offset and the high watermark (any more).
    #[error("the range is outside of {log_start_offset}..{high_watermark}")]
    OutOfRange {
        /// First offset of the replica.
        log_start_offset: Offset,
        /// Its high watermark.
        high_watermark: Offset,
    },
    /// The log cannot be read at or after an offset.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// Too many audits at once.
    #[error("the broker is busy with other audits")]
    Busy,
}
