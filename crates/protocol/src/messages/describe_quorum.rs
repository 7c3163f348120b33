//! `DescribeQuorum` (key 55): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `DescribeQuorum` request, versions 0-2.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeQuorumRequest {
    /// `[]RequestTopicData`.
    pub topics: Vec<RequestTopicData>,
}

impl Message for DescribeQuorumRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeQuorumRequest", version, 0..=2, true)?;
        let message = Self {
            topics: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeQuorumRequest", version, 0..=2, true)?;
        w.array(&self.topics, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        1 + array_len(&self.topics)
    }
}

impl Request for DescribeQuorumRequest {
    const KEY: ApiKey = ApiKey::DescribeQuorum;
    type Response = DescribeQuorumResponse;
}

/// `Topics` in `DescribeQuorumRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RequestTopicData {
    /// `string`.
    pub topic_name: Str,
    /// `[]RequestPartitionData`.
    pub partitions: Vec<RequestPartitionData>,
}

impl Part for RequestTopicData {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_name: r.string()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.topic_name)?;
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.topic_name.len() + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `DescribeQuorumRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RequestPartitionData {
    /// `int32`.
    pub partition_index: i32,
}

impl Part for RequestPartitionData {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5
    }
}

/// Body of a `DescribeQuorum` response, versions 0-2.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumResponse {
    /// `int16`.
    pub error_code: i16,
    /// `string`, versions 2+, nullable, ignorable.
    pub error_message: Option<Str>,
    /// `[]ResponseTopicData`.
    pub topics: Vec<ResponseTopicData>,
    /// `[]Node`, versions 2+.
    pub nodes: Vec<Node>,
}

impl Default for DescribeQuorumResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(Str::new()),
            topics: Vec::new(),
            nodes: Vec::new(),
        }
    }
}

impl Message for DescribeQuorumResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeQuorumResponse", version, 0..=2, true)?;
        let message = Self {
            error_code: r.i16()?,
            error_message: r.field_or(version >= 2, Some(Str::new()), Reader::nullable_string)?,
            topics: r.array(version)?,
            nodes: r.field(version >= 2, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeQuorumResponse", version, 0..=2, true)?;
        w.i16(self.error_code);
        if version >= 2 {
            w.nullable_string(self.error_message.as_ref())?;
        }
        w.array(&self.topics, version)?;
        if version >= 2 {
            w.array(&self.nodes, version)?;
        } else {
            w.absent(self.nodes.is_empty(), "Nodes", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        8 + self.error_message.as_ref().map_or(0, |value| value.len())
            + array_len(&self.topics)
            + array_len(&self.nodes)
    }
}

/// `Topics` in `DescribeQuorumResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResponseTopicData {
    /// `string`.
    pub topic_name: Str,
    /// `[]ResponsePartitionData`.
    pub partitions: Vec<ResponsePartitionData>,
}

impl Part for ResponseTopicData {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_name: r.string()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.topic_name)?;
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.topic_name.len() + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `DescribeQuorumResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponsePartitionData {
    /// `int32`.
    pub partition_index: i32,
    /// `int16`.
    pub error_code: i16,
    /// `string`, versions 2+, nullable, ignorable.
    pub error_message: Option<Str>,
    /// `int32`.
    pub leader_id: i32,
    /// `int32`.
    pub leader_epoch: i32,
    /// `int64`.
    pub high_watermark: i64,
    /// `[]ReplicaState`.
    pub current_voters: Vec<ReplicaState>,
    /// `[]ReplicaState`.
    pub observers: Vec<ReplicaState>,
}

impl Default for ResponsePartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            error_message: Some(Str::new()),
            leader_id: 0,
            leader_epoch: 0,
            high_watermark: 0,
            current_voters: Vec::new(),
            observers: Vec::new(),
        }
    }
}

impl Part for ResponsePartitionData {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
            error_code: r.i16()?,
            error_message: r.field_or(version >= 2, Some(Str::new()), Reader::nullable_string)?,
            leader_id: r.i32()?,
            leader_epoch: r.i32()?,
            high_watermark: r.i64()?,
            current_voters: r.array(version)?,
            observers: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        if version >= 2 {
            w.nullable_string(self.error_message.as_ref())?;
        }
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.i64(self.high_watermark);
        w.array(&self.current_voters, version)?;
        w.array(&self.observers, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        28 + self.error_message.as_ref().map_or(0, |value| value.len())
            + array_len(&self.current_voters)
            + array_len(&self.observers)
    }
}

/// `Topics.Partitions.CurrentVoters` in `DescribeQuorumResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicaState {
    /// `int32`.
    pub replica_id: i32,
    /// `uuid`, versions 2+.
    pub replica_directory_id: Uuid,
    /// `int64`.
    pub log_end_offset: i64,
    /// `int64`, versions 1+, default -1, ignorable.
    pub last_fetch_timestamp: i64,
    /// `int64`, versions 1+, default -1, ignorable.
    pub last_caught_up_timestamp: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: 0,
            replica_directory_id: Uuid::ZERO,
            log_end_offset: 0,
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
        }
    }
}

impl Part for ReplicaState {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            replica_id: r.i32()?,
            replica_directory_id: r.field(version >= 2, Reader::uuid)?,
            log_end_offset: r.i64()?,
            last_fetch_timestamp: r.field_or(version >= 1, -1, Reader::i64)?,
            last_caught_up_timestamp: r.field_or(version >= 1, -1, Reader::i64)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.replica_id);
        if version >= 2 {
            w.uuid(self.replica_directory_id);
        } else {
            w.absent(
                self.replica_directory_id.is_zero(),
                "ReplicaDirectoryId",
                version,
            )?;
        }
        w.i64(self.log_end_offset);
        if version >= 1 {
            w.i64(self.last_fetch_timestamp);
        }
        if version >= 1 {
            w.i64(self.last_caught_up_timestamp);
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        45
    }
}

/// `Nodes` in `DescribeQuorumResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// `int32`.
    pub node_id: i32,
    /// `[]Listener`.
    pub listeners: Vec<Listener>,
}

impl Part for Node {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            node_id: r.i32()?,
            listeners: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.array(&self.listeners, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.listeners)
    }
}

/// `Nodes.Listeners` in `DescribeQuorumResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listener {
    /// `string`.
    pub name: Str,
    /// `string`.
    pub host: Str,
    /// `uint16`.
    pub port: u16,
}

impl Part for Listener {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            host: r.string()?,
            port: r.u16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.string(&self.host)?;
        w.u16(self.port);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        13 + self.name.len() + self.host.len()
    }
}
