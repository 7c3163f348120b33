//! Which partitions: `--topics T:0,1`.

use std::collections::BTreeSet;

use client::Admin;
use types::TopicPartition;

use crate::failure::{Failure, Result};
use crate::topics;

/// A topic, or some of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicPart {
    pub(crate) topic: String,
    /// `None` for all.
    pub(crate) partitions: Option<Vec<i32>>,
}

/// Reads `TOPIC` or `TOPIC:0,1`.
pub(crate) fn topic_part(text: &str) -> Result<TopicPart, String> {
    let (topic, indexes) = match text.split_once(':') {
        Some((topic, indexes)) => (topic, Some(indexes)),
        None => (text, None),
    };
    if topic.is_empty() {
        return Err("write TOPIC or TOPIC:0,1".to_owned());
    }
    let number = |index: &str| {
        let parsed = index.trim().parse::<i32>().ok().filter(|n| *n >= 0);
        parsed.ok_or_else(|| format!("{index:?} is no partition: write TOPIC:0,1"))
    };
    let partitions = indexes.map(|all| all.split(',').map(number).collect());
    Ok(TopicPart {
        topic: topic.to_owned(),
        partitions: partitions.transpose()?,
    })
}

impl TopicPart {
    /// Whether a partition is meant.
    pub(super) fn contains(&self, key: &TopicPartition) -> bool {
        let is_meant = |indexes: &Vec<i32>| indexes.contains(&key.partition);
        *self.topic == *key.topic && self.partitions.as_ref().is_none_or(is_meant)
    }
}

/// All partitions that are meant; every one must exist.
pub(super) async fn partitions(
    admin: &Admin,
    parts: &[TopicPart],
) -> Result<BTreeSet<TopicPartition>> {
    let mut all = BTreeSet::new();
    for part in parts {
        let topic = topics::find(admin.client(), &part.topic).await?;
        let there = || topic.partitions.iter().map(|p| p.index).collect();
        for index in part.partitions.clone().unwrap_or_else(there) {
            if topic.partition(index).is_none() {
                let (name, count) = (&part.topic, topic.partitions.len());
                return Err(Failure::failed(format!(
                    "topic {name} has no partition {index}: it has {count}"
                )));
            }
            all.insert(TopicPartition::new(part.topic.as_str(), index));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_named_with_or_without_partitions() {
        let part = topic_part("cities:0, 2").expect("a part");
        assert_eq!(part.partitions, Some(vec![0, 2]));
        assert!(part.contains(&TopicPartition::new("cities", 2)));
        assert!(!part.contains(&TopicPartition::new("cities", 1)));
        assert!(topic_part("cities").is_ok_and(|part| part.partitions.is_none()));
        for text in ["", ":1", "cities:", "cities:x", "cities:-1"] {
            assert!(topic_part(text).is_err(), "{text}");
        }
    }
}
