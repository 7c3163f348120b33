//! Between the client's words and the wire.

use std::sync::Arc;

use bytes::Bytes;
use metadata::v1::SupportedFeature;
use metadata::{Listener, SupportedLevels};
use types::{DirectoryId, NodeId, Uuid};

use super::words::{
    ForwardRequest, HeartbeatAnswer, QuorumDescription, Registration, ReplicaProgress,
};
use crate::Error;
use crate::proto::control::v1 as wire;

pub(crate) fn registration_to_wire(registration: &Registration) -> wire::RegisterRequest {
    wire::RegisterRequest {
        broker_id: registration.broker_id.0,
        incarnation_id: uuid_to_wire(registration.incarnation_id),
        cluster_id: registration.cluster_id.clone().unwrap_or_default(),
        listeners: registration
            .listeners
            .iter()
            .map(listener_to_wire)
            .collect(),
        rack: registration.rack.clone(),
        features: registration.features.iter().map(feature_to_wire).collect(),
        log_dirs: registration
            .log_dirs
            .iter()
            .map(|d| uuid_to_wire(d.0))
            .collect(),
        previous_broker_epoch: registration.previous_broker_epoch.0,
        restart: registration.restart.into(),
    }
}

fn listener_to_wire(listener: &Listener) -> metadata::v1::Listener {
    metadata::v1::Listener {
        name: listener.name.to_string(),
        host: listener.host.to_string(),
        port: u32::from(listener.port),
        security_protocol: listener.security_protocol.to_wire(),
    }
}

fn feature_to_wire((name, levels): (&Arc<str>, &SupportedLevels)) -> SupportedFeature {
    SupportedFeature {
        name: name.to_string(),
        min_level: i32::from(levels.min),
        max_level: i32::from(levels.max),
    }
}

pub(super) fn forward_to_wire(request: ForwardRequest) -> wire::ForwardRequest {
    wire::ForwardRequest {
        api_key: i32::from(request.api_key),
        api_version: i32::from(request.api_version),
        body: request.body,
        principal: request.principal,
        client_host: request.client_host,
        listener: request.listener,
        client_id: request.client_id,
    }
}

pub(super) const fn heartbeat_from_wire(reply: wire::HeartbeatReply) -> HeartbeatAnswer {
    HeartbeatAnswer {
        fenced: reply.fenced,
        should_shutdown: reply.should_shutdown,
        caught_up: reply.caught_up,
        proven_offset: reply.proven_offset,
    }
}

pub(super) fn quorum_from_wire(
    reply: wire::DescribeQuorumResponse,
) -> Result<QuorumDescription, Error> {
    let replicas = |states: Vec<wire::ReplicaState>| {
        states
            .into_iter()
            .map(replica_from_wire)
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(QuorumDescription {
        leader_id: NodeId(reply.leader_id),
        leader_epoch: reply.leader_epoch,
        high_watermark: reply.high_watermark,
        voters: replicas(reply.voters)?,
        observers: replicas(reply.observers)?,
    })
}

fn replica_from_wire(state: wire::ReplicaState) -> Result<ReplicaProgress, Error> {
    Ok(ReplicaProgress {
        node_id: NodeId(state.node_id),
        directory_id: DirectoryId(uuid_from_wire(&state.directory_id)?),
        log_end_offset: state.log_end_offset,
        last_fetch_timestamp_ms: state.last_fetch_timestamp_ms,
        last_caught_up_timestamp_ms: state.last_caught_up_timestamp_ms,
        address: state.address,
    })
}

pub(crate) fn uuid_to_wire(id: Uuid) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

/// Sixteen bytes, or none for "no id".
fn uuid_from_wire(bytes: &[u8]) -> Result<Uuid, Error> {
    if bytes.is_empty() {
        return Ok(Uuid::ZERO);
    }
    let bytes = <[u8; 16]>::try_from(bytes)
        .map_err(|_wrong_length| Error::Malformed(format!("an id of {} bytes", bytes.len())))?;
    Ok(Uuid::from_bytes(bytes))
}
