//! What the log of a shard says, typed.

use std::sync::Arc;

use protocol::data::consumer_group_current_member_assignment::ConsumerGroupCurrentMemberAssignmentValue;
use protocol::data::consumer_group_member_metadata::ConsumerGroupMemberMetadataValue;
use protocol::data::consumer_group_metadata::ConsumerGroupMetadataValue;
use protocol::data::consumer_group_regular_expression::ConsumerGroupRegularExpressionValue;
use protocol::data::consumer_group_target_assignment_member::ConsumerGroupTargetAssignmentMemberValue;
use protocol::data::consumer_group_target_assignment_metadata::ConsumerGroupTargetAssignmentMetadataValue;
use protocol::data::group_metadata::GroupMetadataValue;
use protocol::data::offset_commit::OffsetCommitValue;
use types::PartitionIndex;

use crate::env::GroupId;

/// One record: a key and its newest value. `None` is a tombstone.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A committed offset.
    OffsetCommit {
        /// Whose.
        group: GroupId,
        /// Of which topic.
        topic: Arc<str>,
        /// Of which partition.
        partition: PartitionIndex,
        /// The offset and what belongs to it.
        value: Option<OffsetCommitValue>,
    },
    /// A classic group as a whole.
    ClassicGroup {
        /// Which.
        group: GroupId,
        /// Members and assignments.
        value: Option<GroupMetadataValue>,
    },
    /// A part of a consumer group (KIP-848).
    ConsumerGroup {
        /// Which.
        group: GroupId,
        /// Which part, and what it is now.
        part: ConsumerPart,
    },
}

/// A part of a consumer group, each with a key of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsumerPart {
    /// The group's epoch.
    Metadata(Option<ConsumerGroupMetadataValue>),
    /// Written by Kafka before 4.1 only; read and dropped.
    PartitionMetadata,
    /// What a member said of itself.
    Member(Arc<str>, Option<ConsumerGroupMemberMetadataValue>),
    /// The epoch of the target assignment.
    TargetMetadata(Option<ConsumerGroupTargetAssignmentMetadataValue>),
    /// What a member is to have.
    Target(Arc<str>, Option<ConsumerGroupTargetAssignmentMemberValue>),
    /// What a member has and must give up.
    Current(Arc<str>, Option<ConsumerGroupCurrentMemberAssignmentValue>),
    /// The topics that a regular expression matched.
    Regex(Arc<str>, Option<ConsumerGroupRegularExpressionValue>),
}

impl Record {
    /// The group it is about.
    #[must_use]
    pub fn group(&self) -> &GroupId {
        match self {
            Self::OffsetCommit { group, .. }
            | Self::ClassicGroup { group, .. }
            | Self::ConsumerGroup { group, .. } => group,
        }
    }
}
