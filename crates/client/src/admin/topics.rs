//! Topics: create, delete, grow, describe.

use std::collections::BTreeMap;

use protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
};
use protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreatableTopicResult,
    CreateTopicsRequest, CreateTopicsResponse,
};
use protocol::messages::delete_topics::{
    DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use protocol::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic, TopicRequest,
};
use protocol::{Request, Str};
use types::{ErrorCode, PartitionIndex, Uuid};

use super::{Admin, text};
use crate::ask::Whom;
use crate::metadata::Topic;
use crate::{Error, Result};

/// The first version that names topics in a struct with name or id.
const DELETE_BY_STATE_SINCE: i16 = 6;
/// Partitions per page of a description.
const PAGE_PARTITIONS: i32 = 2000;

/// A topic to be created.
#[derive(Debug, Clone, Default)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// Number of partitions; the broker's default, if not given.
    pub partition_count: Option<i32>,
    /// Number of replicas; the broker's default, if not given.
    pub replication_factor: Option<i16>,
    /// Replicas by partition, instead of the two counts.
    pub assignment: Vec<Vec<i32>>,
    /// Configs other than the defaults.
    pub configs: BTreeMap<String, String>,
}

/// What the broker made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its name.
    pub name: String,
    /// Its id; zeros from old brokers, and when only validated.
    pub id: Uuid,
    /// Number of partitions, -1 if the broker does not tell.
    pub partition_count: i32,
    /// Number of replicas, -1 if the broker does not tell.
    pub replication_factor: i16,
}

/// A topic as described, with what only newer brokers tell.
#[derive(Debug, Clone)]
pub struct TopicDetail {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
    /// Whether the cluster keeps its own state in it.
    pub is_internal: bool,
    /// Partitions by index.
    pub partitions: Vec<PartitionDetail>,
}

/// One partition as described.
#[derive(Debug, Clone)]
pub struct PartitionDetail {
    /// Its index.
    pub index: PartitionIndex,
    /// The leader's node id, -1 if there is none.
    pub leader: i32,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// Assigned replicas, preferred leader first.
    pub replicas: Vec<i32>,
    /// Replicas in sync.
    pub isr: Vec<i32>,
    /// Replicas that may be elected though out of sync; `None` from brokers that do not tell.
    pub elr: Option<Vec<i32>>,
    /// The ELR before it was emptied.
    pub last_known_elr: Option<Vec<i32>>,
    /// Replicas on dead brokers or failed disks.
    pub offline_replicas: Vec<i32>,
}

impl Admin {
    /// Creates topics. Each comes back with its own result.
    ///
    /// # Errors
    /// The request as a whole failed.
    pub async fn create_topics(
        &self,
        topics: &[NewTopic],
        validates_only: bool,
    ) -> Result<Vec<(String, Result<CreatedTopic>)>> {
        let request = CreateTopicsRequest {
            topics: topics.iter().map(creatable).collect(),
            timeout_ms: self.timeout_ms(),
            validate_only: validates_only,
        };
        let response = self.order(request, |response: &CreateTopicsResponse| {
            not_controller(response.topics.iter().map(|topic| topic.error_code))
        });
        let results = response.await?.topics;
        let created = results.iter().map(|t| (t.name.to_string(), created(t)));
        Ok(created.collect())
    }

    /// Deletes topics. Each comes back with its own result.
    ///
    /// # Errors
    /// The request as a whole failed.
    pub async fn delete_topics(&self, names: &[String]) -> Result<Vec<(String, Result<()>)>> {
        let state = |name: &String| DeleteTopicState {
            name: Some(Str::from(name.as_str())),
            ..DeleteTopicState::default()
        };
        let plain = |name: &String| Str::from(name.as_str());
        let make = |version| {
            let by_state = version >= DELETE_BY_STATE_SINCE;
            DeleteTopicsRequest {
                topics: names.iter().filter(|_| by_state).map(state).collect(),
                topic_names: names.iter().filter(|_| !by_state).map(plain).collect(),
                timeout_ms: self.timeout_ms(),
            }
        };
        let check = |response: &DeleteTopicsResponse| {
            not_controller(response.responses.iter().map(|topic| topic.error_code))
        };
        let (_version, response) = self.client.ask(Whom::Controller, make, check).await?;
        let results = response.responses;
        let deleted = results.iter().map(|topic| {
            let name = text(topic.name.as_ref()).unwrap_or_default();
            self.client.forget_topic(&name);
            let message = topic.error_message.as_deref();
            let what = || format!("delete topic {name}");
            let result = Error::check(topic.error_code, message, what);
            (name.clone(), result)
        });
        Ok(deleted.collect())
    }

