//! `LeaveGroup` (key 13): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `LeaveGroup` request, versions 0-5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeaveGroupRequest {
    /// `string`.
    pub group_id: Str,
    /// `string`, versions 0-2.
    pub member_id: Str,
    /// `[]MemberIdentity`, versions 3+.
    pub members: Vec<MemberIdentity>,
}

impl Message for LeaveGroupRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("LeaveGroupRequest", version, 0..=5, version >= 4)?;
        let message = Self {
            group_id: r.string()?,
            member_id: r.field(version <= 2, Reader::string)?,
            members: r.field(version >= 3, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("LeaveGroupRequest", version, 0..=5, version >= 4)?;
        w.string(&self.group_id)?;
        if version <= 2 {
            w.string(&self.member_id)?;
        } else {
            w.absent(self.member_id.is_empty(), "MemberId", version)?;
        }
        if version >= 3 {
            w.array(&self.members, version)?;
        } else {
            w.absent(self.members.is_empty(), "Members", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        11 + self.group_id.len() + self.member_id.len() + array_len(&self.members)
    }
}

impl Request for LeaveGroupRequest {
    const KEY: ApiKey = ApiKey::LeaveGroup;
    type Response = LeaveGroupResponse;
}

/// `Members` in `LeaveGroupRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MemberIdentity {
    /// `string`.
    pub member_id: Str,
    /// `string`, nullable.
    pub group_instance_id: Option<Str>,
    /// `string`, versions 5+, nullable, ignorable.
    pub reason: Option<Str>,
}

impl Part for MemberIdentity {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            member_id: r.string()?,
            group_instance_id: r.nullable_string()?,
            reason: r.field(version >= 5, Reader::nullable_string)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.member_id)?;
        w.nullable_string(self.group_instance_id.as_ref())?;
        if version >= 5 {
            w.nullable_string(self.reason.as_ref())?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        16 + self.member_id.len()
            + self
                .group_instance_id
                .as_ref()
                .map_or(0, |value| value.len())
            + self.reason.as_ref().map_or(0, |value| value.len())
    }
}

/// Body of a `LeaveGroup` response, versions 0-5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeaveGroupResponse {
    /// `int32`, versions 1+, ignorable.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `[]MemberResponse`, versions 3+.
    pub members: Vec<MemberResponse>,
}

impl Message for LeaveGroupResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("LeaveGroupResponse", version, 0..=5, version >= 4)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 1, Reader::i32)?,
            error_code: r.i16()?,
            members: r.field(version >= 3, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("LeaveGroupResponse", version, 0..=5, version >= 4)?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if version >= 3 {
            w.array(&self.members, version)?;
        } else {
            w.absent(self.members.is_empty(), "Members", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + array_len(&self.members)
    }
}

/// `Members` in `LeaveGroupResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberResponse {
    /// `string`.
    pub member_id: Str,
    /// `string`, nullable.
    pub group_instance_id: Option<Str>,
    /// `int16`.
    pub error_code: i16,
}

impl Default for MemberResponse {
    fn default() -> Self {
        Self {
            member_id: Str::new(),
            group_instance_id: Some(Str::new()),
            error_code: 0,
        }
    }
}

impl Part for MemberResponse {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            member_id: r.string()?,
            group_instance_id: r.nullable_string()?,
            error_code: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.member_id)?;
        w.nullable_string(self.group_instance_id.as_ref())?;
        w.i16(self.error_code);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        13 + self.member_id.len()
            + self
                .group_instance_id
                .as_ref()
                .map_or(0, |value| value.len())
    }
}
