//! `OffsetCommit` (key 8): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `OffsetCommit` request, versions 2-10.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitRequest {
    /// `string`.
    pub group_id: Str,
    /// `int32`, default -1.
    pub generation_id_or_member_epoch: i32,
    /// `string`.
    pub member_id: Str,
    /// `string`, versions 7+, nullable.
    pub group_instance_id: Option<Str>,
    /// `int64`, versions 2-4, default -1, ignorable.
    pub retention_time_ms: i64,
    /// `[]OffsetCommitRequestTopic`.
    pub topics: Vec<OffsetCommitRequestTopic>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: Str::new(),
            generation_id_or_member_epoch: -1,
            member_id: Str::new(),
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Vec::new(),
        }
    }
}

impl Message for OffsetCommitRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("OffsetCommitRequest", version, 2..=10, version >= 8)?;
        let message = Self {
            group_id: r.string()?,
            generation_id_or_member_epoch: r.i32()?,
            member_id: r.string()?,
            group_instance_id: r.field(version >= 7, Reader::nullable_string)?,
            retention_time_ms: r.field_or(version <= 4, -1, Reader::i64)?,
            topics: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("OffsetCommitRequest", version, 2..=10, version >= 8)?;
        w.string(&self.group_id)?;
        w.i32(self.generation_id_or_member_epoch);
        w.string(&self.member_id)?;
        if version >= 7 {
            w.nullable_string(self.group_instance_id.as_ref())?;
        } else {
            w.absent(self.group_instance_id.is_none(), "GroupInstanceId", version)?;
        }
        if version <= 4 {
            w.i64(self.retention_time_ms);
        }
        w.array(&self.topics, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        28 + self.group_id.len()
            + self.member_id.len()
            + self
                .group_instance_id
                .as_ref()
                .map_or(0, |value| value.len())
            + array_len(&self.topics)
    }
}

impl Request for OffsetCommitRequest {
    const KEY: ApiKey = ApiKey::OffsetCommit;
    type Response = OffsetCommitResponse;
}

/// `Topics` in `OffsetCommitRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitRequestTopic {
    /// `string`, versions 2-9, ignorable.
    pub name: Str,
    /// `uuid`, versions 10+, ignorable.
    pub topic_id: Uuid,
    /// `[]OffsetCommitRequestPartition`.
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

impl Part for OffsetCommitRequestTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.field(version <= 9, Reader::string)?,
            topic_id: r.field(version >= 10, Reader::uuid)?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version <= 9 {
            w.string(&self.name)?;
        }
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.name.len() + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `OffsetCommitRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitRequestPartition {
    /// `int32`.
    pub partition_index: i32,
    /// `int64`.
    pub committed_offset: i64,
    /// `int32`, versions 6+, default -1, ignorable.
    pub committed_leader_epoch: i32,
    /// `string`, nullable.
    pub committed_metadata: Option<Str>,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: Some(Str::new()),
        }
    }
}

impl Part for OffsetCommitRequestPartition {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
            committed_offset: r.i64()?,
            committed_leader_epoch: r.field_or(version >= 6, -1, Reader::i32)?,
            committed_metadata: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        if version >= 6 {
            w.i32(self.committed_leader_epoch);
        }
        w.nullable_string(self.committed_metadata.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self
            .committed_metadata
            .as_ref()
            .map_or(0, |value| value.len())
    }
}

/// Body of a `OffsetCommit` response, versions 2-10.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitResponse {
    /// `int32`, versions 3+, ignorable.
    pub throttle_time_ms: i32,
    /// `[]OffsetCommitResponseTopic`.
    pub topics: Vec<OffsetCommitResponseTopic>,
}

impl Message for OffsetCommitResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("OffsetCommitResponse", version, 2..=10, version >= 8)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 3, Reader::i32)?,
            topics: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("OffsetCommitResponse", version, 2..=10, version >= 8)?;
        if version >= 3 {
            w.i32(self.throttle_time_ms);
        }
        w.array(&self.topics, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        5 + array_len(&self.topics)
    }
}

/// `Topics` in `OffsetCommitResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitResponseTopic {
    /// `string`, versions 2-9, ignorable.
    pub name: Str,
    /// `uuid`, versions 10+, ignorable.
    pub topic_id: Uuid,
    /// `[]OffsetCommitResponsePartition`.
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

impl Part for OffsetCommitResponseTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.field(version <= 9, Reader::string)?,
            topic_id: r.field(version >= 10, Reader::uuid)?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version <= 9 {
            w.string(&self.name)?;
        }
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.name.len() + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `OffsetCommitResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitResponsePartition {
    /// `int32`.
    pub partition_index: i32,
    /// `int16`.
    pub error_code: i16,
}

impl Part for OffsetCommitResponsePartition {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
            error_code: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7
    }
}
