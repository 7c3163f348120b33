//! `kcli cluster health`: the answer is the exit code.

use std::time::Duration;

use clap::Args;
use client::Admin;
use serde_json::json;
use tokio::time::Instant;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Report, note};
use crate::when;

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Is all well? Exit code 10 if not.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Wait so long for it to become well
    #[arg(long, value_name = "TIME", value_parser = when::duration)]
    wait: Option<Duration>,
}

/// Looks, again while there is time, and tells.
pub(crate) async fn run(health: &Health, context: &Context) -> Result {
    let admin = context.admin().await?;
    let until = Instant::now() + health.wait.unwrap_or_default();
    let mut troubles = troubles(&admin).await?;
    while !troubles.is_empty() && Instant::now() + LOOK_EVERY < until {
        tokio::time::sleep(LOOK_EVERY).await;
        troubles = self::troubles(&admin).await?;
    }
    let is_healthy = troubles.is_empty();
    let json = json!({ "isHealthy": is_healthy, "troubles": troubles });
    let word = if is_healthy {
        "healthy\n"
    } else {
        "unhealthy\n"
    };
    context.output.print(&Report::new(&json, word.to_owned()))?;
    troubles
        .iter()
        .for_each(|trouble| note(&format!("error: {trouble}")));
    match is_healthy {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Unhealthy)),
    }
}

/// All that is not as it should be, a sentence each.
async fn troubles(admin: &Admin) -> Result<Vec<String>> {
    let mut troubles = Vec::new();
    let cluster = admin.describe_cluster().await?;
    let fenced = cluster
        .brokers
        .iter()
        .filter(|broker| broker.is_fenced == Some(true));
    troubles.extend(fenced.map(|broker| format!("broker {} is fenced", broker.broker.id)));
    match admin.describe_quorum().await {
        Ok(quorum) if quorum.leader_id < 0 => {
            troubles.push("the metadata quorum has no leader".to_owned());
        }
        // Clusters before KRaft have no quorum.
        Ok(_) | Err(client::Error::Unsupported { .. }) => {}
        Err(error) => troubles.push(format!("the metadata quorum does not answer: {error}")),
    }
    let topics = admin.client().all_topics().await?;
    let mut topics: Vec<_> = topics.topics.values().collect();
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    for topic in topics {
        for partition in &topic.partitions {
            let name = format!("{}-{}", topic.name, partition.index);
            if !partition.has_leader() {
                troubles.push(format!("partition {name} has no leader"));
            } else if partition.isr.len() < partition.replicas.len() {
                let missing = partition.replicas.len() - partition.isr.len();
                troubles.push(format!(
                    "partition {name}: {missing} replicas are out of sync"
                ));
            }
        }
    }
    Ok(troubles)
}
