//! `FindCoordinator` (key 10): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `FindCoordinator` request, versions 0-6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FindCoordinatorRequest {
    /// `string`, versions 0-3.
    pub key: Str,
    /// `int8`, versions 1+.
    pub key_type: i8,
    /// `[]string`, versions 4+.
    pub coordinator_keys: Vec<Str>,
}

impl Message for FindCoordinatorRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("FindCoordinatorRequest", version, 0..=6, version >= 3)?;
        let message = Self {
            key: r.field(version <= 3, Reader::string)?,
            key_type: r.field(version >= 1, Reader::i8)?,
            coordinator_keys: r.field(version >= 4, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("FindCoordinatorRequest", version, 0..=6, version >= 3)?;
        if version <= 3 {
            w.string(&self.key)?;
        } else {
            w.absent(self.key.is_empty(), "Key", version)?;
        }
        if version >= 1 {
            w.i8(self.key_type);
        } else {
            w.absent(self.key_type == 0, "KeyType", version)?;
        }
        if version >= 4 {
            w.array(&self.coordinator_keys, version)?;
        } else {
            w.absent(self.coordinator_keys.is_empty(), "CoordinatorKeys", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + self.key.len() + array_len(&self.coordinator_keys)
    }
}

impl Request for FindCoordinatorRequest {
    const KEY: ApiKey = ApiKey::FindCoordinator;
    type Response = FindCoordinatorResponse;
}

/// Body of a `FindCoordinator` response, versions 0-6.
#[derive(Debug, Clone, PartialEq)]
pub struct FindCoordinatorResponse {
    /// `int32`, versions 1+, ignorable.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-3.
    pub error_code: i16,
    /// `string`, versions 1-3, nullable, ignorable.
    pub error_message: Option<Str>,
    /// `int32`, versions 0-3.
    pub node_id: i32,
    /// `string`, versions 0-3.
    pub host: Str,
    /// `int32`, versions 0-3.
    pub port: i32,
    /// `[]Coordinator`, versions 4+.
    pub coordinators: Vec<Coordinator>,
}

impl Default for FindCoordinatorResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Str::new()),
            node_id: 0,
            host: Str::new(),
            port: 0,
            coordinators: Vec::new(),
        }
    }
}

impl Message for FindCoordinatorResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("FindCoordinatorResponse", version, 0..=6, version >= 3)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 1, Reader::i32)?,
            error_code: r.field(version <= 3, Reader::i16)?,
            error_message: r.field_or(
                (1..=3).contains(&version),
                Some(Str::new()),
                Reader::nullable_string,
            )?,
            node_id: r.field(version <= 3, Reader::i32)?,
            host: r.field(version <= 3, Reader::string)?,
            port: r.field(version <= 3, Reader::i32)?,
            coordinators: r.field(version >= 4, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("FindCoordinatorResponse", version, 0..=6, version >= 3)?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        if version <= 3 {
            w.i16(self.error_code);
        } else {
            w.absent(self.error_code == 0, "ErrorCode", version)?;
        }
        if (1..=3).contains(&version) {
            w.nullable_string(self.error_message.as_ref())?;
        }
        if version <= 3 {
            w.i32(self.node_id);
        } else {
            w.absent(self.node_id == 0, "NodeId", version)?;
        }
        if version <= 3 {
            w.string(&self.host)?;
        } else {
            w.absent(self.host.is_empty(), "Host", version)?;
        }
        if version <= 3 {
            w.i32(self.port);
        } else {
            w.absent(self.port == 0, "Port", version)?;
        }
        if version >= 4 {
            w.array(&self.coordinators, version)?;
        } else {
            w.absent(self.coordinators.is_empty(), "Coordinators", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        25 + self.error_message.as_ref().map_or(0, |value| value.len())
            + self.host.len()
            + array_len(&self.coordinators)
    }
}

/// `Coordinators` in `FindCoordinatorResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinator {
    /// `string`.
    pub key: Str,
    /// `int32`.
    pub node_id: i32,
    /// `string`.
    pub host: Str,
    /// `int32`.
    pub port: i32,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
}

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            key: Str::new(),
            node_id: 0,
            host: Str::new(),
            port: 0,
            error_code: 0,
            error_message: Some(Str::new()),
        }
    }
}

impl Part for Coordinator {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            key: r.string()?,
            node_id: r.i32()?,
            host: r.string()?,
            port: r.i32()?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(&self.key)?;
        w.i32(self.node_id);
        w.string(&self.host)?;
        w.i32(self.port);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        26 + self.key.len()
            + self.host.len()
            + self.error_message.as_ref().map_or(0, |value| value.len())
    }
}
