//! `ElectLeaders` (key 43): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `ElectLeaders` request, versions 0-2.
#[derive(Debug, Clone, PartialEq)]
pub struct ElectLeadersRequest {
    /// `int8`, versions 1+.
    pub election_type: i8,
    /// `[]TopicPartitions`, nullable.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    /// `int32`, default 60000.
    pub timeout_ms: i32,
}

impl Default for ElectLeadersRequest {
    fn default() -> Self {
        Self {
            election_type: 0,
            topic_partitions: Some(Vec::new()),
            timeout_ms: 60000,
        }
    }
}

impl Message for ElectLeadersRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ElectLeadersRequest", version, 0..=2, version >= 2)?;
        let message = Self {
            election_type: r.field(version >= 1, Reader::i8)?,
            topic_partitions: r.nullable_array(version)?,
            timeout_ms: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ElectLeadersRequest", version, 0..=2, version >= 2)?;
        if version >= 1 {
            w.i8(self.election_type);
        } else {
            w.absent(self.election_type == 0, "ElectionType", version)?;
        }
        w.nullable_array(self.topic_partitions.as_deref(), version)?;
        w.i32(self.timeout_ms);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + array_len(self.topic_partitions.as_deref().unwrap_or_default())
    }
}

impl Request for ElectLeadersRequest {
    const KEY: ApiKey = ApiKey::ElectLeaders;
    type Response = ElectLeadersResponse;
}

/// `TopicPartitions` in `ElectLeadersRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicPartitions {
    /// `string`.
    pub topic: Str,
    /// `[]int32`.
    pub partitions: Vec<i32>,
}

impl Part for TopicPartitions {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic: r.string()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.topic)?;
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.topic.len() + array_len(&self.partitions)
    }
}

/// Body of a `ElectLeaders` response, versions 0-2.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ElectLeadersResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `int16`, versions 1+.
    pub error_code: i16,
    /// `[]ReplicaElectionResult`.
    pub replica_election_results: Vec<ReplicaElectionResult>,
}

impl Message for ElectLeadersResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ElectLeadersResponse", version, 0..=2, version >= 2)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            error_code: r.field(version >= 1, Reader::i16)?,
            replica_election_results: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ElectLeadersResponse", version, 0..=2, version >= 2)?;
        w.i32(self.throttle_time_ms);
        if version >= 1 {
            w.i16(self.error_code);
        } else {
            w.absent(self.error_code == 0, "ErrorCode", version)?;
        }
        w.array(&self.replica_election_results, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + array_len(&self.replica_election_results)
    }
}

/// `ReplicaElectionResults` in `ElectLeadersResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReplicaElectionResult {
    /// `string`.
    pub topic: Str,
    /// `[]PartitionResult`.
    pub partition_result: Vec<PartitionResult>,
}

impl Part for ReplicaElectionResult {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic: r.string()?,
            partition_result: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.topic)?;
        w.array(&self.partition_result, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.topic.len() + array_len(&self.partition_result)
    }
}

/// `ReplicaElectionResults.PartitionResult` in `ElectLeadersResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionResult {
    /// `int32`.
    pub partition_id: i32,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
}

impl Default for PartitionResult {
    fn default() -> Self {
        Self {
            partition_id: 0,
            error_code: 0,
            error_message: Some(Str::new()),
        }
    }
}

impl Part for PartitionResult {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_id: r.i32()?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_id);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        12 + self.error_message.as_ref().map_or(0, |value| value.len())
    }
}
