//! `DescribeTopicPartitions` (key 75): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `DescribeTopicPartitions` request, versions 0-0.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsRequest {
    /// `[]TopicRequest`.
    pub topics: Vec<TopicRequest>,
    /// `int32`, default 2000.
    pub response_partition_limit: i32,
    /// `Cursor`, nullable.
    pub cursor: Option<Cursor>,
}

impl Default for DescribeTopicPartitionsRequest {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            response_partition_limit: 2000,
            cursor: None,
        }
    }
}

impl Message for DescribeTopicPartitionsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeTopicPartitionsRequest", version, 0..=0, true)?;
        let message = Self {
            topics: r.array(version)?,
            response_partition_limit: r.i32()?,
            cursor: r.nullable_part(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeTopicPartitionsRequest", version, 0..=0, true)?;
        w.array(&self.topics, version)?;
        w.i32(self.response_partition_limit);
        w.nullable_part(self.cursor.as_ref(), version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + array_len(&self.topics) + self.cursor.as_ref().map_or(0, Part::encoded_len)
    }
}

impl Request for DescribeTopicPartitionsRequest {
    const KEY: ApiKey = ApiKey::DescribeTopicPartitions;
    type Response = DescribeTopicPartitionsResponse;
}

/// `Topics` in `DescribeTopicPartitionsRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicRequest {
    /// `string`.
    pub name: Str,
}

impl Part for TopicRequest {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self { name: r.string()? };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.name.len()
    }
}

/// `Cursor` in `DescribeTopicPartitionsRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cursor {
    /// `string`.
    pub topic_name: Str,
    /// `int32`.
    pub partition_index: i32,
}

impl Part for Cursor {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_name: r.string()?,
            partition_index: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.topic_name)?;
        w.i32(self.partition_index);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + self.topic_name.len()
    }
}

/// Body of a `DescribeTopicPartitions` response, versions 0-0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeTopicPartitionsResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `[]DescribeTopicPartitionsResponseTopic`.
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// `Cursor`, nullable.
    pub next_cursor: Option<Cursor>,
}

impl Message for DescribeTopicPartitionsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeTopicPartitionsResponse", version, 0..=0, true)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            topics: r.array(version)?,
            next_cursor: r.nullable_part(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeTopicPartitionsResponse", version, 0..=0, true)?;
        w.i32(self.throttle_time_ms);
        w.array(&self.topics, version)?;
        w.nullable_part(self.next_cursor.as_ref(), version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + array_len(&self.topics) + self.next_cursor.as_ref().map_or(0, Part::encoded_len)
    }
}

/// `Topics` in `DescribeTopicPartitionsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopic {
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub name: Option<Str>,
    /// `uuid`.
    pub topic_id: Uuid,
    /// `bool`.
    pub is_internal: bool,
    /// `[]DescribeTopicPartitionsResponsePartition`.
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    /// `int32`, default -2147483648.
    pub topic_authorized_operations: i32,
}

impl Default for DescribeTopicPartitionsResponseTopic {
    fn default() -> Self {
        Self {
            error_code: 0,
            name: Some(Str::new()),
            topic_id: Uuid::ZERO,
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: i32::MIN,
        }
    }
}

impl Part for DescribeTopicPartitionsResponseTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            error_code: r.i16()?,
            name: r.nullable_string()?,
            topic_id: r.uuid()?,
            is_internal: r.bool()?,
            partitions: r.array(version)?,
            topic_authorized_operations: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.nullable_string(self.name.as_ref())?;
        w.uuid(self.topic_id);
        w.bool(self.is_internal);
        w.array(&self.partitions, version)?;
        w.i32(self.topic_authorized_operations);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        29 + self.name.as_ref().map_or(0, |value| value.len()) + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `DescribeTopicPartitionsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsResponsePartition {
    /// `int16`.
    pub error_code: i16,
    /// `int32`.
    pub partition_index: i32,
    /// `int32`.
    pub leader_id: i32,
    /// `int32`, default -1.
    pub leader_epoch: i32,
    /// `[]int32`.
    pub replica_nodes: Vec<i32>,
    /// `[]int32`.
    pub isr_nodes: Vec<i32>,
    /// `[]int32`, nullable.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// `[]int32`, nullable.
    pub last_known_elr: Option<Vec<i32>>,
    /// `[]int32`.
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            eligible_leader_replicas: None,
            last_known_elr: None,
            offline_replicas: Vec::new(),
        }
    }
}

impl Part for DescribeTopicPartitionsResponsePartition {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            error_code: r.i16()?,
            partition_index: r.i32()?,
            leader_id: r.i32()?,
            leader_epoch: r.i32()?,
            replica_nodes: r.array(version)?,
            isr_nodes: r.array(version)?,
            eligible_leader_replicas: r.nullable_array(version)?,
            last_known_elr: r.nullable_array(version)?,
            offline_replicas: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.i32(self.partition_index);
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.array(&self.replica_nodes, version)?;
        w.array(&self.isr_nodes, version)?;
        w.nullable_array(self.eligible_leader_replicas.as_deref(), version)?;
        w.nullable_array(self.last_known_elr.as_deref(), version)?;
        w.array(&self.offline_replicas, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        15 + array_len(&self.replica_nodes)
            + array_len(&self.isr_nodes)
            + array_len(self.eligible_leader_replicas.as_deref().unwrap_or_default())
            + array_len(self.last_known_elr.as_deref().unwrap_or_default())
            + array_len(&self.offline_replicas)
    }
}
