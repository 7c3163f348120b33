//! `IncrementalAlterConfigs` (key 44): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `IncrementalAlterConfigs` request, versions 0-1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IncrementalAlterConfigsRequest {
    /// `[]AlterConfigsResource`.
    pub resources: Vec<AlterConfigsResource>,
    /// `bool`.
    pub validate_only: bool,
}

impl Message for IncrementalAlterConfigsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin(
            "IncrementalAlterConfigsRequest",
            version,
            0..=1,
            version >= 1,
        )?;
        let message = Self {
            resources: r.array(version)?,
            validate_only: r.bool()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin(
            "IncrementalAlterConfigsRequest",
            version,
            0..=1,
            version >= 1,
        )?;
        w.array(&self.resources, version)?;
        w.bool(self.validate_only);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        2 + array_len(&self.resources)
    }
}

impl Request for IncrementalAlterConfigsRequest {
    const KEY: ApiKey = ApiKey::IncrementalAlterConfigs;
    type Response = IncrementalAlterConfigsResponse;
}

/// `Resources` in `IncrementalAlterConfigsRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterConfigsResource {
    /// `int8`.
    pub resource_type: i8,
    /// `string`.
    pub resource_name: Str,
    /// `[]AlterableConfig`.
    pub configs: Vec<AlterableConfig>,
}

impl Part for AlterConfigsResource {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            resource_type: r.i8()?,
            resource_name: r.string()?,
            configs: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i8(self.resource_type);
        w.string(&self.resource_name)?;
        w.array(&self.configs, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + self.resource_name.len() + array_len(&self.configs)
    }
}

/// `Resources.Configs` in `IncrementalAlterConfigsRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterableConfig {
    /// `string`.
    pub name: Str,
    /// `int8`.
    pub config_operation: i8,
    /// `string`, nullable.
    pub value: Option<Str>,
}

impl Default for AlterableConfig {
    fn default() -> Self {
        Self {
            name: Str::new(),
            config_operation: 0,
            value: Some(Str::new()),
        }
    }
}

impl Part for AlterableConfig {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            config_operation: r.i8()?,
            value: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.i8(self.config_operation);
        w.nullable_string(self.value.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        12 + self.name.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}

/// Body of a `IncrementalAlterConfigs` response, versions 0-1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IncrementalAlterConfigsResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `[]AlterConfigsResourceResponse`.
    pub responses: Vec<AlterConfigsResourceResponse>,
}

impl Message for IncrementalAlterConfigsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin(
            "IncrementalAlterConfigsResponse",
            version,
            0..=1,
            version >= 1,
        )?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            responses: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin(
            "IncrementalAlterConfigsResponse",
            version,
            0..=1,
            version >= 1,
        )?;
        w.i32(self.throttle_time_ms);
        w.array(&self.responses, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.responses)
    }
}

/// `Responses` in `IncrementalAlterConfigsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterConfigsResourceResponse {
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
    /// `int8`.
    pub resource_type: i8,
    /// `string`.
    pub resource_name: Str,
}

impl Default for AlterConfigsResourceResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(Str::new()),
            resource_type: 0,
            resource_name: Str::new(),
        }
    }
}

impl Part for AlterConfigsResourceResponse {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
            resource_type: r.i8()?,
            resource_name: r.string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.i8(self.resource_type);
        w.string(&self.resource_name)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        14 + self.error_message.as_ref().map_or(0, |value| value.len()) + self.resource_name.len()
    }
}
