//! `JoinGroup` (key 11): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use bytes::Bytes;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `JoinGroup` request, versions 0-9.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinGroupRequest {
    /// `string`.
    pub group_id: Str,
    /// `int32`.
    pub session_timeout_ms: i32,
    /// `int32`, versions 1+, default -1, ignorable.
    pub rebalance_timeout_ms: i32,
    /// `string`.
    pub member_id: Str,
    /// `string`, versions 5+, nullable.
    pub group_instance_id: Option<Str>,
    /// `string`.
    pub protocol_type: Str,
    /// `[]JoinGroupRequestProtocol`.
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// `string`, versions 8+, nullable, ignorable.
    pub reason: Option<Str>,
}

impl Default for JoinGroupRequest {
    fn default() -> Self {
        Self {
            group_id: Str::new(),
            session_timeout_ms: 0,
            rebalance_timeout_ms: -1,
            member_id: Str::new(),
            group_instance_id: None,
            protocol_type: Str::new(),
            protocols: Vec::new(),
            reason: None,
        }
    }
}

impl Message for JoinGroupRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("JoinGroupRequest", version, 0..=9, version >= 6)?;
        let message = Self {
            group_id: r.string()?,
            session_timeout_ms: r.i32()?,
            rebalance_timeout_ms: r.field_or(version >= 1, -1, Reader::i32)?,
            member_id: r.string()?,
            group_instance_id: r.field(version >= 5, Reader::nullable_string)?,
            protocol_type: r.string()?,
            protocols: r.array(version)?,
            reason: r.field(version >= 8, Reader::nullable_string)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("JoinGroupRequest", version, 0..=9, version >= 6)?;
        w.string(&self.group_id)?;
        w.i32(self.session_timeout_ms);
        if version >= 1 {
            w.i32(self.rebalance_timeout_ms);
        }
        w.string(&self.member_id)?;
        if version >= 5 {
            w.nullable_string(self.group_instance_id.as_ref())?;
        } else {
            w.absent(self.group_instance_id.is_none(), "GroupInstanceId", version)?;
        }
        w.string(&self.protocol_type)?;
        w.array(&self.protocols, version)?;
        if version >= 8 {
            w.nullable_string(self.reason.as_ref())?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        34 + self.group_id.len()
            + self.member_id.len()
            + self
                .group_instance_id
                .as_ref()
                .map_or(0, |value| value.len())
            + self.protocol_type.len()
            + array_len(&self.protocols)
            + self.reason.as_ref().map_or(0, |value| value.len())
    }
}

impl Request for JoinGroupRequest {
    const KEY: ApiKey = ApiKey::JoinGroup;
    type Response = JoinGroupResponse;
}

/// `Protocols` in `JoinGroupRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinGroupRequestProtocol {
    /// `string`.
    pub name: Str,
    /// `bytes`.
    pub metadata: Bytes,
}

impl Part for JoinGroupRequestProtocol {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            metadata: r.bytes()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.bytes(&self.metadata)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        11 + self.name.len() + self.metadata.len()
    }
}

/// Body of a `JoinGroup` response, versions 0-9.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinGroupResponse {
    /// `int32`, versions 2+, ignorable.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `int32`, default -1.
    pub generation_id: i32,
    /// `string`, versions 7+, nullable, ignorable.
    pub protocol_type: Option<Str>,
    /// `string`, nullable in versions 7+.
    pub protocol_name: Option<Str>,
    /// `string`.
    pub leader: Str,
    /// `bool`, versions 9+.
    pub skip_assignment: bool,
    /// `string`.
    pub member_id: Str,
    /// `[]JoinGroupResponseMember`.
    pub members: Vec<JoinGroupResponseMember>,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            generation_id: -1,
            protocol_type: None,
            protocol_name: Some(Str::new()),
            leader: Str::new(),
            skip_assignment: false,
            member_id: Str::new(),
            members: Vec::new(),
        }
    }
}

impl Message for JoinGroupResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("JoinGroupResponse", version, 0..=9, version >= 6)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 2, Reader::i32)?,
            error_code: r.i16()?,
            generation_id: r.i32()?,
            protocol_type: r.field(version >= 7, Reader::nullable_string)?,
            protocol_name: r.null_if(version >= 7, Reader::nullable_string)?,
            leader: r.string()?,
            skip_assignment: r.field(version >= 9, Reader::bool)?,
            member_id: r.string()?,
            members: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("JoinGroupResponse", version, 0..=9, version >= 6)?;
        if version >= 2 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.i32(self.generation_id);
        if version >= 7 {
            w.nullable_string(self.protocol_type.as_ref())?;
        }
        w.null_if(version >= 7, &self.protocol_name, "ProtocolName", version)?;
        w.nullable_string(self.protocol_name.as_ref())?;
        w.string(&self.leader)?;
        if version >= 9 {
            w.bool(self.skip_assignment);
        } else {
            w.absent(!self.skip_assignment, "SkipAssignment", version)?;
        }
        w.string(&self.member_id)?;
        w.array(&self.members, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        32 + self.protocol_type.as_ref().map_or(0, |value| value.len())
            + self.protocol_name.as_ref().map_or(0, |value| value.len())
            + self.leader.len()
            + self.member_id.len()
            + array_len(&self.members)
    }
}

/// `Members` in `JoinGroupResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinGroupResponseMember {
    /// `string`.
    pub member_id: Str,
    /// `string`, versions 5+, nullable, ignorable.
    pub group_instance_id: Option<Str>,
    /// `bytes`.
    pub metadata: Bytes,
}

impl Part for JoinGroupResponseMember {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            member_id: r.string()?,
            group_instance_id: r.field(version >= 5, Reader::nullable_string)?,
            metadata: r.bytes()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.member_id)?;
        if version >= 5 {
            w.nullable_string(self.group_instance_id.as_ref())?;
        }
        w.bytes(&self.metadata)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        16 + self.member_id.len()
            + self
                .group_instance_id
                .as_ref()
                .map_or(0, |value| value.len())
            + self.metadata.len()
    }
}