    /// Grows a topic to so many partitions in all.
    ///
    /// # Errors
    /// The broker refused, or the request failed.
    pub async fn create_partitions(
        &self,
        topic: &str,
        total: i32,
        validates_only: bool,
    ) -> Result<()> {
        let request = CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: Str::from(topic),
                count: total,
                assignments: None,
            }],
            timeout_ms: self.timeout_ms(),
            validate_only: validates_only,
        };
        let response = self.order(request, |response: &CreatePartitionsResponse| {
            not_controller(response.results.iter().map(|result| result.error_code))
        });
        self.client.forget_topic(topic);
        let what = || format!("add partitions to topic {topic}");
        match response.await?.results.first() {
            Some(result) => Error::check(result.error_code, result.error_message.as_deref(), what),
            None => Ok(()),
        }
    }

    /// Topics with eligible leader replicas, where the broker tells them; by metadata otherwise.
    /// Each comes back with its own result.
    ///
    /// # Errors
    /// The request as a whole failed.
    pub async fn describe_topics(
        &self,
        names: &[String],
    ) -> Result<Vec<(String, Result<TopicDetail>)>> {
        match self.describe_topic_pages(names).await {
            Err(Error::Unsupported { .. }) => self.describe_by_metadata(names).await,
            described => described,
        }
    }

    /// Sends what needs the controller; `check` finds an error that another try may mend.
    pub(super) async fn order<R: Request>(
        &self,
        request: R,
        check: impl Fn(&R::Response) -> Result<()>,
    ) -> Result<R::Response> {
        let make = |_version| request.clone();
        let (_version, response) = self.client.ask(Whom::Controller, make, check).await?;
        Ok(response)
    }

    async fn describe_topic_pages(
        &self,
        names: &[String],
    ) -> Result<Vec<(String, Result<TopicDetail>)>> {
        let mut described: BTreeMap<String, Result<TopicDetail>> = BTreeMap::new();
        let topics = names.iter().map(|name| TopicRequest {
            name: Str::from(name.as_str()),
        });
        let mut request = DescribeTopicPartitionsRequest {
            topics: topics.collect(),
            response_partition_limit: PAGE_PARTITIONS,
            cursor: None,
        };
        loop {
            let make = |_version| request.clone();
            let (_version, response) = self.client.ask(Whom::Any, make, |_| Ok(())).await?;
            for topic in &response.topics {
                add_page(&mut described, topic);
            }
            let Some(next) = response.next_cursor else {
                break;
            };
            // Topics before the cursor are done; the broker refuses a cursor outside its topics.
            request.topics.retain(|topic| topic.name >= next.topic_name);
            request.cursor = Some(Cursor {
                topic_name: next.topic_name,
                partition_index: next.partition_index,
            });
        }
        Ok(in_order(names, described))
    }

    async fn describe_by_metadata(
        &self,
        names: &[String],
    ) -> Result<Vec<(String, Result<TopicDetail>)>> {
        let mut described = Vec::new();
        for name in names {
            self.client.forget_topic(name);
            let topic = self.client.topic(name).await.map(|topic| detail(&topic));
            described.push((name.clone(), topic));
        }
        Ok(described)
    }
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let assignments = topic.assignment.iter().zip(0..);
    let configs = topic.configs.iter();
    let by_count = topic.assignment.is_empty();
    CreatableTopic {
        name: Str::from(topic.name.as_str()),
        num_partitions: topic.partition_count.filter(|_| by_count).unwrap_or(-1),
        replication_factor: topic.replication_factor.filter(|_| by_count).unwrap_or(-1),
        assignments: assignments
            .map(|(broker_ids, partition_index)| CreatableReplicaAssignment {
                partition_index,
                broker_ids: broker_ids.clone(),
            })
            .collect(),
        configs: configs
            .map(|(name, value)| CreatableTopicConfig {
                name: Str::from(name.as_str()),
                value: Some(Str::from(value.as_str())),
            })
            .collect(),
    }
}

