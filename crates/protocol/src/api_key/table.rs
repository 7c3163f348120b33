//! The API table.
//!
//! Generated from `schema/` by `cargo run -p xtask -- codegen`; do not edit.

use super::{BROKER, CLUSTER_ACTION, CONTROLLER, FORWARDABLE, Facts, REMOVED, facts};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub enum ApiKey {
    /// Key 0.
    Produce = 0,
    /// Key 1.
    Fetch = 1,
    /// Key 2.
    ListOffsets = 2,
    /// Key 3.
    Metadata = 3,
    /// Key 8.
    OffsetCommit = 8,
    /// Key 9.
    OffsetFetch = 9,
    /// Key 10.
    FindCoordinator = 10,
    /// Key 11.
    JoinGroup = 11,
    /// Key 12.
    Heartbeat = 12,
    /// Key 13.
    LeaveGroup = 13,
    /// Key 14.
    SyncGroup = 14,
    /// Key 15.
    DescribeGroups = 15,
    /// Key 16.
    ListGroups = 16,
    /// Key 17.
    SaslHandshake = 17,
    /// Key 18.
    ApiVersions = 18,
    /// Key 19.
    CreateTopics = 19,
    /// Key 20.
    DeleteTopics = 20,
    /// Key 21.
    DeleteRecords = 21,
    /// Key 22.
    InitProducerId = 22,
    /// Key 23.
    OffsetForLeaderEpoch = 23,
    /// Key 24.
    AddPartitionsToTxn = 24,
    /// Key 25.
    AddOffsetsToTxn = 25,
    /// Key 26.
    EndTxn = 26,
    /// Key 27.
    WriteTxnMarkers = 27,
    /// Key 28.
    TxnOffsetCommit = 28,
    /// Key 29.
    DescribeAcls = 29,
    /// Key 30.
    CreateAcls = 30,
    /// Key 31.
    DeleteAcls = 31,
    /// Key 32.
    DescribeConfigs = 32,
    /// Key 33.
    AlterConfigs = 33,
    /// Key 34.
    AlterReplicaLogDirs = 34,
    /// Key 35.
    DescribeLogDirs = 35,
    /// Key 36.
    SaslAuthenticate = 36,
    /// Key 37.
    CreatePartitions = 37,
    /// Key 38.
    CreateDelegationToken = 38,
    /// Key 39.
    RenewDelegationToken = 39,
    /// Key 40.
    ExpireDelegationToken = 40,
    /// Key 41.
    DescribeDelegationToken = 41,
    /// Key 42.
    DeleteGroups = 42,
    /// Key 43.
    ElectLeaders = 43,
    /// Key 44.
    IncrementalAlterConfigs = 44,
    /// Key 45.
    AlterPartitionReassignments = 45,
    /// Key 46.
    ListPartitionReassignments = 46,
    /// Key 47.
    OffsetDelete = 47,
    /// Key 48.
    DescribeClientQuotas = 48,
    /// Key 49.
    AlterClientQuotas = 49,
    /// Key 50.
    DescribeUserScramCredentials = 50,
    /// Key 51.
    AlterUserScramCredentials = 51,
    /// Key 52.
    Vote = 52,
    /// Key 53.
    BeginQuorumEpoch = 53,
    /// Key 54.
    EndQuorumEpoch = 54,
    /// Key 55.
    DescribeQuorum = 55,
    /// Key 56.
    AlterPartition = 56,
    /// Key 57.
    UpdateFeatures = 57,
    /// Key 58.
    Envelope = 58,
    /// Key 59.
    FetchSnapshot = 59,
    /// Key 60.
    DescribeCluster = 60,
    /// Key 61.
    DescribeProducers = 61,
    /// Key 62.
    BrokerRegistration = 62,
    /// Key 63.
    BrokerHeartbeat = 63,
    /// Key 64.
    UnregisterBroker = 64,
    /// Key 65.
    DescribeTransactions = 65,
    /// Key 66.
    ListTransactions = 66,
    /// Key 67.
    AllocateProducerIds = 67,
    /// Key 68.
    ConsumerGroupHeartbeat = 68,
    /// Key 69.
    ConsumerGroupDescribe = 69,
    /// Key 70.
    ControllerRegistration = 70,
    /// Key 71.
    GetTelemetrySubscriptions = 71,
    /// Key 72.
    PushTelemetry = 72,
    /// Key 73.
    AssignReplicasToDirs = 73,
    /// Key 74.
    ListConfigResources = 74,
    /// Key 75.
    DescribeTopicPartitions = 75,
    /// Key 76.
    ShareGroupHeartbeat = 76,
    /// Key 77.
    ShareGroupDescribe = 77,
    /// Key 78.
    ShareFetch = 78,
    /// Key 79.
    ShareAcknowledge = 79,
    /// Key 80.
    AddRaftVoter = 80,
    /// Key 81.
    RemoveRaftVoter = 81,
    /// Key 82.
    UpdateRaftVoter = 82,
    /// Key 83.
    InitializeShareGroupState = 83,
    /// Key 84.
    ReadShareGroupState = 84,
    /// Key 85.
    WriteShareGroupState = 85,
    /// Key 86.
    DeleteShareGroupState = 86,
    /// Key 87.
    ReadShareGroupStateSummary = 87,
    /// Key 88.
    StreamsGroupHeartbeat = 88,
    /// Key 89.
    StreamsGroupDescribe = 89,
    /// Key 90.
    DescribeShareGroupOffsets = 90,
    /// Key 91.
    AlterShareGroupOffsets = 91,
    /// Key 92.
    DeleteShareGroupOffsets = 92,
}

