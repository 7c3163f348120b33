//! `OffsetFetch` (key 9): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `OffsetFetch` request, versions 1-10.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchRequest {
    /// `string`, versions 1-7.
    pub group_id: Str,
    /// `[]OffsetFetchRequestTopic`, versions 1-7, nullable in versions 2-7.
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// `[]OffsetFetchRequestGroup`, versions 8+.
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// `bool`, versions 7+.
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Str::new(),
            topics: Some(Vec::new()),
            groups: Vec::new(),
            require_stable: false,
        }
    }
}

impl Message for OffsetFetchRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("OffsetFetchRequest", version, 1..=10, version >= 6)?;
        let message = Self {
            group_id: r.field(version <= 7, Reader::string)?,
            topics: r.field_or(version <= 7, Some(Vec::new()), |r| {
                r.null_if(version >= 2, |r| r.nullable_array(version))
            })?,
            groups: r.field(version >= 8, |r| r.array(version))?,
            require_stable: r.field(version >= 7, Reader::bool)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("OffsetFetchRequest", version, 1..=10, version >= 6)?;
        if version <= 7 {
            w.string(&self.group_id)?;
        } else {
            w.absent(self.group_id.is_empty(), "GroupId", version)?;
        }
        if version <= 7 {
            w.null_if(version >= 2, &self.topics, "Topics", version)?;
            w.nullable_array(self.topics.as_deref(), version)?;
        } else {
            w.absent(
                self.topics.as_ref().is_some_and(|value| value.is_empty()),
                "Topics",
                version,
            )?;
        }
        if version >= 8 {
            w.array(&self.groups, version)?;
        } else {
            w.absent(self.groups.is_empty(), "Groups", version)?;
        }
        if version >= 7 {
            w.bool(self.require_stable);
        } else {
            w.absent(!self.require_stable, "RequireStable", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + self.group_id.len()
            + array_len(self.topics.as_deref().unwrap_or_default())
            + array_len(&self.groups)
    }
}

impl Request for OffsetFetchRequest {
    const KEY: ApiKey = ApiKey::OffsetFetch;
    type Response = OffsetFetchResponse;
}

/// `Topics` in `OffsetFetchRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchRequestTopic {
    /// `string`.
    pub name: Str,
    /// `[]int32`.
    pub partition_indexes: Vec<i32>,
}

impl Part for OffsetFetchRequestTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            partition_indexes: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.array(&self.partition_indexes, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.name.len() + array_len(&self.partition_indexes)
    }
}

/// `Groups` in `OffsetFetchRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchRequestGroup {
    /// `string`.
    pub group_id: Str,
    /// `string`, versions 9+, nullable, ignorable.
    pub member_id: Option<Str>,
    /// `int32`, versions 9+, default -1, ignorable.
    pub member_epoch: i32,
    /// `[]OffsetFetchRequestTopics`, nullable.
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self {
            group_id: Str::new(),
            member_id: None,
            member_epoch: -1,
            topics: Some(Vec::new()),
        }
    }
}

impl Part for OffsetFetchRequestGroup {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            group_id: r.string()?,
            member_id: r.field(version >= 9, Reader::nullable_string)?,
            member_epoch: r.field_or(version >= 9, -1, Reader::i32)?,
            topics: r.nullable_array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.group_id)?;
        if version >= 9 {
            w.nullable_string(self.member_id.as_ref())?;
        }
        if version >= 9 {
            w.i32(self.member_epoch);
        }
        w.nullable_array(self.topics.as_deref(), version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        15 + self.group_id.len()
            + self.member_id.as_ref().map_or(0, |value| value.len())
            + array_len(self.topics.as_deref().unwrap_or_default())
    }
}

/// `Groups.Topics` in `OffsetFetchRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchRequestTopics {
    /// `string`, versions 8-9, ignorable.
    pub name: Str,
    /// `uuid`, versions 10+, ignorable.
    pub topic_id: Uuid,
    /// `[]int32`.
    pub partition_indexes: Vec<i32>,
}

impl Part for OffsetFetchRequestTopics {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.field(version <= 9, Reader::string)?,
            topic_id: r.field(version >= 10, Reader::uuid)?,
            partition_indexes: r.array(version)?,
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
        w.array(&self.partition_indexes, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.name.len() + array_len(&self.partition_indexes)
    }
}

