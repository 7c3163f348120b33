//! `OffsetCommit` (8): how far a group has come.
//!
//! Topics and partitions that do not exist are answered here, and the others go to the group with name and
//! id: it keeps names, and ids tell a topic from another one that had its name before.

use std::collections::HashMap;

use coordinator::{Answer, Request};
use metadata::{MetadataImage, TopicImage};
use net::server::Reply;
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestTopic, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use types::{ErrorCode, TopicId};

use super::{respond, text};
use crate::api::Ctx;

/// Since which version topics go by id.
const FIRST_VERSION_BY_ID: i16 = 10;

pub(crate) fn handle(ctx: &Ctx<'_>, mut request: OffsetCommitRequest) -> Reply {
    let unknown = split(&ctx.image(), &mut request, ctx.version());
    if request.topics.is_empty() {
        return ctx.respond(&OffsetCommitResponse {
            topics: unknown,
            ..OffsetCommitResponse::default()
        });
    }
    respond(
        ctx,
        &Request::OffsetCommit(request),
        move |answer| match answer {
            Answer::OffsetCommit(response) => Some(merged(response, unknown)),
            _ => None,
        },
    )
}

/// Takes out of the request what does not exist, and returns the answers to it.
fn split(
    image: &MetadataImage,
    request: &mut OffsetCommitRequest,
    version: i16,
) -> Vec<OffsetCommitResponseTopic> {
    let mut unknown = Vec::new();
    for topic in &mut request.topics {
        let by_id = version >= FIRST_VERSION_BY_ID;
        let known = if by_id {
            image.topic_by_id(TopicId(topic.topic_id))
        } else {
            image.topic(&topic.name)
        };
        let code = match known {
            None if by_id => ErrorCode::UnknownTopicId,
            _ => ErrorCode::UnknownTopicOrPartition,
        };
        if let Some(known) = known {
            topic.name = text(known.name());
            topic.topic_id = known.id().0;
        }
        unknown.extend(refused(topic, known, code));
    }
    request.topics.retain(|topic| !topic.partitions.is_empty());
    unknown
}

/// Takes the partitions out that do not exist.
fn refused(
    topic: &mut OffsetCommitRequestTopic,
    known: Option<&TopicImage>,
    code: ErrorCode,
) -> Option<OffsetCommitResponseTopic> {
    let exists = |index| known.is_some_and(|known| known.partition(index).is_some());
    let missing = topic
        .partitions
        .extract_if(.., |partition| !exists(partition.partition_index));
    let partitions: Vec<_> = missing
        .map(|partition| OffsetCommitResponsePartition {
            partition_index: partition.partition_index,
            error_code: code.to_wire(),
        })
        .collect();
    (!partitions.is_empty()).then(|| OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions,
    })
}

/// The group's answer, and what it was not asked about. Nobody knows how many topics a request names that
/// do not exist: each is looked up once.
fn merged(
    mut response: OffsetCommitResponse,
    unknown: Vec<OffsetCommitResponseTopic>,
) -> OffsetCommitResponse {
    let answered = response.topics.iter().enumerate();
    let places: HashMap<_, _> = answered
        .map(|(place, topic)| ((topic.name.clone(), topic.topic_id), place))
        .collect();
    for topic in unknown {
        let place = places.get(&(topic.name.clone(), topic.topic_id));
        match place.and_then(|place| response.topics.get_mut(*place)) {
            Some(answered) => answered.partitions.extend(topic.partitions),
            None => response.topics.push(topic),
        }
    }
    response
}
