//! `OffsetDelete` (key 47): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `OffsetDelete` request, versions 0-0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteRequest {
    /// `string`.
    pub group_id: Str,
    /// `[]OffsetDeleteRequestTopic`.
    pub topics: Vec<OffsetDeleteRequestTopic>,
}

impl Message for OffsetDeleteRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("OffsetDeleteRequest", version, 0..=0, false)?;
        Ok(Self {
            group_id: r.string()?,
            topics: r.array(version)?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("OffsetDeleteRequest", version, 0..=0, false)?;
        w.string(&self.group_id)?;
        w.array(&self.topics, version)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + self.group_id.len() + array_len(&self.topics)
    }
}

impl Request for OffsetDeleteRequest {
    const KEY: ApiKey = ApiKey::OffsetDelete;
    type Response = OffsetDeleteResponse;
}

/// `Topics` in `OffsetDeleteRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteRequestTopic {
    /// `string`.
    pub name: Str,
    /// `[]OffsetDeleteRequestPartition`.
    pub partitions: Vec<OffsetDeleteRequestPartition>,
}

impl Part for OffsetDeleteRequestTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        Ok(Self {
            name: r.string()?,
            partitions: r.array(version)?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.array(&self.partitions, version)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + self.name.len() + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `OffsetDeleteRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteRequestPartition {
    /// `int32`.
    pub partition_index: i32,
}

impl Part for OffsetDeleteRequestPartition {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        Ok(Self {
            partition_index: r.i32()?,
        })
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        4
    }
}

/// Body of a `OffsetDelete` response, versions 0-0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteResponse {
    /// `int16`.
    pub error_code: i16,
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `[]OffsetDeleteResponseTopic`.
    pub topics: Vec<OffsetDeleteResponseTopic>,
}

impl Message for OffsetDeleteResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("OffsetDeleteResponse", version, 0..=0, false)?;
        Ok(Self {
            error_code: r.i16()?,
            throttle_time_ms: r.i32()?,
            topics: r.array(version)?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("OffsetDeleteResponse", version, 0..=0, false)?;
        w.i16(self.error_code);
        w.i32(self.throttle_time_ms);
        w.array(&self.topics, version)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + array_len(&self.topics)
    }
}

/// `Topics` in `OffsetDeleteResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteResponseTopic {
    /// `string`.
    pub name: Str,
    /// `[]OffsetDeleteResponsePartition`.
    pub partitions: Vec<OffsetDeleteResponsePartition>,
}

impl Part for OffsetDeleteResponseTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        Ok(Self {
            name: r.string()?,
            partitions: r.array(version)?,
        })
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.array(&self.partitions, version)?;
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + self.name.len() + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `OffsetDeleteResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteResponsePartition {
    /// `int32`.
    pub partition_index: i32,
    /// `int16`.
    pub error_code: i16,
}

impl Part for OffsetDeleteResponsePartition {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        Ok(Self {
            partition_index: r.i32()?,
            error_code: r.i16()?,
        })
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6
    }
}
