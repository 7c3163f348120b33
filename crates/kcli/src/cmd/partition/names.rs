//! `TOPIC/N` on the command line.

use std::sync::Arc;

use client::Admin;
use client::metadata::{Cluster, Topic};
use types::TopicPartition;

use crate::failure::{Failure, Result};
use crate::nearest::did_you_mean;

/// A partition, or all of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(super) topic: String,
    pub(super) partition: Option<i32>,
}

/// Reads `TOPIC/N`, or `TOPIC` for all its partitions.
pub(super) fn parse(text: &str) -> Result<Name, String> {
    let (topic, index) = match text.split_once('/') {
        Some((topic, index)) => (topic, Some(index)),
        None => (text, None),
    };
    if topic.is_empty() {
        return Err("write TOPIC/PARTITION, for example cities/0".to_owned());
    }
    let partition = index.map(|index| index.parse::<u32>().map(|n| n.cast_signed()));
    match partition.transpose() {
        Ok(partition) => Ok(Name {
            topic: topic.to_owned(),
            partition,
        }),
        Err(_) => Err(format!(
            "{:?} is no partition number: write TOPIC/PARTITION, for example cities/0",
            index.unwrap_or_default()
        )),
    }
}

/// Broker ids with commas between.
pub(super) fn brokers(text: &str) -> Result<Vec<i32>, String> {
    let id = |word: &str| {
        let id = word.trim().parse::<u32>().ok();
        id.and_then(|id| i32::try_from(id).ok())
            .ok_or_else(|| format!("{word:?} is no broker id: write ids with commas, as 1,2,3"))
    };
    text.split(',').map(id).collect()
}

/// The partitions meant by these names, all there are if there is no name.
pub(super) async fn resolve(
    admin: &Admin,
    names: &[Name],
) -> Result<(Arc<Cluster>, Vec<TopicPartition>)> {
    let cluster = admin.client().all_topics().await?;
    let mut partitions = Vec::new();
    if names.is_empty() {
        let all = cluster.topics.values().flat_map(|topic| all_of(topic));
        partitions.extend(all);
        partitions.sort();
    }
    for name in names {
        let topic = find(&cluster, &name.topic)?;
        match name.partition {
            None => partitions.extend(all_of(topic)),
            Some(index) => match topic.partition(index) {
                Some(_) => partitions.push(TopicPartition::new(name.topic.as_str(), index)),
                None => {
                    let error = client::Error::NoSuchPartition {
                        topic: name.topic.clone(),
                        partition: index,
                        count: topic.partitions.len(),
                    };
                    return Err(error.into());
                }
            },
        }
    }
    Ok((cluster, partitions))
}

fn all_of(topic: &Topic) -> impl Iterator<Item = TopicPartition> {
    let indexes = topic.partitions.iter();
    indexes.map(|p| TopicPartition::new(Arc::clone(&topic.name), p.index))
}

/// A topic by name, or the name that was meant.
pub(super) fn find<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Topic> {
    cluster.topics.get(name).map(AsRef::as_ref).ok_or_else(|| {
        let known: Vec<&str> = cluster.topics.keys().map(AsRef::as_ref).collect();
        Failure::failed(format!("there is no topic {name}"))
            .hint_if(did_you_mean(name, known))
            .hint("see `kcli topic list`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_written_behind_a_slash() {
        let name = parse("a-b.c/12").expect("a partition");
        assert_eq!((name.topic.as_str(), name.partition), ("a-b.c", Some(12)));
        assert_eq!(parse("cities").expect("a topic").partition, None);
        for wrong in ["/1", "a/", "a/x", "a/-1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn brokers_are_numbers_with_commas() {
        assert_eq!(brokers("3, 1,2"), Ok(vec![3, 1, 2]));
        assert!(brokers("1,,2").is_err());
        assert!(brokers("1,b").is_err());
    }
}
