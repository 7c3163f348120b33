//! `kcli broker drain` and `resume`.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::Admin;
use client::metadata::Cluster;
use tokio::time::Instant;

use super::draining;
use crate::complete;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};

pub(super) const EXAMPLES: &str = "\
Examples:
  kcli broker drain 2                 its leaderships go to others; it stays in sync
  kcli broker drain 2 --timeout 2m    allow more time
  kcli broker resume 2                it may lead again; then `kcli partition elect-preferred`";

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A broker to drain or to resume.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Its id
    #[arg(value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    id: i32,
    /// Return at once
    #[arg(long)]
    no_wait: bool,
}

/// Resumes a broker.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Its id
    #[arg(value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    id: i32,
    /// Give its leaderships back, too
    #[arg(long)]
    elect: bool,
}

/// Drains it and waits until it leads nothing.
pub(super) async fn drain(drain: &Drain, context: &Context) -> Result {
    let admin = context.admin().await?;
    super::find(&admin, drain.id).await?;
    if draining::is_draining(&admin, drain.id).await.is_none() {
        return Err(draining::unknown(drain.id));
    }
    let leads = leads(&*admin.client().all_topics().await?, drain.id);
    let name = drain.id.to_string();
    if context.is_dry_run {
        let item = Item::done(name, "would be drained").with("LEADS", leads.len());
        return items::finish(context, "BROKER", &[item]);
    }
    draining::set(&admin, drain.id, true).await?;
    if drain.no_wait {
        let item = Item::done(name, "draining").with("LEADS", leads.len());
        return items::finish(context, "BROKER", &[item]);
    }
    let left = wait_until_drained(&admin, drain.id, context).await?;
    let item = Item::done(
        name,
        if left.is_empty() {
            "drained"
        } else {
            "draining"
        },
    );
    let item = item
        .with("MOVED", leads.len().saturating_sub(left.len()))
        .with("LEADS", left.len());
    items::finish(context, "BROKER", &[item])?;
    if left.is_empty() {
        return Ok(());
    }
    let shown: Vec<_> = left.iter().take(5).map(String::as_str).collect();
    let failure = Failure::new(Exit::Failed, format!("broker {} still leads {}", drain.id, shown.join(", ")))
        .hint("no other replica of them is in sync, so nobody else may lead: see `kcli partition list --unhealthy`");
    Err(failure)
}

/// Waits until a broker leads nothing that another could; returns what it still leads when time is over.
pub(super) async fn wait_until_drained(
    admin: &Admin,
    id: i32,
    context: &Context,
) -> Result<Vec<String>> {
    let until = Instant::now() + context.settings.client.api_timeout;
    loop {
        let cluster = admin.client().all_topics().await?;
        let left = leads(&cluster, id);
        let is_stuck = !left.is_empty() && left.len() == alone(&cluster, id);
        if left.is_empty() || is_stuck || Instant::now() + LOOK_EVERY >= until {
            return Ok(left);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = context.interrupt.cancelled() => return Err(Failure::reported(Exit::Interrupted)),
        }
    }
}

/// Partitions that a broker leads.
fn leads(cluster: &Cluster, id: i32) -> Vec<String> {
    let all = cluster
        .topics
        .values()
        .flat_map(|topic| topic.partitions.iter().map(move |p| (topic, p)));
    let own = all.filter(|(_, partition)| partition.leader == id);
    let mut own: Vec<_> = own
        .map(|(topic, p)| format!("{}/{}", topic.name, p.index))
        .collect();
    own.sort();
    own
}

/// Partitions that a broker leads because nobody else is in sync.
fn alone(cluster: &Cluster, id: i32) -> usize {
    let all = cluster.topics.values().flat_map(|topic| &topic.partitions);
    all.filter(|partition| partition.leader == id && partition.isr == [id])
        .count()
}

/// Ends draining.
pub(super) async fn resume(resume: &Resume, context: &Context) -> Result {
    let admin = context.admin().await?;
    super::find(&admin, resume.id).await?;
    let name = resume.id.to_string();
    match draining::is_draining(&admin, resume.id).await {
        None => return Err(draining::unknown(resume.id)),
        Some(false) => {
            return items::finish(context, "BROKER", &[Item::done(name, "was not draining")]);
        }
        Some(true) if context.is_dry_run => {
            return items::finish(context, "BROKER", &[Item::done(name, "would be resumed")]);
        }
        Some(true) => {}
    }
    draining::set(&admin, resume.id, false).await?;
    if resume.elect {
        let cluster = admin.client().all_topics().await?;
        let topics = cluster.topics.values();
        let own = topics.flat_map(|topic| {
            let partitions = topic.partitions.iter();
            let own = partitions
                .filter(|p| p.replicas.first() == Some(&resume.id) && p.leader != resume.id);
            own.map(|p| types::TopicPartition::new(&*topic.name, p.index))
        });
        let own: Vec<_> = own.collect();
        if !own.is_empty() {
            admin
                .elect_leaders(client::admin::Election::Preferred, Some(&own))
                .await?;
        }
    } else {
        context.remark("note: it gets its leaderships back with `kcli partition elect-preferred`, or from the cluster after a while");
    }
    items::finish(context, "BROKER", &[Item::done(name, "resumed")])
}
