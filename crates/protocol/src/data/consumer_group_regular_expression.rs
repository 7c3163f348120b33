//! `consumer_group_regular_expression`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use crate::wire::{DecodeError, EncodeError, Reader, Writer, array_len};
use crate::{Message, Str};

/// `ConsumerGroupRegularExpressionKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupRegularExpressionKey {
    /// `string`.
    pub group_id: Str,
    /// `string`.
    pub regular_expression: Str,
}

impl Message for ConsumerGroupRegularExpressionKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupRegularExpressionKey", version, 0..=0, false)?;
        Ok(Self {
            group_id: r.string()?,
            regular_expression: r.string()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupRegularExpressionKey", version, 0..=0, false)?;
        w.string(&self.group_id)?;
        w.string(&self.regular_expression)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        10 + self.group_id.len() + self.regular_expression.len()
    }
}

impl ConsumerGroupRegularExpressionKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 16;
}

/// `ConsumerGroupRegularExpressionValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupRegularExpressionValue {
    /// `[]string`.
    pub topics: Vec<Str>,
    /// `int64`.
    pub version: i64,
    /// `int64`.
    pub timestamp: i64,
}

impl Message for ConsumerGroupRegularExpressionValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupRegularExpressionValue", version, 0..=0, true)?;
        let message = Self {
            topics: r.array(version)?,
            version: r.i64()?,
            timestamp: r.i64()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupRegularExpressionValue", version, 0..=0, true)?;
        w.array(&self.topics, version)?;
        w.i64(self.version);
        w.i64(self.timestamp);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        17 + array_len(&self.topics)
    }
}

impl ConsumerGroupRegularExpressionValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
}
