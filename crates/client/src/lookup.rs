//! Asking for metadata, and turning the answer into the picture of the cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use protocol::Str;
use protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponsePartition,
    MetadataResponseTopic,
};
use tokio::time::{Instant, timeout, timeout_at};
use types::{ErrorCode, Uuid};

use crate::ask::Retry;
use crate::backoff::Backoff;
use crate::metadata::{Broker, Cluster, Partition, Topic};
use crate::{Address, Client, Error, Result};

/// How long a topic may be unknown before that is believed: brokers learn of a new topic a moment
/// after the controller has created it.
const UNKNOWN_TOPIC_GRACE: std::time::Duration = std::time::Duration::from_millis(500);
/// The same when the question itself may create it.
const CREATION_GRACE: std::time::Duration = std::time::Duration::from_secs(5);
/// How long the first broker is waited for before another is asked; doubled with each.
const FIRST_PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);
/// Connections that may break under one question.
const BROKEN_MAX: u32 = 3;

/// An answer: the picture, and which topics were refused with which code.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) cluster: Cluster,
    pub(crate) refused: Vec<(String, i16)>,
}

impl Client {
    /// The topic, from the picture if it is fresh, else from a broker.
    ///
    /// # Errors
    /// The topic does not exist, or cannot be asked about within `default.api.timeout.ms`.
    pub async fn topic(&self, name: &str) -> Result<Arc<Topic>> {
        self.topic_or_create(name, false).await
    }

