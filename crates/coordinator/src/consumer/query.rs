//! What others ask of a consumer group: what it looks like, and who may commit.

use protocol::messages::consumer_group_describe::{
    Assignment as DescribedAssignment, DescribedGroup, Member as DescribedMember, TopicPartitions,
};
use protocol::messages::list_groups::ListedGroup;
use types::{ErrorCode, PartitionIndex, TopicId};

use super::assign;
use super::member::{About, Current, Member, word};
use super::state::Group;
use super::upgrade::CONSUMER;
use crate::assignor::Assignment;
use crate::env::Env;
use crate::group::{Call, Committer, Emptiness};

/// From this version on, a description says which protocol a member speaks.
const MEMBER_TYPE_VERSION: i16 = 1;
/// From this version on, `OffsetCommit` knows member epochs.
const COMMITS_BY_EPOCH_VERSION: i16 = 9;

impl Group {
    fn state_name(&self) -> &'static str {
        if self.members.is_empty() {
            "Empty"
        } else if self.epoch > self.target_epoch {
            "Assigning"
        } else if self.is_reconciling() {
            "Reconciling"
        } else {
            "Stable"
        }
    }

    pub(crate) fn describe(&self, call: &Call<'_>, env: &Env<'_>) -> DescribedGroup {
        let members = self.members.iter();
        DescribedGroup {
            group_id: word(call.id),
            group_state: self.state_name().into(),
            group_epoch: self.epoch,
            assignment_epoch: self.target_epoch,
            assignor_name: assign::preferred(self, &env.settings.consumer_assignors)
                .name()
                .into(),
            members: members
                .map(|(id, member)| DescribedMember {
                    member_id: word(id),
                    target_assignment: described(&self.target_of(id), env),
                    ..describe_member(member, call.caller.version, env)
                })
                .collect(),
            ..DescribedGroup::default()
        }
    }

    pub(crate) fn list(&self) -> ListedGroup {
        ListedGroup {
            protocol_type: CONSUMER.into(),
            group_state: self.state_name().into(),
            group_type: CONSUMER.into(),
            ..ListedGroup::default()
        }
    }

    /// Whether the committer is a member, and at an epoch at which it may commit at least some of what
    /// it has: see [`Group::may_commit_partition`].
    pub(crate) fn may_commit(&self, committer: &Committer<'_>) -> Result<(), ErrorCode> {
        let epoch = committer.generation_or_epoch;
        if epoch < 0 && self.members.is_empty() {
            return Ok(());
        }
        let member = self.members.get(committer.member_id);
        let member = member.ok_or(ErrorCode::UnknownMemberId)?;
        if !member.about.is_classic() && committer.version < COMMITS_BY_EPOCH_VERSION {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if epoch > member.current.epoch {
            return Err(stale(&member.about));
        }
        Ok(())
    }

    /// Whether the committer may commit for that partition. An older epoch is good for what the member
    /// has had since then (KIP-1251).
    pub(crate) fn may_commit_partition(
        &self,
        committer: &Committer<'_>,
        topic: TopicId,
        partition: PartitionIndex,
    ) -> Result<(), ErrorCode> {
        let epoch = committer.generation_or_epoch;
        let Some(member) = self.members.get(committer.member_id) else {
            return Ok(());
        };
        let current = &member.current;
        if epoch == current.epoch {
            return Ok(());
        }
        let since = current.assigned.since(topic, partition);
        let since = since.or_else(|| current.revoking.since(topic, partition));
        match since {
            Some(since) if epoch >= since && epoch < current.epoch => Ok(()),
            _ => Err(stale(&member.about)),
        }
    }

    pub(crate) fn may_fetch(
        &self,
        member_id: Option<&str>,
        member_epoch: i32,
    ) -> Result<(), ErrorCode> {
        if member_id.is_none() && member_epoch < 0 {
            return Ok(());
        }
        let member = self.members.get(member_id.unwrap_or_default());
        let member = member.ok_or(ErrorCode::UnknownMemberId)?;
        if member_epoch != member.current.epoch {
            return Err(stale(&member.about));
        }
        Ok(())
    }

    pub(crate) fn is_subscribed(&self, topic: &str) -> bool {
        self.is_subscribed_to(topic)
    }

    pub(crate) fn may_delete(&self) -> Result<(), ErrorCode> {
        match self.members.is_empty() {
            true => Ok(()),
            false => Err(ErrorCode::NonEmptyGroup),
        }
    }

    /// An empty consumer group does not say since when: each offset counts from its own commit.
    pub(crate) fn empty_since(&self) -> Emptiness {
        match self.members.is_empty() {
            true => Emptiness::NoGroup,
            false => Emptiness::Occupied,
        }
    }
}

fn stale(about: &About) -> ErrorCode {
    match about.is_classic() {
        true => ErrorCode::IllegalGeneration,
        false => ErrorCode::StaleMemberEpoch,
    }
}

/// The answer of `ConsumerGroupDescribe` for a group that is not there, or is classic.
pub(crate) fn describe_missing(call: &Call<'_>) -> DescribedGroup {
    DescribedGroup {
        error_code: ErrorCode::GroupIdNotFound.to_wire(),
        error_message: Some(format!("Group {} not found.", call.id).into()),
        group_id: word(call.id),
        ..DescribedGroup::default()
    }
}

fn describe_member(member: &Member, version: i16, env: &Env<'_>) -> DescribedMember {
    let about = &*member.about;
    DescribedMember {
        instance_id: about.instance_id.as_ref().map(word),
        rack_id: about.rack_id.as_ref().map(word),
        member_epoch: member.current.epoch,
        client_id: word(&about.client_id),
        client_host: word(&about.client_host),
        subscribed_topic_names: about.topic_names.iter().map(word).collect(),
        subscribed_topic_regex: about.topic_regex.as_ref().map(word),
        assignment: described(&held(&member.current), env),
        member_type: match (version >= MEMBER_TYPE_VERSION, about.is_classic()) {
            (false, _) => DescribedMember::default().member_type,
            (true, true) => 0,
            (true, false) => 1,
        },
        ..DescribedMember::default()
    }
}

/// What a member has, and what it has not yet said it gave up.
fn held(current: &Current) -> Assignment {
    let mut held: Assignment = current.assigned.topics().collect();
    for (topic, partitions) in current.revoking.topics() {
        held.insert(topic, partitions);
    }
    held
}

/// Partitions of topics that exist, by name.
fn described(assignment: &Assignment, env: &Env<'_>) -> DescribedAssignment {
    let topics = assignment.topics().filter_map(|(id, partitions)| {
        let topic = env.image.topic_by_id(id)?;
        Some(TopicPartitions {
            topic_id: id.0,
            topic_name: word(topic.name()),
            partitions: partitions.to_vec(),
        })
    });
    DescribedAssignment {
        topic_partitions: topics.collect(),
    }
}