fn created(topic: &CreatableTopicResult) -> Result<CreatedTopic> {
    let what = || format!("create topic {}", topic.name);
    Error::check(topic.error_code, topic.error_message.as_deref(), what)?;
    Ok(CreatedTopic {
        name: topic.name.to_string(),
        id: topic.topic_id,
        partition_count: topic.num_partitions,
        replication_factor: topic.replication_factor,
    })
}

/// Whether the wrong broker was asked: then all items say so, and all may be asked again.
fn not_controller(mut codes: impl Iterator<Item = i16>) -> Result<()> {
    let not_controller = ErrorCode::NotController.to_wire();
    match codes.any(|code| code == not_controller) {
        true => Err(Error::refused(
            not_controller,
            None,
            "find the controller".to_owned(),
        )),
        false => Ok(()),
    }
}

fn add_page(
    described: &mut BTreeMap<String, Result<TopicDetail>>,
    topic: &DescribeTopicPartitionsResponseTopic,
) {
    let name = text(topic.name.as_ref()).unwrap_or_default();
    if let Err(error) = Error::check(topic.error_code, None, || format!("topic {name}")) {
        described.insert(name, Err(error));
        return;
    }
    let page = topic.partitions.iter().map(partition_detail);
    match described.get_mut(&name) {
        Some(Ok(detail)) => detail.partitions.extend(page),
        _ => {
            let detail = TopicDetail {
                name: name.clone(),
                id: topic.topic_id,
                is_internal: topic.is_internal,
                partitions: page.collect(),
            };
            described.insert(name, Ok(detail));
        }
    }
}

fn in_order(
    names: &[String],
    mut described: BTreeMap<String, Result<TopicDetail>>,
) -> Vec<(String, Result<TopicDetail>)> {
    let unknown = ErrorCode::UnknownTopicOrPartition.to_wire();
    let missing = |name: &String| Err(Error::refused(unknown, None, format!("topic {name}")));
    let mut results = Vec::with_capacity(names.len());
    for name in names {
        let mut result = described.remove(name).unwrap_or_else(|| missing(name));
        if let Ok(detail) = &mut result {
            detail.partitions.sort_by_key(|partition| partition.index);
        }
        results.push((name.clone(), result));
    }
    results
}

fn partition_detail(partition: &DescribeTopicPartitionsResponsePartition) -> PartitionDetail {
    PartitionDetail {
        index: partition.partition_index,
        leader: partition.leader_id,
        leader_epoch: partition.leader_epoch,
        replicas: partition.replica_nodes.clone(),
        isr: partition.isr_nodes.clone(),
        elr: partition.eligible_leader_replicas.clone(),
        last_known_elr: partition.last_known_elr.clone(),
        offline_replicas: partition.offline_replicas.clone(),
    }
}

fn detail(topic: &Topic) -> TopicDetail {
    let partitions = topic.partitions.iter().map(|partition| PartitionDetail {
        index: partition.index,
        leader: partition.leader,
        leader_epoch: partition.leader_epoch,
        replicas: partition.replicas.clone(),
        isr: partition.isr.clone(),
        elr: None,
        last_known_elr: None,
        offline_replicas: partition.offline_replicas.clone(),
    });
    TopicDetail {
        name: topic.name.to_string(),
        id: topic.id,
        is_internal: topic.is_internal,
        partitions: partitions.collect(),
    }
}
