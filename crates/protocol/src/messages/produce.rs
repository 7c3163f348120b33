//! `Produce` (key 0): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, RecordSet, Request, Str};

/// Body of a `Produce` request, versions 3-13.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceRequest {
    /// `string`, nullable.
    pub transactional_id: Option<Str>,
    /// `int16`.
    pub acks: i16,
    /// `int32`.
    pub timeout_ms: i32,
    /// `[]TopicProduceData`.
    pub topic_data: Vec<TopicProduceData>,
}

impl Message for ProduceRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ProduceRequest", version, 3..=13, version >= 9)?;
        let message = Self {
            transactional_id: r.nullable_string()?,
            acks: r.i16()?,
            timeout_ms: r.i32()?,
            topic_data: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ProduceRequest", version, 3..=13, version >= 9)?;
        w.nullable_string(self.transactional_id.as_ref())?;
        w.i16(self.acks);
        w.i32(self.timeout_ms);
        w.array(&self.topic_data, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        12 + self
            .transactional_id
            .as_ref()
            .map_or(0, |value| value.len())
            + array_len(&self.topic_data)
    }
}

impl Request for ProduceRequest {
    const KEY: ApiKey = ApiKey::Produce;
    type Response = ProduceResponse;
}

/// `TopicData` in `ProduceRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicProduceData {
    /// `string`, versions 3-12, ignorable.
    pub name: Str,
    /// `uuid`, versions 13+, ignorable.
    pub topic_id: Uuid,
    /// `[]PartitionProduceData`.
    pub partition_data: Vec<PartitionProduceData>,
}

impl Part for TopicProduceData {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.field(version <= 12, Reader::string)?,
            topic_id: r.field(version >= 13, Reader::uuid)?,
            partition_data: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version <= 12 {
            w.string(&self.name)?;
        }
        if version >= 13 {
            w.uuid(self.topic_id);
        }
        w.array(&self.partition_data, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.name.len() + array_len(&self.partition_data)
    }
}

/// `TopicData.PartitionData` in `ProduceRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartitionProduceData {
    /// `int32`.
    pub index: i32,
    /// `records`, nullable.
    pub records: Option<RecordSet>,
}

impl Part for PartitionProduceData {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            index: r.i32()?,
            records: r.nullable_records()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.index);
        w.nullable_records(self.records.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + self.records.as_ref().map_or(0, RecordSet::copied_len)
    }
}

/// Body of a `Produce` response, versions 3-13.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceResponse {
    /// `[]TopicProduceResponse`.
    pub responses: Vec<TopicProduceResponse>,
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `[]NodeEndpoint`, versions 10+, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for ProduceResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ProduceResponse", version, 3..=13, version >= 9)?;
        let mut message = Self {
            responses: r.array(version)?,
            throttle_time_ms: r.i32()?,
            node_endpoints: Vec::new(),
        };
        r.tags(|r, tag| {
            match tag {
                0 if version >= 10 => {
                    message.node_endpoints = r.array(version)?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ProduceResponse", version, 3..=13, version >= 9)?;
        w.array(&self.responses, version)?;
        w.i32(self.throttle_time_ms);
        w.absent(
            version >= 10 || self.node_endpoints.is_empty(),
            "NodeEndpoints",
            version,
        )?;
        if version >= 9 {
            let mut tags = w.begin_tags();
            if version >= 10 && !self.node_endpoints.is_empty() {
                w.tag(&mut tags, 0, |w| w.array(&self.node_endpoints, version))?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        11 + array_len(&self.responses) + array_len(&self.node_endpoints)
    }
}

/// `Responses` in `ProduceResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicProduceResponse {
    /// `string`, versions 3-12, ignorable.
    pub name: Str,
    /// `uuid`, versions 13+, ignorable.
    pub topic_id: Uuid,
    /// `[]PartitionProduceResponse`.
    pub partition_responses: Vec<PartitionProduceResponse>,
}

impl Part for TopicProduceResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.field(version <= 12, Reader::string)?,
            topic_id: r.field(version >= 13, Reader::uuid)?,
            partition_responses: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version <= 12 {
            w.string(&self.name)?;
        }
        if version >= 13 {
            w.uuid(self.topic_id);
        }
        w.array(&self.partition_responses, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.name.len() + array_len(&self.partition_responses)
    }
}

/// `Responses.PartitionResponses` in `ProduceResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionProduceResponse {
    /// `int32`.
    pub index: i32,
    /// `int16`.
    pub error_code: i16,
    /// `int64`.
    pub base_offset: i64,
    /// `int64`, default -1.
    pub log_append_time_ms: i64,
    /// `int64`, versions 5+, default -1, ignorable.
    pub log_start_offset: i64,
    /// `[]BatchIndexAndErrorMessage`, versions 8+, ignorable.
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// `string`, versions 8+, nullable, ignorable.
    pub error_message: Option<Str>,
    /// `LeaderIdAndEpoch`, versions 10+, tag 0.
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: 0,
            error_code: 0,
            base_offset: 0,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Vec::new(),
            error_message: None,
            current_leader: LeaderIdAndEpoch::default(),
        }
    }
}

