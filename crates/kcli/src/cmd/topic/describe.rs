//! `kcli topic describe`.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;
use client::Admin;
use client::admin::{
    ConfigEntry, ConfigSource, PartitionDetail, Resource, ResourceKind, TopicDetail,
};
use serde_json::{Value, json};

use super::groups::{self, Reader};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Page, Report, Table, Tone, note};
use crate::replicas::{State, leader_cell};
use crate::{complete, topics};

const EXAMPLES: &str = "\
Examples:
  kcli topic describe cities                    all about one topic
  kcli topic describe --under-replicated        partitions of any topic with replicas out of sync
  kcli topic describe --unavailable             partitions without a leader
  kcli topic describe cities --under-min-isr    where acks=all is refused now
  kcli topic describe cities --section groups   who reads it

ELR are replicas that have every acknowledged event though they left the ISR; LAST ELR those that
may have. OFFLINE replicas are on brokers or disks that are down.";

/// Show partitions, leaders, replicas and configs of topics.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Describe {
    /// Their names; all topics, if none is given with one of the filters
    #[arg(value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    topics: Vec<String>,
    /// Only these parts
    #[arg(long, value_name = "PART", value_delimiter = ',', default_values = ["summary", "partitions", "configs"])]
    section: Vec<Part>,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Summary,
    Partitions,
    Configs,
    /// Who reads it. Asks all groups of the cluster, therefore only on request.
    Groups,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Filter {
    /// Only partitions with replicas out of sync
    #[arg(long, visible_alias = "under-replicated-partitions")]
    under_replicated: bool,
    /// Only partitions without a leader
    #[arg(long, visible_alias = "unavailable-partitions")]
    unavailable: bool,
    /// Only partitions with fewer replicas in sync than min.insync.replicas
    #[arg(long, visible_alias = "under-min-isr-partitions")]
    under_min_isr: bool,
    /// Only partitions with exactly min.insync.replicas in sync
    #[arg(long, visible_alias = "at-min-isr-partitions")]
    at_min_isr: bool,
}

impl Filter {
    fn is_set(&self) -> bool {
        self.under_replicated || self.unavailable || self.under_min_isr || self.at_min_isr
    }

    fn shows(&self, partition: &PartitionDetail, expected: &[i32], min_isr: Option<usize>) -> bool {
        let in_sync = partition.isr.len();
        if self.under_replicated {
            return expected.iter().any(|id| !partition.isr.contains(id));
        }
        if self.unavailable {
            return partition.leader < 0;
        }
        if self.under_min_isr {
            return min_isr.is_some_and(|min| in_sync < min);
        }
        !self.at_min_isr || min_isr == Some(in_sync)
    }
}

/// A topic with its configs.
struct Described {
    topic: TopicDetail,
    configs: Vec<ConfigEntry>,
    /// Replicas being added by moves: they need not be in sync yet.
    adding: BTreeMap<i32, Vec<i32>>,
    /// Who reads it, if asked for.
    readers: Option<Vec<Reader>>,
}

/// Describes them.
pub(crate) async fn run(mut describe: Describe, context: &Context) -> Result {
    let admin = context.admin().await?;
    if describe.topics.is_empty() {
        if !describe.filter.is_set() {
            return Err(Failure::usage("which topic?").hint("see `kcli topic list`"));
        }
        let cluster = admin.client().all_topics().await?;
        describe.topics = cluster.topics.keys().map(ToString::to_string).collect();
        describe.topics.sort();
    }
    let standings = match describe.section.contains(&Part::Groups) {
        true => Some(groups::all(&admin).await?),
        false => None,
    };
    let (mut page, mut json, mut failures) = (Page::default(), Vec::new(), Vec::new());
    for (name, result) in admin.describe_topics(&describe.topics).await? {
        match result {
            Ok(topic) => {
                let mut described = described(&admin, topic).await?;
                described.readers = standings.as_ref().map(|all| groups::readers(&name, all));
                if describe.has_something(&described) {
                    page = page.followed_by(describe.page(&described));
                    json.push(to_json(&described, &describe.filter));
                }
            }
            Err(error) => {
                let failure = topics::explain(admin.client(), &name, error).await;
                json.push(json!({ "name": name, "error": failure.to_json() }));
                failures.push(failure);
            }
        }
    }
    if let ([failure], [_]) = (failures.as_slice(), describe.topics.as_slice()) {
        return Err(failure.clone());
    }
    context.output.print(&Report::new(&json, page))?;
    failures
        .iter()
        .for_each(|failure| note(&format!("error: {failure}")));
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Failed)),
    }
}

async fn described(admin: &Admin, topic: TopicDetail) -> Result<Described> {
    let resource = Resource {
        kind: ResourceKind::Topic,
        name: topic.name.clone(),
    };
    // Describing partitions must work for those who may not see configs, too.
    let configs = admin
        .describe_configs(&resource, false)
        .await
        .unwrap_or_default();
    let moving = topic
        .partitions
        .iter()
        .any(|p| p.isr.len() < p.replicas.len());
    let moving = match moving {
        true => admin.list_reassignments(None).await.unwrap_or_default(),
        false => Vec::new(),
    };
    let own = moving
        .into_iter()
        .filter(|m| *m.partition.topic == topic.name);
    Ok(Described {
        adding: own.map(|m| (m.partition.partition, m.adding)).collect(),
        readers: None,
        topic,
        configs,
    })
}

