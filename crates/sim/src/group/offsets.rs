//! What members do with offsets: commit what they own, and look at what is committed.

use std::time::Duration;

use coordinator::Request;
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use protocol::messages::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use types::{ErrorCode, Offset, PartitionIndex};

use super::member::{PATIENCE, What};
use super::{READ, READ_PARTITIONS, group_name};
use crate::client::node_of;
use crate::plan::FAULTS_END;
use crate::say;
use crate::world::{World, topic_name};

impl World {
    pub(super) fn use_offsets(&mut self, number: u32) {
        let owned: Vec<PartitionIndex> = self.member(number).owned.iter().copied().collect();
        let commits = self.draw.one_in(2);
        let partition = match self.draw.maybe_of(&owned) {
            Some(partition) if commits => return self.commit_offset(number, *partition),
            Some(partition) => *partition,
            None => self.draw.below(READ_PARTITIONS),
        };
        self.fetch_offset(number, partition);
    }

    pub(super) fn commit_offset(&mut self, number: u32, partition: PartitionIndex) {
        let offset = self.groups.offset();
        let member = self.member(number);
        let request = OffsetCommitRequest {
            group_id: group_name(member.plan.group).into(),
            generation_id_or_member_epoch: member.epoch,
            member_id: member.id.clone().into(),
            group_instance_id: member.instance(number).map(Into::into),
            topics: vec![OffsetCommitRequestTopic {
                name: topic_name(READ).into(),
                partitions: vec![OffsetCommitRequestPartition {
                    partition_index: partition,
                    committed_offset: offset,
                    ..OffsetCommitRequestPartition::default()
                }],
                ..OffsetCommitRequestTopic::default()
            }],
            ..OffsetCommitRequest::default()
        };
        let what = What::Commit {
            partition,
            offset,
            epoch: member.epoch,
        };
        self.ask_group(number, 9, Request::OffsetCommit(request), what, PATIENCE);
    }

    pub(super) fn fetch_offset(&mut self, number: u32, partition: PartitionIndex) {
        let group = self.member(number).plan.group;
        let Some(key) = self.key_of(group) else {
            return;
        };
        let floor = self.truth.register.floor(key, partition);
        let request = Request::OffsetFetch {
            group: OffsetFetchRequestGroup {
                group_id: group_name(group).into(),
                topics: Some(vec![OffsetFetchRequestTopics {
                    name: topic_name(READ).into(),
                    partition_indexes: vec![partition],
                    ..OffsetFetchRequestTopics::default()
                }]),
                ..OffsetFetchRequestGroup::default()
            },
            require_stable: true,
        };
        let what = What::Fetch { partition, floor };
        self.ask_group(number, 9, request, what, PATIENCE);
    }

    pub(super) fn on_commit_answer(
        &mut self,
        number: u32,
        partition: PartitionIndex,
        offset: Offset,
        epoch: i32,
        sent_at: Duration,
        code: i16,
    ) {
        let group = self.member(number).plan.group;
        match ErrorCode::from_wire(code) {
            Some(ErrorCode::None) => {
                if sent_at > FAULTS_END {
                    self.member(number).has_committed_after = true;
                }
                say!(
                    self,
                    node_of(number),
                    "{offset} acked for {partition} in {epoch}"
                );
                self.check_committed(number, group, partition, offset, epoch, sent_at);
            }
            Some(ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration) => {
                self.look_again(number);
            }
            _ => {}
        }
    }

    /// A heartbeat will say what is wrong.
    fn look_again(&mut self, number: u32) {
        self.member(number).beat_at = Duration::ZERO;
    }
}
