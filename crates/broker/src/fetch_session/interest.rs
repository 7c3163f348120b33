//! One partition that a client wants to read.

use std::sync::Arc;

use protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic};
use types::{LeaderEpoch, Offset, PartitionIndex, TopicId};

/// A topic as the client names it: by name up to version 12, by id since.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    Name(Arc<str>),
    Id(TopicId),
}

impl Topic {
    fn read(by_id: bool, name: &str, id: types::Uuid) -> Self {
        if by_id {
            Self::Id(TopicId(id))
        } else {
            Self::Name(Arc::from(name))
        }
    }
}

/// Where to read and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) topic: Topic,
    pub(crate) partition: PartitionIndex,
    /// First offset wanted.
    pub(crate) fetch_offset: Offset,
    /// The epoch the client believes the leader has, `NONE` if it does not care.
    pub(crate) current_leader_epoch: LeaderEpoch,
    /// The epoch of the last record the client has, `NONE` if it does not say.
    pub(crate) last_fetched_epoch: LeaderEpoch,
    /// Soft bound on the partition's bytes.
    pub(crate) max_bytes: i32,
}

impl Interest {
    /// What names the partition within a session.
    pub(super) fn key(&self) -> (Topic, PartitionIndex) {
        (self.topic.clone(), self.partition)
    }
}

/// Since which version topics go by id.
const FIRST_VERSION_BY_ID: i16 = 13;

/// Whether the request names topics by id.
pub(super) const fn by_id(version: i16) -> bool {
    version >= FIRST_VERSION_BY_ID
}

/// All partitions of a request, in its order.
pub(super) fn of_request(request: &FetchRequest, version: i16) -> Vec<Interest> {
    let by_id = by_id(version);
    let count = request
        .topics
        .iter()
        .map(|topic| topic.partitions.len())
        .sum();
    let mut interests = Vec::with_capacity(count);
    for FetchTopic {
        topic: name,
        topic_id,
        partitions,
    } in &request.topics
    {
        let topic = Topic::read(by_id, name, *topic_id);
        interests.extend(
            partitions
                .iter()
                .map(|partition| of_partition(&topic, partition)),
        );
    }
    interests
}

fn of_partition(topic: &Topic, partition: &FetchPartition) -> Interest {
    Interest {
        topic: topic.clone(),
        partition: partition.partition,
        fetch_offset: partition.fetch_offset,
        current_leader_epoch: LeaderEpoch(partition.current_leader_epoch),
        last_fetched_epoch: LeaderEpoch(partition.last_fetched_epoch),
        max_bytes: partition.partition_max_bytes,
    }
}

/// The partitions that the client no longer wants.
pub(super) fn forgotten(
    request: &FetchRequest,
    version: i16,
) -> impl Iterator<Item = (Topic, PartitionIndex)> {
    let by_id = by_id(version);
    request.forgotten_topics_data.iter().flat_map(
        move |ForgottenTopic {
                  topic,
                  topic_id,
                  partitions,
              }| {
            let topic = Topic::read(by_id, topic, *topic_id);
            partitions
                .iter()
                .map(move |partition| (topic.clone(), *partition))
        },
    )
}
