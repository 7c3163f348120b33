//! One run: a cluster, load on it, something broken, and the verdict.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use client::Admin;
use tokio::time::{Instant, sleep};
use types::TopicPartition;

use crate::admin::create_topic;
use crate::cluster::{Cluster, Expected};
use crate::histck::figures::{Figures, figures};
use crate::histck::{self, Finding};
use crate::history::{Recorder, TopicAct, Tp, What};
use crate::layout::Layout;
use crate::load::group::{Group, GroupSpec};
use crate::load::{Load, LoadSpec};
use crate::scan::{end_offset, scan};
use crate::segments::{self, Replica};
use crate::target::Target;

/// After the last fault all replicas must be in sync within this time.
const IN_SYNC_WITHIN: Duration = Duration::from_secs(90);
/// A new topic takes records within this time.
const WRITTEN_WITHIN: Duration = Duration::from_secs(30);
/// After the last record a group has read and committed everything within this time.
const CONSUMED_WITHIN: Duration = Duration::from_secs(60);
/// Then the load goes on for a moment before anything is broken.
const WARM_UP: Duration = Duration::from_millis(500);
/// Findings and errors of a run that are shown.
const SHOWN_MAX: usize = 20;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// See the module.
#[derive(Debug)]
pub struct Run {
    /// The cluster, to be ill-treated.
    pub cluster: Cluster,
    /// What happens.
    pub recorder: Recorder,
    loads: Vec<Load>,
    groups: Vec<Group>,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What may not be.
    pub findings: Vec<Finding>,
    /// Numbers.
    pub figures: Figures,
}

impl Run {
    /// Starts a cluster.
    ///
    /// # Errors
    /// It does not become ready.
    pub async fn start(target: &Target, layout: Layout) -> Result<Self> {
        Ok(Self {
            cluster: Cluster::start(target, layout).await?,
            recorder: Recorder::new(),
            loads: Vec::new(),
            groups: Vec::new(),
        })
    }

    /// Starts a cluster, creates a topic `t` and puts load on it. Returns once every partition
    /// acknowledges.
    ///
    /// # Errors
    /// The cluster does not become ready, or does not take records.
    pub async fn with_load(target: &Target, layout: Layout, partition_count: i32) -> Result<Self> {
        let mut run = Self::start(target, layout).await?;
        run.add_load(LoadSpec::new("t", partition_count)).await?;
        Ok(run)
    }

    /// Creates a topic and puts load on it. Returns once every partition acknowledges.
    ///
    /// # Errors
    /// The topic is refused or does not take records.
    pub async fn add_load(&mut self, spec: LoadSpec) -> Result<()> {
        self.create(&spec).await?;
        self.load_on(spec).await
    }

    /// Puts load on a topic that is there. Returns once every partition acknowledges.
    ///
    /// # Errors
    /// The topic does not take records.
    pub async fn load_on(&mut self, spec: LoadSpec) -> Result<()> {
        let bootstrap = self.cluster.bootstrap();
        self.loads
            .push(Load::start(spec, &bootstrap, &self.recorder));
        self.until_acked(WRITTEN_WITHIN).await?;
        sleep(WARM_UP).await;
        Ok(())
    }

    /// Creates a topic and has it written to and read for a moment. Returns its id.
    ///
    /// # Errors
    /// The topic is refused or does not take records.
    pub async fn load_for_a_moment(&mut self, spec: LoadSpec) -> Result<String> {
        let id = self.create(&spec).await?;
        self.load_on(spec).await?;
        if let Some(load) = self.loads.pop() {
            load.finish().await?;
        }
        Ok(id)
    }

    /// A group, without members yet, that reads what the last load writes.
    ///
    /// # Errors
    /// There is no load.
    pub fn add_group(&mut self, spec: GroupSpec) -> Result<()> {
        let load = self
            .loads
            .last()
            .context("a group reads what a load writes")?;
        let (bootstrap, dir) = (self.cluster.bootstrap(), self.cluster.dir());
        let group = Group::start(spec, load.spec(), &bootstrap, &self.recorder, dir);
        self.groups.push(group);
        Ok(())
    }

    /// The groups, in the order they were added.
    pub fn groups(&mut self) -> &mut [Group] {
        &mut self.groups
    }

    async fn create(&self, spec: &LoadSpec) -> Result<String> {
        let admin = self.cluster.admin().await?;
        let id = create_topic(&admin, &spec.topic, spec.partition_count).await?;
        let id = id.to_string();
        self.topic(TopicAct::Created, &spec.topic, &id);
        Ok(id)
    }

    /// Writes down what was done to a topic.
    pub fn topic(&self, act: TopicAct, name: &str, id: &str) {
        let (name, id) = (name.into(), id.into());
        self.recorder.record(0, What::Topic { act, name, id });
    }

    /// An administrator of the cluster.
    ///
    /// # Errors
    /// No broker answers.
    pub async fn admin(&self) -> Result<Admin> {
        self.cluster.admin().await
    }

    /// Writes down that something is broken from now on.
    pub fn breaks(&self, name: &str) {
        self.fault(name, false);
    }

    /// Writes down that it is mended.
    pub fn heals(&self, name: &str) {
        self.fault(name, true);
    }

