//! `UnregisterBroker` (key 64): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Reader, Writer};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `UnregisterBroker` request, versions 0-0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnregisterBrokerRequest {
    /// `int32`.
    pub broker_id: i32,
}

impl Message for UnregisterBrokerRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("UnregisterBrokerRequest", version, 0..=0, true)?;
        let message = Self {
            broker_id: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("UnregisterBrokerRequest", version, 0..=0, true)?;
        w.i32(self.broker_id);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5
    }
}

impl Request for UnregisterBrokerRequest {
    const KEY: ApiKey = ApiKey::UnregisterBroker;
    type Response = UnregisterBrokerResponse;
}

/// Body of a `UnregisterBroker` response, versions 0-0.
#[derive(Debug, Clone, PartialEq)]
pub struct UnregisterBrokerResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable.
    pub error_message: Option<Str>,
}

impl Default for UnregisterBrokerResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Str::new()),
        }
    }
}

impl Message for UnregisterBrokerResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("UnregisterBrokerResponse", version, 0..=0, true)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            error_code: r.i16()?,
            error_message: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("UnregisterBrokerResponse", version, 0..=0, true)?;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        12 + self.error_message.as_ref().map_or(0, |value| value.len())
    }
}
