//! `Heartbeat` (key 12): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Reader, Writer};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `Heartbeat` request, versions 0-4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeartbeatRequest {
    /// `string`.
    pub group_id: Str,
    /// `int32`.
    pub generation_id: i32,
    /// `string`.
    pub member_id: Str,
    /// `string`, versions 3+, nullable.
    pub group_instance_id: Option<Str>,
}

impl Message for HeartbeatRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("HeartbeatRequest", version, 0..=4, version >= 4)?;
        let message = Self {
            group_id: r.string()?,
            generation_id: r.i32()?,
            member_id: r.string()?,
            group_instance_id: r.field(version >= 3, Reader::nullable_string)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("HeartbeatRequest", version, 0..=4, version >= 4)?;
        w.string(&self.group_id)?;
        w.i32(self.generation_id);
        w.string(&self.member_id)?;
        if version >= 3 {
            w.nullable_string(self.group_instance_id.as_ref())?;
        } else {
            w.absent(self.group_instance_id.is_none(), "GroupInstanceId", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        20 + self.group_id.len()
            + self.member_id.len()
            + self
                .group_instance_id
                .as_ref()
                .map_or(0, |value| value.len())
    }
}

impl Request for HeartbeatRequest {
    const KEY: ApiKey = ApiKey::Heartbeat;
    type Response = HeartbeatResponse;
}

/// Body of a `Heartbeat` response, versions 0-4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeartbeatResponse {
    /// `int32`, versions 1+, ignorable.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
}

impl Message for HeartbeatResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("HeartbeatResponse", version, 0..=4, version >= 4)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 1, Reader::i32)?,
            error_code: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("HeartbeatResponse", version, 0..=4, version >= 4)?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7
    }
}
