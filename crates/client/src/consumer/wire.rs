//! One Fetch request to one broker, and its answer by partition.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use protocol::Str;
use protocol::messages::fetch::{
    AbortedTransaction, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
};
use protocol::records::split_batches;
use types::{Offset, PartitionIndex, TopicPartition, Uuid};

use crate::metadata::{Broker, Cluster, Hint, Topic};
use crate::{Address, ConsumerConfig};

/// The first version that names topics by id only.
const TOPIC_IDS_SINCE: i16 = 13;

/// A partition to be fetched.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) topic: Arc<Topic>,
    pub(super) partition: PartitionIndex,
    pub(super) offset: Offset,
    pub(super) leader_epoch: i32,
}

/// What the broker said about one partition.
#[derive(Debug)]
pub(super) struct PartitionAnswer {
    pub(super) error_code: i16,
    pub(super) high_watermark: Offset,
    pub(super) preferred_read_replica: i32,
    pub(super) records: Bytes,
    pub(super) aborted: Vec<AbortedTransaction>,
}

impl PartitionAnswer {
    /// Offset after the last whole batch, and the epoch of the leader that appended it. `None` if
    /// there is none.
    pub(super) fn end(&self) -> Option<(Offset, i32)> {
        let whole = split_batches(self.records.clone()).map_while(Result::ok);
        let header = whole.last()?.header;
        Some((header.next_offset(), header.partition_leader_epoch.0))
    }
}

/// The highest version that can be used for these topics: brokers before 2.8 give no topic ids.
pub(super) fn version_cap(wanted: &[Wanted]) -> i16 {
    match wanted.iter().any(|w| w.topic.id.is_zero()) {
        true => TOPIC_IDS_SINCE - 1,
        false => i16::MAX,
    }
}

pub(super) fn request(wanted: &[Wanted], config: &ConsumerConfig, version: i16) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for partition in wanted {
        let place = *places.entry(&partition.topic.name).or_insert_with(|| {
            topics.push(fetch_topic(&partition.topic, version));
            topics.len() - 1
        });
        topics[place].partitions.push(FetchPartition {
            partition: partition.partition,
            current_leader_epoch: partition.leader_epoch,
            fetch_offset: partition.offset,
            partition_max_bytes: config.partition_fetch_bytes_max,
            ..FetchPartition::default()
        });
    }
    FetchRequest {
        max_wait_ms: i32::try_from(config.fetch_wait_max.as_millis()).unwrap_or(i32::MAX),
        min_bytes: config.fetch_min_bytes,
        max_bytes: config.fetch_bytes_max,
        isolation_level: config.isolation_level.to_wire(),
        // Without a session: a consumer that names its partitions has few of them.
        session_id: 0,
        session_epoch: -1,
        topics,
        rack_id: Str::from(config.rack.as_str()),
        ..FetchRequest::default()
    }
}

fn fetch_topic(topic: &Topic, version: i16) -> FetchTopic {
    let by_id = version >= TOPIC_IDS_SINCE;
    FetchTopic {
        topic: if by_id {
            Str::new()
        } else {
            Str::from(&*topic.name)
        },
        topic_id: if by_id { topic.id } else { Uuid::ZERO },
        partitions: Vec::new(),
    }
}

/// What the answer says about leaders elsewhere (KIP-951).
pub(super) fn hints(response: &FetchResponse, cluster: &Cluster) -> Vec<Hint> {
    let endpoint = |leader: i32| {
        let endpoints = &response.node_endpoints;
        let found = endpoints.iter().find(|e| e.node_id == leader)?;
        Some(Broker {
            id: leader,
            address: Address::new(&*found.host, u16::try_from(found.port).ok()?),
            rack: found.rack.as_ref().map(ToString::to_string),
        })
    };
    let mut hints = Vec::new();
    for topic in &response.responses {
        let Some(known) = cluster.topic_by_id(&topic.topic_id) else {
            continue;
        };
        let elsewhere = topic.partitions.iter();
        let elsewhere = elsewhere.filter(|p| p.error_code != 0 && p.current_leader.leader_id >= 0);
        hints.extend(elsewhere.map(|partition| Hint {
            topic: Arc::clone(&known.name),
            partition: partition.partition_index,
            leader: partition.current_leader.leader_id,
            leader_epoch: partition.current_leader.leader_epoch,
            broker: endpoint(partition.current_leader.leader_id),
        }));
    }
    hints
}

/// The answer by partition. Topics that the picture does not know (any more) are left out.
pub(super) fn answers(
    response: FetchResponse,
    cluster: &Cluster,
) -> Vec<(TopicPartition, PartitionAnswer)> {
    let mut answers = Vec::new();
    for topic in response.responses {
        let name: Arc<str> = match topic.topic_id.is_zero() {
            true => Arc::from(&*topic.topic),
            false => match cluster.topic_by_id(&topic.topic_id) {
                Some(known) => Arc::clone(&known.name),
                None => continue,
            },
        };
        for partition in topic.partitions {
            let key = TopicPartition::new(Arc::clone(&name), partition.partition_index);
            let answer = PartitionAnswer {
                error_code: partition.error_code,
                high_watermark: partition.high_watermark,
                preferred_read_replica: partition.preferred_read_replica,
                records: partition.records.map(|r| r.to_bytes()).unwrap_or_default(),
                aborted: partition.aborted_transactions.unwrap_or_default(),
            };
            answers.push((key, answer));
        }
    }
    answers
}
