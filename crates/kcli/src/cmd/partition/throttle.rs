//! Throttles of moving replicas: set before, taken away after. Kafka keeps them as configs of
//! brokers (how fast) and topics (which replicas); a move that is interrupted leaves them behind.

use std::collections::{BTreeMap, BTreeSet};

use client::Admin;
use client::admin::{AlterOp, ConfigSource, Resource, ResourceKind};

use super::plan::Change;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};

/// How fast, by broker.
const RATES: [&str; 2] = [
    "leader.replication.throttled.rate",
    "follower.replication.throttled.rate",
];
/// Which replicas, by topic.
const LEADERS: &str = "leader.replication.throttled.replicas";
const FOLLOWERS: &str = "follower.replication.throttled.replicas";

/// The throttles of one set of moves.
#[derive(Debug)]
pub(super) struct Throttle {
    brokers: BTreeSet<i32>,
    /// By topic: replicas to read from, replicas to write to, as `PARTITION:BROKER`.
    topics: BTreeMap<String, (Vec<String>, Vec<String>)>,
}

impl Throttle {
    /// For these moves.
    pub(super) fn new(changes: &[Change]) -> Self {
        let mut throttle = Self {
            brokers: BTreeSet::new(),
            topics: BTreeMap::new(),
        };
        for change in changes.iter().filter(|change| !change.adding().is_empty()) {
            let (index, topic) = (change.partition.partition, &change.partition.topic);
            let name = |id: &i32| format!("{index}:{id}");
            throttle
                .brokers
                .extend(change.from.iter().chain(&change.to));
            let (leaders, followers) = throttle.topics.entry(topic.to_string()).or_default();
            leaders.extend(change.from.iter().map(name));
            followers.extend(change.adding().iter().map(name));
        }
        throttle
    }

    /// Sets them: so many bytes a second for each broker, in and out.
    pub(super) async fn set(&self, admin: &Admin, bytes_per_second: u64) -> Result {
        let rates = RATES.map(|key| (key.to_owned(), AlterOp::Set(bytes_per_second.to_string())));
        for id in &self.brokers {
            admin.alter_configs(&broker(*id), &rates, false).await?;
        }
        self.alter_topics(admin, AlterOp::Append).await
    }

    /// Takes them away.
    pub(super) async fn clear(&self, admin: &Admin) -> Result {
        self.alter_topics(admin, AlterOp::Subtract).await?;
        // What is empty now looks as if something were throttled.
        let names: Vec<String> = self.topics.keys().cloned().collect();
        for (topic, configs) in admin.topic_configs(&names, &[LEADERS, FOLLOWERS]).await? {
            let is_empty = |value: &Option<String>| value.as_ref().is_none_or(String::is_empty);
            let empty = configs.into_iter().flatten();
            let empty = empty.filter(|c| c.source == ConfigSource::Topic && is_empty(&c.value));
            let changes: Vec<_> = empty.map(|c| (c.name, AlterOp::Delete)).collect();
            if !changes.is_empty() {
                admin
                    .alter_configs(&of_topic(&topic), &changes, false)
                    .await?;
            }
        }
        let rates = RATES.map(|key| (key.to_owned(), AlterOp::Delete));
        for id in &self.brokers {
            admin.alter_configs(&broker(*id), &rates, false).await?;
        }
        Ok(())
    }

    async fn alter_topics(&self, admin: &Admin, op: impl Fn(String) -> AlterOp) -> Result {
        for (topic, (leaders, followers)) in &self.topics {
            let changes = [
                (LEADERS.to_owned(), op(leaders.join(","))),
                (FOLLOWERS.to_owned(), op(followers.join(","))),
            ];
            admin
                .alter_configs(&of_topic(topic), &changes, false)
                .await?;
        }
        Ok(())
    }
}

fn broker(id: i32) -> Resource {
    Resource {
        kind: ResourceKind::Broker,
        name: id.to_string(),
    }
}

fn of_topic(name: &str) -> Resource {
    Resource {
        kind: ResourceKind::Topic,
        name: name.to_owned(),
    }
}

/// Throttles that are set now.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Brokers that limit themselves.
    pub(crate) brokers: Vec<i32>,
    /// Topics with limited replicas.
    pub(crate) topics: Vec<String>,
}