/// Body of a `OffsetFetch` response, versions 1-10.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponse {
    /// `int32`, versions 3+, ignorable.
    pub throttle_time_ms: i32,
    /// `[]OffsetFetchResponseTopic`, versions 1-7.
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// `int16`, versions 2-7, ignorable.
    pub error_code: i16,
    /// `[]OffsetFetchResponseGroup`, versions 8+.
    pub groups: Vec<OffsetFetchResponseGroup>,
}

impl Message for OffsetFetchResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("OffsetFetchResponse", version, 1..=10, version >= 6)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 3, Reader::i32)?,
            topics: r.field(version <= 7, |r| r.array(version))?,
            error_code: r.field((2..=7).contains(&version), Reader::i16)?,
            groups: r.field(version >= 8, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("OffsetFetchResponse", version, 1..=10, version >= 6)?;
        if version >= 3 {
            w.i32(self.throttle_time_ms);
        }
        if version <= 7 {
            w.array(&self.topics, version)?;
        } else {
            w.absent(self.topics.is_empty(), "Topics", version)?;
        }
        if (2..=7).contains(&version) {
            w.i16(self.error_code);
        }
        if version >= 8 {
            w.array(&self.groups, version)?;
        } else {
            w.absent(self.groups.is_empty(), "Groups", version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + array_len(&self.topics) + array_len(&self.groups)
    }
}

/// `Topics` in `OffsetFetchResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponseTopic {
    /// `string`.
    pub name: Str,
    /// `[]OffsetFetchResponsePartition`.
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

impl Part for OffsetFetchResponseTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            name: r.string()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.name)?;
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.name.len() + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `OffsetFetchResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponsePartition {
    /// `int32`.
    pub partition_index: i32,
    /// `int64`.
    pub committed_offset: i64,
    /// `int32`, versions 5+, default -1, ignorable.
    pub committed_leader_epoch: i32,
    /// `string`, nullable.
    pub metadata: Option<Str>,
    /// `int16`.
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(Str::new()),
            error_code: 0,
        }
    }
}

impl Part for OffsetFetchResponsePartition {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
            committed_offset: r.i64()?,
            committed_leader_epoch: r.field_or(version >= 5, -1, Reader::i32)?,
            metadata: r.nullable_string()?,
            error_code: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        if version >= 5 {
            w.i32(self.committed_leader_epoch);
        }
        w.nullable_string(self.metadata.as_ref())?;
        w.i16(self.error_code);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        24 + self.metadata.as_ref().map_or(0, |value| value.len())
    }
}

/// `Groups` in `OffsetFetchResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponseGroup {
    /// `string`.
    pub group_id: Str,
    /// `[]OffsetFetchResponseTopics`.
    pub topics: Vec<OffsetFetchResponseTopics>,
    /// `int16`.
    pub error_code: i16,
}

impl Part for OffsetFetchResponseGroup {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            group_id: r.string()?,
            topics: r.array(version)?,
            error_code: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.group_id)?;
        w.array(&self.topics, version)?;
        w.i16(self.error_code);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        8 + self.group_id.len() + array_len(&self.topics)
    }
}

/// `Groups.Topics` in `OffsetFetchResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponseTopics {
    /// `string`, versions 8-9, ignorable.
    pub name: Str,
    /// `uuid`, versions 10+, ignorable.
    pub topic_id: Uuid,
    /// `[]OffsetFetchResponsePartitions`.
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

impl Part for OffsetFetchResponseTopics {
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

/// `Groups.Topics.Partitions` in `OffsetFetchResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponsePartitions {
    /// `int32`.
    pub partition_index: i32,
    /// `int64`.
    pub committed_offset: i64,
    /// `int32`, default -1.
    pub committed_leader_epoch: i32,
    /// `string`, nullable.
    pub metadata: Option<Str>,
    /// `int16`.
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(Str::new()),
            error_code: 0,
        }
    }
}

impl Part for OffsetFetchResponsePartitions {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
            committed_offset: r.i64()?,
            committed_leader_epoch: r.i32()?,
            metadata: r.nullable_string()?,
            error_code: r.i16()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        w.i32(self.committed_leader_epoch);
        w.nullable_string(self.metadata.as_ref())?;
        w.i16(self.error_code);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        24 + self.metadata.as_ref().map_or(0, |value| value.len())
    }
}
