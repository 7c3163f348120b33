//! `consumer_group_target_assignment_member`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{Message, Str};

/// `ConsumerGroupTargetAssignmentMemberKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupTargetAssignmentMemberKey {
    /// `string`.
    pub group_id: Str,
    /// `string`.
    pub member_id: Str,
}

impl Message for ConsumerGroupTargetAssignmentMemberKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin(
            "ConsumerGroupTargetAssignmentMemberKey",
            version,
            0..=0,
            false,
        )?;
        Ok(Self {
            group_id: r.string()?,
            member_id: r.string()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin(
            "ConsumerGroupTargetAssignmentMemberKey",
            version,
            0..=0,
            false,
        )?;
        w.string(&self.group_id)?;
        w.string(&self.member_id)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + self.group_id.len() + self.member_id.len()
    }
}

impl ConsumerGroupTargetAssignmentMemberKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 7;
}

/// `ConsumerGroupTargetAssignmentMemberValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupTargetAssignmentMemberValue {
    /// `[]TopicPartition`.
    pub topic_partitions: Vec<TopicPartition>,
}

impl Message for ConsumerGroupTargetAssignmentMemberValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin(
            "ConsumerGroupTargetAssignmentMemberValue",
            version,
            0..=0,
            true,
        )?;
        let message = Self {
            topic_partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin(
            "ConsumerGroupTargetAssignmentMemberValue",
            version,
            0..=0,
            true,
        )?;
        w.array(&self.topic_partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        1 + array_len(&self.topic_partitions)
    }
}

impl ConsumerGroupTargetAssignmentMemberValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
}

/// `TopicPartitions` in `ConsumerGroupTargetAssignmentMemberValue`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicPartition {
    /// `uuid`.
    pub topic_id: Uuid,
    /// `[]int32`.
    pub partitions: Vec<i32>,
}

impl Part for TopicPartition {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_id: r.uuid()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        17 + array_len(&self.partitions)
    }
}
