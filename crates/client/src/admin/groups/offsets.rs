//! What groups have committed, and committing in their name.

use std::collections::{BTreeMap, HashMap};

use protocol::Str;
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse,
};
use types::{ErrorCode, Offset, TopicPartition};

use super::super::Admin;
use super::by_coordinator::ByGroup;
use crate::ask::Whom;
use crate::{Error, Result};

/// Partitions, each with its own result.
pub(super) type ByPartition<T> = BTreeMap<TopicPartition, Result<T>>;

/// The first version that asks about many groups at once.
const MANY_SINCE: i16 = 8;
/// The last version that names topics by name.
const NAMES_UNTIL: i16 = 9;
/// An offset that nobody has committed.
const NONE: Offset = -1;

/// Where a group has read to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    /// Offset of the next record to read. Exclusive end of what was read.
    pub offset: Offset,
    /// Epoch of the leader that appended the record before it, -1 if unknown.
    pub leader_epoch: i32,
    /// What the application wrote beside it.
    pub metadata: String,
}

/// An offset to commit in a group's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOffset {
    /// Offset of the next record to read.
    pub offset: Offset,
    /// Epoch of the leader that appended the record before it, -1 if unknown.
    pub leader_epoch: i32,
    /// To be kept beside it.
    pub metadata: String,
}

impl From<Offset> for NewOffset {
    fn from(offset: Offset) -> Self {
        Self {
            offset,
            leader_epoch: -1,
            metadata: String::new(),
        }
    }
}

impl Admin {
    /// The offsets that groups have committed: of the partitions named, or of all (`None`).
    /// Partitions without one are left out. A group that does not exist has none.
    ///
    /// # Errors
    /// No coordinator answered within `default.api.timeout.ms`.
    pub async fn committed_offsets(
        &self,
        asked: &[(&str, Option<&[TopicPartition]>)],
    ) -> Result<ByGroup<ByPartition<CommittedOffset>>> {
        let wanted: HashMap<&str, Option<&[TopicPartition]>> = asked.iter().copied().collect();
        let groups: Vec<&str> = wanted.keys().copied().collect();
        let make = |groups: &[&str], version| fetch_requests(groups, &wanted, version);
        self.by_coordinator(&groups, NAMES_UNTIL, make, fetched)
            .await
    }

    /// Commits offsets in the name of a group that has no members (`UNKNOWN_MEMBER_ID` per partition
    /// if it has); a group that does not exist comes to be. Each partition comes back with its own
    /// result. What is acknowledged survives what acknowledged records survive.
    ///
    /// # Errors
    /// The coordinator did not answer within `default.api.timeout.ms`.
    pub async fn alter_offsets(
        &self,
        group: &str,
        offsets: &[(TopicPartition, NewOffset)],
    ) -> Result<ByPartition<()>> {
        let request = commit_request(group, offsets);
        let results = |response: &OffsetCommitResponse| committed(group, response);
        let check = |response: &OffsetCommitResponse| {
            let all = results(response).into_values();
            all.filter(|result| matches!(result, Err(error) if is_moving(error)))
                .collect()
        };
        let make = |_version| request.clone();
        let whom = Whom::Coordinator(group);
        let asked = self.client.ask_up_to(NAMES_UNTIL, whom, make, check);
        let (_version, response) = asked.await?;
        Ok(results(&response))
    }
}

/// Whether another try may find the coordinator ready. A topic that is not there stays away.
fn is_moving(error: &Error) -> bool {
    error.is_retriable() && error.code() != Some(ErrorCode::UnknownTopicOrPartition)
}

