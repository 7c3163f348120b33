//! Offsets: looked up by place or time, and the deletion of records below one.

use std::collections::{BTreeMap, HashMap};

use protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopic,
};
use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};
use protocol::{Request, Str};
use tokio::time::{Instant, timeout_at};
use types::{ErrorCode, Offset, TimestampMs, TopicPartition};

use super::Admin;
use crate::ask::Retry;
use crate::{Error, IsolationLevel, Result};

/// A place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The log start offset.
    Earliest,
    /// Where the next record goes: the high watermark, or the last stable offset for readers of
    /// committed records.
    Latest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first record at or after this time.
    Timestamp(TimestampMs),
}

impl OffsetSpec {
    fn to_wire(self) -> i64 {
        match self {
            Self::Latest => -1,
            Self::Earliest => -2,
            Self::MaxTimestamp => -3,
            Self::Timestamp(ms) => ms.max(0),
        }
    }
}

/// What was found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundOffset {
    /// The offset, -1 if there is no such record.
    pub offset: Offset,
    /// The record's timestamp, -1 if none was asked for.
    pub timestamp_ms: TimestampMs,
    /// Epoch of the leader that appended it, -1 if unknown.
    pub leader_epoch: i32,
}

type ByPartition<T> = BTreeMap<TopicPartition, Result<T>>;

impl Admin {
    /// Looks offsets up. Each partition comes back with its own result.
    ///
    /// # Errors
    /// A topic is unknown, or no answer came within `default.api.timeout.ms`.
    pub async fn list_offsets(
        &self,
        asked: &[(TopicPartition, OffsetSpec)],
        isolation_level: IsolationLevel,
    ) -> Result<ByPartition<FoundOffset>> {
        let make = |items: &[_]| list_request(items, isolation_level, self.timeout_ms());
        self.by_leader(asked, "list offsets", make, found_offsets)
            .await
    }

    /// Deletes records below an offset, -1 for all up to the high watermark. Each partition comes back
    /// with its new log start offset.
    ///
    /// # Errors
    /// A topic is unknown, or no answer came within `default.api.timeout.ms`.
    pub async fn delete_records(
        &self,
        below: &[(TopicPartition, Offset)],
    ) -> Result<ByPartition<Offset>> {
        let make = |items: &[_]| delete_request(items, self.timeout_ms());
        self.by_leader(below, "delete records", make, new_starts)
            .await
    }

    /// Asks each partition's leader, and again those whose answer says that another try may help.
    async fn by_leader<I: Copy, T, R: Request>(
        &self,
        asked: &[(TopicPartition, I)],
        what: &str,
        make: impl Fn(&[(TopicPartition, I)]) -> R,
        read: impl Fn(&R::Response) -> Vec<(TopicPartition, Result<T>)>,
    ) -> Result<ByPartition<T>> {
        let mut done: ByPartition<T> = BTreeMap::new();
        let mut open: Vec<(TopicPartition, I)> = asked.to_vec();
        let mut retry = Retry::new(&self.client, what);
        loop {
            let mut failed = None;
            let mut results = Vec::new();
            match self.group_by_leader(&open).await {
                Err(error) => failed = Some(error),
                Ok(groups) => {
                    for (leader, items) in groups {
                        match self.ask_leader(leader, make(&items), retry.deadline).await {
                            Ok(response) => results.extend(read(&response)),
                            Err(error) => failed = Some(error),
                        }
                    }
                }
            }
            for (partition, result) in results {
                match result {
                    Err(error) if error.is_retriable() => failed = Some(error),
                    result => drop(done.insert(partition, result)),
                }
            }
            let Some(error) = failed else { return Ok(done) };
            open.retain(|(partition, _)| !done.contains_key(partition));
            open.iter()
                .for_each(|(p, _)| self.client.forget_topic(&p.topic));
            match retry.on_error(error).await {
                Ok(()) => {}
                Err(error) if done.is_empty() => return Err(error),
                Err(error) => {
                    // What was found out holds; the rest failed with the last error.
                    done.extend(open.into_iter().map(|(p, _)| (p, Err(error.clone()))));
                    return Ok(done);
                }
            }
        }
    }

