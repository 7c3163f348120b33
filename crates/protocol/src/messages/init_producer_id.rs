//! `InitProducerId` (key 22): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Reader, Writer};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `InitProducerId` request, versions 0-5.
#[derive(Debug, Clone, PartialEq)]
pub struct InitProducerIdRequest {
    /// `string`, nullable.
    pub transactional_id: Option<Str>,
    /// `int32`.
    pub transaction_timeout_ms: i32,
    /// `int64`, versions 3+, default -1.
    pub producer_id: i64,
    /// `int16`, versions 3+, default -1.
    pub producer_epoch: i16,
}

impl Default for InitProducerIdRequest {
    fn default() -> Self {
        Self {
            transactional_id: Some(Str::new()),
            transaction_timeout_ms: 0,
            producer_id: -1,
            producer_epoch: -1,
        }
    }
}

impl Message for InitProducerIdRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("InitProducerIdRequest", version, 0..=5, version >= 2)?;
        let message = Self {
            transactional_id: r.nullable_string()?,
            transaction_timeout_ms: r.i32()?,
            producer_id: r.field_or(version >= 3, -1, Reader::i64)?,
            producer_epoch: r.field_or(version >= 3, -1, Reader::i16)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("InitProducerIdRequest", version, 0..=5, version >= 2)?;
        w.nullable_string(self.transactional_id.as_ref())?;
        w.i32(self.transaction_timeout_ms);
        if version >= 3 {
            w.i64(self.producer_id);
        } else {
            w.absent(self.producer_id == -1, "ProducerId", version)?;
        }
        if version >= 3 {
            w.i16(self.producer_epoch);
        } else {
            w.absent(self.producer_epoch == -1, "ProducerEpoch", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        20 + self
            .transactional_id
            .as_ref()
            .map_or(0, |value| value.len())
    }
}

impl Request for InitProducerIdRequest {
    const KEY: ApiKey = ApiKey::InitProducerId;
    type Response = InitProducerIdResponse;
}

/// Body of a `InitProducerId` response, versions 0-5.
#[derive(Debug, Clone, PartialEq)]
pub struct InitProducerIdResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `int16`.
    pub error_code: i16,
    /// `int64`, default -1.
    pub producer_id: i64,
    /// `int16`.
    pub producer_epoch: i16,
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            producer_id: -1,
            producer_epoch: 0,
        }
    }
}

impl Message for InitProducerIdResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("InitProducerIdResponse", version, 0..=5, version >= 2)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            error_code: r.i16()?,
            producer_id: r.i64()?,
            producer_epoch: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("InitProducerIdResponse", version, 0..=5, version >= 2)?;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.i64(self.producer_id);
        w.i16(self.producer_epoch);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        17
    }
}
