//! `ListGroups` (key 16): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `ListGroups` request, versions 0-5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListGroupsRequest {
    /// `[]string`, versions 4+.
    pub states_filter: Vec<Str>,
    /// `[]string`, versions 5+.
    pub types_filter: Vec<Str>,
}

impl Message for ListGroupsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ListGroupsRequest", version, 0..=5, version >= 3)?;
        let message = Self {
            states_filter: r.field(version >= 4, |r| r.array(version))?,
            types_filter: r.field(version >= 5, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ListGroupsRequest", version, 0..=5, version >= 3)?;
        if version >= 4 {
            w.array(&self.states_filter, version)?;
        } else {
            w.absent(self.states_filter.is_empty(), "StatesFilter", version)?;
        }
        if version >= 5 {
            w.array(&self.types_filter, version)?;
        } else {
            w.absent(self.types_filter.is_empty(), "TypesFilter", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        1 + array_len(&self.states_filter) + array_len(&self.types_filter)
    }
}

impl Request for ListGroupsRequest {
    const KEY: ApiKey = ApiKey::ListGroups;
    type Response = ListGroupsResponse;
}

/// Body of a `ListGroups` response, versions 0-5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListGroupsResponse {
    /// `int32`, versions 1+, ignorable.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `[]ListedGroup`.
    pub groups: Vec<ListedGroup>,
}

impl Message for ListGroupsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ListGroupsResponse", version, 0..=5, version >= 3)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 1, Reader::i32)?,
            error_code: r.i16()?,
            groups: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ListGroupsResponse", version, 0..=5, version >= 3)?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.array(&self.groups, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + array_len(&self.groups)
    }
}

/// `Groups` in `ListGroupsResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListedGroup {
    /// `string`.
    pub group_id: Str,
    /// `string`.
    pub protocol_type: Str,
    /// `string`, versions 4+, ignorable.
    pub group_state: Str,
    /// `string`, versions 5+, ignorable.
    pub group_type: Str,
}

impl Part for ListedGroup {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            group_id: r.string()?,
            protocol_type: r.string()?,
            group_state: r.field(version >= 4, Reader::string)?,
            group_type: r.field(version >= 5, Reader::string)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.group_id)?;
        w.string(&self.protocol_type)?;
        if version >= 4 {
            w.string(&self.group_state)?;
        }
        if version >= 5 {
            w.string(&self.group_type)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        21 + self.group_id.len()
            + self.protocol_type.len()
            + self.group_state.len()
            + self.group_type.len()
    }
}