impl Part for PartitionProduceResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let mut message = Self {
            index: r.i32()?,
            error_code: r.i16()?,
            base_offset: r.i64()?,
            log_append_time_ms: r.i64()?,
            log_start_offset: r.field_or(version >= 5, -1, Reader::i64)?,
            record_errors: r.field(version >= 8, |r| r.array(version))?,
            error_message: r.field(version >= 8, Reader::nullable_string)?,
            current_leader: LeaderIdAndEpoch::default(),
        };
        r.tags(|r, tag| {
            match tag {
                0 if version >= 10 => {
                    message.current_leader = LeaderIdAndEpoch::decode(r, version)?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.index);
        w.i16(self.error_code);
        w.i64(self.base_offset);
        w.i64(self.log_append_time_ms);
        if version >= 5 {
            w.i64(self.log_start_offset);
        }
        if version >= 8 {
            w.array(&self.record_errors, version)?;
        }
        if version >= 8 {
            w.nullable_string(self.error_message.as_ref())?;
        }
        w.absent(
            version >= 10 || self.current_leader == LeaderIdAndEpoch::default(),
            "CurrentLeader",
            version,
        )?;
        if version >= 9 {
            let mut tags = w.begin_tags();
            if version >= 10 && self.current_leader != LeaderIdAndEpoch::default() {
                w.tag(&mut tags, 0, |w| self.current_leader.encode(w, version))?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        42 + array_len(&self.record_errors)
            + self.error_message.as_ref().map_or(0, |value| value.len())
            + self.current_leader.encoded_len()
    }
}

/// `Responses.PartitionResponses.RecordErrors` in `ProduceResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BatchIndexAndErrorMessage {
    /// `int32`.
    pub batch_index: i32,
    /// `string`, nullable.
    pub batch_index_error_message: Option<Str>,
}

impl Part for BatchIndexAndErrorMessage {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            batch_index: r.i32()?,
            batch_index_error_message: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.batch_index);
        w.nullable_string(self.batch_index_error_message.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + self
            .batch_index_error_message
            .as_ref()
            .map_or(0, |value| value.len())
    }
}

/// `Responses.PartitionResponses.CurrentLeader` in `ProduceResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `int32`, default -1.
    pub leader_id: i32,
    /// `int32`, default -1.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl Part for LeaderIdAndEpoch {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            leader_id: r.i32()?,
            leader_epoch: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        9
    }
}

/// `NodeEndpoints` in `ProduceResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeEndpoint {
    /// `int32`.
    pub node_id: i32,
    /// `string`.
    pub host: Str,
    /// `int32`.
    pub port: i32,
    /// `string`, nullable.
    pub rack: Option<Str>,
}

impl Part for NodeEndpoint {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            node_id: r.i32()?,
            host: r.string()?,
            port: r.i32()?,
            rack: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.string(&self.host)?;
        w.i32(self.port);
        w.nullable_string(self.rack.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        19 + self.host.len() + self.rack.as_ref().map_or(0, |value| value.len())
    }
}
