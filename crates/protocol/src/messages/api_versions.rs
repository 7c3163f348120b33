//! `ApiVersions` (key 18): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `ApiVersions` request, versions 0-4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiVersionsRequest {
    /// `string`, versions 3+, ignorable.
    pub client_software_name: Str,
    /// `string`, versions 3+, ignorable.
    pub client_software_version: Str,
}

impl Message for ApiVersionsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ApiVersionsRequest", version, 0..=4, version >= 3)?;
        let message = Self {
            client_software_name: r.field(version >= 3, Reader::string)?,
            client_software_version: r.field(version >= 3, Reader::string)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ApiVersionsRequest", version, 0..=4, version >= 3)?;
        if version >= 3 {
            w.string(&self.client_software_name)?;
        }
        if version >= 3 {
            w.string(&self.client_software_version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        11 + self.client_software_name.len() + self.client_software_version.len()
    }
}

impl Request for ApiVersionsRequest {
    const KEY: ApiKey = ApiKey::ApiVersions;
    type Response = ApiVersionsResponse;
}

/// Body of a `ApiVersions` response, versions 0-4.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiVersionsResponse {
    /// `int16`.
    pub error_code: i16,
    /// `[]ApiVersion`.
    pub api_keys: Vec<ApiVersion>,
    /// `int32`, versions 1+, ignorable.
    pub throttle_time_ms: i32,
    /// `[]SupportedFeatureKey`, versions 3+, tag 0, ignorable.
    pub supported_features: Vec<SupportedFeatureKey>,
    /// `int64`, versions 3+, tag 1, default -1, ignorable.
    pub finalized_features_epoch: i64,
    /// `[]FinalizedFeatureKey`, versions 3+, tag 2, ignorable.
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// `bool`, versions 3+, tag 3, ignorable.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            api_keys: Vec::new(),
            throttle_time_ms: 0,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        }
    }
}

impl Message for ApiVersionsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ApiVersionsResponse", version, 0..=4, version >= 3)?;
        let mut message = Self {
            error_code: r.i16()?,
            api_keys: r.array(version)?,
            throttle_time_ms: r.field(version >= 1, Reader::i32)?,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        };
        r.tags(|r, tag| {
            match tag {
                0 if version >= 3 => {
                    message.supported_features = r.array(version)?;
                }
                1 if version >= 3 => {
                    message.finalized_features_epoch = r.i64()?;
                }
                2 if version >= 3 => {
                    message.finalized_features = r.array(version)?;
                }
                3 if version >= 3 => {
                    message.zk_migration_ready = r.bool()?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ApiVersionsResponse", version, 0..=4, version >= 3)?;
        w.i16(self.error_code);
        w.array(&self.api_keys, version)?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        if version >= 3 {
            let mut tags = w.begin_tags();
            if !self.supported_features.is_empty() {
                w.tag(&mut tags, 0, |w| w.array(&self.supported_features, version))?;
            }
            if self.finalized_features_epoch != -1 {
                w.tag(&mut tags, 1, |w| {
                    w.i64(self.finalized_features_epoch);
                    Ok(())
                })?;
            }
            if !self.finalized_features.is_empty() {
                w.tag(&mut tags, 2, |w| w.array(&self.finalized_features, version))?;
            }
            if self.zk_migration_ready {
                w.tag(&mut tags, 3, |w| {
                    w.bool(self.zk_migration_ready);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        40 + array_len(&self.api_keys)
            + array_len(&self.supported_features)
            + array_len(&self.finalized_features)
    }
}

/// `ApiKeys` in `ApiVersionsResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiVersion {
    /// `int16`.
    pub api_key: i16,
    /// `int16`.
    pub min_version: i16,
    /// `int16`.
    pub max_version: i16,
}

impl Part for ApiVersion {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            api_key: r.i16()?,
            min_version: r.i16()?,
            max_version: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i16(self.api_key);
        w.i16(self.min_version);
        w.i16(self.max_version);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7
    }
}

/// `SupportedFeatures` in `ApiVersionsResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SupportedFeatureKey {
    /// `string`.
    pub name: Str,
    /// `int16`.
    pub min_version: i16,
    /// `int16`.
    pub max_version: i16,
}

impl Part for SupportedFeatureKey {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            min_version: r.i16()?,
            max_version: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.i16(self.min_version);
        w.i16(self.max_version);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + self.name.len()
    }
}

/// `FinalizedFeatures` in `ApiVersionsResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FinalizedFeatureKey {
    /// `string`.
    pub name: Str,
    /// `int16`.
    pub max_version_level: i16,
    /// `int16`.
    pub min_version_level: i16,
}

impl Part for FinalizedFeatureKey {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            max_version_level: r.i16()?,
            min_version_level: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.i16(self.max_version_level);
        w.i16(self.min_version_level);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + self.name.len()
    }
}
