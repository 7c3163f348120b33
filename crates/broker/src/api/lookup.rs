//! From what a request names to a partition of this broker, or to the code that says why not.

use std::sync::Arc;

use metadata::{MetadataImage, PartitionRegistration, TopicImage};
use types::{ErrorCode, NodeId, PartitionIndex, TopicId};

use crate::partition::{Denied, Partition};
use crate::state::Core;

/// A topic as requests name it: by name in older versions, by id in newer ones.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TopicRef<'a> {
    Name(&'a str),
    Id(TopicId),
}

impl TopicRef<'_> {
    pub(super) fn image(self, image: &MetadataImage) -> Option<&TopicImage> {
        match self {
            Self::Name(name) => image.topic(name),
            Self::Id(id) => image.topic_by_id(id),
        }
    }

    pub(super) fn registration(
        self,
        image: &MetadataImage,
        index: PartitionIndex,
    ) -> Option<&Arc<PartitionRegistration>> {
        self.image(image)?.partition(index)
    }

    /// The code for a topic that does not exist.
    fn unknown(self) -> ErrorCode {
        match self {
            Self::Name(_) => ErrorCode::UnknownTopicOrPartition,
            Self::Id(_) => ErrorCode::UnknownTopicId,
        }
    }
}

/// The replica that this broker has.
///
/// # Errors
/// The code to answer instead.
pub(crate) fn find(
    core: &Core,
    image: &MetadataImage,
    topic: TopicRef<'_>,
    index: PartitionIndex,
) -> Result<Arc<Partition>, ErrorCode> {
    let found = match topic {
        TopicRef::Name(name) => core.partitions.get_by_name(name, index),
        TopicRef::Id(id) => core.partitions.get(id, index),
    };
    found.ok_or_else(|| why_missing(image, core.node_id(), topic, index))
}

fn why_missing(
    image: &MetadataImage,
    local: NodeId,
    topic: TopicRef<'_>,
    index: PartitionIndex,
) -> ErrorCode {
    let Some(topic_image) = topic.image(image) else {
        return topic.unknown();
    };
    match topic_image.partition(index) {
        None => ErrorCode::UnknownTopicOrPartition,
        Some(registration) if registration.replicas.contains(&local) => {
            ErrorCode::KafkaStorageError
        }
        Some(_) => ErrorCode::NotLeaderOrFollower,
    }
}

/// The code for a partition that this broker does not answer for.
pub(crate) fn code_of(denied: Denied) -> ErrorCode {
    match denied {
        Denied::NotLeader => ErrorCode::NotLeaderOrFollower,
        Denied::Stopped => ErrorCode::KafkaStorageError,
        Denied::OlderEpoch => ErrorCode::FencedLeaderEpoch,
        Denied::NewerEpoch => ErrorCode::UnknownLeaderEpoch,
    }
}