impl ApiKey {
    /// Every key, ascending.
    pub const ALL: &[Self] = &[
        Self::Produce,
        Self::Fetch,
        Self::ListOffsets,
        Self::Metadata,
        Self::OffsetCommit,
        Self::OffsetFetch,
        Self::FindCoordinator,
        Self::JoinGroup,
        Self::Heartbeat,
        Self::LeaveGroup,
        Self::SyncGroup,
        Self::DescribeGroups,
        Self::ListGroups,
        Self::SaslHandshake,
        Self::ApiVersions,
        Self::CreateTopics,
        Self::DeleteTopics,
        Self::DeleteRecords,
        Self::InitProducerId,
        Self::OffsetForLeaderEpoch,
        Self::AddPartitionsToTxn,
        Self::AddOffsetsToTxn,
        Self::EndTxn,
        Self::WriteTxnMarkers,
        Self::TxnOffsetCommit,
        Self::DescribeAcls,
        Self::CreateAcls,
        Self::DeleteAcls,
        Self::DescribeConfigs,
        Self::AlterConfigs,
        Self::AlterReplicaLogDirs,
        Self::DescribeLogDirs,
        Self::SaslAuthenticate,
        Self::CreatePartitions,
        Self::CreateDelegationToken,
        Self::RenewDelegationToken,
        Self::ExpireDelegationToken,
        Self::DescribeDelegationToken,
        Self::DeleteGroups,
        Self::ElectLeaders,
        Self::IncrementalAlterConfigs,
        Self::AlterPartitionReassignments,
        Self::ListPartitionReassignments,
        Self::OffsetDelete,
        Self::DescribeClientQuotas,
        Self::AlterClientQuotas,
        Self::DescribeUserScramCredentials,
        Self::AlterUserScramCredentials,
        Self::Vote,
        Self::BeginQuorumEpoch,
        Self::EndQuorumEpoch,
        Self::DescribeQuorum,
        Self::AlterPartition,
        Self::UpdateFeatures,
        Self::Envelope,
        Self::FetchSnapshot,
        Self::DescribeCluster,
        Self::DescribeProducers,
        Self::BrokerRegistration,
        Self::BrokerHeartbeat,
        Self::UnregisterBroker,
        Self::DescribeTransactions,
        Self::ListTransactions,
        Self::AllocateProducerIds,
        Self::ConsumerGroupHeartbeat,
        Self::ConsumerGroupDescribe,
        Self::ControllerRegistration,
        Self::GetTelemetrySubscriptions,
        Self::PushTelemetry,
        Self::AssignReplicasToDirs,
        Self::ListConfigResources,
        Self::DescribeTopicPartitions,
        Self::ShareGroupHeartbeat,
        Self::ShareGroupDescribe,
        Self::ShareFetch,
        Self::ShareAcknowledge,
        Self::AddRaftVoter,
        Self::RemoveRaftVoter,
        Self::UpdateRaftVoter,
        Self::InitializeShareGroupState,
        Self::ReadShareGroupState,
        Self::WriteShareGroupState,
        Self::DeleteShareGroupState,
        Self::ReadShareGroupStateSummary,
        Self::StreamsGroupHeartbeat,
        Self::StreamsGroupDescribe,
        Self::DescribeShareGroupOffsets,
        Self::AlterShareGroupOffsets,
        Self::DeleteShareGroupOffsets,
    ];

