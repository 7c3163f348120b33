//! What goes in and out of the client, in the workspace's own types.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use metadata::v1::Restart;
use metadata::{Listener, SupportedLevels};
use types::{BrokerEpoch, DirectoryId, NodeId, Offset, ProducerId, TimestampMs, Uuid};

/// One start of a broker, as it wants to be known to the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// `node.id`.
    pub broker_id: NodeId,
    /// New at each start of the process.
    pub incarnation_id: Uuid,
    /// The cluster the broker belongs to, `None` if it does not know yet.
    pub cluster_id: Option<String>,
    /// Advertised listeners.
    pub listeners: Vec<Listener>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Features this process can speak.
    pub features: BTreeMap<Arc<str>, SupportedLevels>,
    /// Log directories that are online.
    pub log_dirs: Vec<DirectoryId>,
    /// The epoch of the last run if that one ended cleanly, else [`BrokerEpoch::NONE`].
    pub previous_broker_epoch: BrokerEpoch,
    /// What happened to unflushed data since the former run.
    pub restart: Restart,
}

/// The answer to a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Names the registration; equals the metadata offset of its record.
    pub broker_epoch: BrokerEpoch,
    /// The cluster joined.
    pub cluster_id: String,
}

/// What a broker says of itself in a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatState {
    /// Last applied metadata offset (inclusive), -1 for none.
    pub metadata_offset: Offset,
    /// The broker asks to stay or become fenced.
    pub want_fence: bool,
    /// The broker asks to leave in an orderly way.
    pub want_shutdown: bool,
    /// Log directories that failed since the registration.
    pub offline_log_dirs: Vec<DirectoryId>,
    /// What its metadata image amounts to; said now and then.
    pub image_hash: Option<ImageHash>,
}

/// What a metadata image amounts to at an offset: the same on every node, or something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHash {
    /// Last metadata offset (inclusive) that the image holds.
    pub offset: Offset,
    /// Of its content.
    pub hash: u64,
}

/// What the controller answers to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartbeatAnswer {
    /// No client may be served.
    pub fenced: bool,
    /// The broker leads nothing any more and may stop.
    pub should_shutdown: bool,
    /// The broker has reached its registration.
    pub caught_up: bool,
    /// The controller surely was the active one when it answered, and the metadata up to here (inclusive)
    /// are all that it knew. `None` if it could not be sure at once.
    pub proven_offset: Option<Offset>,
}

/// A Kafka request on behalf of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardRequest {
    /// Kafka's API key.
    pub api_key: i16,
    /// Version of request and response.
    pub api_version: i16,
    /// Request body without its header.
    pub body: Bytes,
    /// Type and name: `User:alice`.
    pub principal: String,
    /// Where the client sits.
    pub client_host: String,
    /// The listener it came through.
    pub listener: String,
    /// `client.id`.
    pub client_id: String,
}

/// The answer to a forwarded request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// Response body without its header.
    pub body: Bytes,
    /// Last metadata offset (inclusive) that the answer rests on. Who answers the client only after
    /// its own image has reached it lets clients read their own writes.
    pub metadata_offset: Offset,
}

/// Producer ids `first .. first + count`, given out once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The first id.
    pub first: ProducerId,
    /// How many there are.
    pub count: i32,
}

/// The state of the quorum as its leader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumDescription {
    /// The active controller.
    pub leader_id: NodeId,
    /// Its epoch.
    pub leader_epoch: i32,
    /// One past the last committed metadata offset.
    pub high_watermark: Offset,
    /// Nodes that vote.
    pub voters: Vec<ReplicaProgress>,
    /// Nodes that only read.
    pub observers: Vec<ReplicaProgress>,
}

/// How far one node of the quorum is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaProgress {
    /// `node.id`.
    pub node_id: NodeId,
    /// The disk it stores the log on.
    pub directory_id: DirectoryId,
    /// One past the last offset it has, -1 if unknown.
    pub log_end_offset: Offset,
    /// When it was last heard, -1 if unknown.
    pub last_fetch_timestamp_ms: TimestampMs,
    /// When it last had everything, -1 if unknown.
    pub last_caught_up_timestamp_ms: TimestampMs,
    /// `host:port` of its controller listener, empty if unknown.
    pub address: String,
}
