//! `consumer_group_target_assignment_metadata`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use crate::wire::{DecodeError, EncodeError, Reader, Writer};
use crate::{Message, Str};

/// `ConsumerGroupTargetAssignmentMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupTargetAssignmentMetadataKey {
    /// `string`.
    pub group_id: Str,
}

impl Message for ConsumerGroupTargetAssignmentMetadataKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin(
            "ConsumerGroupTargetAssignmentMetadataKey",
            version,
            0..=0,
            false,
        )?;
        Ok(Self {
            group_id: r.string()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin(
            "ConsumerGroupTargetAssignmentMetadataKey",
            version,
            0..=0,
            false,
        )?;
        w.string(&self.group_id)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + self.group_id.len()
    }
}

impl ConsumerGroupTargetAssignmentMetadataKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 6;
}

/// `ConsumerGroupTargetAssignmentMetadataValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupTargetAssignmentMetadataValue {
    /// `int32`.
    pub assignment_epoch: i32,
    /// `int64`, tag 0.
    pub assignment_timestamp: i64,
}

impl Message for ConsumerGroupTargetAssignmentMetadataValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin(
            "ConsumerGroupTargetAssignmentMetadataValue",
            version,
            0..=0,
            true,
        )?;
        let mut message = Self {
            assignment_epoch: r.i32()?,
            assignment_timestamp: 0,
        };
        r.tags(|r, tag| {
            match tag {
                0 => {
                    message.assignment_timestamp = r.i64()?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin(
            "ConsumerGroupTargetAssignmentMetadataValue",
            version,
            0..=0,
            true,
        )?;
        w.i32(self.assignment_epoch);
        let mut tags = w.begin_tags();
        if self.assignment_timestamp != 0 {
            w.tag(&mut tags, 0, |w| {
                w.i64(self.assignment_timestamp);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        19
    }
}

impl ConsumerGroupTargetAssignmentMetadataValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
}
