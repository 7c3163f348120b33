//! The end of groups, and of single committed offsets.

use std::collections::BTreeMap;

use protocol::Str;
use protocol::messages::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
use protocol::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
};
use types::TopicPartition;

use super::super::Admin;
use super::by_coordinator::ByGroup;
use super::offsets::ByPartition;
use crate::ask::Whom;
use crate::{Error, Result};

impl Admin {
    /// Deletes groups with all their offsets. Each must be empty (`NON_EMPTY_GROUP`) and there
    /// (`GROUP_ID_NOT_FOUND`); each comes back with its own result.
    ///
    /// # Errors
    /// No coordinator answered within `default.api.timeout.ms`.
    pub async fn delete_groups(&self, groups: &[&str]) -> Result<ByGroup<()>> {
        let make = |groups: &[&str], _version| {
            let names = groups.iter().map(|group| Str::from(*group));
            vec![DeleteGroupsRequest {
                groups_names: names.collect(),
            }]
        };
        let read = |_: &_, response: DeleteGroupsResponse, _| {
            let results = response.results.into_iter().map(|result| {
                let what = || format!("delete group {}", result.group_id);
                let checked = Error::check(result.error_code, None, what);
                (result.group_id.to_string(), checked)
            });
            results.collect()
        };
        self.by_coordinator(groups, i16::MAX, make, read).await
    }

    /// Deletes a group's committed offsets of these partitions. Each comes back with its own result:
    /// `GROUP_SUBSCRIBED_TO_TOPIC` if the group still reads the topic.
    ///
    /// # Errors
    /// There is no such group, or its coordinator did not answer within `default.api.timeout.ms`.
    pub async fn delete_offsets(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<ByPartition<()>> {
        let request = delete_request(group, partitions);
        let check = |response: &OffsetDeleteResponse| {
            let what = || format!("delete offsets of group {group}");
            Error::check(response.error_code, None, what)
        };
        let make = |_version| request.clone();
        let asked = self.client.ask(Whom::Coordinator(group), make, check);
        let (_version, response) = asked.await?;
        check(&response)?;
        let topics = response.topics.into_iter();
        let results = topics.flat_map(|topic| {
            let name = topic.name;
            topic.partitions.into_iter().map(move |partition| {
                let key = TopicPartition::new(&*name, partition.partition_index);
                let what = || format!("delete the offset of group {group} in {key}");
                let checked = Error::check(partition.error_code, None, what);
                (key, checked)
            })
        });
        Ok(results.collect())
    }
}

fn delete_request(group: &str, partitions: &[TopicPartition]) -> OffsetDeleteRequest {
    let mut topics: BTreeMap<&str, Vec<OffsetDeleteRequestPartition>> = BTreeMap::new();
    for key in partitions {
        let partition_index = key.partition;
        topics
            .entry(&key.topic)
            .or_default()
            .push(OffsetDeleteRequestPartition { partition_index });
    }
    let topics = topics
        .into_iter()
        .map(|(name, partitions)| OffsetDeleteRequestTopic {
            name: Str::from(name),
            partitions,
        });
    OffsetDeleteRequest {
        group_id: Str::from(group),
        topics: topics.collect(),
    }
}
