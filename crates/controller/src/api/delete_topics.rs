//! `DeleteTopics` (key 20).

use metadata::MetadataImage;
use protocol::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse,
};
use types::{ErrorCode, TopicId};

use super::{AdminApi, RequestContext, worded};
use crate::decide::{Decision, DeleteTopicRefusal as Refusal, Target, delete_topics};

/// From this version on, topics are named one by one, by name or id.
const IDS_FROM: i16 = 6;
/// From this version on, an answer has a text.
const TEXT_FROM: i16 = 5;

pub(super) struct Api;

impl AdminApi for Api {
    type Request = DeleteTopicsRequest;
    type Response = DeleteTopicsResponse;

    fn timeout_ms(request: &Self::Request) -> Option<i32> {
        Some(request.timeout_ms)
    }

    fn evaluate(
        image: &MetadataImage,
        context: &RequestContext<'_>,
        version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let targets = targets(version, request);
        let Decision { records, response } = delete_topics(image, context.settings, &targets);
        let responses = response.into_iter().map(|(target, result)| {
            let (error_code, text) = worded(&result, code);
            let (name, id) = match result {
                Ok(deleted) => (Some(deleted.name), deleted.id),
                Err(_) => (target.name, target.id),
            };
            DeletableTopicResult {
                name,
                topic_id: if version >= IDS_FROM {
                    id
                } else {
                    TopicId::ZERO
                }
                .0,
                error_code,
                error_message: text.filter(|_| version >= TEXT_FROM),
            }
        });
        let responses = responses.collect();
        Decision {
            records,
            response: DeleteTopicsResponse {
                responses,
                ..DeleteTopicsResponse::default()
            },
        }
    }

    fn refuse(version: i16, request: &Self::Request, code: ErrorCode) -> Self::Response {
        let responses = targets(version, request)
            .into_iter()
            .map(|target| DeletableTopicResult {
                name: target.name,
                topic_id: target.id.0,
                error_code: code.to_wire(),
                error_message: None,
            });
        DeleteTopicsResponse {
            responses: responses.collect(),
            ..DeleteTopicsResponse::default()
        }
    }
}

fn targets(version: i16, request: &DeleteTopicsRequest) -> Vec<Target> {
    if version >= IDS_FROM {
        let targets = request.topics.iter().map(|topic| Target {
            name: topic.name.clone(),
            id: TopicId(topic.topic_id),
        });
        return targets.collect();
    }
    let targets = request.topic_names.iter().map(|name| Target {
        name: Some(name.clone()),
        id: TopicId::ZERO,
    });
    targets.collect()
}

const fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::Disabled => ErrorCode::TopicDeletionDisabled,
        Refusal::Nothing
        | Refusal::Both
        | Refusal::DuplicateName
        | Refusal::DuplicateId
        | Refusal::NameAndId => ErrorCode::InvalidRequest,
        Refusal::UnknownName => ErrorCode::UnknownTopicOrPartition,
        Refusal::UnknownId => ErrorCode::UnknownTopicId,
    }
}
