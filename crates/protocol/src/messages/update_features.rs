//! `UpdateFeatures` (key 57): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `UpdateFeatures` request, versions 0-2.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateFeaturesRequest {
    /// `int32`, default 60000.
    pub timeout_ms: i32,
    /// `[]FeatureUpdateKey`.
    pub feature_updates: Vec<FeatureUpdateKey>,
    /// `bool`, versions 1+.
    pub validate_only: bool,
}

impl Default for UpdateFeaturesRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            feature_updates: Vec::new(),
            validate_only: false,
        }
    }
}

impl Message for UpdateFeaturesRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("UpdateFeaturesRequest", version, 0..=2, true)?;
        let message = Self {
            timeout_ms: r.i32()?,
            feature_updates: r.array(version)?,
            validate_only: r.field(version >= 1, Reader::bool)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("UpdateFeaturesRequest", version, 0..=2, true)?;
        w.i32(self.timeout_ms);
        w.array(&self.feature_updates, version)?;
        if version >= 1 {
            w.bool(self.validate_only);
        } else {
            w.absent(!self.validate_only, "ValidateOnly", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + array_len(&self.feature_updates)
    }
}

impl Request for UpdateFeaturesRequest {
    const KEY: ApiKey = ApiKey::UpdateFeatures;
    type Response = UpdateFeaturesResponse;
}

/// `FeatureUpdates` in `UpdateFeaturesRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureUpdateKey {
    /// `string`.
    pub feature: Str,
    /// `int16`.
    pub max_version_level: i16,
    /// `bool`, versions 0.
    pub allow_downgrade: bool,
    /// `int8`, versions 1+, default 1.
    pub upgrade_type: i8,
}

impl Default for FeatureUpdateKey {
    fn default() -> Self {
        Self {
            feature: Str::new(),
            max_version_level: 0,
            allow_downgrade: false,
            upgrade_type: 1,
        }
    }
}

impl Part for FeatureUpdateKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            feature: r.string()?,
            max_version_level: r.i16()?,
            allow_downgrade: r.field(version <= 0, Reader::bool)?,
            upgrade_type: r.field_or(version >= 1, 1, Reader::i8)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.feature)?;
        w.i16(self.max_version_level);
        if version <= 0 {
            w.bool(self.allow_downgrade);
        } else {
            w.absent(!self.allow_downgrade, "AllowDowngrade", version)?;
        }
        if version >= 1 {
            w.i8(self.upgrade_type);
        } else {
            w.absent(self.upgrade_type == 1, "UpgradeType", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + self.feature.len()
    }
}

/// Body of a `UpdateFeatures` response, versions 0-2.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateFeaturesResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
    /// `[]UpdatableFeatureResult`, versions 0-1, ignorable.
    pub results: Vec<UpdatableFeatureResult>,
}

impl Default for UpdateFeaturesResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Str::new()),
            results: Vec::new(),
        }
    }
}

impl Message for UpdateFeaturesResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("UpdateFeaturesResponse", version, 0..=2, true)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
            results: r.field(version <= 1, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("UpdateFeaturesResponse", version, 0..=2, true)?;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        if version <= 1 {
            w.array(&self.results, version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        12 + self.error_message.as_ref().map_or(0, |value| value.len()) + array_len(&self.results)
    }
}

/// `Results` in `UpdateFeaturesResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdatableFeatureResult {
    /// `string`.
    pub feature: Str,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
}

impl Default for UpdatableFeatureResult {
    fn default() -> Self {
        Self {
            feature: Str::new(),
            error_code: 0,
            error_message: Some(Str::new()),
        }
    }
}

impl Part for UpdatableFeatureResult {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            feature: r.string()?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.feature)?;
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        13 + self.feature.len() + self.error_message.as_ref().map_or(0, |value| value.len())
    }
}
