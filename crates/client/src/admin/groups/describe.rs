//! What groups are made of: their state and their members.

use std::sync::Arc;

use bytes::Bytes;
use protocol::Str;
use protocol::messages::consumer_group_describe::{
    Assignment, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse,
    DescribedGroup as Modern, Member,
};
use protocol::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup as Classic, DescribedGroupMember,
};
use types::{ErrorCode, TopicPartition};

use super::super::{Admin, text};
use super::GroupType;
use super::by_coordinator::ByGroup;
use crate::group::protocol::{self as consumer_protocol, Subscription};
use crate::{Error, Result};

/// A group, as its coordinator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    /// Its name.
    pub group_id: String,
    /// The protocol it lives by: classic or consumer.
    pub group_type: GroupType,
    /// As Kafka writes it: `Stable`, `Empty`, `PreparingRebalance`, `Reconciling`, ….
    pub state: String,
    /// `consumer`, `connect`, …; empty for a group that only keeps offsets.
    pub protocol_type: String,
    /// How partitions are dealt out: `range`, `uniform`, …; empty without members.
    pub assignor: String,
    /// Counts changes of members and subscriptions. Consumer groups only.
    pub group_epoch: Option<i32>,
    /// The group epoch that the target assignment answers. Consumer groups only.
    pub assignment_epoch: Option<i32>,
    /// The broker that coordinates it, as last heard.
    pub coordinator: Option<i32>,
    /// Its members.
    pub members: Vec<GroupMember>,
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// Its id in this life.
    pub member_id: String,
    /// `group.instance.id`, if it is a static member.
    pub instance_id: Option<String>,
    /// `client.rack`, if it told.
    pub rack: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Where it connects from, with a slash in front.
    pub client_host: String,
    /// The assignment epoch it has reached. Consumer groups only.
    pub epoch: Option<i32>,
    /// Topics it subscribes to, by name.
    pub topics: Vec<String>,
    /// Topics it subscribes to, by pattern.
    pub topic_regex: Option<String>,
    /// Partitions it reads.
    pub assignment: Vec<TopicPartition>,
    /// Partitions it shall read. Consumer groups only.
    pub target: Option<Vec<TopicPartition>>,
    /// Whether it speaks the consumer protocol, not the classic one. `None` from brokers that do not
    /// tell.
    pub is_modern: Option<bool>,
}

impl Admin {
    /// Describes groups, classic and consumer ones. Each comes back with its own result:
    /// `GROUP_ID_NOT_FOUND` if there is no such group, or it is of another type. Brokers before 3.8
    /// call a group they do not know `Dead` instead.
    ///
    /// # Errors
    /// No coordinator answered within `default.api.timeout.ms`.
    pub async fn describe_groups(&self, groups: &[&str]) -> Result<ByGroup<GroupDescription>> {
        let mut described = match self.describe_modern(groups).await {
            Ok(described) => described,
            // Brokers before 3.7 know no other than classic groups.
            Err(error) if is_old(&error) => ByGroup::new(),
            Err(error) => return Err(error),
        };
        let is_other = |result: &Result<GroupDescription>| match result {
            Ok(_) => false,
            Err(error) => is_old(error) || error.code() == Some(ErrorCode::GroupIdNotFound),
        };
        let others = groups.iter().copied();
        let others = others.filter(|group| described.get(*group).is_none_or(is_other));
        let others: Vec<&str> = others.collect();
        if !others.is_empty() {
            described.extend(self.describe_classic(&others).await?);
        }
        let known = self.client.coordinators().lock();
        for group in described.values_mut().flatten() {
            group.coordinator = known.get(&group.group_id).copied();
        }
        Ok(described)
    }

    async fn describe_modern(&self, groups: &[&str]) -> Result<ByGroup<GroupDescription>> {
        let make = |groups: &[&str], _version| {
            vec![ConsumerGroupDescribeRequest {
                group_ids: groups.iter().map(|group| Str::from(*group)).collect(),
                ..ConsumerGroupDescribeRequest::default()
            }]
        };
        let read = |_: &_, response: ConsumerGroupDescribeResponse, _| {
            let groups = response.groups.iter();
            let results = groups.map(|group| {
                let message = group.error_message.as_deref();
                let what = || format!("describe group {}", group.group_id);
                let checked = Error::check(group.error_code, message, what);
                (group.group_id.to_string(), checked.map(|()| modern(group)))
            });
            results.collect()
        };
        self.by_coordinator(groups, i16::MAX, make, read).await
    }

