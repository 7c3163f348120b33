//! `OffsetFetch` for one group.

use protocol::Str;
use protocol::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponseGroup,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use types::{ErrorCode, PartitionIndex, TopicId};

use super::{Committed, Offsets, Topic};
use crate::env::Env;
use crate::group::{Call, Group};
use crate::request::Answer;

/// No offset, no leader epoch.
const NONE: i32 = -1;

impl Offsets {
    /// `OffsetFetch` for one group. An offset that was never committed is no error. Without transactions
    /// every offset is stable.
    pub(crate) fn fetch(
        &self,
        group: &Group,
        call: &Call<'_>,
        env: &mut Env<'_>,
        request: &OffsetFetchRequestGroup,
        _require_stable: bool,
    ) {
        let allowed = group.may_fetch(request.member_id.as_deref(), request.member_epoch);
        let topics = match (&allowed, &request.topics) {
            (Err(_), _) => Vec::new(),
            (Ok(()), Some(topics)) => {
                let fetch = |topic| self.fetch_topic(call, env, topic);
                topics.iter().map(fetch).collect()
            }
            (Ok(()), None) => self.fetch_all(call, env),
        };
        let answer = OffsetFetchResponseGroup {
            group_id: request.group_id.clone(),
            topics,
            error_code: allowed.err().unwrap_or(ErrorCode::None).to_wire(),
        };
        env.out
            .answer(call.id, call.token, Answer::OffsetFetch(answer));
    }

    fn fetch_topic(
        &self,
        call: &Call<'_>,
        env: &Env<'_>,
        topic: &OffsetFetchRequestTopics,
    ) -> OffsetFetchResponseTopics {
        let of_partition = |index: &PartitionIndex| {
            let committed = self.get(call.id, &topic.name, *index);
            let committed = committed.filter(|it| {
                let is_asked = topic.topic_id.is_zero() || it.belongs_to(TopicId(topic.topic_id));
                is_asked && Topic::of(it, &topic.name, env.image) != Topic::Recreated
            });
            partition(*index, committed)
        };
        OffsetFetchResponseTopics {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: topic.partition_indexes.iter().map(of_partition).collect(),
        }
    }

    fn fetch_all(&self, call: &Call<'_>, env: &Env<'_>) -> Vec<OffsetFetchResponseTopics> {
        let mut fetched = Vec::new();
        for (name, partitions) in self.groups.get(call.id).into_iter().flatten() {
            let current = partitions
                .iter()
                .filter(|(_, it)| Topic::of(it, name, env.image) != Topic::Recreated);
            let topic = env.image.topic(name);
            let topic = OffsetFetchResponseTopics {
                name: Str::from(&**name),
                topic_id: topic.map(|topic| topic.id().0).unwrap_or_default(),
                partitions: current
                    .map(|(index, committed)| partition(*index, Some(committed)))
                    .collect(),
            };
            if !topic.partitions.is_empty() {
                fetched.push(topic);
            }
        }
        fetched
    }
}

fn partition(
    index: PartitionIndex,
    committed: Option<&Committed>,
) -> OffsetFetchResponsePartitions {
    let metadata = committed.map_or("", |it| &*it.metadata);
    OffsetFetchResponsePartitions {
        partition_index: index,
        committed_offset: committed.map_or(NONE.into(), |it| it.offset),
        committed_leader_epoch: committed.map_or(NONE, |it| it.leader_epoch),
        metadata: Some(Str::from(metadata)),
        error_code: ErrorCode::None.to_wire(),
    }
}
