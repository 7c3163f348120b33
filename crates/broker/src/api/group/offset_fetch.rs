//! `OffsetFetch` (9): how far groups have come.
//!
//! Until version 7 one group is asked, since version 8 many, each with a code of its own. Since version 10
//! topics go by id: they are translated on the way in and on the way out.

use coordinator::{Answer, Request};
use metadata::MetadataImage;
use net::server::Reply;
use protocol::Str;
use protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use types::{ErrorCode, TopicId};

use super::{respond, respond_all, text};
use crate::api::Ctx;

/// Since which version an answer has a code of its own, beside those of its partitions.
const FIRST_VERSION_WITH_CODE: i16 = 2;
/// Since which version many groups are asked at once.
const FIRST_VERSION_WITH_GROUPS: i16 = 8;
/// Since which version topics go by id.
const FIRST_VERSION_BY_ID: i16 = 10;

pub(crate) fn handle(ctx: &Ctx<'_>, request: OffsetFetchRequest) -> Reply {
    let version = ctx.version();
    if version < FIRST_VERSION_WITH_GROUPS {
        return single(ctx, request);
    }
    let require_stable = request.require_stable;
    let mut asked = Vec::with_capacity(request.groups.len());
    let mut unknown = Vec::with_capacity(request.groups.len());
    for mut group in request.groups {
        unknown.push(if version >= FIRST_VERSION_BY_ID {
            take_unknown(&ctx.image(), &mut group)
        } else {
            Vec::new()
        });
        asked.push(Request::OffsetFetch {
            group,
            require_stable,
        });
    }
    let core = std::sync::Arc::clone(ctx.core);
    respond_all(ctx, asked.into_iter(), move |answers| {
        let answers = answers.into_iter().filter_map(|answer| match answer {
            Answer::OffsetFetch(group) => Some(group),
            _ => None,
        });
        let mut groups: Vec<_> = answers.zip(unknown).map(merged).collect();
        if version >= FIRST_VERSION_BY_ID {
            let image = core.image();
            groups.iter_mut().for_each(|group| name_ids(&image, group));
        }
        OffsetFetchResponse {
            groups,
            ..OffsetFetchResponse::default()
        }
    })
}

/// Names the topics, and takes those out that do not exist. Returns the answers to them.
fn take_unknown(
    image: &MetadataImage,
    group: &mut OffsetFetchRequestGroup,
) -> Vec<OffsetFetchResponseTopics> {
    let mut unknown = Vec::new();
    let Some(topics) = &mut group.topics else {
        return unknown;
    };
    topics.retain_mut(|topic| {
        if let Some(known) = image.topic_by_id(TopicId(topic.topic_id)) {
            topic.name = text(known.name());
            return true;
        }
        unknown.push(unknown_topic(topic));
        false
    });
    unknown
}

fn unknown_topic(topic: &OffsetFetchRequestTopics) -> OffsetFetchResponseTopics {
    let partitions = topic.partition_indexes.iter();
    OffsetFetchResponseTopics {
        topic_id: topic.topic_id,
        partitions: partitions
            .map(|index| OffsetFetchResponsePartitions {
                partition_index: *index,
                committed_offset: -1,
                committed_leader_epoch: -1,
                metadata: Some(Str::new()),
                error_code: ErrorCode::UnknownTopicId.to_wire(),
            })
            .collect(),
        ..OffsetFetchResponseTopics::default()
    }
}

fn merged(
    (mut group, unknown): (OffsetFetchResponseGroup, Vec<OffsetFetchResponseTopics>),
) -> OffsetFetchResponseGroup {
    if group.error_code == ErrorCode::None.to_wire() {
        group.topics.extend(unknown);
    }
    group
}

/// Gives every topic its id. One that is gone has none, and nobody could ask for it.
fn name_ids(image: &MetadataImage, group: &mut OffsetFetchResponseGroup) {
    group.topics.retain_mut(|topic| {
        if topic.topic_id.is_zero() {
            topic.topic_id = match image.topic(&topic.name) {
                Some(known) => known.id().0,
                None => return false,
            };
        }
        true
    });
}

/// One group, in the words of older versions.
fn single(ctx: &Ctx<'_>, request: OffsetFetchRequest) -> Reply {
    let version = ctx.version();
    let topics = request.topics.map(|topics| {
        let topics = topics.into_iter();
        let asked = topics.map(|topic| OffsetFetchRequestTopics {
            name: topic.name,
            partition_indexes: topic.partition_indexes,
            ..OffsetFetchRequestTopics::default()
        });
        asked.collect::<Vec<_>>()
    });
    let group = OffsetFetchRequestGroup {
        group_id: request.group_id,
        topics,
        ..OffsetFetchRequestGroup::default()
    };
    let named = group.topics.clone().unwrap_or_default();
    let request = Request::OffsetFetch {
        group,
        require_stable: request.require_stable,
    };
    respond(ctx, &request, move |answer| {
        let Answer::OffsetFetch(group) = answer else {
            return None;
        };
        if group.error_code != ErrorCode::None.to_wire() && version < FIRST_VERSION_WITH_CODE {
            return Some(refused_everywhere(named, group.error_code));
        }
        Some(OffsetFetchResponse {
            error_code: group.error_code,
            topics: group.topics.into_iter().map(older).collect(),
            ..OffsetFetchResponse::default()
        })
    })
}

/// The oldest versions can say only of a partition what is wrong.
fn refused_everywhere(
    topics: Vec<OffsetFetchRequestTopics>,
    error_code: i16,
) -> OffsetFetchResponse {
    let partition = |partition_index| OffsetFetchResponsePartition {
        partition_index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(Str::new()),
        error_code,
    };
    let topics = topics.into_iter().map(|topic| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic.partition_indexes.into_iter().map(partition).collect(),
    });
    OffsetFetchResponse {
        topics: topics.collect(),
        ..OffsetFetchResponse::default()
    }
}

fn older(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    let partitions = topic.partitions.into_iter();
    OffsetFetchResponseTopic {
        name: topic.name,
        partitions: partitions
            .map(|partition| OffsetFetchResponsePartition {
                partition_index: partition.partition_index,
                committed_offset: partition.committed_offset,
                committed_leader_epoch: partition.committed_leader_epoch,
                metadata: partition.metadata,
                error_code: partition.error_code,
            })
            .collect(),
    }
}
