//! Clients of a cluster, and waiting until it is as it should be.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use client::{Address, Admin, Client, Config};
use tokio::time::{Instant, sleep};

use super::Cluster;

const READY_WITHIN: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Clients here are impatient: a broker may be stopped in the middle of an answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
const API_TIMEOUT: Duration = Duration::from_secs(10);

/// What is waited for.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// Brokers that are up.
    pub broker_count: usize,
    /// Topics whose partitions have a leader and all replicas in sync.
    pub in_sync: &'a [&'a str],
}

/// A client with short patience.
///
/// # Errors
/// No broker answers.
pub async fn connect(bootstrap: Vec<Address>, name: &str) -> Result<Client> {
    let config = Config {
        client_id: name.to_owned(),
        request_timeout: REQUEST_TIMEOUT,
        connect_timeout: REQUEST_TIMEOUT,
        api_timeout: API_TIMEOUT,
        ..Config::new(bootstrap)
    };
    Ok(Client::connect(config).await?)
}

/// An administrator with short patience.
///
/// # Errors
/// No broker answers.
pub async fn admin(bootstrap: Vec<Address>) -> Result<Admin> {
    Ok(Admin::new(connect(bootstrap, "admin").await?))
}

impl Cluster {
    /// An administrator of this cluster.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn admin(&self) -> Result<Admin> {
        admin(self.bootstrap()).await
    }

    /// Waits until every broker is in the cluster.
    pub(super) async fn wait_until_ready(&mut self) -> Result<()> {
        let count = usize::try_from(self.layout.broker_count)?;
        let expected = Expected {
            broker_count: count,
            in_sync: &[],
        };
        self.wait_for(&expected, READY_WITHIN).await
    }

    /// Waits until the cluster is as expected.
    ///
    /// # Errors
    /// It is not in time, or a node has ended by itself; with the tails of all logs.
    pub async fn wait_for(&mut self, expected: &Expected<'_>, at_most: Duration) -> Result<()> {
        let deadline = Instant::now() + at_most;
        loop {
            let looked = tokio::time::timeout(API_TIMEOUT, self.look(expected)).await;
            let difference = match looked {
                Ok(Ok(None)) => return Ok(()),
                Ok(Ok(Some(difference))) => difference,
                Ok(Err(error)) => error.to_string(),
                Err(_elapsed) => "no answer".to_owned(),
            };
            for node in self.nodes.values_mut() {
                if let Some(status) = node.ended().filter(|status| status.code().is_some()) {
                    let id = node.id;
                    bail!("node {id} ended: {status}\n{}", self.tails());
                }
            }
            if Instant::now() >= deadline {
                bail!("after {at_most:?}: {difference}\n{}", self.tails());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// How the cluster differs from what is expected, as each of its brokers that run sees it.
    async fn look(&mut self, expected: &Expected<'_>) -> Result<Option<String>> {
        for id in self.running() {
            if !self.layout.roles(id).is_broker {
                continue;
            }
            let client = connect(vec![self.address(id)], "ready").await?;
            let cluster = client.all_topics().await?;
            let count = cluster.brokers.len();
            if count != expected.broker_count {
                return Ok(Some(format!("broker {id} knows {count} brokers")));
            }
            for name in expected.in_sync {
                let topic = cluster.topics.get(*name);
                let topic = topic.with_context(|| format!("broker {id} knows no {name}"))?;
                for partition in &topic.partitions {
                    let (index, isr) = (partition.index, &partition.isr);
                    if !partition.has_leader() || isr.len() < partition.replicas.len() {
                        return Ok(Some(format!("{name}-{index} has in sync only {isr:?}")));
                    }
                }
            }
        }
        Ok(None)
    }
}
