//! One look at the whole cluster: brokers, quorum, partitions, disks. Every question has its own
//! patience, and one that is not answered is itself a finding: unknown is not healthy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::admin::{ClusterDescription, LogDir, QuorumDescription};
use client::metadata::{Cluster, Partition};
use client::{Admin, Error};
use futures_util::future::{join, join_all};
use types::{ErrorCode, TopicPartition};

use crate::failure::Result;
use crate::min_isr;
use crate::replicas::State;

/// How long one broker or the quorum may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// A disk with less room than this takes no more events.
const FULL_BELOW_BYTES: i64 = 16 << 20;

/// What was seen.
#[derive(Debug)]
pub(crate) struct Look {
    /// Brokers, fenced ones too.
    pub(crate) cluster: ClusterDescription,
    /// Topics as a broker shows them.
    pub(crate) topics: Arc<Cluster>,
    /// `min.insync.replicas` by topic, where it can be seen.
    pub(crate) min_isrs: BTreeMap<String, usize>,
    /// Replicas being added by moves, by partition: they need not be in sync yet.
    pub(crate) adding: BTreeMap<TopicPartition, Vec<i32>>,
    /// The quorum; `None` in clusters that have none, else why it cannot be seen.
    pub(crate) quorum: Option<Result<QuorumDescription, String>>,
    /// Disks by live broker, or why they cannot be seen.
    pub(crate) log_dirs: BTreeMap<i32, Result<Vec<LogDir>, String>>,
}

impl Look {
    /// Looks.
    ///
    /// # Errors
    /// No broker answers the first questions.
    pub(crate) async fn take(admin: &Admin) -> Result<Self> {
        let cluster = admin.describe_cluster().await?;
        let topics = admin.client().all_topics().await?;
        let mut names: Vec<String> = topics.topics.keys().map(ToString::to_string).collect();
        names.sort();
        // What the brokers know by themselves comes first: a broker answers in order, so behind a
        // question that waits for a lost quorum it would look dead.
        let (min_isrs, log_dirs) =
            join(min_isr::of_topics(admin, &names), log_dirs(admin, &cluster)).await;
        let (adding, quorum) = join(adding(admin), quorum(admin)).await;
        Ok(Self {
            cluster,
            topics,
            min_isrs,
            adding,
            quorum,
            log_dirs,
        })
    }

    /// Brokers the controller has shut out.
    pub(crate) fn fenced(&self) -> Vec<i32> {
        let fenced = self
            .cluster
            .brokers
            .iter()
            .filter(|b| b.is_fenced == Some(true));
        fenced.map(|broker| broker.broker.id).collect()
    }

    /// Brokers that take part.
    pub(crate) fn up(&self) -> Vec<i32> {
        let up = self
            .cluster
            .brokers
            .iter()
            .filter(|b| b.is_fenced != Some(true));
        up.map(|broker| broker.broker.id).collect()
    }

    /// All partitions in order, with their topic and state.
    pub(crate) fn partitions(&self) -> Vec<(&str, &Partition, State)> {
        let mut topics: Vec<_> = self.topics.topics.values().collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        let all = topics.into_iter().flat_map(|topic| {
            let min = self.min_isrs.get(&*topic.name).copied();
            topic.partitions.iter().map(move |partition| {
                let expected = self.expected(&topic.name, partition);
                let min = min.map(|min| min.min(expected.len()));
                let state = State::of(partition.leader, &expected, &partition.isr, min);
                (&*topic.name, partition, state)
            })
        });
        all.collect()
    }

    /// Replicas of a partition that should be in sync.
    pub(crate) fn expected(&self, topic: &str, partition: &Partition) -> Vec<i32> {
        let adding = self
            .adding
            .get(&TopicPartition::new(topic, partition.index));
        let is_new = |id: &i32| adding.is_some_and(|adding| adding.contains(id));
        let expected = partition.replicas.iter().filter(|id| !is_new(id));
        expected.copied().collect()
    }

    /// Disks that do not serve: broker, directory, why.
    pub(crate) fn bad_dirs(&self) -> Vec<(i32, &str, String)> {
        let mut bad = Vec::new();
        for (id, dirs) in &self.log_dirs {
            for dir in dirs.iter().flatten() {
                let is_full = dir.usable_bytes.is_some_and(|free| free < FULL_BELOW_BYTES);
                match &dir.error {
                    Some(error) => bad.push((*id, dir.path.as_str(), why(error))),
                    None if is_full => bad.push((*id, dir.path.as_str(), "full".to_owned())),
                    None => {}
                }
            }
        }
        bad
    }
}

fn why(error: &Error) -> String {
    match error.code() {
        Some(ErrorCode::KafkaStorageError) => "offline: it cannot be read or written".to_owned(),
        _ => error.to_string(),
    }
}

async fn adding(admin: &Admin) -> BTreeMap<TopicPartition, Vec<i32>> {
    // Without the controller nobody knows; then more is told than need be.
    let moving = tokio::time::timeout(ANSWER_WITHIN, admin.list_reassignments(None)).await;
    let moving = moving
        .ok()
        .and_then(std::result::Result::ok)
        .unwrap_or_default();
    moving
        .into_iter()
        .map(|m| (m.partition, m.adding))
        .collect()
}

async fn quorum(admin: &Admin) -> Option<Result<QuorumDescription, String>> {
    match tokio::time::timeout(ANSWER_WITHIN, admin.describe_quorum()).await {
        Ok(Ok(quorum)) => Some(Ok(quorum)),
        // Clusters before KRaft have no quorum.
        Ok(Err(Error::Unsupported { .. })) => None,
        Ok(Err(error)) => Some(Err(error.to_string())),
        Err(_elapsed) => Some(Err(format!(
            "no answer within {} s",
            ANSWER_WITHIN.as_secs()
        ))),
    }
}

async fn log_dirs(
    admin: &Admin,
    cluster: &ClusterDescription,
) -> BTreeMap<i32, Result<Vec<LogDir>, String>> {
    let up = cluster.brokers.iter().filter(|b| b.is_fenced != Some(true));
    let asked = up.map(|broker| async {
        let id = broker.broker.id;
        let dirs = match tokio::time::timeout(ANSWER_WITHIN, admin.describe_log_dirs(id)).await {
            Ok(Ok(dirs)) => Ok(dirs),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_elapsed) => Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
        };
        (id, dirs)
    });
    join_all(asked).await.into_iter().collect()
}
