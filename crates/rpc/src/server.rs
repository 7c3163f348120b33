//! The serving side of the control protocol: requests in the workspace's own words, answers on the
//! wire. The counterpart of the client's conversions.

use std::sync::Arc;

use metadata::v1::{self as records, Restart};
use metadata::{Listener, SecurityProtocol, SupportedLevels};
use types::{BrokerEpoch, DirectoryId, NodeId, Uuid};

use crate::alter_partitions::{self, PartitionAnswer, PartitionUpdate};
use crate::assign_directories::{self, DirectoryAnswer, DirectoryAssignment};
use crate::client::{
    ForwardRequest, HeartbeatAnswer, HeartbeatState, ImageHash, QuorumDescription, Registration,
    ReplicaProgress, uuid_to_wire,
};
use crate::proto::control::v1 as wire;

/// A request that cannot be what its sender meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} makes no sense")]
pub struct InvalidRequest {
    field: &'static str,
}

pub(crate) const fn invalid(field: &'static str) -> InvalidRequest {
    InvalidRequest { field }
}

/// Reads a registration.
///
/// # Errors
/// A number or an id is out of its range.
pub fn registration(request: wire::RegisterRequest) -> Result<Registration, InvalidRequest> {
    let restart = Restart::try_from(request.restart).map_err(|_unknown| invalid("restart"))?;
    let features = request.features.into_iter().map(feature);
    Ok(Registration {
        broker_id: NodeId(request.broker_id),
        incarnation_id: uuid(&request.incarnation_id, "incarnation id")?,
        cluster_id: Some(request.cluster_id).filter(|id| !id.is_empty()),
        listeners: collect(request.listeners.into_iter().map(listener))?,
        rack: request.rack,
        features: features.collect::<Result<_, _>>()?,
        log_dirs: directory_ids(&request.log_dirs)?,
        previous_broker_epoch: BrokerEpoch(request.previous_broker_epoch),
        restart,
    })
}

fn listener(listener: records::Listener) -> Result<Listener, InvalidRequest> {
    let protocol = SecurityProtocol::from_wire(listener.security_protocol);
    Ok(Listener {
        name: listener.name.into(),
        host: listener.host.into(),
        port: u16::try_from(listener.port).map_err(|_range| invalid("port"))?,
        security_protocol: protocol.ok_or(invalid("security protocol"))?,
    })
}

fn feature(
    feature: records::SupportedFeature,
) -> Result<(Arc<str>, SupportedLevels), InvalidRequest> {
    let level = |level: i32| i16::try_from(level).map_err(|_range| invalid("feature level"));
    let levels = SupportedLevels {
        min: level(feature.min_level)?,
        max: level(feature.max_level)?,
    };
    Ok((feature.name.into(), levels))
}

/// Reads whose heartbeat it is, and what it says.
///
/// # Errors
/// An id is out of its range.
pub fn heartbeat(
    heartbeat: &wire::Heartbeat,
) -> Result<(NodeId, BrokerEpoch, HeartbeatState), InvalidRequest> {
    let state = HeartbeatState {
        metadata_offset: heartbeat.metadata_offset,
        want_fence: heartbeat.want_fence,
        want_shutdown: heartbeat.want_shutdown,
        offline_log_dirs: directory_ids(&heartbeat.offline_log_dirs)?,
        image_hash: heartbeat.image_hash.map(|image| ImageHash {
            offset: image.offset,
            hash: image.hash,
        }),
    };
    let broker_epoch = BrokerEpoch(heartbeat.broker_epoch);
    Ok((NodeId(heartbeat.broker_id), broker_epoch, state))
}

/// The answer to the heartbeat of that number.
#[must_use]
pub const fn heartbeat_reply(sequence: u64, answer: HeartbeatAnswer) -> wire::HeartbeatReply {
    wire::HeartbeatReply {
        sequence,
        fenced: answer.fenced,
        should_shutdown: answer.should_shutdown,
        caught_up: answer.caught_up,
        proven_offset: answer.proven_offset,
    }
}

/// Reads a forwarded request.
///
/// # Errors
/// A number is out of its range.
pub fn forward(request: wire::ForwardRequest) -> Result<ForwardRequest, InvalidRequest> {
    let number = |n: i32, field| i16::try_from(n).map_err(|_range| invalid(field));
    Ok(ForwardRequest {
        api_key: number(request.api_key, "api key")?,
        api_version: number(request.api_version, "api version")?,
        body: request.body,
        principal: request.principal,
        client_host: request.client_host,
        listener: request.listener,
        client_id: request.client_id,
    })
}

