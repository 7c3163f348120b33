//! The cluster's brokers and their disks.

use protocol::Str;
use protocol::messages::describe_cluster::DescribeClusterRequest;
use protocol::messages::describe_log_dirs::{DescribeLogDirsRequest, DescribeLogDirsResult};
use protocol::messages::unregister_broker::{UnregisterBrokerRequest, UnregisterBrokerResponse};
use types::TopicPartition;

use super::{Admin, text};
use crate::ask::Whom;
use crate::metadata::Broker;
use crate::{Address, Error, Result};

/// The first version that can show fenced brokers.
const FENCED_SINCE: i16 = 2;
/// The first version that tells the size of the disk.
const DISK_SIZE_SINCE: i16 = 4;

/// The cluster as one broker describes it.
#[derive(Debug, Clone)]
pub struct ClusterDescription {
    /// Its id.
    pub cluster_id: String,
    /// Where to send what needs the controller. In KRaft this is any live broker.
    pub controller_id: i32,
    /// Brokers by id.
    pub brokers: Vec<DescribedBroker>,
}

/// One broker.
#[derive(Debug, Clone)]
pub struct DescribedBroker {
    /// Id, address and rack.
    pub broker: Broker,
    /// Whether the controller has shut it out; `None` if the cluster is too old to tell.
    pub is_fenced: Option<bool>,
}

/// One log directory of one broker.
#[derive(Debug, Clone)]
pub struct LogDir {
    /// Its path on the broker.
    pub path: String,
    /// Why it cannot be used, if so.
    pub error: Option<Error>,
    /// Size of its disk in bytes, if the broker tells.
    pub total_bytes: Option<i64>,
    /// Free bytes of its disk, if the broker tells.
    pub usable_bytes: Option<i64>,
    /// Whether it takes no new replicas.
    pub is_cordoned: bool,
    /// What lies in it.
    pub replicas: Vec<ReplicaSize>,
}

/// One replica's log.
#[derive(Debug, Clone)]
pub struct ReplicaSize {
    /// Of which partition.
    pub partition: TopicPartition,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// How far it is behind.
    pub offset_lag: i64,
    /// Whether it is being moved here from another directory.
    pub is_future: bool,
}

impl Admin {
    /// The cluster and its brokers, fenced ones included where the cluster tells.
    ///
    /// # Errors
    /// No broker answers within `default.api.timeout.ms`.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription> {
        match self.describe_cluster_itself().await {
            Err(Error::Unsupported { .. }) => self.cluster_of_metadata().await,
            described => described,
        }
    }

    async fn describe_cluster_itself(&self) -> Result<ClusterDescription> {
        let make = |version| DescribeClusterRequest {
            include_fenced_brokers: version >= FENCED_SINCE,
            ..DescribeClusterRequest::default()
        };
        let (version, response) = self.client.ask(Whom::Any, make, |_| Ok(())).await?;
        let message = response.error_message.as_deref();
        Error::check(response.error_code, message, || {
            "describe the cluster".to_owned()
        })?;
        let brokers = response.brokers.iter().map(|broker| DescribedBroker {
            broker: Broker {
                id: broker.broker_id,
                address: Address::new(&*broker.host, u16::try_from(broker.port).unwrap_or(0)),
                rack: text(broker.rack.as_ref()),
            },
            is_fenced: (version >= FENCED_SINCE).then_some(broker.is_fenced),
        });
        let mut brokers: Vec<_> = brokers.collect();
        brokers.sort_by_key(|described| described.broker.id);
        Ok(ClusterDescription {
            cluster_id: response.cluster_id.to_string(),
            controller_id: response.controller_id,
            brokers,
        })
    }

    async fn cluster_of_metadata(&self) -> Result<ClusterDescription> {
        self.client.refresh(&[], false).await?;
        let cluster = self.client.cluster();
        let brokers = cluster.brokers.values().map(|broker| DescribedBroker {
            broker: broker.clone(),
            is_fenced: None,
        });
        Ok(ClusterDescription {
            cluster_id: cluster.cluster_id.clone().unwrap_or_default(),
            controller_id: cluster.controller_id,
            brokers: brokers.collect(),
        })
    }

    /// Forgets a broker that will not come back. It must be down and have no replicas left.
    ///
    /// # Errors
    /// The controller refused, or the request failed.
    pub async fn unregister_broker(&self, node_id: i32) -> Result<()> {
        let request = UnregisterBrokerRequest { broker_id: node_id };
        let check = |response: &UnregisterBrokerResponse| {
            let message = response.error_message.as_deref();
            let what = || format!("unregister broker {node_id}");
            Error::check(response.error_code, message, what)
        };
        let response = self.order(request, check).await?;
        check(&response)
    }

    /// The log directories of one broker.
    ///
    /// # Errors
    /// The broker cannot be reached or refuses.
    pub async fn describe_log_dirs(&self, node_id: i32) -> Result<Vec<LogDir>> {
        let make = |_version| DescribeLogDirsRequest { topics: None };
        let (version, response) = self
            .client
            .ask(Whom::Node(node_id), make, |_| Ok(()))
            .await?;
        let what = || format!("log directories of broker {node_id}");
        Error::check(response.error_code, None, what)?;
        let tells_size = version >= DISK_SIZE_SINCE;
        Ok(response
            .results
            .iter()
            .map(|dir| log_dir(dir, tells_size))
            .collect())
    }
}

fn log_dir(dir: &DescribeLogDirsResult, tells_size: bool) -> LogDir {
    let size = |bytes: i64| (tells_size && bytes >= 0).then_some(bytes);
    let replicas = dir.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| ReplicaSize {
            partition: TopicPartition::new(topic.name.as_ref() as &str, partition.partition_index),
            size_bytes: partition.partition_size,
            offset_lag: partition.offset_lag,
            is_future: partition.is_future_key,
        })
    });
    let mut replicas: Vec<_> = replicas.collect();
    replicas.sort_by(|a, b| a.partition.cmp(&b.partition));
    let path: &Str = &dir.log_dir;
    LogDir {
        path: path.to_string(),
        error: Error::check(dir.error_code, None, || format!("log directory {path}")).err(),
        total_bytes: size(dir.total_bytes),
        usable_bytes: size(dir.usable_bytes),
        is_cordoned: dir.is_cordoned,
        replicas,
    }
}
