//! What groups are asked and what they answer, in the words of the protocol.
//!
//! A request that names many groups comes as one [`Request`] for each: they may live in different shards.

use protocol::Str;
use protocol::messages::consumer_group_describe::DescribedGroup as ConsumerDescribedGroup;
use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use protocol::messages::describe_groups::DescribedGroup;
use protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use protocol::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use protocol::messages::offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
use protocol::messages::offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse};
use protocol::messages::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchResponseGroup};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use types::ErrorCode;

/// What a name takes in a record besides itself, at most.
const NAME_OVERHEAD_BYTES: usize = 5;

/// A question to one group.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `JoinGroup`.
    Join(JoinGroupRequest),
    /// `SyncGroup`.
    Sync(SyncGroupRequest),
    /// `Heartbeat`.
    Heartbeat(HeartbeatRequest),
    /// `LeaveGroup`.
    Leave(LeaveGroupRequest),
    /// `ConsumerGroupHeartbeat` (KIP-848).
    ConsumerHeartbeat(ConsumerGroupHeartbeatRequest),
    /// `OffsetCommit`.
    OffsetCommit(OffsetCommitRequest),
    /// One group of an `OffsetFetch`; versions before 8 are said the same way.
    OffsetFetch {
        /// The group and what of it.
        group: OffsetFetchRequestGroup,
        /// Whether offsets of open transactions are an error.
        require_stable: bool,
    },
    /// `OffsetDelete`.
    OffsetDelete(OffsetDeleteRequest),
    /// One group of a `DeleteGroups`.
    Delete(Str),
    /// One group of a `DescribeGroups`.
    Describe(Str),
    /// One group of a `ConsumerGroupDescribe`.
    ConsumerDescribe(Str),
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Request::Join`].
    Join(JoinGroupResponse),
    /// To [`Request::Sync`].
    Sync(SyncGroupResponse),
    /// To [`Request::Heartbeat`].
    Heartbeat(HeartbeatResponse),
    /// To [`Request::Leave`].
    Leave(LeaveGroupResponse),
    /// To [`Request::ConsumerHeartbeat`].
    ConsumerHeartbeat(ConsumerGroupHeartbeatResponse),
    /// To [`Request::OffsetCommit`].
    OffsetCommit(OffsetCommitResponse),
    /// To [`Request::OffsetFetch`].
    OffsetFetch(OffsetFetchResponseGroup),
    /// To [`Request::OffsetDelete`].
    OffsetDelete(OffsetDeleteResponse),
    /// To [`Request::Delete`].
    Delete(ErrorCode),
    /// To [`Request::Describe`].
    Describe(DescribedGroup),
    /// To [`Request::ConsumerDescribe`].
    ConsumerDescribe(ConsumerDescribedGroup),
}

impl Request {
    /// The group that is asked.
    #[must_use]
    pub fn group_id(&self) -> &Str {
        match self {
            Self::Join(request) => &request.group_id,
            Self::Sync(request) => &request.group_id,
            Self::Heartbeat(request) => &request.group_id,
            Self::Leave(request) => &request.group_id,
            Self::ConsumerHeartbeat(request) => &request.group_id,
            Self::OffsetCommit(request) => &request.group_id,
            Self::OffsetFetch { group, .. } => &group.group_id,
            Self::OffsetDelete(request) => &request.group_id,
            Self::Delete(group) | Self::Describe(group) | Self::ConsumerDescribe(group) => group,
        }
    }

    /// How much of what it says would be written down with its member, in bytes. Other requests have
    /// their own limits.
    pub(crate) fn written_bytes(&self) -> usize {
        match self {
            Self::Join(request) => {
                let protocols = request.protocols.iter();
                protocols.map(|it| it.name.len() + it.metadata.len()).sum()
            }
            Self::ConsumerHeartbeat(request) => {
                let names = request.subscribed_topic_names.iter().flatten();
                names.map(|name| name.len() + NAME_OVERHEAD_BYTES).sum()
            }
            _ => 0,
        }
    }

    /// The answer that says only why there is none.
    #[must_use]
    pub fn refused(&self, code: ErrorCode) -> Answer {
        let error_code = code.to_wire();
        match self {
            Self::Join(request) => Answer::Join(join_refused(request, error_code)),
            Self::Sync(_) => Answer::Sync(SyncGroupResponse {
                error_code,
                ..SyncGroupResponse::default()
            }),
            Self::Heartbeat(_) => Answer::Heartbeat(HeartbeatResponse {
                error_code,
                ..HeartbeatResponse::default()
            }),
            Self::Leave(_) => Answer::Leave(LeaveGroupResponse {
                error_code,
                ..LeaveGroupResponse::default()
            }),
            Self::ConsumerHeartbeat(_) => {
                Answer::ConsumerHeartbeat(ConsumerGroupHeartbeatResponse {
                    error_code,
                    ..ConsumerGroupHeartbeatResponse::default()
                })
            }
            Self::OffsetCommit(request) => {
                Answer::OffsetCommit(commit_refused(request, error_code))
            }
            Self::OffsetFetch { group, .. } => Answer::OffsetFetch(OffsetFetchResponseGroup {
                group_id: group.group_id.clone(),
                error_code,
                ..OffsetFetchResponseGroup::default()
            }),
            Self::OffsetDelete(_) => Answer::OffsetDelete(OffsetDeleteResponse {
                error_code,
                ..OffsetDeleteResponse::default()
            }),
            Self::Delete(_) => Answer::Delete(code),
            Self::Describe(group) => Answer::Describe(DescribedGroup {
                error_code,
                group_id: group.clone(),
                ..DescribedGroup::default()
            }),
            Self::ConsumerDescribe(group) => Answer::ConsumerDescribe(ConsumerDescribedGroup {
                error_code,
                group_id: group.clone(),
                ..ConsumerDescribedGroup::default()
            }),
        }
    }
}

fn join_refused(request: &JoinGroupRequest, error_code: i16) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code,
        generation_id: -1,
        protocol_name: None,
        member_id: request.member_id.clone(),
        ..JoinGroupResponse::default()
    }
}

fn commit_refused(request: &OffsetCommitRequest, error_code: i16) -> OffsetCommitResponse {
    use protocol::messages::offset_commit::{
        OffsetCommitResponsePartition, OffsetCommitResponseTopic,
    };
    let topics = request
        .topics
        .iter()
        .map(|topic| OffsetCommitResponseTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| OffsetCommitResponsePartition {
                    partition_index: partition.partition_index,
                    error_code,
                })
                .collect(),
        });
    OffsetCommitResponse {
        topics: topics.collect(),
        ..OffsetCommitResponse::default()
    }
}

impl Answer {
    /// The same answer with the news that it is not certain: what it says had been decided, but was not
    /// on enough replicas in time. Errors that it held already stay.
    #[must_use]
    pub(crate) fn into_failed(mut self, code: ErrorCode) -> Self {
        let fail = |error_code: &mut i16| {
            if *error_code == ErrorCode::None.to_wire() {
                *error_code = code.to_wire();
            }
        };
        match &mut self {
            Self::Join(answer) => {
                let member_id = answer.member_id.clone();
                *answer = JoinGroupResponse {
                    error_code: answer.error_code,
                    generation_id: -1,
                    protocol_name: None,
                    member_id,
                    ..JoinGroupResponse::default()
                };
                fail(&mut answer.error_code);
            }
            Self::Sync(answer) => {
                answer.assignment.clear();
                fail(&mut answer.error_code);
            }
            Self::Heartbeat(answer) => fail(&mut answer.error_code),
            Self::Leave(answer) => {
                answer.members.clear();
                fail(&mut answer.error_code);
            }
            Self::ConsumerHeartbeat(answer) => {
                answer.assignment = None;
                fail(&mut answer.error_code);
            }
            Self::OffsetCommit(answer) => {
                let partitions = answer.topics.iter_mut().flat_map(|it| &mut it.partitions);
                partitions.for_each(|partition| fail(&mut partition.error_code));
            }
            Self::OffsetFetch(answer) => {
                answer.topics.clear();
                fail(&mut answer.error_code);
            }
            Self::OffsetDelete(answer) => {
                answer.topics.clear();
                fail(&mut answer.error_code);
            }
            Self::Delete(answer) => {
                if *answer == ErrorCode::None {
                    *answer = code;
                }
            }
            Self::Describe(answer) => {
                answer.members.clear();
                fail(&mut answer.error_code);
            }
            Self::ConsumerDescribe(answer) => {
                answer.members.clear();
                fail(&mut answer.error_code);
            }
        }
        self
    }
}
