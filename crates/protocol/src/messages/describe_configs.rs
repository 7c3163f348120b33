//! `DescribeConfigs` (key 32): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `DescribeConfigs` request, versions 1-4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeConfigsRequest {
    /// `[]DescribeConfigsResource`.
    pub resources: Vec<DescribeConfigsResource>,
    /// `bool`.
    pub include_synonyms: bool,
    /// `bool`, versions 3+.
    pub include_documentation: bool,
}

impl Message for DescribeConfigsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeConfigsRequest", version, 1..=4, version >= 4)?;
        let message = Self {
            resources: r.array(version)?,
            include_synonyms: r.bool()?,
            include_documentation: r.field(version >= 3, Reader::bool)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeConfigsRequest", version, 1..=4, version >= 4)?;
        w.array(&self.resources, version)?;
        w.bool(self.include_synonyms);
        if version >= 3 {
            w.bool(self.include_documentation);
        } else {
            w.absent(!self.include_documentation, "IncludeDocumentation", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        3 + array_len(&self.resources)
    }
}

impl Request for DescribeConfigsRequest {
    const KEY: ApiKey = ApiKey::DescribeConfigs;
    type Response = DescribeConfigsResponse;
}

/// `Resources` in `DescribeConfigsRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsResource {
    /// `int8`.
    pub resource_type: i8,
    /// `string`.
    pub resource_name: Str,
    /// `[]string`, nullable.
    pub configuration_keys: Option<Vec<Str>>,
}

impl Default for DescribeConfigsResource {
    fn default() -> Self {
        Self {
            resource_type: 0,
            resource_name: Str::new(),
            configuration_keys: Some(Vec::new()),
        }
    }
}

impl Part for DescribeConfigsResource {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            resource_type: r.i8()?,
            resource_name: r.string()?,
            configuration_keys: r.nullable_array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i8(self.resource_type);
        w.string(&self.resource_name)?;
        w.nullable_array(self.configuration_keys.as_deref(), version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + self.resource_name.len()
            + array_len(self.configuration_keys.as_deref().unwrap_or_default())
    }
}

/// Body of a `DescribeConfigs` response, versions 1-4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeConfigsResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `[]DescribeConfigsResult`.
    pub results: Vec<DescribeConfigsResult>,
}

impl Message for DescribeConfigsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeConfigsResponse", version, 1..=4, version >= 4)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            results: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeConfigsResponse", version, 1..=4, version >= 4)?;
        w.i32(self.throttle_time_ms);
        w.array(&self.results, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.results)
    }
}

/// `Results` in `DescribeConfigsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsResult {
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
    /// `int8`.
    pub resource_type: i8,
    /// `string`.
    pub resource_name: Str,
    /// `[]DescribeConfigsResourceResult`.
    pub configs: Vec<DescribeConfigsResourceResult>,
}

impl Default for DescribeConfigsResult {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(Str::new()),
            resource_type: 0,
            resource_name: Str::new(),
            configs: Vec::new(),
        }
    }
}

impl Part for DescribeConfigsResult {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
            resource_type: r.i8()?,
            resource_name: r.string()?,
            configs: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.i8(self.resource_type);
        w.string(&self.resource_name)?;
        w.array(&self.configs, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        14 + self.error_message.as_ref().map_or(0, |value| value.len())
            + self.resource_name.len()
            + array_len(&self.configs)
    }
}

/// `Results.Configs` in `DescribeConfigsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsResourceResult {
    /// `string`.
    pub name: Str,
    /// `string`, nullable.
    pub value: Option<Str>,
    /// `bool`.
    pub read_only: bool,
    /// `int8`, default -1.
    pub config_source: i8,
    /// `bool`.
    pub is_sensitive: bool,
    /// `[]DescribeConfigsSynonym`.
    pub synonyms: Vec<DescribeConfigsSynonym>,
    /// `int8`, versions 3+, ignorable.
    pub config_type: i8,
    /// `string`, versions 3+, nullable, ignorable.
    pub documentation: Option<Str>,
}

impl Default for DescribeConfigsResourceResult {
    fn default() -> Self {
        Self {
            name: Str::new(),
            value: Some(Str::new()),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
            synonyms: Vec::new(),
            config_type: 0,
            documentation: Some(Str::new()),
        }
    }
}

impl Part for DescribeConfigsResourceResult {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            value: r.nullable_string()?,
            read_only: r.bool()?,
            config_source: r.i8()?,
            is_sensitive: r.bool()?,
            synonyms: r.array(version)?,
            config_type: r.field(version >= 3, Reader::i8)?,
            documentation: r.field_or(version >= 3, Some(Str::new()), Reader::nullable_string)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.nullable_string(self.value.as_ref())?;
        w.bool(self.read_only);
        w.i8(self.config_source);
        w.bool(self.is_sensitive);
        w.array(&self.synonyms, version)?;
        if version >= 3 {
            w.i8(self.config_type);
        }
        if version >= 3 {
            w.nullable_string(self.documentation.as_ref())?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        20 + self.name.len()
            + self.value.as_ref().map_or(0, |value| value.len())
            + array_len(&self.synonyms)
            + self.documentation.as_ref().map_or(0, |value| value.len())
    }
}

/// `Results.Configs.Synonyms` in `DescribeConfigsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsSynonym {
    /// `string`.
    pub name: Str,
    /// `string`, nullable.
    pub value: Option<Str>,
    /// `int8`.
    pub source: i8,
}

impl Default for DescribeConfigsSynonym {
    fn default() -> Self {
        Self {
            name: Str::new(),
            value: Some(Str::new()),
            source: 0,
        }
    }
}

impl Part for DescribeConfigsSynonym {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            value: r.nullable_string()?,
            source: r.i8()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.nullable_string(self.value.as_ref())?;
        w.i8(self.source);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        12 + self.name.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}
