//! Why records do not fit.

use types::{BrokerEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};

use crate::{InvalidPartition, MetadataOffset};

/// A record that does not fit the image. On a node that replays committed entries this is fatal: its
/// image would differ from everybody else's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {index} ({kind}) of the metadata entry at offset {offset}: {misfit}")]
pub struct ReplayError {
    /// The entry's offset.
    pub offset: MetadataOffset,
    /// The record's position within the entry.
    pub index: usize,
    /// The record's kind.
    pub kind: &'static str,
    /// What is wrong with it.
    pub misfit: Misfit,
}

impl ReplayError {
    pub(super) const fn not_newer(offset: MetadataOffset, image_offset: MetadataOffset) -> Self {
        Self {
            offset,
            index: 0,
            kind: "entry",
            misfit: Misfit::NotNewer { image_offset },
        }
    }
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The entry was replayed already.
    #[error("the image is already at offset {image_offset}")]
    NotNewer {
        /// Where the image is.
        image_offset: MetadataOffset,
    },
    /// A kind of a newer version of the software.
    #[error(
        "its kind is not known to this version; upgrade this node before finalizing newer features"
    )]
    UnknownKind,
    /// A body of a newer version of the software.
    #[error(
        "its version {version} is newer than {newest}, the newest this node knows; upgrade this node \
         before finalizing newer features"
    )]
    NewerVersion {
        /// The record's version.
        version: u32,
        /// The newest known version.
        newest: u32,
    },
    /// A field with a value that no record may have.
    #[error("field {field} has the illegal value {value}")]
    Field {
        /// The field.
        field: &'static str,
        /// Its value, for people.
        value: String,
    },
    /// The broker is not registered.
    #[error("broker {0} is not registered")]
    UnknownBroker(NodeId),
    /// The broker has registered again in the meantime, or never had that epoch.
    #[error("broker {broker} has epoch {current}, not {given}")]
    BrokerEpoch {
        /// The broker.
        broker: NodeId,
        /// The epoch in the image.
        current: BrokerEpoch,
        /// The epoch in the record.
        given: BrokerEpoch,
    },
    /// No topic of that id.
    #[error("there is no topic with id {0}")]
    UnknownTopicId(TopicId),
    /// No topic of that name.
    #[error("there is no topic named {0}")]
    UnknownTopic(String),
    /// The name or the id is taken.
    #[error("topic {name} with id {id} exists already by name or by id")]
    TopicExists {
        /// The name.
        name: String,
        /// The id.
        id: TopicId,
    },
    /// Partition indexes grow one by one.
    #[error("partition {index} cannot be created, the next one is {next}")]
    PartitionIndex {
        /// The index in the record.
        index: PartitionIndex,
        /// The next free index.
        next: usize,
    },
    /// No such partition.
    #[error("topic {topic_id} has no partition {index}")]
    UnknownPartition {
        /// The topic.
        topic_id: TopicId,
        /// The index.
        index: PartitionIndex,
    },
    /// The change was decided on another state of the partition.
    #[error("partition epoch {given} does not follow {current}")]
    PartitionEpoch {
        /// The epoch in the image.
        current: PartitionEpoch,
        /// The epoch in the record.
        given: PartitionEpoch,
    },
    /// The partition would break its rules.
    #[error("partition {index} of topic {topic_id} would be invalid: {reason}")]
    InvalidPartition {
        /// The topic.
        topic_id: TopicId,
        /// The index.
        index: PartitionIndex,
        /// The broken rule.
        reason: InvalidPartition,
    },
    /// A counter that only grows would go backwards.
    #[error("{counter} would go backwards, from {current} to {given}")]
    Backwards {
        /// What counts.
        counter: &'static str,
        /// Its value in the image.
        current: i64,
        /// Its value in the record.
        given: i64,
    },
    /// The cluster has its id for ever.
    #[error("the cluster id is {current} already and cannot become {given}")]
    ClusterId {
        /// The id in the image.
        current: String,
        /// The id in the record.
        given: String,
    },
}
