//! `kcli audit`: are the replicas of a topic the same, byte for byte, while they work?
//!
//! ```text
//! source (a broker's audit service, or its Fetch) ─▶ positions: what can be compared
//!                                                 ─▶ digests of chunks: which chunk differs
//!                                                 ─▶ batches of that chunk: which batch differs
//! difference (pure) ─▶ what differs, and on which replicas
//! ```
//!
//! Compared is what all replicas have below their high watermarks. Brokers that know the audit service
//! digest their own logs; of others, Apache Kafka's among them, the batches are fetched and digested
//! here.

mod difference;
mod fetch;
mod partition;
mod show;
mod source;

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::Admin;
use client::admin::{Resource, ResourceKind};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::{complete, topics};

use partition::{Audited, State};
use source::Broker;

/// Are all replicas of a topic the same?
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Its name
    #[arg(value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    topic: String,
    /// Only this partition, as often as needed
    #[arg(short = 'p', long = "partition", value_name = "N")]
    partitions: Vec<i32>,
    /// Also compute every checksum anew, not only compare those that are kept
    #[arg(long)]
    deep: bool,
    /// Fetch the batches and compare them here, whatever the brokers can do
    #[arg(long)]
    fetch: bool,
}

/// Compares partition by partition. Exit code 11 if replicas differ, 10 if one could not be compared.
pub(crate) async fn run(audit: Audit, context: &Context) -> Result {
    let admin = context.admin().await?;
    let topic = topics::find(admin.client(), &audit.topic).await?;
    refuse_compacted(&admin, &audit.topic).await?;
    for wanted in &audit.partitions {
        if topic.partition(*wanted).is_none() {
            let count = topic.partitions.len();
            let message = format!(
                "topic {} has no partition {wanted}: it has {count}",
                topic.name
            );
            return Err(Failure::usage(message));
        }
    }
    let cluster = admin.client().cluster();
    let brokers = cluster.brokers.values().map(|broker| {
        let address = (!audit.fetch).then_some(&broker.address);
        Broker::new(broker.id, address, &admin)
    });
    let brokers: Vec<Broker> = brokers.collect();
    let bar = show::Bar::new(context);
    let mut all = Vec::new();
    for partition in &topic.partitions {
        if !audit.partitions.is_empty() && !audit.partitions.contains(&partition.index) {
            continue;
        }
        if context.interrupt.is_cancelled() {
            return Err(Failure::reported(Exit::Interrupted));
        }
        let audited = partition::audit(&topic, partition, &brokers, audit.deep, &bar).await;
        all.push(audited);
    }
    bar.finish();
    show::print(&topic.name, &all, context)?;
    let has = |wanted: fn(&State) -> bool| all.iter().any(|it: &Audited| wanted(&it.state));
    if has(|state| matches!(state, State::Differs(_) | State::Damaged)) {
        return Err(Failure::reported(Exit::Broken));
    }
    if has(|state| matches!(state, State::Incomplete)) {
        return Err(Failure::reported(Exit::Unhealthy));
    }
    Ok(())
}

/// Each replica compacts for itself and in its own time, so they differ without harm.
async fn refuse_compacted(admin: &Admin, topic: &str) -> Result {
    let resource = Resource {
        kind: ResourceKind::Topic,
        name: topic.to_owned(),
    };
    // Those who may not see configs may still compare.
    let configs = admin
        .describe_configs(&resource, false)
        .await
        .unwrap_or_default();
    let policy = configs
        .iter()
        .find(|config| config.name == "cleanup.policy");
    let policy = policy.and_then(|config| config.value.as_deref());
    if policy.is_some_and(|policy| policy.contains("compact")) {
        let message =
            format!("{topic} is compacted, by each replica in its own time: they may differ");
        return Err(Failure::usage(message).hint("audit topics with cleanup.policy=delete"));
    }
    Ok(())
}
