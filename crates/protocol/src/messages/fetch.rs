//! `Fetch` (key 1): request and response.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use types::Uuid;

use crate::wire::{DecodeError, EncodeError, Part, Reader, Writer, array_len};
use crate::{ApiKey, Message, RecordSet, Request, Str};

/// Body of a `Fetch` request, versions 4-18.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequest {
    /// `string`, versions 12+, tag 0, nullable, ignorable.
    pub cluster_id: Option<Str>,
    /// `int32`, versions 4-14, default -1.
    pub replica_id: i32,
    /// `ReplicaState`, versions 15+, tag 1.
    pub replica_state: ReplicaState,
    /// `int32`.
    pub max_wait_ms: i32,
    /// `int32`.
    pub min_bytes: i32,
    /// `int32`, default 0x7fffffff.
    pub max_bytes: i32,
    /// `int8`.
    pub isolation_level: i8,
    /// `int32`, versions 7+, ignorable.
    pub session_id: i32,
    /// `int32`, versions 7+, default -1, ignorable.
    pub session_epoch: i32,
    /// `[]FetchTopic`.
    pub topics: Vec<FetchTopic>,
    /// `[]ForgottenTopic`, versions 7+.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// `string`, versions 11+, ignorable.
    pub rack_id: Str,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: None,
            replica_id: -1,
            replica_state: ReplicaState::default(),
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: i32::MAX,
            isolation_level: 0,
            session_id: 0,
            session_epoch: -1,
            topics: Vec::new(),
            forgotten_topics_data: Vec::new(),
            rack_id: Str::new(),
        }
    }
}

impl Message for FetchRequest {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("FetchRequest", version, 4..=18, version >= 12)?;
        let mut message = Self {
            cluster_id: None,
            replica_id: r.field_or(version <= 14, -1, Reader::i32)?,
            replica_state: ReplicaState::default(),
            max_wait_ms: r.i32()?,
            min_bytes: r.i32()?,
            max_bytes: r.i32()?,
            isolation_level: r.i8()?,
            session_id: r.field(version >= 7, Reader::i32)?,
            session_epoch: r.field_or(version >= 7, -1, Reader::i32)?,
            topics: r.array(version)?,
            forgotten_topics_data: r.field(version >= 7, |r| r.array(version))?,
            rack_id: r.field(version >= 11, Reader::string)?,
        };
        r.tags(|r, tag| {
            match tag {
                0 if version >= 12 => {
                    message.cluster_id = r.nullable_string()?;
                }
                1 if version >= 15 => {
                    message.replica_state = ReplicaState::decode(r, version)?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("FetchRequest", version, 4..=18, version >= 12)?;
        if version <= 14 {
            w.i32(self.replica_id);
        } else {
            w.absent(self.replica_id == -1, "ReplicaId", version)?;
        }
        w.i32(self.max_wait_ms);
        w.i32(self.min_bytes);
        w.i32(self.max_bytes);
        w.i8(self.isolation_level);
        if version >= 7 {
            w.i32(self.session_id);
        }
        if version >= 7 {
            w.i32(self.session_epoch);
        }
        w.array(&self.topics, version)?;
        if version >= 7 {
            w.array(&self.forgotten_topics_data, version)?;
        } else {
            w.absent(
                self.forgotten_topics_data.is_empty(),
                "ForgottenTopicsData",
                version,
            )?;
        }
        if version >= 11 {
            w.string(&self.rack_id)?;
        }
        w.absent(
            version >= 15 || self.replica_state == ReplicaState::default(),
            "ReplicaState",
            version,
        )?;
        if version >= 12 {
            let mut tags = w.begin_tags();
            if self.cluster_id.is_some() {
                w.tag(&mut tags, 0, |w| {
                    w.nullable_string(self.cluster_id.as_ref())
                })?;
            }
            if version >= 15 && self.replica_state != ReplicaState::default() {
                w.tag(&mut tags, 1, |w| self.replica_state.encode(w, version))?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        48 + self.cluster_id.as_ref().map_or(0, |value| value.len())
            + self.replica_state.encoded_len()
            + array_len(&self.topics)
            + array_len(&self.forgotten_topics_data)
            + self.rack_id.len()
    }
}

impl Request for FetchRequest {
    const KEY: ApiKey = ApiKey::Fetch;
    type Response = FetchResponse;
}

/// `ReplicaState` in `FetchRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicaState {
    /// `int32`, default -1.
    pub replica_id: i32,
    /// `int64`, default -1.
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: -1,
            replica_epoch: -1,
        }
    }
}

impl Part for ReplicaState {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            replica_id: r.i32()?,
            replica_epoch: r.i64()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.replica_id);
        w.i64(self.replica_epoch);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        13
    }
}

