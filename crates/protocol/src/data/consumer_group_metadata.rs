//! `consumer_group_metadata`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use crate::wire::{DecodeError, EncodeError, Reader, Writer};
use crate::{Message, Str};

/// `ConsumerGroupMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupMetadataKey {
    /// `string`.
    pub group_id: Str,
}

impl Message for ConsumerGroupMetadataKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupMetadataKey", version, 0..=0, false)?;
        Ok(Self {
            group_id: r.string()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupMetadataKey", version, 0..=0, false)?;
        w.string(&self.group_id)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + self.group_id.len()
    }
}

impl ConsumerGroupMetadataKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 3;
}

/// `ConsumerGroupMetadataValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupMetadataValue {
    /// `int32`.
    pub epoch: i32,
    /// `int64`, tag 0.
    pub metadata_hash: i64,
}

impl Message for ConsumerGroupMetadataValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("ConsumerGroupMetadataValue", version, 0..=0, true)?;
        let mut message = Self {
            epoch: r.i32()?,
            metadata_hash: 0,
        };
        r.tags(|r, tag| {
            match tag {
                0 => {
                    message.metadata_hash = r.i64()?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("ConsumerGroupMetadataValue", version, 0..=0, true)?;
        w.i32(self.epoch);
        let mut tags = w.begin_tags();
        if self.metadata_hash != 0 {
            w.tag(&mut tags, 0, |w| {
                w.i64(self.metadata_hash);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        19
    }
}

impl ConsumerGroupMetadataValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
}