    /// The key with this number; `None` for numbers never given, and for APIs that Kafka has
    /// removed.
    #[must_use]
    pub const fn from_wire(key: i16) -> Option<Self> {
        Some(match key {
            0 => Self::Produce,
            1 => Self::Fetch,
            2 => Self::ListOffsets,
            3 => Self::Metadata,
            8 => Self::OffsetCommit,
            9 => Self::OffsetFetch,
            10 => Self::FindCoordinator,
            11 => Self::JoinGroup,
            12 => Self::Heartbeat,
            13 => Self::LeaveGroup,
            14 => Self::SyncGroup,
            15 => Self::DescribeGroups,
            16 => Self::ListGroups,
            17 => Self::SaslHandshake,
            18 => Self::ApiVersions,
            19 => Self::CreateTopics,
            20 => Self::DeleteTopics,
            21 => Self::DeleteRecords,
            22 => Self::InitProducerId,
            23 => Self::OffsetForLeaderEpoch,
            24 => Self::AddPartitionsToTxn,
            25 => Self::AddOffsetsToTxn,
            26 => Self::EndTxn,
            27 => Self::WriteTxnMarkers,
            28 => Self::TxnOffsetCommit,
            29 => Self::DescribeAcls,
            30 => Self::CreateAcls,
            31 => Self::DeleteAcls,
            32 => Self::DescribeConfigs,
            33 => Self::AlterConfigs,
            34 => Self::AlterReplicaLogDirs,
            35 => Self::DescribeLogDirs,
            36 => Self::SaslAuthenticate,
            37 => Self::CreatePartitions,
            38 => Self::CreateDelegationToken,
            39 => Self::RenewDelegationToken,
            40 => Self::ExpireDelegationToken,
            41 => Self::DescribeDelegationToken,
            42 => Self::DeleteGroups,
            43 => Self::ElectLeaders,
            44 => Self::IncrementalAlterConfigs,
            45 => Self::AlterPartitionReassignments,
            46 => Self::ListPartitionReassignments,
            47 => Self::OffsetDelete,
            48 => Self::DescribeClientQuotas,
            49 => Self::AlterClientQuotas,
            50 => Self::DescribeUserScramCredentials,
            51 => Self::AlterUserScramCredentials,
            52 => Self::Vote,
            53 => Self::BeginQuorumEpoch,
            54 => Self::EndQuorumEpoch,
            55 => Self::DescribeQuorum,
            56 => Self::AlterPartition,
            57 => Self::UpdateFeatures,
            58 => Self::Envelope,
            59 => Self::FetchSnapshot,
            60 => Self::DescribeCluster,
            61 => Self::DescribeProducers,
            62 => Self::BrokerRegistration,
            63 => Self::BrokerHeartbeat,
            64 => Self::UnregisterBroker,
            65 => Self::DescribeTransactions,
            66 => Self::ListTransactions,
            67 => Self::AllocateProducerIds,
            68 => Self::ConsumerGroupHeartbeat,
            69 => Self::ConsumerGroupDescribe,
            70 => Self::ControllerRegistration,
            71 => Self::GetTelemetrySubscriptions,
            72 => Self::PushTelemetry,
            73 => Self::AssignReplicasToDirs,
            74 => Self::ListConfigResources,
            75 => Self::DescribeTopicPartitions,
            76 => Self::ShareGroupHeartbeat,
            77 => Self::ShareGroupDescribe,
            78 => Self::ShareFetch,
            79 => Self::ShareAcknowledge,
            80 => Self::AddRaftVoter,
            81 => Self::RemoveRaftVoter,
            82 => Self::UpdateRaftVoter,
            83 => Self::InitializeShareGroupState,
            84 => Self::ReadShareGroupState,
            85 => Self::WriteShareGroupState,
            86 => Self::DeleteShareGroupState,
            87 => Self::ReadShareGroupStateSummary,
            88 => Self::StreamsGroupHeartbeat,
            89 => Self::StreamsGroupDescribe,
            90 => Self::DescribeShareGroupOffsets,
            91 => Self::AlterShareGroupOffsets,
            92 => Self::DeleteShareGroupOffsets,
            _ => return None,
        })
    }