impl Described {
    /// What counts: never more than there are replicas.
    fn min_isr(&self) -> Option<usize> {
        let entry = self
            .configs
            .iter()
            .find(|c| c.name == "min.insync.replicas")?;
        let min: usize = entry.value.as_deref()?.parse().ok()?;
        Some(min.min(self.replication_factor()))
    }

    fn state(&self, partition: &PartitionDetail) -> State {
        let expected = self.expected(partition);
        State::of(partition.leader, &expected, &partition.isr, self.min_isr())
    }

    /// Replicas that should be in sync.
    fn expected(&self, partition: &PartitionDetail) -> Vec<i32> {
        let adding = self.adding.get(&partition.index);
        let is_new = |id: &i32| adding.is_some_and(|adding| adding.contains(id));
        let expected = partition.replicas.iter().filter(|id| !is_new(id));
        expected.copied().collect()
    }

    fn replication_factor(&self) -> usize {
        self.topic
            .partitions
            .iter()
            .map(|p| p.replicas.len())
            .max()
            .unwrap_or(0)
    }

    fn overrides(&self) -> impl Iterator<Item = &ConfigEntry> {
        self.configs
            .iter()
            .filter(|config| config.source == ConfigSource::Topic)
    }

    fn partitions<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a PartitionDetail> {
        let min_isr = self.min_isr();
        self.topic
            .partitions
            .iter()
            .filter(move |p| filter.shows(p, &self.expected(p), min_isr))
    }
}

impl Describe {
    fn has_something(&self, described: &Described) -> bool {
        !self.filter.is_set() || described.partitions(&self.filter).next().is_some()
    }

    fn page(&self, described: &Described) -> Page {
        let topic = &described.topic;
        let mut page = Page::default();
        let shows = |part| self.section.contains(&part) && !self.filter.is_set();
        if shows(Part::Summary) {
            page = page.title(format!("topic {}", topic.name)).facts(vec![
                ("id", Cell::from(topic.id.to_string())),
                ("partitions", Cell::from(topic.partitions.len().to_string())),
                (
                    "replicas",
                    Cell::from(described.replication_factor().to_string()),
                ),
                ("min in sync", Cell::optional(described.min_isr())),
                (
                    "internal",
                    Cell::from(if topic.is_internal { "yes" } else { "no" }),
                ),
            ]);
        }
        if self.section.contains(&Part::Partitions) || self.filter.is_set() {
            page = page.table(partitions(described, &self.filter));
        }
        if shows(Part::Configs) && described.overrides().next().is_some() {
            let mut table = Table::new(vec![Column::new("CONFIG"), Column::new("VALUE")]);
            for config in described.overrides() {
                let value = Cell::optional(config.value.as_ref());
                table.push(
                    config.name.as_str(),
                    vec![Cell::from(config.name.as_str()), value],
                );
            }
            page = page.table(table);
        }
        if let Some(readers) = described.readers.as_ref().filter(|_| !self.filter.is_set()) {
            page = page.table(groups::table(&topic.name, readers));
        }
        page
    }
}

fn partitions(described: &Described, filter: &Filter) -> Table {
    let mut table = Table::new(vec![
        Column::new("TOPIC"),
        Column::number("PARTITION"),
        Column::number("LEADER"),
        Column::number("EPOCH"),
        Column::new("REPLICAS"),
        Column::new("IN SYNC"),
        Column::new("ELR"),
        Column::new("LAST ELR"),
        Column::new("OFFLINE"),
        Column::new("STATE"),
    ]);
    for partition in described.partitions(filter) {
        let offline = &partition.offline_replicas;
        let tone = match offline.is_empty() {
            true => Tone::Plain,
            false => Tone::Bad,
        };
        table.push(
            format!("{}-{}", described.topic.name, partition.index),
            vec![
                Cell::from(described.topic.name.as_str()),
                Cell::from(partition.index.to_string()),
                leader_cell(partition.leader),
                Cell::from(partition.leader_epoch.to_string()),
                Cell::list(&partition.replicas),
                Cell::list(&partition.isr),
                Cell::list(partition.elr.as_deref().unwrap_or_default()),
                Cell::list(partition.last_known_elr.as_deref().unwrap_or_default()),
                Cell::toned(Cell::list(offline).text, tone),
                described.state(partition).cell(),
            ],
        );
    }
    table
}

fn to_json(described: &Described, filter: &Filter) -> Value {
    let topic = &described.topic;
    let partitions = described.partitions(filter).map(|partition| {
        json!({
            "partition": partition.index,
            "leader": (partition.leader >= 0).then_some(partition.leader),
            "leaderEpoch": partition.leader_epoch,
            "replicas": partition.replicas,
            "inSyncReplicas": partition.isr,
            "eligibleLeaderReplicas": partition.elr,
            "lastKnownEligibleLeaderReplicas": partition.last_known_elr,
            "offlineReplicas": partition.offline_replicas,
            "state": described.state(partition).code(),
        })
    });
    let configs = described.configs.iter().map(|config| {
        json!({ "name": config.name, "value": config.value, "source": config.source.name() })
    });
    let mut json = json!({
        "name": &*topic.name,
        "id": topic.id.to_string(),
        "isInternal": topic.is_internal,
        "replicationFactor": described.replication_factor(),
        "minInSyncReplicas": described.min_isr(),
        "partitions": partitions.collect::<Vec<_>>(),
        "configs": configs.collect::<Vec<_>>(),
    });
    if let Some(readers) = &described.readers {
        json["groups"] = groups::json(readers);
    }
    json
}
