//! `ListConfigResources` (key 74): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `ListConfigResources` request, versions 0-1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListConfigResourcesRequest {
    /// `[]int8`, versions 1+.
    pub resource_types: Vec<i8>,
}

impl Message for ListConfigResourcesRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ListConfigResourcesRequest", version, 0..=1, true)?;
        let message = Self {
            resource_types: r.field(version >= 1, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ListConfigResourcesRequest", version, 0..=1, true)?;
        if version >= 1 {
            w.array(&self.resource_types, version)?;
        } else {
            w.absent(self.resource_types.is_empty(), "ResourceTypes", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        1 + array_len(&self.resource_types)
    }
}

impl Request for ListConfigResourcesRequest {
    const KEY: ApiKey = ApiKey::ListConfigResources;
    type Response = ListConfigResourcesResponse;
}

/// Body of a `ListConfigResources` response, versions 0-1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListConfigResourcesResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `[]ConfigResource`.
    pub config_resources: Vec<ConfigResource>,
}

impl Message for ListConfigResourcesResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ListConfigResourcesResponse", version, 0..=1, true)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            error_code: r.i16()?,
            config_resources: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ListConfigResourcesResponse", version, 0..=1, true)?;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.array(&self.config_resources, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + array_len(&self.config_resources)
    }
}

/// `ConfigResources` in `ListConfigResourcesResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigResource {
    /// `string`.
    pub resource_name: Str,
    /// `int8`, versions 1+, default 16, ignorable.
    pub resource_type: i8,
}

impl Default for ConfigResource {
    fn default() -> Self {
        Self {
            resource_name: Str::new(),
            resource_type: 16,
        }
    }
}

impl Part for ConfigResource {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            resource_name: r.string()?,
            resource_type: r.field_or(version >= 1, 16, Reader::i8)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.resource_name)?;
        if version >= 1 {
            w.i8(self.resource_type);
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + self.resource_name.len()
    }
}
