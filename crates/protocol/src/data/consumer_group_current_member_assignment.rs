//! `consumer_group_current_member_assignment`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{Message, Str};

/// `ConsumerGroupCurrentMemberAssignmentKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupCurrentMemberAssignmentKey {
    /// `string`.
    pub group_id: Str,
    /// `string`.
    pub member_id: Str,
}

impl Message for ConsumerGroupCurrentMemberAssignmentKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin(
            "ConsumerGroupCurrentMemberAssignmentKey",
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
            "ConsumerGroupCurrentMemberAssignmentKey",
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

impl ConsumerGroupCurrentMemberAssignmentKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 8;
}

/// `ConsumerGroupCurrentMemberAssignmentValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupCurrentMemberAssignmentValue {
    /// `int32`.
    pub member_epoch: i32,
    /// `int32`.
    pub previous_member_epoch: i32,
    /// `int8`.
    pub state: i8,
    /// `[]TopicPartitions`.
    pub assigned_partitions: Vec<TopicPartitions>,
    /// `[]TopicPartitions`.
    pub partitions_pending_revocation: Vec<TopicPartitions>,
}

impl Message for ConsumerGroupCurrentMemberAssignmentValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin(
            "ConsumerGroupCurrentMemberAssignmentValue",
            version,
            0..=0,
            true,
        )?;
        let message = Self {
            member_epoch: r.i32()?,
            previous_member_epoch: r.i32()?,
            state: r.i8()?,
            assigned_partitions: r.array(version)?,
            partitions_pending_revocation: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin(
            "ConsumerGroupCurrentMemberAssignmentValue",
            version,
            0..=0,
            true,
        )?;
        w.i32(self.member_epoch);
        w.i32(self.previous_member_epoch);
        w.i8(self.state);
        w.array(&self.assigned_partitions, version)?;
        w.array(&self.partitions_pending_revocation, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + array_len(&self.assigned_partitions) + array_len(&self.partitions_pending_revocation)
    }
}

impl ConsumerGroupCurrentMemberAssignmentValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
}

/// `AssignedPartitions` in `ConsumerGroupCurrentMemberAssignmentValue`.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicPartitions {
    /// `uuid`.
    pub topic_id: Uuid,
    /// `[]int32`.
    pub partitions: Vec<i32>,
    /// `[]int32`, tag 0, nullable.
    pub assignment_epochs: Option<Vec<i32>>,
}

impl Default for TopicPartitions {
    fn default() -> Self {
        Self {
            topic_id: Uuid::ZERO,
            partitions: Vec::new(),
            assignment_epochs: Some(Vec::new()),
        }
    }
}

impl Part for TopicPartitions {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let mut message = Self {
            topic_id: r.uuid()?,
            partitions: r.array(version)?,
            assignment_epochs: Some(Vec::new()),
        };
        r.tags(|r, tag| {
            match tag {
                0 => {
                    message.assignment_epochs = r.nullable_array(version)?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.array(&self.partitions, version)?;
        let mut tags = w.begin_tags();
        if !self
            .assignment_epochs
            .as_ref()
            .is_some_and(|value| value.is_empty())
        {
            w.tag(&mut tags, 0, |w| {
                w.nullable_array(self.assignment_epochs.as_deref(), version)
            })?;
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        23 + array_len(&self.partitions)
            + array_len(self.assignment_epochs.as_deref().unwrap_or_default())
    }
}
