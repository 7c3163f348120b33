//! One committed offset.

use protocol::data::offset_commit::OffsetCommitValue;
use types::{Offset, TimestampMs, TopicId};

/// A value that says nothing.
const NONE: i64 = -1;

/// What a consumer committed for one partition, as it said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    /// The next record to read.
    pub(crate) offset: Offset,
    /// Of the last record that was read; -1 if the consumer did not say.
    pub(crate) leader_epoch: i32,
    /// Anything. Its own bytes, not a slice of a request.
    pub(crate) metadata: Box<str>,
    /// When it was committed. Wall clock, milliseconds.
    pub(crate) commit_timestamp: TimestampMs,
    /// When it is no longer of use, if the consumer said so (only old ones can).
    pub(crate) expire_timestamp: Option<TimestampMs>,
    /// The topic; zero if it was committed in a version that does not say.
    pub(crate) topic_id: TopicId,
}

impl Committed {
    /// Whether it was committed for this creation of the topic, as far as can be told.
    pub(crate) fn belongs_to(&self, topic_id: TopicId) -> bool {
        self.topic_id == TopicId::ZERO || self.topic_id == topic_id
    }
}

impl From<&OffsetCommitValue> for Committed {
    fn from(value: &OffsetCommitValue) -> Self {
        let expires = value.expire_timestamp != NONE;
        Self {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: (*value.metadata).into(),
            commit_timestamp: value.commit_timestamp,
            expire_timestamp: expires.then_some(value.expire_timestamp),
            topic_id: TopicId(value.topic_id),
        }
    }
}
