//! `ConsumerGroupHeartbeat` (key 68): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `ConsumerGroupHeartbeat` request, versions 0-1.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    /// `string`.
    pub group_id: Str,
    /// `string`.
    pub member_id: Str,
    /// `int32`.
    pub member_epoch: i32,
    /// `string`, nullable.
    pub instance_id: Option<Str>,
    /// `string`, nullable.
    pub rack_id: Option<Str>,
    /// `int32`, default -1.
    pub rebalance_timeout_ms: i32,
    /// `[]string`, nullable.
    pub subscribed_topic_names: Option<Vec<Str>>,
    /// `string`, versions 1+, nullable.
    pub subscribed_topic_regex: Option<Str>,
    /// `string`, nullable.
    pub server_assignor: Option<Str>,
    /// `[]TopicPartitions`, nullable.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
}

impl Default for ConsumerGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Str::new(),
            member_id: Str::new(),
            member_epoch: 0,
            instance_id: None,
            rack_id: None,
            rebalance_timeout_ms: -1,
            subscribed_topic_names: None,
            subscribed_topic_regex: None,
            server_assignor: None,
            topic_partitions: None,
        }
    }
}

impl Message for ConsumerGroupHeartbeatRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupHeartbeatRequest", version, 0..=1, true)?;
        let message = Self {
            group_id: r.string()?,
            member_id: r.string()?,
            member_epoch: r.i32()?,
            instance_id: r.nullable_string()?,
            rack_id: r.nullable_string()?,
            rebalance_timeout_ms: r.i32()?,
            subscribed_topic_names: r.nullable_array(version)?,
            subscribed_topic_regex: r.field(version >= 1, Reader::nullable_string)?,
            server_assignor: r.nullable_string()?,
            topic_partitions: r.nullable_array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupHeartbeatRequest", version, 0..=1, true)?;
        w.string(&self.group_id)?;
        w.string(&self.member_id)?;
        w.i32(self.member_epoch);
        w.nullable_string(self.instance_id.as_ref())?;
        w.nullable_string(self.rack_id.as_ref())?;
        w.i32(self.rebalance_timeout_ms);
        w.nullable_array(self.subscribed_topic_names.as_deref(), version)?;
        if version >= 1 {
            w.nullable_string(self.subscribed_topic_regex.as_ref())?;
        } else {
            w.absent(
                self.subscribed_topic_regex.is_none(),
                "SubscribedTopicRegex",
                version,
            )?;
        }
        w.nullable_string(self.server_assignor.as_ref())?;
        w.nullable_array(self.topic_partitions.as_deref(), version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        39 + self.group_id.len()
            + self.member_id.len()
            + self.instance_id.as_ref().map_or(0, |value| value.len())
            + self.rack_id.as_ref().map_or(0, |value| value.len())
            + array_len(self.subscribed_topic_names.as_deref().unwrap_or_default())
            + self
                .subscribed_topic_regex
                .as_ref()
                .map_or(0, |value| value.len())
            + self.server_assignor.as_ref().map_or(0, |value| value.len())
            + array_len(self.topic_partitions.as_deref().unwrap_or_default())
    }
}

impl Request for ConsumerGroupHeartbeatRequest {
    const KEY: ApiKey = ApiKey::ConsumerGroupHeartbeat;
    type Response = ConsumerGroupHeartbeatResponse;
}

/// `TopicPartitions` in `ConsumerGroupHeartbeatRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicPartitions {
    /// `uuid`.
    pub topic_id: Uuid,
    /// `[]int32`.
    pub partitions: Vec<i32>,
}

impl Part for TopicPartitions {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_id: r.uuid()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.uuid(self.topic_id);
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        17 + array_len(&self.partitions)
    }
}

/// Body of a `ConsumerGroupHeartbeat` response, versions 0-1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupHeartbeatResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
    /// `string`, nullable.
    pub member_id: Option<Str>,
    /// `int32`.
    pub member_epoch: i32,
    /// `int32`.
    pub heartbeat_interval_ms: i32,
    /// `Assignment`, nullable.
    pub assignment: Option<Assignment>,
}

impl Message for ConsumerGroupHeartbeatResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupHeartbeatResponse", version, 0..=1, true)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
            member_id: r.nullable_string()?,
            member_epoch: r.i32()?,
            heartbeat_interval_ms: r.i32()?,
            assignment: r.nullable_part(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupHeartbeatResponse", version, 0..=1, true)?;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.nullable_string(self.member_id.as_ref())?;
        w.i32(self.member_epoch);
        w.i32(self.heartbeat_interval_ms);
        w.nullable_part(self.assignment.as_ref(), version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        26 + self.error_message.as_ref().map_or(0, |value| value.len())
            + self.member_id.as_ref().map_or(0, |value| value.len())
            + self.assignment.as_ref().map_or(0, Part::encoded_len)
    }
}

/// `Assignment` in `ConsumerGroupHeartbeatResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignment {
    /// `[]TopicPartitions`.
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Part for Assignment {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.array(&self.topic_partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        1 + array_len(&self.topic_partitions)
    }
}