    async fn describe_classic(&self, groups: &[&str]) -> Result<ByGroup<GroupDescription>> {
        let make = |groups: &[&str], _version| {
            vec![DescribeGroupsRequest {
                groups: groups.iter().map(|group| Str::from(*group)).collect(),
                ..DescribeGroupsRequest::default()
            }]
        };
        let read = |_: &_, response: DescribeGroupsResponse, _| {
            let groups = response.groups.iter();
            let results = groups.map(|group| {
                let message = group.error_message.as_deref();
                let what = || format!("describe group {}", group.group_id);
                let checked = Error::check(group.error_code, message, what);
                (group.group_id.to_string(), checked.map(|()| classic(group)))
            });
            results.collect()
        };
        self.by_coordinator(groups, i16::MAX, make, read).await
    }
}

fn is_old(error: &Error) -> bool {
    let is_refused = error.code() == Some(ErrorCode::UnsupportedVersion);
    is_refused || matches!(error, Error::Unsupported { .. })
}

fn modern(group: &Modern) -> GroupDescription {
    GroupDescription {
        group_id: group.group_id.to_string(),
        group_type: GroupType::Consumer,
        state: group.group_state.to_string(),
        protocol_type: "consumer".to_owned(),
        assignor: group.assignor_name.to_string(),
        group_epoch: Some(group.group_epoch),
        assignment_epoch: Some(group.assignment_epoch),
        coordinator: None,
        members: group.members.iter().map(modern_member).collect(),
    }
}

fn modern_member(member: &Member) -> GroupMember {
    GroupMember {
        member_id: member.member_id.to_string(),
        instance_id: text(member.instance_id.as_ref()),
        rack: text(member.rack_id.as_ref()),
        client_id: member.client_id.to_string(),
        client_host: member.client_host.to_string(),
        epoch: Some(member.member_epoch),
        topics: member
            .subscribed_topic_names
            .iter()
            .map(ToString::to_string)
            .collect(),
        topic_regex: text(member.subscribed_topic_regex.as_ref()).filter(|regex| !regex.is_empty()),
        assignment: partitions(&member.assignment),
        target: Some(partitions(&member.target_assignment)),
        is_modern: (member.member_type >= 0).then_some(member.member_type == 1),
    }
}

fn partitions(assignment: &Assignment) -> Vec<TopicPartition> {
    let topics = assignment.topic_partitions.iter();
    let all = topics.flat_map(|topic| {
        let name: Arc<str> = Arc::from(&*topic.topic_name);
        let partitions = topic.partitions.iter();
        partitions.map(move |index| TopicPartition::new(Arc::clone(&name), *index))
    });
    let mut all: Vec<_> = all.collect();
    all.sort_unstable();
    all
}

fn classic(group: &Classic) -> GroupDescription {
    let is_consumer = &*group.protocol_type == consumer_protocol::TYPE;
    let members = group.members.iter();
    GroupDescription {
        group_id: group.group_id.to_string(),
        group_type: GroupType::Classic,
        state: group.group_state.to_string(),
        protocol_type: group.protocol_type.to_string(),
        assignor: group.protocol_data.to_string(),
        group_epoch: None,
        assignment_epoch: None,
        coordinator: None,
        members: members
            .map(|member| classic_member(member, is_consumer))
            .collect(),
    }
}

fn classic_member(member: &DescribedGroupMember, is_consumer: bool) -> GroupMember {
    let subscribed = |bytes: &Bytes| Subscription::decode(bytes).ok();
    let subscription = is_consumer
        .then(|| subscribed(&member.member_metadata))
        .flatten();
    let subscription = subscription.unwrap_or_default();
    let assigned = |bytes: &Bytes| consumer_protocol::decode_assignment(bytes).ok();
    let assignment = is_consumer
        .then(|| assigned(&member.member_assignment))
        .flatten();
    let mut assignment = assignment.unwrap_or_default();
    assignment.sort_unstable();
    GroupMember {
        member_id: member.member_id.to_string(),
        instance_id: text(member.group_instance_id.as_ref()),
        rack: subscription.rack,
        client_id: member.client_id.to_string(),
        client_host: member.client_host.to_string(),
        epoch: None,
        topics: subscription
            .topics
            .iter()
            .map(ToString::to_string)
            .collect(),
        topic_regex: None,
        assignment,
        target: None,
        is_modern: None,
    }
}
