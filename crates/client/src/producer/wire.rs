//! One Produce request to one broker, and what its answer says about each batch.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use protocol::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceData, TopicProduceResponse,
};
use protocol::{RecordSet, Str};
use tokio::time::Instant;
use types::{PartitionIndex, Uuid};

use super::batch::Batch;
use super::record::{Outcome, Written};
use crate::metadata::{Broker, Hint, Topic};
use crate::{Address, Error, Result};

/// The first version that names topics by id only.
const TOPIC_IDS_SINCE: i16 = 13;

/// A batch on its way to the leader of its partition.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) topic: Arc<Topic>,
    pub(super) partition: PartitionIndex,
    pub(super) batch: Batch,
    pub(super) bytes: Bytes,
}

/// The highest version that can be used for these topics: brokers before 2.8 give no topic ids.
pub(super) fn version_cap(parcels: &[Parcel]) -> i16 {
    match parcels.iter().any(|parcel| parcel.topic.id.is_zero()) {
        true => TOPIC_IDS_SINCE - 1,
        false => i16::MAX,
    }
}

pub(super) fn request(
    parcels: &[Parcel],
    acks: i16,
    timeout_ms: i32,
    version: i16,
) -> ProduceRequest {
    let mut topics: Vec<TopicProduceData> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for parcel in parcels {
        let place = *places.entry(&parcel.topic.name).or_insert_with(|| {
            topics.push(topic_data(&parcel.topic, version));
            topics.len() - 1
        });
        topics[place].partition_data.push(PartitionProduceData {
            index: parcel.partition,
            records: Some(RecordSet::from(parcel.bytes.clone())),
        });
    }
    ProduceRequest {
        transactional_id: None,
        acks,
        timeout_ms,
        topic_data: topics,
    }
}

fn topic_data(topic: &Topic, version: i16) -> TopicProduceData {
    let by_id = version >= TOPIC_IDS_SINCE;
    TopicProduceData {
        name: if by_id {
            Str::new()
        } else {
            Str::from(&*topic.name)
        },
        topic_id: if by_id { topic.id } else { Uuid::ZERO },
        partition_data: Vec::new(),
    }
}

/// What the answer says about leaders elsewhere (KIP-951).
pub(super) fn hints(parcels: &[Parcel], response: &ProduceResponse) -> Vec<Hint> {
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
        let is_asked = |parcel: &&Parcel| match topic.topic_id.is_zero() {
            true => *parcel.topic.name == *topic.name,
            false => parcel.topic.id == topic.topic_id,
        };
        let Some(parcel) = parcels.iter().find(is_asked) else {
            continue;
        };
        let elsewhere = topic.partition_responses.iter();
        let elsewhere = elsewhere.filter(|p| p.error_code != 0 && p.current_leader.leader_id >= 0);
        hints.extend(elsewhere.map(|partition| Hint {
            topic: Arc::clone(&parcel.topic.name),
            partition: partition.index,
            leader: partition.current_leader.leader_id,
            leader_epoch: partition.current_leader.leader_epoch,
            broker: endpoint(partition.current_leader.leader_id),
        }));
    }
    hints
}

/// Each batch with what the answer says about it.
pub(super) fn results(
    parcels: Vec<Parcel>,
    answer: Result<ProduceResponse>,
    now: Instant,
) -> Vec<(Parcel, Result<Outcome>)> {
    let response = match answer {
        Ok(response) => response,
        Err(error) => {
            let failed = parcels
                .into_iter()
                .map(|parcel| (parcel, Err(error.clone())));
            return failed.collect();
        }
    };
    let mut by_id: HashMap<(Uuid, i32), &PartitionProduceResponse> = HashMap::new();
    let mut by_name: HashMap<(&str, i32), &PartitionProduceResponse> = HashMap::new();
    for topic in &response.responses {
        for partition in &topic.partition_responses {
            if topic.topic_id.is_zero() {
                by_name.insert((&topic.name, partition.index), partition);
            } else {
                by_id.insert((topic.topic_id, partition.index), partition);
            }
        }
    }
    let result_of = |parcel: &Parcel| {
        let found = by_id
            .get(&(parcel.topic.id, parcel.partition))
            .or_else(|| by_name.get(&(&*parcel.topic.name, parcel.partition)));
        match found {
            Some(answer) => outcome(parcel, answer, now),
            None => Err(Error::Malformed {
                what: "answer to Produce".to_owned(),
                reason: format!("{}-{} is missing", parcel.topic.name, parcel.partition),
            }),
        }
    };
    let judged = parcels.into_iter().map(|parcel| {
        let result = result_of(&parcel);
        (parcel, result)
    });
    judged.collect()
}

/// The answer that a request with `acks=0` never gets.
pub(super) fn unanswered(parcels: &[Parcel]) -> ProduceResponse {
    let responses = parcels.iter().map(|parcel| TopicProduceResponse {
        name: Str::from(&*parcel.topic.name),
        partition_responses: vec![PartitionProduceResponse {
            index: parcel.partition,
            base_offset: -1,
            log_append_time_ms: -1,
            ..PartitionProduceResponse::default()
        }],
        ..TopicProduceResponse::default()
    });
    ProduceResponse {
        responses: responses.collect(),
        ..ProduceResponse::default()
    }
}

fn outcome(parcel: &Parcel, answer: &PartitionProduceResponse, at: Instant) -> Result<Outcome> {
    let record_error = answer.record_errors.iter().find_map(|record| {
        let text = record.batch_index_error_message.as_deref()?;
        Some(format!(
            "record {} of the batch: {text}",
            record.batch_index
        ))
    });
    let message = record_error.as_deref().or(answer.error_message.as_deref());
    Error::check(answer.error_code, message, || {
        format!("produce to {}-{}", parcel.topic.name, parcel.partition)
    })?;
    Ok(Outcome::Written(Written {
        base_offset: answer.base_offset,
        append_time_ms: answer.log_append_time_ms,
        at,
    }))
}
