//! A partition before and after as the one record between the two.

use metadata::{MetadataRecord, PartitionRegistration, v1};
use types::{NodeId, PartitionIndex, TopicId};

use super::{id_bytes, node_list};

/// The record that turns `before` into `after`; `None` if they are the same. Epochs of `after` are
/// not looked at: the partition epoch grows by one, the leader epoch if the leader changed.
///
/// # Panics
/// `after` is led by somebody who was neither in sync nor eligible, which loses acknowledged records.
pub(super) fn change(
    topic_id: TopicId,
    index: PartitionIndex,
    before: &PartitionRegistration,
    after: &PartitionRegistration,
) -> Option<MetadataRecord> {
    change_by(topic_id, index, before, before, after)
}

/// The same where the leader has proposed another ISR, which was `accepted`: then its members are as
/// complete as it is, and the last step of a reassignment may hand leadership to one of them.
pub(super) fn change_by(
    topic_id: TopicId,
    index: PartitionIndex,
    before: &PartitionRegistration,
    accepted: &PartitionRegistration,
    after: &PartitionRegistration,
) -> Option<MetadataRecord> {
    let is_complete = |node: &NodeId| accepted.isr.contains(node) || accepted.elr.contains(node);
    assert!(
        after.leader == before.leader || after.leader.as_ref().is_none_or(is_complete),
        "nobody outside of isr and elr is elected: {accepted:?} would become {after:?}"
    );
    unclean_change(topic_id, index, before, after)
}

/// The same for a leader that somebody asked for at the price of records.
pub(super) fn unclean_change(
    topic_id: TopicId,
    index: PartitionIndex,
    before: &PartitionRegistration,
    after: &PartitionRegistration,
) -> Option<MetadataRecord> {
    let list = |before: &[NodeId], after: &[NodeId]| (before != after).then(|| node_list(after));
    let change = v1::PartitionChange {
        topic_id: id_bytes(topic_id.0),
        index,
        partition_epoch: before.partition_epoch.next().0,
        replicas: list(&before.replicas, &after.replicas),
        isr: list(&before.isr, &after.isr),
        leader: (before.leader != after.leader)
            .then(|| after.leader.map_or(NodeId::NONE.0, |leader| leader.0)),
        directories: (before.directories != after.directories).then(|| v1::DirectoryList {
            directories: after.directories.iter().map(|id| id_bytes(id.0)).collect(),
        }),
        adding_replicas: list(&before.adding_replicas, &after.adding_replicas),
        removing_replicas: list(&before.removing_replicas, &after.removing_replicas),
        elr: list(&before.elr, &after.elr),
        last_known_elr: list(&before.last_known_elr, &after.last_known_elr),
    };
    let is_same = PartitionRegistration {
        leader_epoch: before.leader_epoch,
        partition_epoch: before.partition_epoch,
        ..after.clone()
    } == *before;
    (!is_same).then(|| change.into())
}
