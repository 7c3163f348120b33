//! `Metadata` (key 3): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, Request, Str};

/// Body of a `Metadata` request, versions 0-13.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataRequest {
    /// `[]MetadataRequestTopic`, nullable in versions 1+.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// `bool`, versions 4+, default true.
    pub allow_auto_topic_creation: bool,
    /// `bool`, versions 8-10.
    pub include_cluster_authorized_operations: bool,
    /// `bool`, versions 8+.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

impl Message for MetadataRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("MetadataRequest", version, 0..=13, version >= 9)?;
        let message = Self {
            topics: r.null_if(version >= 1, |r| r.nullable_array(version))?,
            allow_auto_topic_creation: r.field_or(version >= 4, true, Reader::bool)?,
            include_cluster_authorized_operations: r
                .field((8..=10).contains(&version), Reader::bool)?,
            include_topic_authorized_operations: r.field(version >= 8, Reader::bool)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("MetadataRequest", version, 0..=13, version >= 9)?;
        w.null_if(version >= 1, &self.topics, "Topics", version)?;
        w.nullable_array(self.topics.as_deref(), version)?;
        if version >= 4 {
            w.bool(self.allow_auto_topic_creation);
        } else {
            w.absent(
                self.allow_auto_topic_creation,
                "AllowAutoTopicCreation",
                version,
            )?;
        }
        if (8..=10).contains(&version) {
            w.bool(self.include_cluster_authorized_operations);
        } else {
            w.absent(
                !self.include_cluster_authorized_operations,
                "IncludeClusterAuthorizedOperations",
                version,
            )?;
        }
        if version >= 8 {
            w.bool(self.include_topic_authorized_operations);
        } else {
            w.absent(
                !self.include_topic_authorized_operations,
                "IncludeTopicAuthorizedOperations",
                version,
            )?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        4 + array_len(self.topics.as_deref().unwrap_or_default())
    }
}

impl Request for MetadataRequest {
    const KEY: ApiKey = ApiKey::Metadata;
    type Response = MetadataResponse;
}

/// `Topics` in `MetadataRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataRequestTopic {
    /// `uuid`, versions 10+, ignorable.
    pub topic_id: Uuid,
    /// `string`, nullable in versions 10+.
    pub name: Option<Str>,
}

impl Default for MetadataRequestTopic {
    fn default() -> Self {
        Self {
            topic_id: Uuid::ZERO,
            name: Some(Str::new()),
        }
    }
}

impl Part for MetadataRequestTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic_id: r.field(version >= 10, Reader::uuid)?,
            name: r.null_if(version >= 10, Reader::nullable_string)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        w.null_if(version >= 10, &self.name, "Name", version)?;
        w.nullable_string(self.name.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.name.as_ref().map_or(0, |value| value.len())
    }
}

/// Body of a `Metadata` response, versions 0-13.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponse {
    /// `int32`, versions 3+, ignorable.
    pub throttle_time_ms: i32,
    /// `[]MetadataResponseBroker`.
    pub brokers: Vec<MetadataResponseBroker>,
    /// `string`, versions 2+, nullable, ignorable.
    pub cluster_id: Option<Str>,
    /// `int32`, versions 1+, default -1, ignorable.
    pub controller_id: i32,
    /// `[]MetadataResponseTopic`.
    pub topics: Vec<MetadataResponseTopic>,
    /// `int32`, versions 8-10, default -2147483648.
    pub cluster_authorized_operations: i32,
    /// `int16`, versions 13+, ignorable.
    pub error_code: i16,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: i32::MIN,
            error_code: 0,
        }
    }
}

impl Message for MetadataResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("MetadataResponse", version, 0..=13, version >= 9)?;
        let message = Self {
            throttle_time_ms: r.field(version >= 3, Reader::i32)?,
            brokers: r.array(version)?,
            cluster_id: r.field(version >= 2, Reader::nullable_string)?,
            controller_id: r.field_or(version >= 1, -1, Reader::i32)?,
            topics: r.array(version)?,
            cluster_authorized_operations: r.field_or(
                (8..=10).contains(&version),
                i32::MIN,
                Reader::i32,
            )?,
            error_code: r.field(version >= 13, Reader::i16)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("MetadataResponse", version, 0..=13, version >= 9)?;
        if version >= 3 {
            w.i32(self.throttle_time_ms);
        }
        w.array(&self.brokers, version)?;
        if version >= 2 {
            w.nullable_string(self.cluster_id.as_ref())?;
        }
        if version >= 1 {
            w.i32(self.controller_id);
        }
        w.array(&self.topics, version)?;
        if (8..=10).contains(&version) {
            w.i32(self.cluster_authorized_operations);
        } else {
            w.absent(
                self.cluster_authorized_operations == i32::MIN,
                "ClusterAuthorizedOperations",
                version,
            )?;
        }
        if version >= 13 {
            w.i16(self.error_code);
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        20 + array_len(&self.brokers)
            + self.cluster_id.as_ref().map_or(0, |value| value.len())
            + array_len(&self.topics)
    }
}

