//! `DescribeGroups` (key 15): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use bytes::Bytes;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `DescribeGroups` request, versions 0-6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeGroupsRequest {
    /// `[]string`.
    pub groups: Vec<Str>,
    /// `bool`, versions 3+.
    pub include_authorized_operations: bool,
}

impl Message for DescribeGroupsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeGroupsRequest", version, 0..=6, version >= 5)?;
        let message = Self {
            groups: r.array(version)?,
            include_authorized_operations: r.field(version >= 3, Reader::bool)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeGroupsRequest", version, 0..=6, version >= 5)?;
        w.array(&self.groups, version)?;
        if version >= 3 {
            w.bool(self.include_authorized_operations);
        } else {
            w.absent(
                !self.include_authorized_operations,
                "IncludeAuthorizedOperations",
                version,
            )?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        2 + array_len(&self.groups)
    }
}

impl Request for DescribeGroupsRequest {
    const KEY: ApiKey = ApiKey::DescribeGroups;
    type Response = DescribeGroupsResponse;
}

/// Body of a `DescribeGroups` response, versions 0-6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeGroupsResponse {
    /// `int32`, versions 1+, ignorable.
    pub throttle_time_ms: i32,
    /// `[]DescribedGroup`.
    pub groups: Vec<DescribedGroup>,
}

impl Message for DescribeGroupsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeGroupsResponse", version, 0..=6, version >= 5)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 1, Reader::i32)?,
            groups: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeGroupsResponse", version, 0..=6, version >= 5)?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.array(&self.groups, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.groups)
    }
}

/// `Groups` in `DescribeGroupsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedGroup {
    /// `int16`.
    pub error_code: i16,
    /// `string`, versions 6+, nullable.
    pub error_message: Option<Str>,
    /// `string`.
    pub group_id: Str,
    /// `string`.
    pub group_state: Str,
    /// `string`.
    pub protocol_type: Str,
    /// `string`.
    pub protocol_data: Str,
    /// `[]DescribedGroupMember`.
    pub members: Vec<DescribedGroupMember>,
    /// `int32`, versions 3+, default -2147483648.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: Str::new(),
            group_state: Str::new(),
            protocol_type: Str::new(),
            protocol_data: Str::new(),
            members: Vec::new(),
            authorized_operations: i32::MIN,
        }
    }
}

impl Part for DescribedGroup {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            error_code: r.i16()?,
            error_message: r.field(version >= 6, Reader::nullable_string)?,
            group_id: r.string()?,
            group_state: r.string()?,
            protocol_type: r.string()?,
            protocol_data: r.string()?,
            members: r.array(version)?,
            authorized_operations: r.field_or(version >= 3, i32::MIN, Reader::i32)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        if version >= 6 {
            w.nullable_string(self.error_message.as_ref())?;
        } else {
            w.absent(self.error_message.is_none(), "ErrorMessage", version)?;
        }
        w.string(&self.group_id)?;
        w.string(&self.group_state)?;
        w.string(&self.protocol_type)?;
        w.string(&self.protocol_data)?;
        w.array(&self.members, version)?;
        if version >= 3 {
            w.i32(self.authorized_operations);
        } else {
            w.absent(
                self.authorized_operations == i32::MIN,
                "AuthorizedOperations",
                version,
            )?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        32 + self.error_message.as_ref().map_or(0, |value| value.len())
            + self.group_id.len()
            + self.group_state.len()
            + self.protocol_type.len()
            + self.protocol_data.len()
            + array_len(&self.members)
    }
}

/// `Groups.Members` in `DescribeGroupsResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedGroupMember {
    /// `string`.
    pub member_id: Str,
    /// `string`, versions 4+, nullable, ignorable.
    pub group_instance_id: Option<Str>,
    /// `string`.
    pub client_id: Str,
    /// `string`.
    pub client_host: Str,
    /// `bytes`.
    pub member_metadata: Bytes,
    /// `bytes`.
    pub member_assignment: Bytes,
}

impl Part for DescribedGroupMember {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            member_id: r.string()?,
            group_instance_id: r.field(version >= 4, Reader::nullable_string)?,
            client_id: r.string()?,
            client_host: r.string()?,
            member_metadata: r.bytes()?,
            member_assignment: r.bytes()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.member_id)?;
        if version >= 4 {
            w.nullable_string(self.group_instance_id.as_ref())?;
        }
        w.string(&self.client_id)?;
        w.string(&self.client_host)?;
        w.bytes(&self.member_metadata)?;
        w.bytes(&self.member_assignment)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        31 + self.member_id.len()
            + self
                .group_instance_id
                .as_ref()
                .map_or(0, |value| value.len())
            + self.client_id.len()
            + self.client_host.len()
            + self.member_metadata.len()
            + self.member_assignment.len()
    }
}
