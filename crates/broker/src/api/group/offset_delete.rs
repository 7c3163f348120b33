//! `OffsetDelete` (47): forgets offsets of topics that the group does not read any more.

use std::collections::HashMap;

use coordinator::{Answer, Request};
use net::server::Reply;
use protocol::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};
use types::ErrorCode;

use super::respond;
use crate::api::Ctx;

pub(crate) fn handle(ctx: &Ctx<'_>, mut request: OffsetDeleteRequest) -> Reply {
    let image = ctx.image();
    let mut unknown = Vec::new();
    for topic in &mut request.topics {
        let known = image.topic(&topic.name);
        let exists = |index| known.is_some_and(|known| known.partition(index).is_some());
        let missing = topic
            .partitions
            .extract_if(.., |partition| !exists(partition.partition_index));
        let partitions: Vec<_> = missing
            .map(|partition| OffsetDeleteResponsePartition {
                partition_index: partition.partition_index,
                error_code: ErrorCode::UnknownTopicOrPartition.to_wire(),
            })
            .collect();
        if !partitions.is_empty() {
            unknown.push(OffsetDeleteResponseTopic {
                name: topic.name.clone(),
                partitions,
            });
        }
    }
    request.topics.retain(|topic| !topic.partitions.is_empty());
    respond(
        ctx,
        &Request::OffsetDelete(request),
        move |answer| match answer {
            Answer::OffsetDelete(response) => Some(merged(response, unknown)),
            _ => None,
        },
    )
}

/// The group's answer, and what it was not asked about.
fn merged(
    mut response: OffsetDeleteResponse,
    unknown: Vec<OffsetDeleteResponseTopic>,
) -> OffsetDeleteResponse {
    if response.error_code != ErrorCode::None.to_wire() {
        return response;
    }
    // Nobody knows how many topics a request names that do not exist: each is looked up once.
    let answered = response.topics.iter().enumerate();
    let places: HashMap<_, _> = answered
        .map(|(place, topic)| (topic.name.clone(), place))
        .collect();
    for topic in unknown {
        let place = places.get(&topic.name);
        match place.and_then(|place| response.topics.get_mut(*place)) {
            Some(answered) => answered.partitions.extend(topic.partitions),
            None => response.topics.push(topic),
        }
    }
    response
}
