//! `DeleteTopics` (key 20): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `DeleteTopics` request, versions 1-6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicsRequest {
    /// `[]DeleteTopicState`, versions 6+.
    pub topics: Vec<DeleteTopicState>,
    /// `[]string`, versions 1-5, ignorable.
    pub topic_names: Vec<Str>,
    /// `int32`.
    pub timeout_ms: i32,
}

impl Message for DeleteTopicsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DeleteTopicsRequest", version, 1..=6, version >= 4)?;
        let message = Self {
            topics: r.field(version >= 6, |r| r.array(version))?,
            topic_names: r.field(version <= 5, |r| r.array(version))?,
            timeout_ms: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DeleteTopicsRequest", version, 1..=6, version >= 4)?;
        if version >= 6 {
            w.array(&self.topics, version)?;
        } else {
            w.absent(self.topics.is_empty(), "Topics", version)?;
        }
        if version <= 5 {
            w.array(&self.topic_names, version)?;
        }
        w.i32(self.timeout_ms);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.topics) + array_len(&self.topic_names)
    }
}

impl Request for DeleteTopicsRequest {
    const KEY: ApiKey = ApiKey::DeleteTopics;
    type Response = DeleteTopicsResponse;
}

/// `Topics` in `DeleteTopicsRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicState {
    /// `string`, nullable.
    pub name: Option<Str>,
    /// `uuid`.
    pub topic_id: Uuid,
}

impl Part for DeleteTopicState {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.nullable_string()?,
            topic_id: r.uuid()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.nullable_string(self.name.as_ref())?;
        w.uuid(self.topic_id);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.name.as_ref().map_or(0, |value| value.len())
    }
}

/// Body of a `DeleteTopics` response, versions 1-6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicsResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `[]DeletableTopicResult`.
    pub responses: Vec<DeletableTopicResult>,
}

impl Message for DeleteTopicsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DeleteTopicsResponse", version, 1..=6, version >= 4)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            responses: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DeleteTopicsResponse", version, 1..=6, version >= 4)?;
        w.i32(self.throttle_time_ms);
        w.array(&self.responses, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.responses)
    }
}

/// `Responses` in `DeleteTopicsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletableTopicResult {
    /// `string`, nullable in versions 6+.
    pub name: Option<Str>,
    /// `uuid`, versions 6+, ignorable.
    pub topic_id: Uuid,
    /// `int16`.
    pub error_code: i16,
    /// `string`, versions 5+, nullable, ignorable.
    pub error_message: Option<Str>,
}

impl Default for DeletableTopicResult {
    fn default() -> Self {
        Self {
            name: Some(Str::new()),
            topic_id: Uuid::ZERO,
            error_code: 0,
            error_message: None,
        }
    }
}

impl Part for DeletableTopicResult {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.null_if(version >= 6, Reader::nullable_string)?,
            topic_id: r.field(version >= 6, Reader::uuid)?,
            error_code: r.i16()?,
            error_message: r.field(version >= 5, Reader::nullable_string)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.null_if(version >= 6, &self.name, "Name", version)?;
        w.nullable_string(self.name.as_ref())?;
        if version >= 6 {
            w.uuid(self.topic_id);
        }
        w.i16(self.error_code);
        if version >= 5 {
            w.nullable_string(self.error_message.as_ref())?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        29 + self.name.as_ref().map_or(0, |value| value.len())
            + self.error_message.as_ref().map_or(0, |value| value.len())
    }
}