    /// As [`Client::topic`]; the broker may create the topic if its configuration says so.
    ///
    /// # Errors
    /// As [`Client::topic`].
    pub async fn topic_or_create(&self, name: &str, may_create: bool) -> Result<Arc<Topic>> {
        if let Some(topic) = self.cached_topic(name) {
            return Ok(topic);
        }
        let grace = match may_create {
            true => CREATION_GRACE,
            false => UNKNOWN_TOPIC_GRACE,
        };
        let unknown_until = Instant::now() + grace;
        let config = self.config();
        let mut backoff = Backoff::new(config.retry_backoff / 2, config.retry_backoff_max);
        let deadline = Instant::now() + config.api_timeout;
        loop {
            let refused = self.refresh(&[name], may_create).await?;
            if let Some(topic) = self.cached_topic(name) {
                return Ok(topic);
            }
            let code = refused
                .first()
                .map_or(ErrorCode::LeaderNotAvailable.to_wire(), |r| r.1);
            let error = Error::refused(code, None, format!("topic {name}"));
            let patience = match error.code() {
                Some(ErrorCode::UnknownTopicOrPartition) => unknown_until.min(deadline),
                _ => deadline,
            };
            let pause = backoff.next_pause();
            if !error.is_retriable() || Instant::now() + pause >= patience {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks a broker for the brokers and these topics, and keeps the answer. Returns the topics that
    /// were refused.
    pub(crate) async fn refresh(
        &self,
        topics: &[&str],
        may_create: bool,
    ) -> Result<Vec<(String, i16)>> {
        let permit = self.refreshing().acquire().await;
        let _permit = permit.map_err(|_closed| Error::Closed)?;
        let answer = self.ask_metadata(Some(topics), may_create).await?;
        let unknown = ErrorCode::UnknownTopicOrPartition.to_wire();
        let gone = answer.refused.iter().filter(|(_, code)| *code == unknown);
        let gone: Vec<String> = gone.map(|(name, _)| name.clone()).collect();
        self.store(answer.cluster, &gone);
        Ok(answer.refused)
    }

    /// Asks a broker about topics by their ids, and keeps the answer. Ids that nobody knows are left
    /// out.
    pub(crate) async fn refresh_ids(&self, ids: &[Uuid]) -> Result<()> {
        let connection = self.any_broker().await?;
        let version = connection.version(protocol::ApiKey::Metadata)?;
        let by_id = |id: &Uuid| MetadataRequestTopic {
            topic_id: *id,
            name: None,
        };
        let request = MetadataRequest {
            topics: Some(ids.iter().map(by_id).collect()),
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        let response = connection.request_version(&request, version).await?;
        Error::check(response.error_code, None, || "metadata".to_owned())?;
        self.store(answer(&response).cluster, &[]);
        Ok(())
    }

    /// All topics as a broker knows them now. Kept, too.
    ///
    /// # Errors
    /// No broker answers within `default.api.timeout.ms`.
    pub async fn all_topics(&self) -> Result<Arc<Cluster>> {
        let mut retry = Retry::new(self, "list topics");
        let answer = loop {
            match timeout_at(retry.deadline, self.ask_metadata(None, false)).await {
                Ok(Ok(answer)) => break answer,
                Ok(Err(error)) => retry.on_error(error).await?,
                Err(_elapsed) => return Err(retry.timed_out()),
            }
        };
        let cluster = Arc::new(answer.cluster.clone());
        self.store(answer.cluster, &[]);
        Ok(cluster)
    }

    async fn ask_metadata(&self, topics: Option<&[&str]>, may_create: bool) -> Result<Answer> {
        let request = |version: i16| MetadataRequest {
            topics: match topics {
                // Before version 1 an empty list means all topics.
                Some([]) if version == 0 => Some(vec![named("__none")]),
                Some(names) => Some(names.iter().map(|name| named(name)).collect()),
                None if version == 0 => Some(vec![]),
                None => None,
            },
            allow_auto_topic_creation: may_create || version < 4,
            ..MetadataRequest::default()
        };
        let limit = self.config().request_timeout;
        let (mut patience, mut broken_count) = (FIRST_PATIENCE.min(limit), 0);
        loop {
            let connection = self.any_broker().await?;
            let version = connection.version(protocol::ApiKey::Metadata)?;
            let request = request(version);
            let asked = connection.request_version(&request, version);
            match timeout(patience, asked).await {
                Ok(Ok(response)) => {
                    Error::check(response.error_code, None, || "metadata".to_owned())?;
                    return Ok(answer(&response));
                }
                // The next one may be alive; all of them have had their turn after so many.
                Ok(Err(Error::Disconnected { .. })) if broken_count < BROKEN_MAX => {
                    broken_count += 1;
                }
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) if patience >= limit => {
                    return Err(Error::TimedOut {
                        what: format!("Metadata from {}", connection.address),
                        after: patience,
                        last: None,
                    });
                }
                Err(_elapsed) => {
                    self.suspect(&connection.address);
                    patience = (patience * 2).min(limit);
                }
            }
        }
    }
}

fn named(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic {
        name: Some(Str::from(name)),
        ..MetadataRequestTopic::default()
    }
}

fn answer(response: &MetadataResponse) -> Answer {
    let brokers = response.brokers.iter().map(|broker| Broker {
        id: broker.node_id,
        address: Address::new(&*broker.host, u16::try_from(broker.port).unwrap_or(0)),
        rack: broker.rack.as_ref().map(ToString::to_string),
    });
    let (mut topics, mut refused) = (HashMap::new(), Vec::new());
    for topic in &response.topics {
        let Some(name) = &topic.name else { continue };
        if topic.error_code != 0 {
            refused.push((name.to_string(), topic.error_code));
            continue;
        }
        let name: Arc<str> = Arc::from(&**name);
        topics.insert(Arc::clone(&name), Arc::new(topic_of(name, topic)));
    }
    Answer {
        cluster: Cluster {
            cluster_id: response.cluster_id.as_ref().map(ToString::to_string),
            controller_id: response.controller_id,
            brokers: brokers.map(|b| (b.id, b)).collect::<BTreeMap<_, _>>(),
            topics,
        },
        refused,
    }
}

fn topic_of(name: Arc<str>, topic: &MetadataResponseTopic) -> Topic {
    let mut partitions: Vec<_> = topic.partitions.iter().map(partition_of).collect();
    partitions.sort_by_key(|partition| partition.index);
    Topic {
        name,
        id: topic.topic_id,
        is_internal: topic.is_internal,
        partitions,
    }
}

fn partition_of(partition: &MetadataResponsePartition) -> Partition {
    Partition {
        index: partition.partition_index,
        leader: partition.leader_id,
        leader_epoch: partition.leader_epoch,
        replicas: partition.replica_nodes.clone(),
        isr: partition.isr_nodes.clone(),
        offline_replicas: partition.offline_replicas.clone(),
    }
}
