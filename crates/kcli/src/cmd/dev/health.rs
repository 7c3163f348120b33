//! Waiting until all brokers are in the cluster and unfenced, and every partition has a leader.

use std::time::Duration;

use client::{Admin, Client};
use tokio::time::Instant;

use super::node;
use super::process::Life;
use super::state::Cluster;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// How long it may take, unless --timeout says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// One look.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// Waits.
///
/// # Errors
/// A node ended, or time is over; then what is still missing.
pub(super) async fn wait(cluster: &Cluster, context: &Context) -> Result {
    let until = Instant::now() + context.timeout_given.unwrap_or(PATIENCE);
    loop {
        let missing = match tokio::time::timeout(LOOK_MAX, missing(cluster, context)).await {
            Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(missing))) => missing,
            Ok(Err(failure)) => failure.message,
            Err(_elapsed) => "no answer".to_owned(),
        };
        if let Some(dead) = cluster.nodes.iter().find(|node| node.life() == Life::Gone) {
            return Err(node::ended(dead));
        }
        if Instant::now() >= until {
            let message = format!("the cluster is up but not ready: {missing}");
            return Err(Failure::new(Exit::Unreachable, message)
                .hint("allow more time with --timeout; see `kcli dev status` for the logs"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What is not as it shall be, if anything.
async fn missing(cluster: &Cluster, context: &Context) -> Result<Option<String>> {
    let mut settings = context.settings.clone();
    settings.set("bootstrap.servers", &cluster.bootstrap())?;
    settings.client.api_timeout = LOOK_MAX;
    settings.client.request_timeout = LOOK_MAX;
    settings.client.connect_timeout = LOOK_MAX;
    let admin = Admin::new(Client::connect(settings.client).await?);
    let described = admin.describe_cluster().await?;
    for node in cluster.nodes.iter().filter(|node| node.role.is_broker()) {
        let found = described.brokers.iter().find(|it| it.broker.id == node.id);
        match found {
            None => return Ok(Some(format!("broker {} has not registered", node.id))),
            Some(it) if it.is_fenced == Some(true) => {
                return Ok(Some(format!("broker {} is fenced", node.id)));
            }
            Some(_) => {}
        }
    }
    let all = admin.client().all_topics().await?;
    let mut partitions = all.topics.values().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|partition| (&topic.name, partition))
    });
    let leaderless = partitions.find(|(_, partition)| !partition.has_leader());
    Ok(leaderless.map(|(topic, it)| format!("partition {topic}-{} has no leader", it.index)))
}
