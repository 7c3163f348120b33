//! `offset_commit`: what is stored or embedded.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use std::ops::RangeInclusive;

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Reader, Writer};
use crate::{Message, Str};

/// `OffsetCommitKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitKey {
    /// `string`.
    pub group: Str,
    /// `string`.
    pub topic: Str,
    /// `int32`.
    pub partition: i32,
}

impl Message for OffsetCommitKey {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("OffsetCommitKey", version, 0..=0, false)?;
        Ok(Self {
            group: r.string()?,
            topic: r.string()?,
            partition: r.i32()?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("OffsetCommitKey", version, 0..=0, false)?;
        w.string(&self.group)?;
        w.string(&self.topic)?;
        w.i32(self.partition);
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        14 + self.group.len() + self.topic.len()
    }
}

impl OffsetCommitKey {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=0;
    /// The number in front of the key, which says what the record is.
    pub const RECORD_TYPE: i16 = 1;
}

/// `OffsetCommitValue`, versions 0-4.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitValue {
    /// `int64`.
    pub offset: i64,
    /// `int32`, versions 3+, default -1, ignorable.
    pub leader_epoch: i32,
    /// `string`.
    pub metadata: Str,
    /// `int64`.
    pub commit_timestamp: i64,
    /// `int64`, versions 1, default -1, ignorable.
    pub expire_timestamp: i64,
    /// `uuid`, versions 4+, tag 0, ignorable.
    pub topic_id: Uuid,
}

impl Default for OffsetCommitValue {
    fn default() -> Self {
        Self {
            offset: 0,
            leader_epoch: -1,
            metadata: Str::new(),
            commit_timestamp: 0,
            expire_timestamp: -1,
            topic_id: Uuid::ZERO,
        }
    }
}

impl Message for OffsetCommitValue {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("OffsetCommitValue", version, 0..=4, version >= 4)?;
        let mut message = Self {
            offset: r.i64()?,
            leader_epoch: r.field_or(version >= 3, -1, Reader::i32)?,
            metadata: r.string()?,
            commit_timestamp: r.i64()?,
            expire_timestamp: r.field_or(version == 1, -1, Reader::i64)?,
            topic_id: Uuid::ZERO,
        };
        r.tags(|r, tag| {
            match tag {
                0 if version >= 4 => {
                    message.topic_id = r.uuid()?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("OffsetCommitValue", version, 0..=4, version >= 4)?;
        w.i64(self.offset);
        if version >= 3 {
            w.i32(self.leader_epoch);
        }
        w.string(&self.metadata)?;
        w.i64(self.commit_timestamp);
        if version == 1 {
            w.i64(self.expire_timestamp);
        }
        if version >= 4 {
            let mut tags = w.begin_tags();
            if !self.topic_id.is_zero() {
                w.tag(&mut tags, 0, |w| {
                    w.uuid(self.topic_id);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        56 + self.metadata.len()
    }
}

impl OffsetCommitValue {
    /// The versions that can be read and written.
    pub const VERSIONS: RangeInclusive<i16> = 0..=4;
}
