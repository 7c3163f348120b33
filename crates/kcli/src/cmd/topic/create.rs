//! `kcli topic create`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::admin::{CreatedTopic, NewTopic};
use client::metadata::Topic;
use client::{Admin, Error};
use config::Scope;
use types::ErrorCode;

use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};
use crate::nearest::did_you_mean;
use crate::topics::{self, key_value};

const EXAMPLES: &str = "\
Examples:
  kcli topic create cities -p 6 -r 3                        six partitions, three replicas of each
  kcli topic create cities -p 6 -r 3 -c min.insync.replicas=2
  kcli topic create cities --replica-assignment 1:2:3,2:3:1 two partitions, brokers by hand
  kcli topic create cities -p 6 -r 3 --if-not-exists --dry-run";

/// Create topics.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// Their names
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    /// How many partitions [default: the broker's num.partitions]
    #[arg(short = 'p', long, value_name = "N")]
    partitions: Option<i32>,
    /// How many replicas of each [default: the broker's default.replication.factor]
    #[arg(short = 'r', long, value_name = "N")]
    replication_factor: Option<i16>,
    /// A config of the topic, as often as needed
    #[arg(
        short = 'c',
        long,
        value_name = "KEY=VALUE",
        value_parser = key_value,
        add = ArgValueCompleter::new(complete::topic_settings)
    )]
    config: Vec<(String, String)>,
    /// Brokers of each partition, first the preferred leader: 1:2,2:3 is two partitions
    #[arg(
        long,
        value_name = "IDS",
        value_parser = assignment,
        conflicts_with_all = ["partitions", "replication_factor"]
    )]
    replica_assignment: Option<Assignment>,
    /// Do not complain about topics that exist
    #[arg(long)]
    if_not_exists: bool,
    /// Return as soon as the topic is created, even if its leaders are not elected yet
    #[arg(long)]
    no_wait: bool,
    /// Wait until every partition has a leader (this is the default)
    #[arg(long, hide = true)]
    wait: bool,
}

type Assignment = Vec<Vec<i32>>;

/// Creates them.
pub(crate) async fn run(create: Create, context: &Context) -> Result {
    let admin = context.admin().await?;
    let topics: Vec<NewTopic> = create
        .topics
        .iter()
        .map(|name| create.topic(name))
        .collect();
    let results = admin.create_topics(&topics, context.is_dry_run).await?;
    let mut items = Vec::new();
    for (name, result) in results {
        items.push(match result {
            Ok(created) => {
                if !context.is_dry_run && !create.no_wait {
                    topics::wait_until(admin.client(), &name, has_leaders).await;
                    create.tell_of_absent(&admin, &name, context).await;
                }
                item(&created, context.is_dry_run)
            }
            Err(error) if create.accepts(&error) => Item::done(name, "exists"),
            Err(error) => Item::failed(name, create.explain(&admin, error).await),
        });
    }
    items::finish(context, "TOPIC", &items)
}

fn item(created: &CreatedTopic, is_dry_run: bool) -> Item {
    let result = if is_dry_run {
        "would be created"
    } else {
        "created"
    };
    let count = |n: i32| (n >= 0).then_some(n);
    Item::done(created.name.as_str(), result)
        .with("PARTITIONS", count(created.partition_count))
        .with("REPLICAS", count(created.replication_factor.into()))
        .with(
            "ID",
            (!created.id.is_zero()).then(|| created.id.to_string()),
        )
}

impl Create {
    fn topic(&self, name: &str) -> NewTopic {
        NewTopic {
            name: name.to_owned(),
            partition_count: self.partitions,
            replication_factor: self.replication_factor,
            assignment: self.replica_assignment.clone().unwrap_or_default(),
            configs: self.config.iter().cloned().collect(),
        }
    }

    fn accepts(&self, error: &Error) -> bool {
        self.if_not_exists && error.code() == Some(ErrorCode::TopicAlreadyExists)
    }

    async fn explain(&self, admin: &Admin, error: Error) -> Failure {
        let mut failure = Failure::from(error);
        match failure.code() {
            Some(ErrorCode::InvalidReplicationFactor | ErrorCode::InvalidReplicaAssignment) => {
                failure.hints.extend(self.replication_hint(admin).await);
            }
            Some(ErrorCode::InvalidConfig) => failure.hints.extend(self.config_hint()),
            _ => {}
        }
        failure
    }

    async fn replication_hint(&self, admin: &Admin) -> Option<String> {
        let cluster = admin.describe_cluster().await.ok()?;
        let fenced: Vec<_> = cluster
            .brokers
            .iter()
            .filter(|broker| broker.is_fenced == Some(true))
            .map(|broker| broker.broker.id.to_string())
            .collect();
        let alive = cluster.brokers.len() - fenced.len();
        let asked = self
            .replication_factor
            .map_or(String::new(), |n| format!("asked for {n}, "));
        let brokers = match alive {
            1 => "broker is",
            _ => "brokers are",
        };
        let fenced = match fenced.as_slice() {
            [] => String::new(),
            [one] => format!(" (1 is fenced: broker {one})"),
            several => format!(
                " ({} are fenced: brokers {})",
                several.len(),
                several.join(", ")
            ),
        };
        Some(format!("{asked}{alive} {brokers} alive{fenced}"))
    }

    /// A topic is created also on brokers that are away; people should know.
    async fn tell_of_absent(&self, admin: &Admin, name: &str, context: &Context) {
        let Ok(topic) = admin.client().topic(name).await else {
            return;
        };
        let all = topic.partitions.iter();
        let short = all.filter(|p| p.isr.len() < p.replicas.len()).count();
        if short > 0
            && let Some(alive) = self.replication_hint(admin).await
        {
            context.remark(&format!(
                "note: {short} partitions of {name} begin with replicas out of sync: {alive}"
            ));
        }
    }

    fn config_hint(&self) -> Option<String> {
        let keys = self.config.iter().map(|(key, _)| key.as_str());
        let unknown = keys.filter(|key| config::key(Scope::Topic, key).is_none());
        let known = || config::keys(Scope::Topic).iter().map(config::Key::name);
        unknown
            .into_iter()
            .find_map(|key| did_you_mean(key, known()))
    }
}

fn has_leaders(topic: Option<&Topic>) -> bool {
    topic.is_some_and(|topic| topic.partitions.iter().all(|p| p.has_leader()))
}

fn assignment(text: &str) -> Result<Assignment, String> {
    let partition = |part: &str| {
        let ids = part.split(':').map(str::trim);
        ids.map(|id| {
            id.parse::<i32>()
                .map_err(|_e| format!("{id:?} is no broker id"))
        })
        .collect()
    };
    text.split(',').map(partition).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_names_brokers_by_partition() {
        assert_eq!(assignment("1:2,2:3"), Ok(vec![vec![1, 2], vec![2, 3]]));
        assert!(assignment("1:x").is_err());
    }
}
