//! `consumer_protocol_subscription`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{Message, Str};

/// `ConsumerProtocolSubscription`, versions 0-3.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerProtocolSubscription {
    /// `[]string`.
    pub topics: Vec<Str>,
    /// `bytes`, nullable.
    pub user_data: Option<Bytes>,
    /// `[]TopicPartition`, versions 1+, ignorable.
    pub owned_partitions: Vec<TopicPartition>,
    /// `int32`, versions 2+, default -1, ignorable.
    pub generation_id: i32,
    /// `string`, versions 3+, nullable, ignorable.
    pub rack_id: Option<Str>,
}

impl Default for ConsumerProtocolSubscription {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            user_data: None,
            owned_partitions: Vec::new(),
            generation_id: -1,
            rack_id: None,
        }
    }
}

impl Message for ConsumerProtocolSubscription {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerProtocolSubscription", version, 0..=3, false)?;
        Ok(Self {
            topics: r.array(version)?,
            user_data: r.nullable_bytes()?,
            owned_partitions: r.field(version >= 1, |r| r.array(version))?,
            generation_id: r.field_or(version >= 2, -1, Reader::i32)?,
            rack_id: r.field(version >= 3, Reader::nullable_string)?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerProtocolSubscription", version, 0..=3, false)?;
        w.array(&self.topics, version)?;
        w.nullable_bytes(self.user_data.as_ref())?;
        if version >= 1 {
            w.array(&self.owned_partitions, version)?;
        }
        if version >= 2 {
            w.i32(self.generation_id);
        }
        if version >= 3 {
            w.nullable_string(self.rack_id.as_ref())?;
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        14 + array_len(&self.topics)
            + self.user_data.as_ref().map_or(0, |value| value.len())
            + array_len(&self.owned_partitions)
            + self.rack_id.as_ref().map_or(0, |value| value.len())
    }
}

impl ConsumerProtocolSubscription {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=3;
}

/// `OwnedPartitions` in `ConsumerProtocolSubscription`.
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
