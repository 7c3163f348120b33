//! `CreateTopics` (key 19): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `CreateTopics` request, versions 2-7.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTopicsRequest {
    /// `[]CreatableTopic`.
    pub topics: Vec<CreatableTopic>,
    /// `int32`, default 60000.
    pub timeout_ms: i32,
    /// `bool`.
    pub validate_only: bool,
}

impl Default for CreateTopicsRequest {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            timeout_ms: 60000,
            validate_only: false,
        }
    }
}

impl Message for CreateTopicsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("CreateTopicsRequest", version, 2..=7, version >= 5)?;
        let message = Self {
            topics: r.array(version)?,
            timeout_ms: r.i32()?,
            validate_only: r.bool()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("CreateTopicsRequest", version, 2..=7, version >= 5)?;
        w.array(&self.topics, version)?;
        w.i32(self.timeout_ms);
        w.bool(self.validate_only);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + array_len(&self.topics)
    }
}

impl Request for CreateTopicsRequest {
    const KEY: ApiKey = ApiKey::CreateTopics;
    type Response = CreateTopicsResponse;
}

/// `Topics` in `CreateTopicsRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatableTopic {
    /// `string`.
    pub name: Str,
    /// `int32`.
    pub num_partitions: i32,
    /// `int16`.
    pub replication_factor: i16,
    /// `[]CreatableReplicaAssignment`.
    pub assignments: Vec<CreatableReplicaAssignment>,
    /// `[]CreatableTopicConfig`.
    pub configs: Vec<CreatableTopicConfig>,
}

impl Part for CreatableTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            num_partitions: r.i32()?,
            replication_factor: r.i16()?,
            assignments: r.array(version)?,
            configs: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.i32(self.num_partitions);
        w.i16(self.replication_factor);
        w.array(&self.assignments, version)?;
        w.array(&self.configs, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        12 + self.name.len() + array_len(&self.assignments) + array_len(&self.configs)
    }
}

/// `Topics.Assignments` in `CreateTopicsRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatableReplicaAssignment {
    /// `int32`.
    pub partition_index: i32,
    /// `[]int32`.
    pub broker_ids: Vec<i32>,
}

impl Part for CreatableReplicaAssignment {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
            broker_ids: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.array(&self.broker_ids, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.broker_ids)
    }
}

/// `Topics.Configs` in `CreateTopicsRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatableTopicConfig {
    /// `string`.
    pub name: Str,
    /// `string`, nullable.
    pub value: Option<Str>,
}

impl Default for CreatableTopicConfig {
    fn default() -> Self {
        Self {
            name: Str::new(),
            value: Some(Str::new()),
        }
    }
}

impl Part for CreatableTopicConfig {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            value: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.nullable_string(self.value.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        11 + self.name.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}

/// Body of a `CreateTopics` response, versions 2-7.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateTopicsResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `[]CreatableTopicResult`.
    pub topics: Vec<CreatableTopicResult>,
}

impl Message for CreateTopicsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("CreateTopicsResponse", version, 2..=7, version >= 5)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            topics: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("CreateTopicsResponse", version, 2..=7, version >= 5)?;
        w.i32(self.throttle_time_ms);
        w.array(&self.topics, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.topics)
    }
}

/// `Topics` in `CreateTopicsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatableTopicResult {
    /// `string`.
    pub name: Str,
    /// `uuid`, versions 7+, ignorable.
    pub topic_id: Uuid,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
    /// `int16`, versions 5+, tag 0, ignorable.
    pub topic_config_error_code: i16,
    /// `int32`, versions 5+, default -1, ignorable.
    pub num_partitions: i32,
    /// `int16`, versions 5+, default -1, ignorable.
    pub replication_factor: i16,
    /// `[]CreatableTopicConfigs`, versions 5+, nullable, ignorable.
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: Str::new(),
            topic_id: Uuid::ZERO,
            error_code: 0,
            error_message: Some(Str::new()),
            topic_config_error_code: 0,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Vec::new()),
        }
    }
}

impl Part for CreatableTopicResult {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let mut message = Self {
            name: r.string()?,
            topic_id: r.field(version >= 7, Reader::uuid)?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
            topic_config_error_code: 0,
            num_partitions: r.field_or(version >= 5, -1, Reader::i32)?,
            replication_factor: r.field_or(version >= 5, -1, Reader::i16)?,
            configs: r.field_or(version >= 5, Some(Vec::new()), |r| {
                r.nullable_array(version)
            })?,
        };
        r.tags(|r, tag| {
            match tag {
                0 if version >= 5 => {
                    message.topic_config_error_code = r.i16()?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        if version >= 7 {
            w.uuid(self.topic_id);
        }
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        if version >= 5 {
            w.i32(self.num_partitions);
        }
        if version >= 5 {
            w.i16(self.replication_factor);
        }
        if version >= 5 {
            w.nullable_array(self.configs.as_deref(), version)?;
        }
        if version >= 5 {
            let mut tags = w.begin_tags();
            if self.topic_config_error_code != 0 {
                w.tag(&mut tags, 0, |w| {
                    w.i16(self.topic_config_error_code);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        43 + self.name.len()
            + self.error_message.as_ref().map_or(0, |value| value.len())
            + array_len(self.configs.as_deref().unwrap_or_default())
    }
}

/// `Topics.Configs` in `CreateTopicsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatableTopicConfigs {
    /// `string`.
    pub name: Str,
    /// `string`, nullable.
    pub value: Option<Str>,
    /// `bool`.
    pub read_only: bool,
    /// `int8`, default -1.
    pub config_source: i8,
    /// `bool`.
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: Str::new(),
            value: Some(Str::new()),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
        }
    }
}

impl Part for CreatableTopicConfigs {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            value: r.nullable_string()?,
            read_only: r.bool()?,
            config_source: r.i8()?,
            is_sensitive: r.bool()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.nullable_string(self.value.as_ref())?;
        w.bool(self.read_only);
        w.i8(self.config_source);
        w.bool(self.is_sensitive);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        14 + self.name.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}