/// `Topics` in `FetchRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchTopic {
    /// `string`, versions 4-12, ignorable.
    pub topic: Str,
    /// `uuid`, versions 13+, ignorable.
    pub topic_id: Uuid,
    /// `[]FetchPartition`.
    pub partitions: Vec<FetchPartition>,
}

impl Part for FetchTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic: r.field(version <= 12, Reader::string)?,
            topic_id: r.field(version >= 13, Reader::uuid)?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version <= 12 {
            w.string(&self.topic)?;
        }
        if version >= 13 {
            w.uuid(self.topic_id);
        }
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.topic.len() + array_len(&self.partitions)
    }
}

/// `Topics.Partitions` in `FetchRequest`.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchPartition {
    /// `int32`.
    pub partition: i32,
    /// `int32`, versions 9+, default -1, ignorable.
    pub current_leader_epoch: i32,
    /// `int64`.
    pub fetch_offset: i64,
    /// `int32`, versions 12+, default -1.
    pub last_fetched_epoch: i32,
    /// `int64`, versions 5+, default -1, ignorable.
    pub log_start_offset: i64,
    /// `int32`.
    pub partition_max_bytes: i32,
    /// `uuid`, versions 17+, tag 0, ignorable.
    pub replica_directory_id: Uuid,
    /// `int64`, versions 18+, tag 1, default 9223372036854775807, ignorable.
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: 0,
            replica_directory_id: Uuid::ZERO,
            high_watermark: i64::MAX,
        }
    }
}