impl Found {
    /// Looks for them at all live brokers and all topics.
    pub(crate) async fn look(admin: &Admin) -> Result<Self> {
        let cluster = admin.client().all_topics().await?;
        let mut found = Self::default();
        for id in cluster.brokers.keys() {
            let configs = admin.describe_configs(&broker(*id), false).await?;
            let is_set = |source| matches!(source, ConfigSource::DynamicBroker);
            let mut rates = configs.iter().filter(|c| RATES.contains(&c.name.as_str()));
            if rates.any(|config| is_set(config.source)) {
                found.brokers.push(*id);
            }
        }
        let mut names: Vec<String> = cluster.topics.keys().map(ToString::to_string).collect();
        names.sort();
        for (topic, configs) in admin.topic_configs(&names, &[LEADERS, FOLLOWERS]).await? {
            let mut configs = configs.into_iter().flatten();
            let is_set = |value: Option<String>| value.is_some_and(|v| !v.is_empty());
            if configs.any(|c| c.source == ConfigSource::Topic && is_set(c.value)) {
                found.topics.push(topic);
            }
        }
        Ok(found)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.brokers.is_empty() && self.topics.is_empty()
    }
}

/// `kcli partition unthrottle`.
pub(super) async fn unthrottle(context: &Context) -> Result {
    let admin = context.admin().await?;
    let moving = admin.list_reassignments(None).await?;
    if !moving.is_empty() {
        context.remark(&format!(
            "note: {} partitions are on the move and go on without a throttle",
            moving.len()
        ));
    }
    let found = Found::look(&admin).await?;
    let brokers = found.brokers.iter();
    let brokers = brokers.map(|id| (format!("broker/{id}"), broker(*id), RATES));
    let topics = found.topics.iter();
    let topics = topics.map(|name| {
        (
            format!("topic/{name}"),
            of_topic(name),
            [LEADERS, FOLLOWERS],
        )
    });
    let mut items = Vec::new();
    for (name, resource, keys) in brokers.chain(topics) {
        let changes = keys.map(|key| (key.to_owned(), AlterOp::Delete));
        let altered = admin
            .alter_configs(&resource, &changes, context.is_dry_run)
            .await;
        let done = if context.is_dry_run {
            "would be unthrottled"
        } else {
            "unthrottled"
        };
        items.push(match altered {
            Ok(()) => Item::done(name, done),
            Err(error) => Item::failed(name, Failure::from(error)),
        });
    }
    if items.is_empty() && !context.output.format.is_json() {
        context.remark("there is no throttle");
    }
    items::finish(context, "RESOURCE", &items)
}

/// Reads a rate: `10MB/s`, `512k`, `1048576`.
pub(crate) fn rate(text: &str) -> Result<u64, String> {
    let plain = text
        .trim()
        .trim_end_matches("/s")
        .trim_end_matches(['b', 'B'])
        .trim_end_matches('i');
    let digits = plain.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match &plain[digits.len()..] {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return Err(format!("{text:?}: write bytes a second, as 10MB/s")),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_e| format!("{text:?}: write bytes a second, as 10MB/s"))?;
    match number.checked_mul(factor) {
        Some(0) | None => Err(format!(
            "{text:?}: a throttle is more than nothing and less than that"
        )),
        Some(rate) => Ok(rate),
    }
}

#[cfg(test)]
mod tests {
    use types::TopicPartition;

    use super::*;

    #[test]
    fn rates_are_bytes_a_second() {
        for (text, bytes) in [
            ("1000", 1000),
            ("10MB/s", 10 << 20),
            ("512k", 512 << 10),
            ("1GiB/s", 1 << 30),
        ] {
            assert_eq!(rate(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "0", "fast", "10 parsecs"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn old_replicas_are_throttled_as_leaders_and_new_ones_as_followers() {
        let change = Change {
            partition: TopicPartition::new("t", 3),
            from: vec![1, 2],
            to: vec![4, 2],
        };
        let throttle = Throttle::new(&[change]);
        assert_eq!(throttle.brokers, BTreeSet::from([1, 2, 4]));
        let (leaders, followers) = &throttle.topics["t"];
        assert_eq!(
            (leaders.join(","), followers.join(",")),
            ("3:1,3:2".into(), "3:4".into())
        );
    }
}
