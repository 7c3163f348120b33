//! `CreatePartitions` (key 37).

use metadata::MetadataImage;
use protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopicResult,
};
use types::ErrorCode;

use super::{AdminApi, RequestContext, worded};
use crate::decide::{CreatePartitionsRefusal as Refusal, Decision, create_partitions};

pub(super) struct Api;

impl AdminApi for Api {
    type Request = CreatePartitionsRequest;
    type Response = CreatePartitionsResponse;

    fn timeout_ms(request: &Self::Request) -> Option<i32> {
        Some(request.timeout_ms)
    }

    fn evaluate(
        image: &MetadataImage,
        context: &RequestContext<'_>,
        _version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let mut random = context.random();
        let Decision { records, response } =
            create_partitions(image, context.settings, &mut random, request);
        let results = response.into_iter().map(|(name, result)| {
            let (error_code, error_message) = worded(&result, code);
            CreatePartitionsTopicResult {
                name,
                error_code,
                error_message,
            }
        });
        let results = results.collect();
        Decision {
            records,
            response: CreatePartitionsResponse {
                results,
                ..CreatePartitionsResponse::default()
            },
        }
    }

    fn refuse(_version: i16, request: &Self::Request, code: ErrorCode) -> Self::Response {
        let results = request
            .topics
            .iter()
            .map(|topic| CreatePartitionsTopicResult {
                name: topic.name.clone(),
                error_code: code.to_wire(),
                error_message: None,
            });
        CreatePartitionsResponse {
            results: results.collect(),
            ..CreatePartitionsResponse::default()
        }
    }
}

const fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::Duplicate => ErrorCode::InvalidRequest,
        Refusal::UnknownTopic(_) => ErrorCode::UnknownTopicOrPartition,
        Refusal::SameCount(_) | Refusal::FewerThanNow { .. } => ErrorCode::InvalidPartitions,
        // Kafka 4.3.1 answers UNKNOWN_SERVER_ERROR here and POLICY_VIOLATION in CreateTopics.
        Refusal::TooManyPartitions => ErrorCode::PolicyViolation,
        // Kafka grows it, and groups start anew.
        Refusal::Internal(_) => ErrorCode::PolicyViolation,
        Refusal::Placement(_) => ErrorCode::InvalidReplicationFactor,
        Refusal::AssignmentCount { .. } | Refusal::Assignment(_) => {
            ErrorCode::InvalidReplicaAssignment
        }
    }
}