impl Part for FetchPartition {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let mut message = Self {
            partition: r.i32()?,
            current_leader_epoch: r.field_or(version >= 9, -1, Reader::i32)?,
            fetch_offset: r.i64()?,
            last_fetched_epoch: r.field_or(version >= 12, -1, Reader::i32)?,
            log_start_offset: r.field_or(version >= 5, -1, Reader::i64)?,
            partition_max_bytes: r.i32()?,
            replica_directory_id: Uuid::ZERO,
            high_watermark: i64::MAX,
        };
        r.tags(|r, tag| {
            match tag {
                0 if version >= 17 => {
                    message.replica_directory_id = r.uuid()?;
                }
                1 if version >= 18 => {
                    message.high_watermark = r.i64()?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition);
        if version >= 9 {
            w.i32(self.current_leader_epoch);
        }
        w.i64(self.fetch_offset);
        if version >= 12 {
            w.i32(self.last_fetched_epoch);
        } else {
            w.absent(self.last_fetched_epoch == -1, "LastFetchedEpoch", version)?;
        }
        if version >= 5 {
            w.i64(self.log_start_offset);
        }
        w.i32(self.partition_max_bytes);
        if version >= 12 {
            let mut tags = w.begin_tags();
            if version >= 17 && !self.replica_directory_id.is_zero() {
                w.tag(&mut tags, 0, |w| {
                    w.uuid(self.replica_directory_id);
                    Ok(())
                })?;
            }
            if version >= 18 && self.high_watermark != i64::MAX {
                w.tag(&mut tags, 1, |w| {
                    w.i64(self.high_watermark);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        69
    }
}

/// `ForgottenTopicsData` in `FetchRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForgottenTopic {
    /// `string`, versions 7-12, ignorable.
    pub topic: Str,
    /// `uuid`, versions 13+, ignorable.
    pub topic_id: Uuid,
    /// `[]int32`.
    pub partitions: Vec<i32>,
}

impl Part for ForgottenTopic {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic: r.field(version <= 12, Reader::string)?,
            topic_id: r.field(version >= 13, Reader::uuid)?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version <= 12 {
            w.string(&self.topic)?;
        }
        if version >= 13 {
            w.uuid(self.topic_id);
        }
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.topic.len() + array_len(&self.partitions)
    }
}

/// Body of a `Fetch` response, versions 4-18.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchResponse {
    /// `int32`.
    pub throttle_time_ms: i32,
    /// `int16`, versions 7+, ignorable.
    pub error_code: i16,
    /// `int32`, versions 7+.
    pub session_id: i32,
    /// `[]FetchableTopicResponse`.
    pub responses: Vec<FetchableTopicResponse>,
    /// `[]NodeEndpoint`, versions 16+, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for FetchResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        r.begin("FetchResponse", version, 4..=18, version >= 12)?;
        let mut message = Self {
            throttle_time_ms: r.i32()?,
            error_code: r.field(version >= 7, Reader::i16)?,
            session_id: r.field(version >= 7, Reader::i32)?,
            responses: r.array(version)?,
            node_endpoints: Vec::new(),
        };
        r.tags(|r, tag| {
            match tag {
                0 if version >= 16 => {
                    message.node_endpoints = r.array(version)?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.begin("FetchResponse", version, 4..=18, version >= 12)?;
        w.i32(self.throttle_time_ms);
        if version >= 7 {
            w.i16(self.error_code);
        }
        if version >= 7 {
            w.i32(self.session_id);
        } else {
            w.absent(self.session_id == 0, "SessionId", version)?;
        }
        w.array(&self.responses, version)?;
        w.absent(
            version >= 16 || self.node_endpoints.is_empty(),
            "NodeEndpoints",
            version,
        )?;
        if version >= 12 {
            let mut tags = w.begin_tags();
            if version >= 16 && !self.node_endpoints.is_empty() {
                w.tag(&mut tags, 0, |w| w.array(&self.node_endpoints, version))?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        17 + array_len(&self.responses) + array_len(&self.node_endpoints)
    }
}

/// `Responses` in `FetchResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchableTopicResponse {
    /// `string`, versions 4-12, ignorable.
    pub topic: Str,
    /// `uuid`, versions 13+, ignorable.
    pub topic_id: Uuid,
    /// `[]PartitionData`.
    pub partitions: Vec<PartitionData>,
}

impl Part for FetchableTopicResponse {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            topic: r.field(version <= 12, Reader::string)?,
            topic_id: r.field(version >= 13, Reader::uuid)?,
            partitions: r.array(version)?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version <= 12 {
            w.string(&self.topic)?;
        }
        if version >= 13 {
            w.uuid(self.topic_id);
        }
        w.array(&self.partitions, version)?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        22 + self.topic.len() + array_len(&self.partitions)
    }
}

/// `Responses.Partitions` in `FetchResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionData {
    /// `int32`.
    pub partition_index: i32,
    /// `int16`.
    pub error_code: i16,
    /// `int64`.
    pub high_watermark: i64,
    /// `int64`, default -1.
    pub last_stable_offset: i64,
    /// `int64`, versions 5+, default -1, ignorable.
    pub log_start_offset: i64,
    /// `EpochEndOffset`, versions 12+, tag 0.
    pub diverging_epoch: EpochEndOffset,
    /// `LeaderIdAndEpoch`, versions 12+, tag 1.
    pub current_leader: LeaderIdAndEpoch,
    /// `SnapshotId`, versions 12+, tag 2.
    pub snapshot_id: SnapshotId,
    /// `[]AbortedTransaction`, nullable.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// `int32`, versions 11+, default -1.
    pub preferred_read_replica: i32,
    /// `records`, nullable.
    pub records: Option<RecordSet>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            high_watermark: 0,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: Some(Vec::new()),
            preferred_read_replica: -1,
            records: None,
        }
    }
}

impl Part for PartitionData {
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        let mut message = Self {
            partition_index: r.i32()?,
            error_code: r.i16()?,
            high_watermark: r.i64()?,
            last_stable_offset: r.i64()?,
            log_start_offset: r.field_or(version >= 5, -1, Reader::i64)?,
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: r.nullable_array(version)?,
            preferred_read_replica: r.field_or(version >= 11, -1, Reader::i32)?,
            records: r.nullable_records()?,
        };
        r.tags(|r, tag| {
            match tag {
                0 if version >= 12 => {
                    message.diverging_epoch = EpochEndOffset::decode(r, version)?;
                }
                1 if version >= 12 => {
                    message.current_leader = LeaderIdAndEpoch::decode(r, version)?;
                }
                2 if version >= 12 => {
                    message.snapshot_id = SnapshotId::decode(r, version)?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.i64(self.high_watermark);
        w.i64(self.last_stable_offset);
        if version >= 5 {
            w.i64(self.log_start_offset);
        }
        w.nullable_array(self.aborted_transactions.as_deref(), version)?;
        if version >= 11 {
            w.i32(self.preferred_read_replica);
        } else {
            w.absent(
                self.preferred_read_replica == -1,
                "PreferredReadReplica",
                version,
            )?;
        }
        w.nullable_records(self.records.as_ref())?;
        w.absent(
            version >= 12 || self.diverging_epoch == EpochEndOffset::default(),
            "DivergingEpoch",
            version,
        )?;
        w.absent(
            version >= 12 || self.current_leader == LeaderIdAndEpoch::default(),
            "CurrentLeader",
            version,
        )?;
        w.absent(
            version >= 12 || self.snapshot_id == SnapshotId::default(),
            "SnapshotId",
            version,
        )?;
        if version >= 12 {
            let mut tags = w.begin_tags();
            if self.diverging_epoch != EpochEndOffset::default() {
                w.tag(&mut tags, 0, |w| self.diverging_epoch.encode(w, version))?;
            }
            if self.current_leader != LeaderIdAndEpoch::default() {
                w.tag(&mut tags, 1, |w| self.current_leader.encode(w, version))?;
            }
            if self.snapshot_id != SnapshotId::default() {
                w.tag(&mut tags, 2, |w| self.snapshot_id.encode(w, version))?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        58 + self.diverging_epoch.encoded_len()
            + self.current_leader.encoded_len()
            + self.snapshot_id.encoded_len()
            + array_len(self.aborted_transactions.as_deref().unwrap_or_default())
            + self.records.as_ref().map_or(0, RecordSet::copied_len)
    }
}

/// `Responses.Partitions.DivergingEpoch` in `FetchResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochEndOffset {
    /// `int32`, default -1.
    pub epoch: i32,
    /// `int64`, default -1.
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self {
            epoch: -1,
            end_offset: -1,
        }
    }
}

impl Part for EpochEndOffset {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            epoch: r.i32()?,
            end_offset: r.i64()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.epoch);
        w.i64(self.end_offset);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        13
    }
}

/// `Responses.Partitions.CurrentLeader` in `FetchResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `int32`, default -1.
    pub leader_id: i32,
    /// `int32`, default -1.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl Part for LeaderIdAndEpoch {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            leader_id: r.i32()?,
            leader_epoch: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        9
    }
}

/// `Responses.Partitions.SnapshotId` in `FetchResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotId {
    /// `int64`, default -1.
    pub end_offset: i64,
    /// `int32`, default -1.
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self {
            end_offset: -1,
            epoch: -1,
        }
    }
}

