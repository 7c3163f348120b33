//! `OffsetCommit`.

use std::sync::Arc;

use protocol::data::offset_commit::OffsetCommitValue;
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use types::{ErrorCode, TopicId};

use super::Offsets;
use crate::env::Env;
use crate::group::{Call, Committer, Group};
use crate::record::Record;
use crate::request::{Answer, Request};

/// From this version on, a consumer that claims a generation learns that there is no such group.
const NO_GROUP_VERSION: i16 = 9;
/// What a record takes besides its names and metadata, at most.
pub(super) const RECORD_OVERHEAD_BYTES: usize = 100;
/// A value that says nothing.
const NONE: i64 = -1;

impl Offsets {
    /// `OffsetCommit`. Topics and partitions exist, and topics have a name and an id, as far as the caller
    /// knows; versions 2 to 4 may say for how long the offsets are of use.
    pub(crate) fn commit(
        &self,
        group: &mut Group,
        call: &Call<'_>,
        env: &mut Env<'_>,
        request: &OffsetCommitRequest,
    ) {
        let committer = Committer {
            member_id: &request.member_id,
            generation_or_epoch: request.generation_id_or_member_epoch,
            instance_id: request.group_instance_id.as_deref(),
            version: call.caller.version,
        };
        if let Err(code) = self.may_commit(group, call, env, request, &committer) {
            let request = Request::OffsetCommit(request.clone());
            env.out.answer(call.id, call.token, request.refused(code));
            return;
        }
        group.on_heard(call, &request.member_id, env);
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            let topic = Topic::new(topic, env);
            let partitions = topic.request.partitions.iter().map(|partition| {
                let checked = topic.check(partition, group, &committer, env);
                if checked.is_ok() {
                    let value = topic.value(partition, request, env);
                    topic.record(partition, value, call, env);
                }
                OffsetCommitResponsePartition {
                    partition_index: partition.partition_index,
                    error_code: checked.err().unwrap_or_default().to_wire(),
                }
            });
            topics.push(OffsetCommitResponseTopic {
                partitions: partitions.collect(),
                name: topic.request.name.clone(),
                topic_id: topic.request.topic_id,
            });
        }
        let answer = OffsetCommitResponse {
            topics,
            ..OffsetCommitResponse::default()
        };
        env.out
            .answer(call.id, call.token, Answer::OffsetCommit(answer));
    }

    /// Whether anything of the request may be written.
    fn may_commit(
        &self,
        group: &Group,
        call: &Call<'_>,
        env: &Env<'_>,
        request: &OffsetCommitRequest,
        committer: &Committer<'_>,
    ) -> Result<(), ErrorCode> {
        if matches!(group, Group::Absent) && committer.generation_or_epoch >= 0 {
            return Err(match committer.version {
                // A group without members, which Kafka asks for its members.
                _ if self.has_any(call.id) => ErrorCode::UnknownMemberId,
                NO_GROUP_VERSION.. => ErrorCode::GroupIdNotFound,
                _ => ErrorCode::IllegalGeneration,
            });
        }
        group.may_commit(committer)?;
        if bytes_at_most(request) > env.settings.batch_bytes_max {
            return Err(ErrorCode::InvalidCommitOffsetSize);
        }
        Ok(())
    }
}

/// What the batch of a request takes.
fn bytes_at_most(request: &OffsetCommitRequest) -> usize {
    let of_topic = |topic: &OffsetCommitRequestTopic| -> usize {
        let names = request.group_id.len() + topic.name.len();
        let metadata = |it: &OffsetCommitRequestPartition| {
            it.committed_metadata.as_ref().map_or(0, |text| text.len())
        };
        let partitions = topic.partitions.iter();
        partitions
            .map(|it| names + metadata(it) + RECORD_OVERHEAD_BYTES)
            .sum()
    };
    request.topics.iter().map(of_topic).sum()
}

struct Topic<'a> {
    request: &'a OffsetCommitRequestTopic,
    name: Arc<str>,
    id: TopicId,
}

impl<'a> Topic<'a> {
    fn new(request: &'a OffsetCommitRequestTopic, env: &Env<'_>) -> Self {
        // A request by name is for the topic that has the name now.
        match env.image.topic(&request.name) {
            Some(topic) if request.topic_id.is_zero() => Self {
                request,
                name: Arc::clone(topic.name()),
                id: topic.id(),
            },
            _ => Self {
                request,
                name: Arc::from(&*request.name),
                id: TopicId(request.topic_id),
            },
        }
    }

    fn check(
        &self,
        partition: &OffsetCommitRequestPartition,
        group: &Group,
        committer: &Committer<'_>,
        env: &Env<'_>,
    ) -> Result<(), ErrorCode> {
        if partition.committed_offset < 0 {
            return Err(ErrorCode::InvalidRequest);
        }
        let newer = env.image.topic(&self.name);
        if newer.is_some_and(|topic| topic.id() != self.id) {
            // The topic was deleted and made anew since the request was looked at: what was read in the
            // old one must not hide what is committed for the new one.
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
        if is_too_large(metadata, env.settings.offset_metadata_max_bytes) {
            return Err(ErrorCode::OffsetMetadataTooLarge);
        }
        group.may_commit_partition(committer, self.id, partition.partition_index)
    }

    fn value(
        &self,
        partition: &OffsetCommitRequestPartition,
        request: &OffsetCommitRequest,
        env: &Env<'_>,
    ) -> OffsetCommitValue {
        let now = env.now.wall_ms;
        let expire_timestamp = match request.retention_time_ms {
            NONE => NONE,
            // Never the value that means "no": a time before 1970 is as good as 1970.
            retention_ms => now.saturating_add(retention_ms).max(0),
        };
        OffsetCommitValue {
            offset: partition.committed_offset,
            leader_epoch: partition.committed_leader_epoch,
            metadata: partition.committed_metadata.clone().unwrap_or_default(),
            commit_timestamp: now,
            expire_timestamp,
            topic_id: self.id.0,
        }
    }

    fn record(
        &self,
        partition: &OffsetCommitRequestPartition,
        value: OffsetCommitValue,
        call: &Call<'_>,
        env: &mut Env<'_>,
    ) {
        env.out.record(Record::OffsetCommit {
            group: Arc::clone(call.id),
            topic: Arc::clone(&self.name),
            partition: partition.partition_index,
            value: Some(value),
        });
    }
}

/// Kafka counts UTF-16 units, whatever the name of its key says.
fn is_too_large(metadata: &str, max: usize) -> bool {
    metadata.len() > max && metadata.encode_utf16().count() > max
}
