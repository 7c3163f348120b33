//! Elections of partition leaders, on request.

use std::collections::BTreeMap;

use protocol::Str;
use protocol::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, TopicPartitions,
};
use types::TopicPartition;

use super::{Admin, text};
use crate::{Error, Result};

/// Which replica shall lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Election {
    /// The first of the assigned replicas.
    Preferred,
    /// Any live one, though it may lack records: for partitions without a leader.
    Unclean,
}

impl Election {
    fn to_wire(self) -> i8 {
        match self {
            Self::Preferred => 0,
            Self::Unclean => 1,
        }
    }
}

impl Admin {
    /// Elects leaders of these partitions, or of all that need it. Each comes back with its own result;
    /// one that needs no election is refused with `ELECTION_NOT_NEEDED`, or left out if none was named.
    ///
    /// # Errors
    /// The request as a whole failed.
    pub async fn elect_leaders(
        &self,
        election: Election,
        partitions: Option<&[TopicPartition]>,
    ) -> Result<Vec<(TopicPartition, Result<()>)>> {
        let request = ElectLeadersRequest {
            election_type: election.to_wire(),
            topic_partitions: partitions.map(by_topic),
            timeout_ms: self.timeout_ms(),
        };
        let check = |response: &ElectLeadersResponse| {
            Error::check(response.error_code, None, || "elect leaders".to_owned())
        };
        let response = self.order(request, check).await?;
        check(&response)?;
        let mut elected = Vec::new();
        for topic in &response.replica_election_results {
            for result in &topic.partition_result {
                let partition = TopicPartition::new(&*topic.topic, result.partition_id);
                self.client.forget_topic(&topic.topic);
                let message = text(result.error_message.as_ref());
                let what = || format!("elect a leader of {partition}");
                let checked = Error::check(result.error_code, message.as_deref(), what);
                elected.push((partition, checked));
            }
        }
        elected.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(elected)
    }
}

fn by_topic(partitions: &[TopicPartition]) -> Vec<TopicPartitions> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for partition in partitions {
        let indexes = topics.entry(&partition.topic).or_default();
        indexes.push(partition.partition);
    }
    let topics = topics
        .into_iter()
        .map(|(topic, partitions)| TopicPartitions {
            topic: Str::from(topic),
            partitions,
        });
    topics.collect()
}
