//! Moving partitions to other brokers.
//!
//! While a partition moves, its assigned replicas are the old ones and the new ones; those being
//! removed go when all new ones are in sync.

use std::collections::BTreeMap;

use protocol::Str;
use protocol::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignableTopic,
};
use protocol::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
    ListPartitionReassignmentsTopics,
};
use types::TopicPartition;

use super::{Admin, text};
use crate::{Error, Result};

/// A partition on the move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reassignment {
    /// Which.
    pub partition: TopicPartition,
    /// All its replicas now, preferred leader first.
    pub replicas: Vec<i32>,
    /// Those of them that are new.
    pub adding: Vec<i32>,
    /// Those of them that will go.
    pub removing: Vec<i32>,
}

impl Reassignment {
    /// The replicas it will have.
    #[must_use]
    pub fn target(&self) -> Vec<i32> {
        let stays = |id: &&i32| !self.removing.contains(id);
        self.replicas.iter().filter(stays).copied().collect()
    }
}

impl Admin {
    /// Begins to move partitions to these replicas, or stops moving them (`None`) and takes what was
    /// added away. Each comes back with its own result.
    ///
    /// # Errors
    /// The request as a whole failed.
    pub async fn alter_reassignments(
        &self,
        orders: &[(TopicPartition, Option<Vec<i32>>)],
    ) -> Result<Vec<(TopicPartition, Result<()>)>> {
        let mut topics: BTreeMap<&str, Vec<ReassignablePartition>> = BTreeMap::new();
        for (partition, replicas) in orders {
            let partitions = topics.entry(&partition.topic).or_default();
            partitions.push(ReassignablePartition {
                partition_index: partition.partition,
                replicas: replicas.clone(),
            });
        }
        let topics = topics
            .into_iter()
            .map(|(name, partitions)| ReassignableTopic {
                name: Str::from(name),
                partitions,
            });
        let request = AlterPartitionReassignmentsRequest {
            timeout_ms: self.timeout_ms(),
            allow_replication_factor_change: true,
            topics: topics.collect(),
        };
        let check = |response: &AlterPartitionReassignmentsResponse| {
            let message = response.error_message.as_deref();
            Error::check(response.error_code, message, || {
                "move partitions".to_owned()
            })
        };
        let response = self.order(request, check).await?;
        check(&response)?;
        let mut results = Vec::new();
        for topic in &response.responses {
            self.client.forget_topic(&topic.name);
            for answer in &topic.partitions {
                let partition = TopicPartition::new(&*topic.name, answer.partition_index);
                let message = text(answer.error_message.as_ref());
                let what = || format!("move {partition}");
                let checked = Error::check(answer.error_code, message.as_deref(), what);
                results.push((partition, checked));
            }
        }
        Ok(results)
    }

    /// Partitions on the move: of these, or of all.
    ///
    /// # Errors
    /// The request failed.
    pub async fn list_reassignments(
        &self,
        partitions: Option<&[TopicPartition]>,
    ) -> Result<Vec<Reassignment>> {
        let request = ListPartitionReassignmentsRequest {
            timeout_ms: self.timeout_ms(),
            topics: partitions.map(by_topic),
        };
        let check = |response: &ListPartitionReassignmentsResponse| {
            let message = response.error_message.as_deref();
            let what = || "list partitions on the move".to_owned();
            Error::check(response.error_code, message, what)
        };
        let response = self.order(request, check).await?;
        check(&response)?;
        let all = response.topics.iter().flat_map(|topic| {
            let partitions = topic.partitions.iter();
            partitions.map(|ongoing| Reassignment {
                partition: TopicPartition::new(&*topic.name, ongoing.partition_index),
                replicas: ongoing.replicas.clone(),
                adding: ongoing.adding_replicas.clone(),
                removing: ongoing.removing_replicas.clone(),
            })
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by(|a, b| a.partition.cmp(&b.partition));
        Ok(all)
    }
}

fn by_topic(partitions: &[TopicPartition]) -> Vec<ListPartitionReassignmentsTopics> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for partition in partitions {
        let indexes = topics.entry(&partition.topic).or_default();
        indexes.push(partition.partition);
    }
    let topics = topics.into_iter();
    topics
        .map(
            |(name, partition_indexes)| ListPartitionReassignmentsTopics {
                name: Str::from(name),
                partition_indexes,
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_what_is_left_when_the_old_ones_are_gone() {
        let moving = Reassignment {
            partition: TopicPartition::new("t", 0),
            replicas: vec![4, 2, 1],
            adding: vec![4],
            removing: vec![1],
        };
        assert_eq!(moving.target(), [4, 2]);
    }
}
