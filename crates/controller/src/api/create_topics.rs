//! `CreateTopics` (key 19).

use metadata::MetadataImage;
use protocol::Str;
use protocol::messages::create_topics::{
    CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};
use types::ErrorCode;

use super::{AdminApi, RequestContext, worded};
use crate::decide::{CreateTopicRefusal as Refusal, Created, Decision, create_topics};

/// From this version on, an answer describes the topic.
const DESCRIBES_FROM: i16 = 5;
/// From this version on, an answer has the topic's id.
const TOPIC_ID_FROM: i16 = 7;

pub(super) struct Api;

impl AdminApi for Api {
    type Request = CreateTopicsRequest;
    type Response = CreateTopicsResponse;

    fn timeout_ms(request: &Self::Request) -> Option<i32> {
        Some(request.timeout_ms)
    }

    fn evaluate(
        image: &MetadataImage,
        context: &RequestContext<'_>,
        version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let mut random = context.random();
        let Decision { records, response } =
            create_topics(image, context.settings, &mut random, request);
        let topics = response.into_iter().map(|(name, result)| {
            let (error_code, error_message) = worded(&result, code);
            let answer = CreatableTopicResult {
                error_code,
                error_message,
                ..nothing(version, name)
            };
            match result {
                Ok(created) => described(version, answer, created),
                Err(_) => answer,
            }
        });
        let topics = topics.collect();
        Decision {
            records,
            response: CreateTopicsResponse {
                topics,
                ..CreateTopicsResponse::default()
            },
        }
    }

    fn refuse(version: i16, request: &Self::Request, code: ErrorCode) -> Self::Response {
        let topics = request.topics.iter().map(|topic| CreatableTopicResult {
            error_code: code.to_wire(),
            ..nothing(version, topic.name.clone())
        });
        CreateTopicsResponse {
            topics: topics.collect(),
            ..CreateTopicsResponse::default()
        }
    }
}

/// The answer about a topic of which nothing is known.
fn nothing(version: i16, name: Str) -> CreatableTopicResult {
    let defaults = CreatableTopicResult::default();
    CreatableTopicResult {
        name,
        error_message: None,
        configs: (version >= DESCRIBES_FROM).then(Vec::new),
        ..defaults
    }
}

fn described(version: i16, answer: CreatableTopicResult, created: Created) -> CreatableTopicResult {
    if version < DESCRIBES_FROM {
        return answer;
    }
    let configs = created
        .configs
        .into_iter()
        .map(|config| CreatableTopicConfigs {
            name: Str::from(config.name),
            value: config.value.map(Str::from),
            read_only: config.is_read_only,
            config_source: config.source.to_wire(),
            is_sensitive: config.is_sensitive,
        });
    CreatableTopicResult {
        topic_id: match version {
            TOPIC_ID_FROM.. => created.topic_id.0,
            _ => answer.topic_id,
        },
        num_partitions: i32::try_from(created.partition_count).unwrap_or(i32::MAX),
        replication_factor: i16::try_from(created.replication_factor).unwrap_or(i16::MAX),
        configs: Some(configs.collect()),
        ..answer
    }
}

const fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::Duplicate
        | Refusal::Internal(_)
        | Refusal::AssignmentAndFactor
        | Refusal::AssignmentAndCount => ErrorCode::InvalidRequest,
        Refusal::Name(_) | Refusal::Collision { .. } => ErrorCode::InvalidTopicException,
        Refusal::Exists(_) => ErrorCode::TopicAlreadyExists,
        Refusal::Config(_) | Refusal::NullConfig(_) => ErrorCode::InvalidConfig,
        Refusal::PartitionCount => ErrorCode::InvalidPartitions,
        Refusal::TooManyPartitions => ErrorCode::PolicyViolation,
        Refusal::ReplicationFactor | Refusal::Placement(_) => ErrorCode::InvalidReplicationFactor,
        Refusal::AssignedTwice(_) | Refusal::AssignmentGap | Refusal::Assignment(_) => {
            ErrorCode::InvalidReplicaAssignment
        }
    }
}