/// `Brokers` in `MetadataResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetadataResponseBroker {
    /// `int32`.
    pub node_id: i32,
    /// `string`.
    pub host: Str,
    /// `int32`.
    pub port: i32,
    /// `string`, versions 1+, nullable, ignorable.
    pub rack: Option<Str>,
}

impl Part for MetadataResponseBroker {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            node_id: r.i32()?,
            host: r.string()?,
            port: r.i32()?,
            rack: r.field(version >= 1, Reader::nullable_string)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.string(&self.host)?;
        w.i32(self.port);
        if version >= 1 {
            w.nullable_string(self.rack.as_ref())?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        19 + self.host.len() + self.rack.as_ref().map_or(0, |value| value.len())
    }
}

/// `Topics` in `MetadataResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponseTopic {
    /// `int16`.
    pub error_code: i16,
    /// `string`, nullable in versions 12+.
    pub name: Option<Str>,
    /// `uuid`, versions 10+, ignorable.
    pub topic_id: Uuid,
    /// `bool`, versions 1+, ignorable.
    pub is_internal: bool,
    /// `[]MetadataResponsePartition`.
    pub partitions: Vec<MetadataResponsePartition>,
    /// `int32`, versions 8+, default -2147483648.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic {
    fn default() -> Self {
        Self {
            error_code: 0,
            name: Some(Str::new()),
            topic_id: Uuid::ZERO,
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: i32::MIN,
        }
    }
}

impl Part for MetadataResponseTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            error_code: r.i16()?,
            name: r.null_if(version >= 12, Reader::nullable_string)?,
            topic_id: r.field(version >= 10, Reader::uuid)?,
            is_internal: r.field(version >= 1, Reader::bool)?,
            partitions: r.array(version)?,
            topic_authorized_operations: r.field_or(version >= 8, i32::MIN, Reader::i32)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.null_if(version >= 12, &self.name, "Name", version)?;
        w.nullable_string(self.name.as_ref())?;
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        if version >= 1 {
            w.bool(self.is_internal);
        }
        w.array(&self.partitions, version)?;
        if version >= 8 {
            w.i32(self.topic_authorized_operations);
        } else {
            w.absent(
                self.topic_authorized_operations == i32::MIN,
                "TopicAuthorizedOperations",
                version,
            )?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        29 + self.name.as_ref().map_or(0, |value| value.len()) + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `MetadataResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponsePartition {
    /// `int16`.
    pub error_code: i16,
    /// `int32`.
    pub partition_index: i32,
    /// `int32`.
    pub leader_id: i32,
    /// `int32`, versions 7+, default -1, ignorable.
    pub leader_epoch: i32,
    /// `[]int32`.
    pub replica_nodes: Vec<i32>,
    /// `[]int32`.
    pub isr_nodes: Vec<i32>,
    /// `[]int32`, versions 5+, ignorable.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            offline_replicas: Vec::new(),
        }
    }
}

impl Part for MetadataResponsePartition {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            error_code: r.i16()?,
            partition_index: r.i32()?,
            leader_id: r.i32()?,
            leader_epoch: r.field_or(version >= 7, -1, Reader::i32)?,
            replica_nodes: r.array(version)?,
            isr_nodes: r.array(version)?,
            offline_replicas: r.field(version >= 5, |r| r.array(version))?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.i32(self.partition_index);
        w.i32(self.leader_id);
        if version >= 7 {
            w.i32(self.leader_epoch);
        }
        w.array(&self.replica_nodes, version)?;
        w.array(&self.isr_nodes, version)?;
        if version >= 5 {
            w.array(&self.offline_replicas, version)?;
        }
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        15 + array_len(&self.replica_nodes)
            + array_len(&self.isr_nodes)
            + array_len(&self.offline_replicas)
    }
}