impl Part for SnapshotId {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            end_offset: r.i64()?,
            epoch: r.i32()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i64(self.end_offset);
        w.i32(self.epoch);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        13
    }
}

/// `Responses.Partitions.AbortedTransactions` in `FetchResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AbortedTransaction {
    /// `int64`.
    pub producer_id: i64,
    /// `int64`.
    pub first_offset: i64,
}

impl Part for AbortedTransaction {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            producer_id: r.i64()?,
            first_offset: r.i64()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i64(self.producer_id);
        w.i64(self.first_offset);
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        17
    }
}

/// `NodeEndpoints` in `FetchResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeEndpoint {
    /// `int32`.
    pub node_id: i32,
    /// `string`.
    pub host: Str,
    /// `int32`.
    pub port: i32,
    /// `string`, nullable.
    pub rack: Option<Str>,
}

impl Part for NodeEndpoint {
    fn decode(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
        let message = Self {
            node_id: r.i32()?,
            host: r.string()?,
            port: r.i32()?,
            rack: r.nullable_string()?,
        };
        r.skip_tags()?;
        Ok(message)
    }

    fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.node_id);
        w.string(&self.host)?;
        w.i32(self.port);
        w.nullable_string(self.rack.as_ref())?;
        w.no_tags();
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        19 + self.host.len() + self.rack.as_ref().map_or(0, |value| value.len())
    }
}
