//! `OffsetDelete`, and the offsets of groups that are deleted.

use std::sync::Arc;

use protocol::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestTopic, OffsetDeleteResponse,
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use types::{ErrorCode, PartitionIndex};

use super::Offsets;
use super::commit::RECORD_OVERHEAD_BYTES;
use crate::env::{Env, GroupId, Out};
use crate::group::{Call, Group};
use crate::record::Record;
use crate::request::Answer;

impl Offsets {
    /// `OffsetDelete`. Offsets of topics that members read stay.
    pub(crate) fn delete(
        &self,
        group: &Group,
        call: &Call<'_>,
        env: &mut Env<'_>,
        request: &OffsetDeleteRequest,
    ) {
        let allowed = self
            .exists(group, call)
            .and_then(|()| group.may_delete_offsets())
            .and_then(|()| fits_into_a_batch(request, env));
        let mut answer = OffsetDeleteResponse::default();
        match allowed {
            Err(code) => answer.error_code = code.to_wire(),
            Ok(()) => {
                let topics = request.topics.iter();
                let delete = |topic| self.delete_topic(group, call, env.out, topic);
                answer.topics = topics.map(delete).collect();
            }
        }
        env.out
            .answer(call.id, call.token, Answer::OffsetDelete(answer));
    }

    fn delete_topic(
        &self,
        group: &Group,
        call: &Call<'_>,
        out: &mut Out,
        topic: &OffsetDeleteRequestTopic,
    ) -> OffsetDeleteResponseTopic {
        let is_subscribed = group.is_subscribed(&topic.name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let partition_index = partition.partition_index;
            let code = if is_subscribed {
                ErrorCode::GroupSubscribedToTopic
            } else {
                ErrorCode::None
            };
            if !is_subscribed && self.get(call.id, &topic.name, partition_index).is_some() {
                tombstone(call.id, &Arc::from(&*topic.name), partition_index, out);
            }
            partitions.push(OffsetDeleteResponsePartition {
                partition_index,
                error_code: code.to_wire(),
            });
        }
        OffsetDeleteResponseTopic {
            name: topic.name.clone(),
            partitions,
        }
    }

    /// `DeleteGroups` for one group: the group and all its offsets. If those do not fit into a batch, some
    /// of them, and whoever asked is told to ask again.
    pub(crate) fn delete_group(&self, group: &Group, call: &Call<'_>, env: &mut Env<'_>) {
        let allowed = self.exists(group, call).and_then(|()| group.may_delete());
        let deleted = allowed.and_then(|()| {
            let mut room = env.settings.batch_bytes_max;
            for (topic, partitions) in self.groups.get(call.id).into_iter().flatten() {
                let bytes = tombstone_bytes(call.id, topic);
                for partition in partitions.keys() {
                    room = room
                        .checked_sub(bytes)
                        .ok_or(ErrorCode::CoordinatorNotAvailable)?;
                    tombstone(call.id, topic, *partition, env.out);
                }
            }
            group.delete(call.id, env.out);
            Ok(())
        });
        let code = deleted.err().unwrap_or_default();
        env.out.answer(call.id, call.token, Answer::Delete(code));
    }

    /// Offsets alone are a group to those who look from outside.
    fn exists(&self, group: &Group, call: &Call<'_>) -> Result<(), ErrorCode> {
        if matches!(group, Group::Absent) && !self.has_any(call.id) {
            return Err(ErrorCode::GroupIdNotFound);
        }
        Ok(())
    }
}

/// Whether the records of a request can be written at once.
fn fits_into_a_batch(request: &OffsetDeleteRequest, env: &Env<'_>) -> Result<(), ErrorCode> {
    let bytes: usize = request
        .topics
        .iter()
        .map(|topic| topic.partitions.len() * tombstone_bytes(&request.group_id, &topic.name))
        .sum();
    match bytes <= env.settings.batch_bytes_max {
        true => Ok(()),
        false => Err(ErrorCode::InvalidRequest),
    }
}

/// What a tombstone takes in a batch, at most.
pub(super) fn tombstone_bytes(group: &str, topic: &str) -> usize {
    group.len() + topic.len() + RECORD_OVERHEAD_BYTES
}

/// Ends an offset.
pub(super) fn tombstone(
    group: &GroupId,
    topic: &Arc<str>,
    partition: PartitionIndex,
    out: &mut Out,
) {
    out.record(Record::OffsetCommit {
        group: Arc::clone(group),
        topic: Arc::clone(topic),
        partition,
        value: None,
    });
}
