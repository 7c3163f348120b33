//! `DescribeLogDirs` (key 35): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `DescribeLogDirs` request, versions 1-5.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeLogDirsRequest {
    /// `[]DescribableLogDirTopic`, nullable.
    pub topics: Option<Vec<DescribableLogDirTopic>>,
}

impl Default for DescribeLogDirsRequest {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
        }
    }
}

impl Message for DescribeLogDirsRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeLogDirsRequest", version, 1..=5, version >= 2)?;
        let message = Self {
            topics: r.nullable_array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeLogDirsRequest", version, 1..=5, version >= 2)?;
        w.nullable_array(self.topics.as_deref(), version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        1 + array_len(self.topics.as_deref().unwrap_or_default())
    }
}

impl Request for DescribeLogDirsRequest {
    const KEY: ApiKey = ApiKey::DescribeLogDirs;
    type Response = DescribeLogDirsResponse;
}

/// `Topics` in `DescribeLogDirsRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribableLogDirTopic {
    /// `string`.
    pub topic: Str,
    /// `[]int32`.
    pub partitions: Vec<i32>,
}

impl Part for DescribableLogDirTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic: r.string()?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(&self.topic)?;
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        6 + self.topic.len() + array_len(&self.partitions)
    }
}

/// Body of a `DescribeLogDirs` response, versions 1-5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogDirsResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `int16`, versions 3+, ignorable.
    pub error_code: i16,
    /// `[]DescribeLogDirsResult`.
    pub results: Vec<DescribeLogDirsResult>,
}

impl Message for DescribeLogDirsResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("DescribeLogDirsResponse", version, 1..=5, version >= 2)?;
        let message = Self {
            throttle_time_ms: r.i32()?,
            error_code: r.field(version >= 3, Reader::i16)?,
            results: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("DescribeLogDirsResponse", version, 1..=5, version >= 2)?;
        w.i32(self.throttle_time_ms);
        if version >= 3 {
            w.i16(self.error_code);
        }
        w.array(&self.results, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        7 + array_len(&self.results)
    }
}

/// `Results` in `DescribeLogDirsResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeLogDirsResult {
    /// `int16`.
    pub error_code: i16,
    /// `string`.
    pub log_dir: Str,
    /// `[]DescribeLogDirsTopic`.
    pub topics: Vec<DescribeLogDirsTopic>,
    /// `int64`, versions 4+, default -1, ignorable.
    pub total_bytes: i64,
    /// `int64`, versions 4+, default -1, ignorable.
    pub usable_bytes: i64,
    /// `bool`, versions 5+, ignorable.
    pub is_cordoned: bool,
}

impl Default for DescribeLogDirsResult {
    fn default() -> Self {
        Self {
            error_code: 0,
            log_dir: Str::new(),
            topics: Vec::new(),
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: false,
        }
    }
}

impl Part for DescribeLogDirsResult {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            error_code: r.i16()?,
            log_dir: r.string()?,
            topics: r.array(version)?,
            total_bytes: r.field_or(version >= 4, -1, Reader::i64)?,
            usable_bytes: r.field_or(version >= 4, -1, Reader::i64)?,
            is_cordoned: r.field(version >= 5, Reader::bool)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.string(&self.log_dir)?;
        w.array(&self.topics, version)?;
        if version >= 4 {
            w.i64(self.total_bytes);
        }
        if version >= 4 {
            w.i64(self.usable_bytes);
        }
        if version >= 5 {
            w.bool(self.is_cordoned);
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        25 + self.log_dir.len() + array_len(&self.topics)
    }
}

/// `Results.Topics` in `DescribeLogDirsResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogDirsTopic {
    /// `string`.
    pub name: Str,
    /// `[]DescribeLogDirsPartition`.
    pub partitions: Vec<DescribeLogDirsPartition>,
}

impl Part for DescribeLogDirsTopic {
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

/// `Results.Topics.Partitions` in `DescribeLogDirsResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogDirsPartition {
    /// `int32`.
    pub partition_index: i32,
    /// `int64`.
    pub partition_size: i64,
    /// `int64`.
    pub offset_lag: i64,
    /// `bool`.
    pub is_future_key: bool,
}

impl Part for DescribeLogDirsPartition {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            partition_index: r.i32()?,
            partition_size: r.i64()?,
            offset_lag: r.i64()?,
            is_future_key: r.bool()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i64(self.partition_size);
        w.i64(self.offset_lag);
        w.bool(self.is_future_key);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22
    }
}