fn fetch_requests(
    groups: &[&str],
    wanted: &HashMap<&str, Option<&[TopicPartition]>>,
    version: i16,
) -> Vec<OffsetFetchRequest> {
    let topics = |group: &str| wanted.get(group).copied().flatten().map(by_topic);
    if version < MANY_SINCE {
        let one = |group: &&str| OffsetFetchRequest {
            group_id: Str::from(*group),
            topics: topics(group).map(|topics| {
                let named = topics.into_iter().map(|(name, partition_indexes)| {
                    let name = Str::from(name);
                    OffsetFetchRequestTopic {
                        name,
                        partition_indexes,
                    }
                });
                named.collect()
            }),
            ..OffsetFetchRequest::default()
        };
        return groups.iter().map(one).collect();
    }
    let groups = groups.iter().map(|group| OffsetFetchRequestGroup {
        group_id: Str::from(*group),
        topics: topics(group).map(|topics| {
            let named = topics.into_iter();
            let named = named.map(|(name, partition_indexes)| OffsetFetchRequestTopics {
                name: Str::from(name),
                partition_indexes,
                ..OffsetFetchRequestTopics::default()
            });
            named.collect()
        }),
        ..OffsetFetchRequestGroup::default()
    });
    vec![OffsetFetchRequest {
        groups: groups.collect(),
        ..OffsetFetchRequest::default()
    }]
}

fn by_topic(partitions: &[TopicPartition]) -> BTreeMap<&str, Vec<i32>> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for key in partitions {
        topics.entry(&key.topic).or_default().push(key.partition);
    }
    topics
}

fn fetched(
    request: &OffsetFetchRequest,
    response: OffsetFetchResponse,
    version: i16,
) -> Vec<(String, Result<ByPartition<CommittedOffset>>)> {
    let group_result = |group: &str, code, offsets| {
        let what = || format!("fetch offsets of group {group}");
        let checked = Error::check(code, None, what);
        (group.to_owned(), checked.map(|()| offsets))
    };
    if version < MANY_SINCE {
        let group = &*request.group_id;
        let topics = response.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.filter_map(|p| {
                let found = (p.committed_offset, p.committed_leader_epoch);
                let metadata = p.metadata.as_ref();
                one_offset(
                    group,
                    &topic.name,
                    p.partition_index,
                    p.error_code,
                    found,
                    metadata,
                )
            })
        });
        return vec![group_result(group, response.error_code, topics.collect())];
    }
    let groups = response.groups.iter().map(|group| {
        let topics = group.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.filter_map(|p| {
                let found = (p.committed_offset, p.committed_leader_epoch);
                let (name, metadata) = (&group.group_id, p.metadata.as_ref());
                one_offset(
                    name,
                    &topic.name,
                    p.partition_index,
                    p.error_code,
                    found,
                    metadata,
                )
            })
        });
        group_result(&group.group_id, group.error_code, topics.collect())
    });
    groups.collect()
}

fn one_offset(
    group: &str,
    topic: &str,
    partition: i32,
    error_code: i16,
    (offset, leader_epoch): (Offset, i32),
    metadata: Option<&Str>,
) -> Option<(TopicPartition, Result<CommittedOffset>)> {
    let key = TopicPartition::new(topic, partition);
    let what = || format!("fetch the offset of group {group} in {key}");
    match Error::check(error_code, None, what) {
        Err(error) => Some((key, Err(error))),
        Ok(()) if offset <= NONE => None,
        Ok(()) => {
            let metadata = metadata.map(ToString::to_string).unwrap_or_default();
            let found = CommittedOffset {
                offset,
                leader_epoch,
                metadata,
            };
            Some((key, Ok(found)))
        }
    }
}

fn commit_request(group: &str, offsets: &[(TopicPartition, NewOffset)]) -> OffsetCommitRequest {
    let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for (key, new) in offsets {
        let partition = OffsetCommitRequestPartition {
            partition_index: key.partition,
            committed_offset: new.offset,
            committed_leader_epoch: new.leader_epoch,
            committed_metadata: Some(Str::from(new.metadata.as_str())),
        };
        topics.entry(&key.topic).or_default().push(partition);
    }
    let topics = topics
        .into_iter()
        .map(|(name, partitions)| OffsetCommitRequestTopic {
            name: Str::from(name),
            partitions,
            ..OffsetCommitRequestTopic::default()
        });
    OffsetCommitRequest {
        group_id: Str::from(group),
        generation_id_or_member_epoch: -1,
        topics: topics.collect(),
        ..OffsetCommitRequest::default()
    }
}

fn committed(group: &str, response: &OffsetCommitResponse) -> ByPartition<()> {
    let all = response.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let key = TopicPartition::new(&*topic.name, partition.partition_index);
            let what = || format!("commit an offset of group {group} in {key}");
            let checked = Error::check(partition.error_code, None, what);
            (key, checked)
        })
    });
    all.collect()
}