/// Reads who proposes ISRs, and which.
///
/// # Errors
/// An id or a count is out of its range.
pub fn alter_partitions(
    request: wire::AlterPartitionsRequest,
) -> Result<(NodeId, BrokerEpoch, Vec<PartitionUpdate>), InvalidRequest> {
    alter_partitions::request_from_wire(request)
}

/// The answers to proposals, in their order.
#[must_use]
pub fn partition_results(answers: Vec<PartitionAnswer>) -> wire::AlterPartitionsResponse {
    alter_partitions::response_to_wire(answers)
}

/// Reads whose replicas they are, and in which directories.
///
/// # Errors
/// An id or the number of assignments is out of its range.
pub fn assign_directories(
    request: &wire::AssignDirectoriesRequest,
) -> Result<(NodeId, BrokerEpoch, Vec<DirectoryAssignment>), InvalidRequest> {
    assign_directories::request_from_wire(request)
}

/// The answers to assignments, in their order.
#[must_use]
pub fn directory_results(answers: &[DirectoryAnswer]) -> wire::AssignDirectoriesResponse {
    assign_directories::response_to_wire(answers)
}

/// The answer to a question about the quorum.
#[must_use]
pub fn quorum(description: QuorumDescription) -> wire::DescribeQuorumResponse {
    let replicas = |all: Vec<ReplicaProgress>| all.into_iter().map(replica).collect();
    wire::DescribeQuorumResponse {
        leader_id: description.leader_id.0,
        leader_epoch: description.leader_epoch,
        high_watermark: description.high_watermark,
        voters: replicas(description.voters),
        observers: replicas(description.observers),
    }
}

fn replica(replica: ReplicaProgress) -> wire::ReplicaState {
    wire::ReplicaState {
        node_id: replica.node_id.0,
        directory_id: uuid_to_wire(replica.directory_id.0),
        log_end_offset: replica.log_end_offset,
        last_fetch_timestamp_ms: replica.last_fetch_timestamp_ms,
        last_caught_up_timestamp_ms: replica.last_caught_up_timestamp_ms,
        address: replica.address,
    }
}

fn directory_ids(ids: &[bytes::Bytes]) -> Result<Vec<DirectoryId>, InvalidRequest> {
    collect(
        ids.iter()
            .map(|id| uuid(id, "directory id").map(DirectoryId)),
    )
}

fn uuid(bytes: &[u8], field: &'static str) -> Result<Uuid, InvalidRequest> {
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_length| invalid(field))?;
    Ok(Uuid::from_bytes(bytes))
}

fn collect<T>(
    results: impl Iterator<Item = Result<T, InvalidRequest>>,
) -> Result<Vec<T>, InvalidRequest> {
    results.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::client::registration_to_wire;

    fn sample() -> Registration {
        Registration {
            broker_id: NodeId(4),
            incarnation_id: Uuid::ONE,
            cluster_id: None,
            listeners: vec![Listener {
                name: "SASL_SSL".into(),
                host: "b4".into(),
                port: 9092,
                security_protocol: SecurityProtocol::SaslSsl,
            }],
            rack: Some("a".to_owned()),
            features: BTreeMap::from([("f".into(), SupportedLevels { min: 1, max: 30 })]),
            log_dirs: vec![DirectoryId(Uuid::from_bytes([7; 16]))],
            previous_broker_epoch: BrokerEpoch(17),
            restart: Restart::ProcessCrash,
        }
    }

    #[test]
    fn a_registration_survives_the_wire() {
        let sample = sample();
        assert_eq!(registration(registration_to_wire(&sample)), Ok(sample));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let mut request = registration_to_wire(&sample());
        request.restart = 9;
        assert_eq!(registration(request), Err(invalid("restart")));
        let mut request = registration_to_wire(&sample());
        request.listeners[0].port = 70_000;
        assert_eq!(registration(request), Err(invalid("port")));
        let mut request = registration_to_wire(&sample());
        request.log_dirs[0].truncate(15);
        assert_eq!(registration(request), Err(invalid("directory id")));
    }
}