    /// Its number.
    #[must_use]
    pub const fn to_wire(self) -> i16 {
        self as i16
    }
}

pub(super) static FACTS: [Facts; 93] = [
    facts("Produce", (3, 13), 0, 9, BROKER),
    facts("Fetch", (4, 18), 4, 12, BROKER | CONTROLLER),
    facts("ListOffsets", (1, 11), 1, 6, BROKER),
    facts("Metadata", (0, 13), 0, 9, BROKER),
    REMOVED,
    REMOVED,
    REMOVED,
    REMOVED,
    facts("OffsetCommit", (2, 10), 2, 8, BROKER),
    facts("OffsetFetch", (1, 10), 1, 6, BROKER),
    facts("FindCoordinator", (0, 6), 0, 3, BROKER),
    facts("JoinGroup", (0, 9), 0, 6, BROKER),
    facts("Heartbeat", (0, 4), 0, 4, BROKER),
    facts("LeaveGroup", (0, 5), 0, 4, BROKER),
    facts("SyncGroup", (0, 5), 0, 4, BROKER),
    facts("DescribeGroups", (0, 6), 0, 5, BROKER),
    facts("ListGroups", (0, 5), 0, 3, BROKER),
    facts("SaslHandshake", (0, 1), 0, i16::MAX, BROKER | CONTROLLER),
    facts("ApiVersions", (0, 4), 0, 3, BROKER | CONTROLLER),
    facts(
        "CreateTopics",
        (2, 7),
        2,
        5,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "DeleteTopics",
        (1, 6),
        1,
        4,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts("DeleteRecords", (0, 2), 0, 2, BROKER),
    facts("InitProducerId", (0, 5), 0, 2, BROKER),
    facts("OffsetForLeaderEpoch", (2, 4), 2, 4, BROKER),
    facts("AddPartitionsToTxn", (0, 5), 0, 3, BROKER),
    facts("AddOffsetsToTxn", (0, 4), 0, 3, BROKER),
    facts("EndTxn", (0, 5), 0, 3, BROKER),
    facts("WriteTxnMarkers", (1, 2), 1, 1, BROKER | CLUSTER_ACTION),
    facts("TxnOffsetCommit", (0, 5), 0, 3, BROKER),
    facts("DescribeAcls", (1, 3), 1, 2, BROKER | CONTROLLER),
    facts(
        "CreateAcls",
        (1, 3),
        1,
        2,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "DeleteAcls",
        (1, 3),
        1,
        2,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts("DescribeConfigs", (1, 4), 1, 4, BROKER | CONTROLLER),
    facts(
        "AlterConfigs",
        (0, 2),
        0,
        2,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts("AlterReplicaLogDirs", (1, 2), 1, 2, BROKER),
    facts("DescribeLogDirs", (1, 5), 1, 2, BROKER),
    facts("SaslAuthenticate", (0, 2), 0, 2, BROKER | CONTROLLER),
    facts(
        "CreatePartitions",
        (0, 3),
        0,
        2,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "CreateDelegationToken",
        (1, 3),
        1,
        2,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "RenewDelegationToken",
        (1, 2),
        1,
        2,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "ExpireDelegationToken",
        (1, 2),
        1,
        2,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts("DescribeDelegationToken", (1, 3), 1, 2, BROKER | CONTROLLER),
    facts("DeleteGroups", (0, 2), 0, 2, BROKER),
    facts(
        "ElectLeaders",
        (0, 2),
        0,
        2,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "IncrementalAlterConfigs",
        (0, 1),
        0,
        1,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "AlterPartitionReassignments",
        (0, 1),
        0,
        0,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "ListPartitionReassignments",
        (0, 0),
        0,
        0,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts("OffsetDelete", (0, 0), 0, i16::MAX, BROKER),
    facts("DescribeClientQuotas", (0, 1), 0, 1, BROKER),
    facts(
        "AlterClientQuotas",
        (0, 1),
        0,
        1,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "DescribeUserScramCredentials",
        (0, 0),
        0,
        0,
        BROKER | CONTROLLER,
    ),
    facts(
        "AlterUserScramCredentials",
        (0, 0),
        0,
        0,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts("Vote", (0, 2), 0, 0, CONTROLLER | CLUSTER_ACTION),
    facts(
        "BeginQuorumEpoch",
        (0, 1),
        0,
        1,
        CONTROLLER | CLUSTER_ACTION,
    ),
    facts("EndQuorumEpoch", (0, 1), 0, 1, CONTROLLER | CLUSTER_ACTION),
    facts(
        "DescribeQuorum",
        (0, 2),
        0,
        0,
        BROKER | CONTROLLER | FORWARDABLE | CLUSTER_ACTION,
    ),
    facts("AlterPartition", (2, 3), 2, 2, CONTROLLER | CLUSTER_ACTION),
    facts(
        "UpdateFeatures",
        (0, 2),
        0,
        0,
        BROKER | CONTROLLER | FORWARDABLE | CLUSTER_ACTION,
    ),
    facts("Envelope", (0, 0), 0, 0, CONTROLLER | CLUSTER_ACTION),
    facts("FetchSnapshot", (0, 1), 0, 0, CONTROLLER),
    facts("DescribeCluster", (0, 2), 0, 0, BROKER | CONTROLLER),
    facts("DescribeProducers", (0, 0), 0, 0, BROKER),
    facts(
        "BrokerRegistration",
        (0, 4),
        0,
        0,
        CONTROLLER | CLUSTER_ACTION,
    ),
    facts("BrokerHeartbeat", (0, 2), 0, 0, CONTROLLER | CLUSTER_ACTION),
    facts(
        "UnregisterBroker",
        (0, 0),
        0,
        0,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts("DescribeTransactions", (0, 0), 0, 0, BROKER),
    facts("ListTransactions", (0, 2), 0, 0, BROKER),
    facts(
        "AllocateProducerIds",
        (0, 0),
        0,
        0,
        CONTROLLER | FORWARDABLE | CLUSTER_ACTION,
    ),
    facts("ConsumerGroupHeartbeat", (0, 1), 0, 0, BROKER),
    facts("ConsumerGroupDescribe", (0, 1), 0, 0, BROKER),
    facts("ControllerRegistration", (0, 0), 0, 0, CONTROLLER),
    facts("GetTelemetrySubscriptions", (0, 0), 0, 0, BROKER),
    facts("PushTelemetry", (0, 0), 0, 0, BROKER),
    facts("AssignReplicasToDirs", (0, 0), 0, 0, CONTROLLER),
    facts("ListConfigResources", (0, 1), 0, 0, BROKER),
    facts("DescribeTopicPartitions", (0, 0), 0, 0, BROKER),
    facts("ShareGroupHeartbeat", (1, 1), 1, 1, BROKER),
    facts("ShareGroupDescribe", (1, 1), 1, 1, BROKER),
    facts("ShareFetch", (1, 2), 1, 1, BROKER),
    facts("ShareAcknowledge", (1, 2), 1, 1, BROKER),
    facts(
        "AddRaftVoter",
        (0, 1),
        0,
        0,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts(
        "RemoveRaftVoter",
        (0, 0),
        0,
        0,
        BROKER | CONTROLLER | FORWARDABLE,
    ),
    facts("UpdateRaftVoter", (0, 0), 0, 0, CONTROLLER),
    facts(
        "InitializeShareGroupState",
        (0, 0),
        0,
        0,
        BROKER | CLUSTER_ACTION,
    ),
    facts("ReadShareGroupState", (0, 0), 0, 0, BROKER | CLUSTER_ACTION),
    facts(
        "WriteShareGroupState",
        (0, 1),
        0,
        0,
        BROKER | CLUSTER_ACTION,
    ),
    facts(
        "DeleteShareGroupState",
        (0, 0),
        0,
        0,
        BROKER | CLUSTER_ACTION,
    ),
    facts(
        "ReadShareGroupStateSummary",
        (0, 1),
        0,
        0,
        BROKER | CLUSTER_ACTION,
    ),
    facts("StreamsGroupHeartbeat", (0, 0), 0, 0, BROKER),
    facts("StreamsGroupDescribe", (0, 0), 0, 0, BROKER),
    facts("DescribeShareGroupOffsets", (0, 1), 0, 0, BROKER),
    facts("AlterShareGroupOffsets", (0, 0), 0, 0, BROKER),
    facts("DeleteShareGroupOffsets", (0, 0), 0, 0, BROKER),
];
