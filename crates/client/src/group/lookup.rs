//! What members must know of topics: which match a pattern, how many partitions they have, and
//! their names by id.

use std::collections::BTreeSet;
use std::sync::Arc;

use types::{ErrorCode, Uuid};

use super::member::{TopicFacts, Topics};
use super::selection::Selection;
use crate::metadata::Topic;
use crate::{Client, Result};

/// What a look at the cluster has shown.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) topics: Topics,
    /// The topics that match the pattern, if one was given.
    pub(super) matching: Option<BTreeSet<Arc<str>>>,
}

/// Asks a broker. A topic that does not exist is found without partitions.
pub(super) async fn find(
    client: &Client,
    pattern: Option<&Selection>,
    names: &BTreeSet<Arc<str>>,
    ids: &[Uuid],
) -> Result<Found> {
    let mut topics = Topics::new();
    let mut matching = None;
    if let Some(Selection::Pattern { matches, .. }) = pattern {
        let cluster = client.all_topics().await?;
        let all = cluster.topics.values();
        let fitting = all.filter(|topic| !topic.is_internal && matches(&topic.name));
        let fitting: Vec<_> = fitting.collect();
        topics.extend(
            fitting
                .iter()
                .map(|topic| (Arc::clone(&topic.name), facts(topic))),
        );
        matching = Some(topics.keys().cloned().collect());
    }
    let open = names.iter().filter(|name| !topics.contains_key(&***name));
    let open: Vec<&str> = open.map(|name| &**name).collect();
    if !open.is_empty() {
        let refused = client.refresh(&open, false).await?;
        let cluster = client.cluster();
        let known = open.iter().filter_map(|name| cluster.topics.get(*name));
        topics.extend(known.map(|topic| (Arc::clone(&topic.name), facts(topic))));
        for (name, code) in refused {
            let is_passing = ErrorCode::from_wire(code).is_some_and(ErrorCode::is_retriable);
            if !is_passing || code == ErrorCode::UnknownTopicOrPartition.to_wire() {
                topics.insert(Arc::from(name), NOTHING);
            }
        }
    }
    if !ids.is_empty() {
        client.refresh_ids(ids).await?;
        let cluster = client.cluster();
        let known = ids.iter().filter_map(|id| cluster.topic_by_id(id));
        topics.extend(known.map(|topic| (Arc::clone(&topic.name), facts(topic))));
    }
    Ok(Found { topics, matching })
}

const NOTHING: TopicFacts = TopicFacts {
    id: Uuid::ZERO,
    partition_count: 0,
};

pub(super) fn facts(topic: &Topic) -> TopicFacts {
    TopicFacts {
        id: topic.id,
        partition_count: i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX),
    }
}
