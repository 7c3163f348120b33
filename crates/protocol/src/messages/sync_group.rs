//! `SyncGroup` (key 14): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use bytes::Bytes;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `SyncGroup` request, versions 0-5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncGroupRequest {
    /// `string`.
    pub group_id: Str,
    /// `int32`.
    pub generation_id: i32,
    /// `string`.
    pub member_id: Str,
    /// `string`, versions 3+, nullable.
    pub group_instance_id: Option<Str>,
    /// `string`, versions 5+, nullable, ignorable.
    pub protocol_type: Option<Str>,
    /// `string`, versions 5+, nullable, ignorable.
    pub protocol_name: Option<Str>,
    /// `[]SyncGroupRequestAssignment`.
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

impl Message for SyncGroupRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("SyncGroupRequest", version, 0..=5, version >= 4)?;
        let message = Self {
            group_id: r.string()?,
            generation_id: r.i32()?,
            member_id: r.string()?,
            group_instance_id: r.field(version >= 3, Reader::nullable_string)?,
            protocol_type: r.field(version >= 5, Reader::nullable_string)?,
            protocol_name: r.field(version >= 5, Reader::nullable_string)?,
            assignments: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("SyncGroupRequest", version, 0..=5, version >= 4)?;
        w.string(&self.group_id)?;
        w.i32(self.generation_id);
        w.string(&self.member_id)?;
        if version >= 3 {
            w.nullable_string(self.group_instance_id.as_ref())?;
        } else {
            w.absent(self.group_instance_id.is_none(), "GroupInstanceId", version)?;
        }
        if version >= 5 {
            w.nullable_string(self.protocol_type.as_ref())?;
        }
        if version >= 5 {
            w.nullable_string(self.protocol_name.as_ref())?;
        }
        w.array(&self.assignments, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        30 + self.group_id.len()
            + self.member_id.len()
            + self
                .group_instance_id
                .as_ref()
                .map_or(0, |value| value.len())
            + self.protocol_type.as_ref().map_or(0, |value| value.len())
            + self.protocol_name.as_ref().map_or(0, |value| value.len())
            + array_len(&self.assignments)
    }
}

impl Request for SyncGroupRequest {
    const KEY: ApiKey = ApiKey::SyncGroup;
    type Response = SyncGroupResponse;
}

/// `Assignments` in `SyncGroupRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncGroupRequestAssignment {
    /// `string`.
    pub member_id: Str,
    /// `bytes`.
    pub assignment: Bytes,
}

impl Part for SyncGroupRequestAssignment {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            member_id: r.string()?,
            assignment: r.bytes()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.member_id)?;
        w.bytes(&self.assignment)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        11 + self.member_id.len() + self.assignment.len()
    }
}

/// Body of a `SyncGroup` response, versions 0-5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncGroupResponse {
    /// `int32`, versions 1+, ignorable.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `string`, versions 5+, nullable, ignorable.
    pub protocol_type: Option<Str>,
    /// `string`, versions 5+, nullable, ignorable.
    pub protocol_name: Option<Str>,
    /// `bytes`.
    pub assignment: Bytes,
}

impl Message for SyncGroupResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("SyncGroupResponse", version, 0..=5, version >= 4)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 1, Reader::i32)?,
            error_code: r.i16()?,
            protocol_type: r.field(version >= 5, Reader::nullable_string)?,
            protocol_name: r.field(version >= 5, Reader::nullable_string)?,
            assignment: r.bytes()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("SyncGroupResponse", version, 0..=5, version >= 4)?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if version >= 5 {
            w.nullable_string(self.protocol_type.as_ref())?;
        }
        if version >= 5 {
            w.nullable_string(self.protocol_name.as_ref())?;
        }
        w.bytes(&self.assignment)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.protocol_type.as_ref().map_or(0, |value| value.len())
            + self.protocol_name.as_ref().map_or(0, |value| value.len())
            + self.assignment.len()
    }
}