    fn fault(&self, name: &str, is_over: bool) {
        let name = name.into();
        self.recorder.record(0, What::Fault { name, is_over });
    }

    /// Waits until every partition has acknowledged something from now on.
    ///
    /// # Errors
    /// One has not in time.
    pub async fn until_acked(&self, at_most: Duration) -> Result<()> {
        let specs = self.loads.iter().map(Load::spec);
        let written = specs.filter(|spec| spec.producer_count > 0);
        let all: Vec<Tp> = written.flat_map(LoadSpec::tps).collect();
        self.until_acked_in(&all, at_most).await
    }

    /// Waits until each of these partitions has acknowledged something from now on.
    ///
    /// # Errors
    /// One has not in time.
    pub async fn until_acked_in(&self, tps: &[Tp], at_most: Duration) -> Result<()> {
        let since = self.recorder.now_ns();
        let deadline = Instant::now() + at_most;
        for tp in tps {
            while self.recorder.last_acked_ns(tp).is_none_or(|at| at <= since) {
                if Instant::now() >= deadline {
                    bail!("{tp} acknowledged nothing for {at_most:?}");
                }
                sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    /// Waits until all brokers are back and all replicas in sync.
    ///
    /// # Errors
    /// They are not in time.
    pub async fn until_in_sync(&mut self) -> Result<()> {
        let topics: Vec<String> = self.topics();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let expected = Expected {
            broker_count: self.cluster.brokers().count(),
            in_sync: &topics,
        };
        self.cluster.wait_for(&expected, IN_SYNC_WITHIN).await
    }

    fn topics(&self) -> Vec<String> {
        let names = self.loads.iter().map(|load| load.spec().topic.clone());
        names.collect()
    }

    /// Everything is mended: waits for full sync, ends the load, reads every replica and judges.
    ///
    /// # Errors
    /// The cluster does not come back to full sync, a replica cannot be read, or a client has failed.
    /// Findings are no error.
    pub async fn finish(&mut self) -> Result<Verdict> {
        self.until_in_sync().await?;
        self.until_acked(WRITTEN_WITHIN).await?;
        let mut specs = Vec::new();
        for load in std::mem::take(&mut self.loads) {
            specs.push(load.spec().clone());
            load.finish().await?;
        }
        for group in std::mem::take(&mut self.groups) {
            group.finish(CONSUMED_WITHIN).await?;
        }
        let mut findings = Vec::new();
        let admin = self.admin().await?;
        for spec in &specs {
            scan(&admin, spec, &self.recorder).await?;
            findings.extend(self.compare_files(&admin, spec).await?);
        }
        let steady = specs.iter().filter(|spec| spec.producer_count > 0);
        let steady: Vec<Tp> = steady.flat_map(LoadSpec::tps).collect();
        let history = self.recorder.events();
        findings.extend(histck::check(&history));
        Ok(Verdict {
            findings,
            figures: figures(&history, |tp| steady.contains(tp)),
        })
    }

    async fn compare_files(&self, admin: &Admin, spec: &LoadSpec) -> Result<Vec<Finding>> {
        let cluster = admin.client().all_topics().await?;
        let topic = cluster
            .topics
            .get(spec.topic.as_str())
            .context("the topic is gone")?;
        let mut findings = Vec::new();
        for partition in &topic.partitions {
            let key = TopicPartition::new(spec.topic.as_str(), partition.index);
            let below = end_offset(admin, &key).await?;
            let replica = |node: &i32| Replica {
                node: *node,
                dir: self.cluster.data_dir(*node).join(key.to_string()),
            };
            let replicas: Vec<Replica> = partition.replicas.iter().map(replica).collect();
            findings.extend(segments::compare(
                &spec.tp(partition.index),
                &replicas,
                below,
            )?);
        }
        Ok(findings)
    }

    /// Keeps folders and history for whoever wants to know why, and says where.
    pub fn keep(&mut self) -> PathBuf {
        let dir = self.cluster.keep();
        drop(self.recorder.write(&dir.join("history.jsonl")));
        dir
    }
}

impl Verdict {
    /// Whether something that was acknowledged is gone.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        use histck::Check::{C3, C4, C14};
        self.count(&[C3, C4, C14]) > 0
    }

    /// How many findings are of these kinds.
    #[must_use]
    pub fn count(&self, checks: &[histck::Check]) -> usize {
        let mine = self.findings.iter().filter(|f| checks.contains(&f.check));
        mine.count()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = &self.figures;
        write!(
            f,
            "{} acknowledged, {} unanswered, {} refused, {} read, longest gap {} ms, {} findings",
            figures.acked,
            figures.unknown,
            figures.failed,
            figures.polled,
            figures.gap_ns / 1_000_000,
            self.findings.len()
        )?;
        if figures.committed > 0 {
            let (committed, asked) = (figures.committed, figures.asked);
            write!(f, ", {committed} places committed, {asked} asked for")?;
        }
        for (error, count) in figures.errors.iter().take(SHOWN_MAX) {
            write!(f, "\n  {count} x {error}")?;
        }
        self.findings
            .iter()
            .take(SHOWN_MAX)
            .try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}
