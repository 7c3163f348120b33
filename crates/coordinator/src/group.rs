//! A group of either protocol, as the shard keeps it.

use protocol::messages::consumer_group_describe::DescribedGroup as ConsumerDescribedGroup;
use protocol::messages::describe_groups::DescribedGroup;
use protocol::messages::list_groups::ListedGroup;
use types::{ErrorCode, PartitionIndex, TopicId};

use crate::env::{Caller, Env, GroupId, Out, Token};
use crate::{classic, consumer};

/// Which request of whom is being decided.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The group that is asked.
    pub id: &'a GroupId,
    /// Who asks.
    pub caller: &'a Caller,
    /// Names the request for its answer.
    pub token: Token,
}

/// What is known of a group id.
#[derive(Debug, Default)]
pub enum Group {
    /// No group, though offsets may be kept under its id.
    #[default]
    Absent,
    /// Members agree through `JoinGroup` and `SyncGroup`.
    Classic(classic::Group),
    /// Members are assigned by the coordinator (KIP-848).
    Consumer(consumer::Group),
}

/// Who commits or fetches offsets, as the request says.
#[derive(Clone, Copy, Debug)]
pub struct Committer<'a> {
    /// Empty for one that belongs to no group.
    pub member_id: &'a str,
    /// Generation of a classic group, member epoch of a consumer group; -1 for none.
    pub generation_or_epoch: i32,
    /// Of a static member.
    pub instance_id: Option<&'a str>,
    /// The version of the request.
    pub version: i16,
}

impl Group {
    /// Whether the committer may write offsets now.
    ///
    /// # Errors
    /// The code for the wire.
    pub fn may_commit(&self, committer: &Committer<'_>) -> Result<(), ErrorCode> {
        match self {
            // Offsets without a group belong to consumers that assign themselves.
            Self::Absent if committer.generation_or_epoch < 0 => Ok(()),
            Self::Absent => Err(ErrorCode::IllegalGeneration),
            Self::Classic(group) => group.may_commit(committer),
            Self::Consumer(group) => group.may_commit(committer),
        }
    }

    /// Whether a committer that may write offsets may write this one. Members of a consumer group may
    /// commit with an older epoch what they have had since then (KIP-1251).
    ///
    /// # Errors
    /// The code for the wire.
    pub fn may_commit_partition(
        &self,
        committer: &Committer<'_>,
        topic_id: TopicId,
        partition: PartitionIndex,
    ) -> Result<(), ErrorCode> {
        match self {
            Self::Consumer(group) => group.may_commit_partition(committer, topic_id, partition),
            Self::Absent | Self::Classic(_) => Ok(()),
        }
    }

    /// Whether the member may read offsets, if the request names one.
    ///
    /// # Errors
    /// The code for the wire.
    pub fn may_fetch(&self, member_id: Option<&str>, member_epoch: i32) -> Result<(), ErrorCode> {
        match self {
            Self::Consumer(group) => group.may_fetch(member_id, member_epoch),
            Self::Absent | Self::Classic(_) => Ok(()),
        }
    }

    /// Whether members read the topic now: its offsets are not deleted and do not expire.
    #[must_use]
    pub fn is_subscribed(&self, topic: &str) -> bool {
        match self {
            Self::Absent => false,
            Self::Classic(group) => group.is_subscribed(topic),
            Self::Consumer(group) => group.is_subscribed(topic),
        }
    }

    /// Whether offsets of topics that members do not read may be deleted.
    ///
    /// # Errors
    /// The code for the wire.
    pub fn may_delete_offsets(&self) -> Result<(), ErrorCode> {
        match self {
            Self::Absent | Self::Consumer(_) => Ok(()),
            Self::Classic(group) => group.may_delete_offsets(),
        }
    }

    /// Whether it may be deleted.
    ///
    /// # Errors
    /// The code for the wire.
    pub fn may_delete(&self) -> Result<(), ErrorCode> {
        match self {
            Self::Absent => Ok(()),
            Self::Classic(group) => group.may_delete(),
            Self::Consumer(group) => group.may_delete(),
        }
    }

    pub(crate) fn is_consumer(&self) -> bool {
        matches!(self, Self::Consumer(_))
    }

    pub(crate) fn on_loaded(&mut self, id: &GroupId, env: &mut Env<'_>) {
        match self {
            Self::Absent => {}
            Self::Classic(group) => group.on_loaded(env),
            Self::Consumer(group) => group.on_loaded(id, env),
        }
    }

    /// A member spoke through another request than a heartbeat: it lives.
    pub(crate) fn on_heard(&mut self, call: &Call<'_>, member_id: &str, env: &mut Env<'_>) {
        match self {
            Self::Absent => {}
            Self::Classic(group) => group.on_heard(member_id, env),
            Self::Consumer(group) => group.on_heard(call, member_id, env),
        }
    }

    /// For `DescribeGroups`: a consumer group does not answer to it. Kafka's words and codes by version.
    pub(crate) fn describe(&self, call: &Call<'_>) -> DescribedGroup {
        match self {
            Self::Classic(group) => group.describe(),
            Self::Absent | Self::Consumer(_) => classic::describe_missing(call),
        }
    }

    /// For `ConsumerGroupDescribe`.
    pub(crate) fn consumer_describe(
        &self,
        call: &Call<'_>,
        env: &Env<'_>,
    ) -> ConsumerDescribedGroup {
        match self {
            Self::Consumer(group) => group.describe(call, env),
            Self::Absent | Self::Classic(_) => consumer::describe_missing(call),
        }
    }

    /// For `ListGroups`, without the id.
    pub(crate) fn list(&self) -> Option<ListedGroup> {
        match self {
            Self::Absent => None,
            Self::Classic(group) => Some(group.list()),
            Self::Consumer(group) => Some(group.list()),
        }
    }

    /// Writes the records that end the group. Its offsets are not among them.
    pub fn delete(&self, id: &GroupId, out: &mut Out) {
        match self {
            Self::Absent => {}
            Self::Classic(group) => group.delete(out),
            Self::Consumer(group) => group.delete(id, out),
        }
    }

    /// Since when, in wall-clock milliseconds, it has had no members; `None` while it has some. A group
    /// id without a group counts each offset from its own commit.
    #[must_use]
    pub fn empty_since(&self) -> Emptiness {
        match self {
            Self::Absent => Emptiness::NoGroup,
            Self::Classic(group) => group.empty_since(),
            Self::Consumer(group) => group.empty_since(),
        }
    }
}

/// What decides whether a group's offsets grow old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emptiness {
    /// It has members: offsets of topics that they do not subscribe grow old from their commit.
    Occupied,
    /// Without members since then (wall clock, milliseconds).
    Since(types::TimestampMs),
    /// There is no group, or one whose members assign themselves: each offset from its own commit.
    NoGroup,
}
