//! `consumer_group_partition_metadata`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{Message, Str};

/// `ConsumerGroupPartitionMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupPartitionMetadataKey {
    /// `string`.
    pub group_id: Str,
}

impl Message for ConsumerGroupPartitionMetadataKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupPartitionMetadataKey", version, 0..=0, false)?;
        Ok(Self {
            group_id: r.string()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupPartitionMetadataKey", version, 0..=0, false)?;
        w.string(&self.group_id)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + self.group_id.len()
    }
}

impl ConsumerGroupPartitionMetadataKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 4;
}

/// `ConsumerGroupPartitionMetadataValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupPartitionMetadataValue {
    /// `[]TopicMetadata`.
    pub topics: Vec<TopicMetadata>,
}

impl Message for ConsumerGroupPartitionMetadataValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupPartitionMetadataValue", version, 0..=0, true)?;
        let message = Self {
            topics: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupPartitionMetadataValue", version, 0..=0, true)?;
        w.array(&self.topics, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        1 + array_len(&self.topics)
    }
}

impl ConsumerGroupPartitionMetadataValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
}

/// `Topics` in `ConsumerGroupPartitionMetadataValue`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicMetadata {
    /// `uuid`.
    pub topic_id: Uuid,
    /// `string`.
    pub topic_name: Str,
    /// `int32`.
    pub num_partitions: i32,
    /// `[]PartitionMetadata`.
    pub partition_metadata: Vec<PartitionMetadata>,
}

impl Part for TopicMetadata {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_id: r.uuid()?,
            topic_name: r.string()?,
            num_partitions: r.i32()?,
            partition_metadata: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.string(&self.topic_name)?;
        w.i32(self.num_partitions);
        w.array(&self.partition_metadata, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        26 + self.topic_name.len() + array_len(&self.partition_metadata)
    }
}

/// `Topics.PartitionMetadata` in `ConsumerGroupPartitionMetadataValue`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartitionMetadata {
    /// `int32`.
    pub partition: i32,
    /// `[]string`.
    pub racks: Vec<Str>,
}

impl Part for PartitionMetadata {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition: r.i32()?,
            racks: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition);
        w.array(&self.racks, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.racks)
    }
}
