//! `legacy_offset_commit`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use crate::wire::{DecodeError, EncodeError, Reader, Writer};
use crate::{Message, Str};

/// `LegacyOffsetCommitKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LegacyOffsetCommitKey {
    /// `string`.
    pub group: Str,
    /// `string`.
    pub topic: Str,
    /// `int32`.
    pub partition: i32,
}

impl Message for LegacyOffsetCommitKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("LegacyOffsetCommitKey", version, 0..=0, false)?;
        Ok(Self {
            group: r.string()?,
            topic: r.string()?,
            partition: r.i32()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("LegacyOffsetCommitKey", version, 0..=0, false)?;
        w.string(&self.group)?;
        w.string(&self.topic)?;
        w.i32(self.partition);
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        14 + self.group.len() + self.topic.len()
    }
}

impl LegacyOffsetCommitKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 0;
}

/// `LegacyOffsetCommitValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LegacyOffsetCommitValue {
    /// `int64`.
    pub offset: i64,
    /// `string`.
    pub metadata: Str,
    /// `int64`.
    pub commit_timestamp: i64,
}

impl Message for LegacyOffsetCommitValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("LegacyOffsetCommitValue", version, 0..=0, false)?;
        Ok(Self {
            offset: r.i64()?,
            metadata: r.string()?,
            commit_timestamp: r.i64()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("LegacyOffsetCommitValue", version, 0..=0, false)?;
        w.i64(self.offset);
        w.string(&self.metadata)?;
        w.i64(self.commit_timestamp);
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        21 + self.metadata.len()
    }
}

impl LegacyOffsetCommitValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
}
