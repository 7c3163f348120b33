//! `SaslHandshake` (key 17): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `SaslHandshake` request, versions 0-1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaslHandshakeRequest {
    /// `string`.
    pub mechanism: Str,
}

impl Message for SaslHandshakeRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("SaslHandshakeRequest", version, 0..=1, false)?;
        Ok(Self {
            mechanism: r.string()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("SaslHandshakeRequest", version, 0..=1, false)?;
        w.string(&self.mechanism)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + self.mechanism.len()
    }
}

impl Request for SaslHandshakeRequest {
    const KEY: ApiKey = ApiKey::SaslHandshake;
    type Response = SaslHandshakeResponse;
}

/// Body of a `SaslHandshake` response, versions 0-1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SaslHandshakeResponse {
    /// `int16`.
    pub error_code: i16,
    /// `[]string`.
    pub mechanisms: Vec<Str>,
}

impl Message for SaslHandshakeResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("SaslHandshakeResponse", version, 0..=1, false)?;
        Ok(Self {
            error_code: r.i16()?,
            mechanisms: r.array(version)?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("SaslHandshakeResponse", version, 0..=1, false)?;
        w.i16(self.error_code);
        w.array(&self.mechanisms, version)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        2 + array_len(&self.mechanisms)
    }
}