    async fn ask_leader<R: Request>(
        &self,
        leader: i32,
        request: R,
        deadline: Instant,
    ) -> Result<R::Response> {
        let asked = async {
            let connection = self.client.broker(leader).await?;
            connection.request(&request).await
        };
        match timeout_at(deadline, asked).await {
            Ok(answered) => answered,
            Err(_elapsed) => Err(Error::TimedOut {
                what: format!("{} to broker {leader}", R::KEY.name()),
                after: self.client.config().api_timeout,
                last: None,
            }),
        }
    }

    async fn group_by_leader<I: Copy>(
        &self,
        asked: &[(TopicPartition, I)],
    ) -> Result<HashMap<i32, Vec<(TopicPartition, I)>>> {
        let mut groups: HashMap<i32, Vec<_>> = HashMap::new();
        for (key, item) in asked {
            let topic = self.client.topic(&key.topic).await?;
            let partition = topic.partition(key.partition);
            let partition = partition.ok_or_else(|| Error::NoSuchPartition {
                topic: key.topic.to_string(),
                partition: key.partition,
                count: topic.partitions.len(),
            })?;
            if !partition.has_leader() {
                let code = ErrorCode::LeaderNotAvailable.to_wire();
                return Err(Error::refused(code, None, format!("partition {key}")));
            }
            groups
                .entry(partition.leader)
                .or_default()
                .push((key.clone(), *item));
        }
        Ok(groups)
    }
}

fn found_offsets(response: &ListOffsetsResponse) -> Vec<(TopicPartition, Result<FoundOffset>)> {
    let all = response.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let key = TopicPartition::new(&*topic.name, partition.partition_index);
            let found = Error::check(partition.error_code, None, || {
                format!("list offsets of {key}")
            });
            let found = found.map(|()| FoundOffset {
                offset: partition.offset,
                timestamp_ms: partition.timestamp,
                leader_epoch: partition.leader_epoch,
            });
            (key, found)
        })
    });
    all.collect()
}

fn new_starts(response: &DeleteRecordsResponse) -> Vec<(TopicPartition, Result<Offset>)> {
    let all = response.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let key = TopicPartition::new(&*topic.name, partition.partition_index);
            let what = || format!("delete records of {key}");
            let start = Error::check(partition.error_code, None, what);
            (key, start.map(|()| partition.low_watermark))
        })
    });
    all.collect()
}

fn by_topic<I: Copy>(items: &[(TopicPartition, I)]) -> BTreeMap<&str, Vec<(i32, I)>> {
    let mut topics: BTreeMap<&str, Vec<(i32, I)>> = BTreeMap::new();
    for (key, item) in items {
        topics
            .entry(&key.topic)
            .or_default()
            .push((key.partition, *item));
    }
    topics
}

fn list_request(
    items: &[(TopicPartition, OffsetSpec)],
    isolation_level: IsolationLevel,
    timeout_ms: i32,
) -> ListOffsetsRequest {
    let topics = by_topic(items)
        .into_iter()
        .map(|(name, partitions)| ListOffsetsTopic {
            name: Str::from(name),
            partitions: partitions
                .into_iter()
                .map(|(partition_index, spec)| ListOffsetsPartition {
                    partition_index,
                    timestamp: spec.to_wire(),
                    ..ListOffsetsPartition::default()
                })
                .collect(),
        });
    ListOffsetsRequest {
        replica_id: -1,
        isolation_level: isolation_level.to_wire(),
        topics: topics.collect(),
        timeout_ms,
    }
}

fn delete_request(items: &[(TopicPartition, Offset)], timeout_ms: i32) -> DeleteRecordsRequest {
    let topics = by_topic(items)
        .into_iter()
        .map(|(name, partitions)| DeleteRecordsTopic {
            name: Str::from(name),
            partitions: partitions
                .into_iter()
                .map(|(partition_index, offset)| DeleteRecordsPartition {
                    partition_index,
                    offset,
                })
                .collect(),
        });
    DeleteRecordsRequest {
        topics: topics.collect(),
        timeout_ms,
    }
}
