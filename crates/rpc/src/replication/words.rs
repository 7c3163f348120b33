//! What leader and follower say to each other, in the workspace's own types.
//!
//! A handle is the leader's name for one open partition on one stream; it is never used twice on that
//! stream. Offsets called end are exclusive.

use bytes::Bytes;
use types::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId};

/// Which traffic a stream carries. Each lane is a connection of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What has just been appended.
    Live,
    /// What a replica is behind, read from disk.
    CatchUp,
}

/// Who opens a stream, and to whom it believes to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The cluster both belong to.
    pub cluster_id: String,
    /// The sender.
    pub leader: NodeId,
    /// The sender's registration.
    pub leader_broker_epoch: BrokerEpoch,
    /// The receiver.
    pub follower: NodeId,
    /// The receiver's registration, as the sender's image has it.
    pub follower_broker_epoch: BrokerEpoch,
    /// What the stream is for.
    pub lane: Lane,
}

/// The answer to a [`Hello`] that named the follower as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Welcome {}

/// One message of the leader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderFrame {
    /// In the order in which they take effect.
    pub items: Vec<ToFollower>,
}

/// One message of the follower.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowerFrame {
    /// In the order in which they happened.
    pub items: Vec<ToLeader>,
    /// Record bytes taken off the stream since its beginning; never decreases.
    pub consumed_bytes: u64,
}

/// What the leader says about one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToFollower {
    /// Opens the partition on the stream; answered by a [`ToLeader::Position`].
    Open {
        /// New on this stream.
        handle: u32,
        /// The topic.
        topic_id: TopicId,
        /// The partition.
        partition: PartitionIndex,
        /// The epoch the sender leads in.
        leader_epoch: LeaderEpoch,
    },
    /// Cut the log to the follower's own end of the epoch, or to `end_offset` if that is less; answered
    /// by a [`ToLeader::Position`].
    Truncate {
        /// Which partition.
        handle: u32,
        /// The leader's largest epoch not above the follower's last one.
        leader_epoch: LeaderEpoch,
        /// Where that epoch ends in the leader's log.
        end_offset: Offset,
    },
    /// Drop everything and begin at `offset`; answered by a [`ToLeader::Position`].
    StartAt {
        /// Which partition.
        handle: u32,
        /// The new, empty log's first offset.
        offset: Offset,
    },
    /// The logs agree up to `offset`; data begins there.
    Follow {
        /// Which partition.
        handle: u32,
        /// The follower's log end offset.
        offset: Offset,
        /// The leader's high watermark.
        high_watermark: Offset,
        /// The leader's log start offset.
        log_start_offset: Offset,
    },
    /// Whole record batches that continue the follower's log.
    Append {
        /// Which partition.
        handle: u32,
        /// Offset of the first record: the follower's log end offset.
        base_offset: Offset,
        /// The leader's high watermark.
        high_watermark: Offset,
        /// The leader's log start offset.
        log_start_offset: Offset,
        /// The bytes as they stand in the leader's log, in any number of pieces, none of them empty.
        batches: Vec<Bytes>,
    },
    /// The high watermark or the log start offset moved while nothing was appended.
    HighWatermark {
        /// Which partition.
        handle: u32,
        /// The leader's high watermark.
        high_watermark: Offset,
        /// The leader's log start offset.
        log_start_offset: Offset,
    },
    /// The leader is done with the handle.
    Close {
        /// Which partition.
        handle: u32,
    },
}

impl ToFollower {
    /// Which partition it is about.
    #[must_use]
    pub const fn handle(&self) -> u32 {
        match self {
            Self::Open { handle, .. }
            | Self::Truncate { handle, .. }
            | Self::StartAt { handle, .. }
            | Self::Follow { handle, .. }
            | Self::Append { handle, .. }
            | Self::HighWatermark { handle, .. }
            | Self::Close { handle } => *handle,
        }
    }

    /// Record bytes in it: what counts against the leader's window.
    #[must_use]
    pub fn record_bytes(&self) -> usize {
        match self {
            Self::Append { batches, .. } => batches.iter().map(Bytes::len).sum(),
            _ => 0,
        }
    }
}

impl LeaderFrame {
    /// Record bytes in all of its items.
    #[must_use]
    pub fn record_bytes(&self) -> usize {
        self.items.iter().map(ToFollower::record_bytes).sum()
    }
}

/// What the follower says about one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToLeader {
    /// The follower's log, reconciled or not.
    Position {
        /// Which partition.
        handle: u32,
        /// First offset it has.
        log_start_offset: Offset,
        /// One past the last offset it has.
        log_end_offset: Offset,
        /// Leader epoch of its last batch, [`LeaderEpoch::NONE`] for a log without any.
        last_epoch: LeaderEpoch,
    },
    /// Everything below `log_end_offset` is written; covers all earlier acknowledgements.
    Ack {
        /// Which partition.
        handle: u32,
        /// One past the last offset it has.
        log_end_offset: Offset,
    },
    /// The follower is done with the handle.
    Refused {
        /// Which partition.
        handle: u32,
        /// Why.
        reason: RefusalReason,
    },
}

impl ToLeader {
    /// Which partition it is about.
    #[must_use]
    pub const fn handle(&self) -> u32 {
        match self {
            Self::Position { handle, .. }
            | Self::Ack { handle, .. }
            | Self::Refused { handle, .. } => *handle,
        }
    }
}

/// Why a follower does not take what the leader sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// The sender's leadership is over.
    #[error("the leader epoch has been replaced by {current}")]
    StaleEpoch {
        /// The epoch that the follower knows.
        current: LeaderEpoch,
    },
    /// The follower has waited for its metadata to reach the leader epoch, in vain so far.
    #[error("the follower's metadata have not reached the leader epoch")]
    Behind,
    /// The follower's metadata do not assign the partition to it.
    #[error("the follower is no replica of the partition")]
    NotReplica,
    /// The follower cannot write.
    #[error("the follower cannot write")]
    Storage,
    /// What came does not continue the follower's log.
    #[error("the frame does not continue the follower's log")]
    Diverged,
}
