//! `AlterPartitionReassignments` (key 45): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `AlterPartitionReassignments` request, versions 0-1.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterPartitionReassignmentsRequest {
    /// `int32`, default 60000.
    pub timeout_ms: i32,
    /// `bool`, versions 1+, default true.
    pub allow_replication_factor_change: bool,
    /// `[]ReassignableTopic`.
    pub topics: Vec<ReassignableTopic>,
}

impl Default for AlterPartitionReassignmentsRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            allow_replication_factor_change: true,
            topics: Vec::new(),
        }
    }
}

impl Message for AlterPartitionReassignmentsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("AlterPartitionReassignmentsRequest", version, 0..=1, true)?;
        let message = Self {
            timeout_ms: r.i32()?,
            allow_replication_factor_change: r.field_or(version >= 1, true, Reader::bool)?,
            topics: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("AlterPartitionReassignmentsRequest", version, 0..=1, true)?;
        w.i32(self.timeout_ms);
        if version >= 1 {
            w.bool(self.allow_replication_factor_change);
        } else {
            w.absent(
                self.allow_replication_factor_change,
                "AllowReplicationFactorChange",
                version,
            )?;
        }
        w.array(&self.topics, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + array_len(&self.topics)
    }
}

impl Request for AlterPartitionReassignmentsRequest {
    const KEY: ApiKey = ApiKey::AlterPartitionReassignments;
    type Response = AlterPartitionReassignmentsResponse;
}

/// `Topics` in `AlterPartitionReassignmentsRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReassignableTopic {
    /// `string`.
    pub name: Str,
    /// `[]ReassignablePartition`.
    pub partitions: Vec<ReassignablePartition>,
}

impl Part for ReassignableTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.name.len() + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `AlterPartitionReassignmentsRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReassignablePartition {
    /// `int32`.
    pub partition_index: i32,
    /// `[]int32`, nullable.
    pub replicas: Option<Vec<i32>>,
}

impl Part for ReassignablePartition {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
            replicas: r.nullable_array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.nullable_array(self.replicas.as_deref(), version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(self.replicas.as_deref().unwrap_or_default())
    }
}

/// Body of a `AlterPartitionReassignments` response, versions 0-1.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterPartitionReassignmentsResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `bool`, versions 1+, default true, ignorable.
    pub allow_replication_factor_change: bool,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
    /// `[]ReassignableTopicResponse`.
    pub responses: Vec<ReassignableTopicResponse>,
}

impl Default for AlterPartitionReassignmentsResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            allow_replication_factor_change: true,
            error_code: 0,
            error_message: Some(Str::new()),
            responses: Vec::new(),
        }
    }
}

impl Message for AlterPartitionReassignmentsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("AlterPartitionReassignmentsResponse", version, 0..=1, true)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            allow_replication_factor_change: r.field_or(version >= 1, true, Reader::bool)?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
            responses: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("AlterPartitionReassignmentsResponse", version, 0..=1, true)?;
        w.i32(self.throttle_time_ms);
        if version >= 1 {
            w.bool(self.allow_replication_factor_change);
        }
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.array(&self.responses, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        13 + self.error_message.as_ref().map_or(0, |value| value.len()) + array_len(&self.responses)
    }
}

/// `Responses` in `AlterPartitionReassignmentsResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReassignableTopicResponse {
    /// `string`.
    pub name: Str,
    /// `[]ReassignablePartitionResponse`.
    pub partitions: Vec<ReassignablePartitionResponse>,
}

impl Part for ReassignableTopicResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.name.len() + array_len(&self.partitions)
    }
}

/// `Responses.Partitions` in `AlterPartitionReassignmentsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReassignablePartitionResponse {
    /// `int32`.
    pub partition_index: i32,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
}

impl Default for ReassignablePartitionResponse {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            error_message: Some(Str::new()),
        }
    }
}

impl Part for ReassignablePartitionResponse {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        12 + self.error_message.as_ref().map_or(0, |value| value.len())
    }
}
