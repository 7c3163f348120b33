//! `AlterPartitionReassignments` (key 45).

use metadata::MetadataImage;
use protocol::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use types::{ErrorCode, PartitionIndex};

use super::{AdminApi, RequestContext, worded};
use crate::decide::{Decision, ReassignmentRefusal as Refusal, alter_partition_reassignments};

/// From this version on, a request may forbid that the number of replicas changes.
const FACTOR_CHANGE_FROM: i16 = 1;

pub(super) struct Api;

impl AdminApi for Api {
    type Request = AlterPartitionReassignmentsRequest;
    type Response = AlterPartitionReassignmentsResponse;

    fn timeout_ms(request: &Self::Request) -> Option<i32> {
        Some(request.timeout_ms)
    }

    fn evaluate(
        image: &MetadataImage,
        _context: &RequestContext<'_>,
        version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let may_change = request.allow_replication_factor_change || version < FACTOR_CHANGE_FROM;
        let Decision { records, response } =
            alter_partition_reassignments(image, &request.topics, may_change);
        let responses = response
            .into_iter()
            .map(|(name, answers)| ReassignableTopicResponse {
                name,
                partitions: answers.iter().map(partition).collect(),
            });
        let responses = responses.collect();
        Decision {
            records,
            response: AlterPartitionReassignmentsResponse {
                responses,
                ..nothing(version, request)
            },
        }
    }

    fn refuse(version: i16, request: &Self::Request, code: ErrorCode) -> Self::Response {
        let refused = |index: PartitionIndex| ReassignablePartitionResponse {
            partition_index: index,
            error_code: code.to_wire(),
            error_message: None,
        };
        let responses = request
            .topics
            .iter()
            .map(|topic| ReassignableTopicResponse {
                name: topic.name.clone(),
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| refused(partition.partition_index))
                    .collect(),
            });
        AlterPartitionReassignmentsResponse {
            error_code: code.to_wire(),
            responses: responses.collect(),
            ..nothing(version, request)
        }
    }
}

fn nothing(
    version: i16,
    request: &AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let defaults = AlterPartitionReassignmentsResponse::default();
    AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: match version {
            FACTOR_CHANGE_FROM.. => request.allow_replication_factor_change,
            _ => defaults.allow_replication_factor_change,
        },
        error_message: None,
        ..defaults
    }
}

fn partition(
    (index, result): &(PartitionIndex, Result<(), Refusal>),
) -> ReassignablePartitionResponse {
    let (error_code, error_message) = worded(result, code);
    ReassignablePartitionResponse {
        partition_index: *index,
        error_code,
        error_message,
    }
}

const fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::UnknownTopic(_) | Refusal::UnknownPartition { .. } => {
            ErrorCode::UnknownTopicOrPartition
        }
        Refusal::NotInProgress { .. } => ErrorCode::NoReassignmentInProgress,
        Refusal::Assignment(_) | Refusal::Unclean { .. } => ErrorCode::InvalidReplicaAssignment,
        Refusal::FactorChange { .. } => ErrorCode::InvalidReplicationFactor,
    }
}
