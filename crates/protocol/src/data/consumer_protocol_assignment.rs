//! `consumer_protocol_assignment`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{Message, Str};

/// `ConsumerProtocolAssignment`, versions 0-3.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerProtocolAssignment {
    /// `[]TopicPartition`.
    pub assigned_partitions: Vec<TopicPartition>,
    /// `bytes`, nullable.
    pub user_data: Option<Bytes>,
}

impl Message for ConsumerProtocolAssignment {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerProtocolAssignment", version, 0..=3, false)?;
        Ok(Self {
            assigned_partitions: r.array(version)?,
            user_data: r.nullable_bytes()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerProtocolAssignment", version, 0..=3, false)?;
        w.array(&self.assigned_partitions, version)?;
        w.nullable_bytes(self.user_data.as_ref())?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.assigned_partitions)
            + self.user_data.as_ref().map_or(0, |value| value.len())
    }
}

impl ConsumerProtocolAssignment {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=3;
}

/// `AssignedPartitions` in `ConsumerProtocolAssignment`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicPartition {
    /// `string`.
    pub topic: Str,
    /// `[]int32`.
    pub partitions: Vec<i32>,
}

impl Part for TopicPartition {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        Ok(Self {
            topic: r.string()?,
            partitions: r.array(version)?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.topic)?;
        w.array(&self.partitions, version)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + self.topic.len() + array_len(&self.partitions)
    }
}
