//! Who is in a group, and what each reads.

use std::collections::BTreeMap;

use client::admin::{GroupDescription, GroupMember};
use serde_json::{Value, json};
use types::TopicPartition;

use super::lag::host;
use crate::output::{Cell, Column, Table};

/// One row for each member.
pub(super) fn table(group: &GroupDescription) -> Table {
    let mut table = Table::new(vec![
        Column::new("MEMBER"),
        Column::new("CLIENT ID"),
        Column::new("HOST"),
        Column::new("INSTANCE"),
        Column::number("COUNT"),
        Column::new("PARTITIONS"),
        Column::wide("SUBSCRIBED"),
        Column::wide("RACK"),
        Column::wide("EPOCH"),
        Column::wide("TARGET"),
        Column::wide("PROTOCOL"),
    ]);
    for member in &group.members {
        table.push(
            member.member_id.as_str(),
            vec![
                Cell::from(member.member_id.as_str()),
                Cell::from(member.client_id.as_str()),
                Cell::from(host(&member.client_host)),
                Cell::optional(member.instance_id.as_ref()),
                Cell::from(member.assignment.len().to_string()),
                Cell::list(&by_topic(&member.assignment)),
                Cell::list(&subscriptions(member)),
                Cell::optional(member.rack.as_ref()),
                Cell::optional(member.epoch),
                Cell::list(&by_topic(member.target.as_deref().unwrap_or_default())),
                Cell::optional(protocol(group, member)),
            ],
        );
    }
    table
}

/// The members for programs.
pub(super) fn json(group: &GroupDescription) -> Vec<Value> {
    let partitions = |all: &[TopicPartition]| -> Vec<Value> {
        all.iter()
            .map(|p| json!({ "topic": &*p.topic, "partition": p.partition }))
            .collect()
    };
    let members = group.members.iter().map(|member| {
        json!({
            "memberId": member.member_id,
            "instanceId": member.instance_id,
            "clientId": member.client_id,
            "host": host(&member.client_host),
            "rack": member.rack,
            "epoch": member.epoch,
            "protocol": protocol(group, member),
            "topics": member.topics,
            "topicRegex": member.topic_regex,
            "assignment": partitions(&member.assignment),
            "target": member.target.as_deref().map(partitions),
        })
    });
    members.collect()
}

/// `topic:0,1`, topic by topic.
fn by_topic(partitions: &[TopicPartition]) -> Vec<String> {
    let mut topics: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for partition in partitions {
        let indexes = topics.entry(&partition.topic).or_default();
        indexes.push(partition.partition.to_string());
    }
    let written = topics.into_iter();
    written
        .map(|(topic, indexes)| format!("{topic}:{}", indexes.join(",")))
        .collect()
}

fn subscriptions(member: &GroupMember) -> Vec<String> {
    let pattern = member.topic_regex.iter().map(|regex| format!("/{regex}/"));
    member.topics.iter().cloned().chain(pattern).collect()
}

/// Which protocol a member speaks: in a consumer group, members of both kinds may live.
fn protocol<'a>(group: &'a GroupDescription, member: &GroupMember) -> Option<&'a str> {
    match member.is_modern {
        Some(true) => Some("consumer"),
        Some(false) => Some("classic"),
        None => Some(group.group_type.name()).filter(|name| !name.is_empty()),
    }
}
