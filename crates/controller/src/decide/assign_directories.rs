//! `AssignDirectories`: a broker says in which of its log directories its replicas are (KIP-858).

use metadata::{BrokerRegistration, MetadataImage, MetadataRecord, PartitionRegistration};
use rpc::{DirectoryAnswer, DirectoryAssignment, DirectoryRefusal};

use super::Decision;
use super::alter_partition::Sender;
use super::liveness::{HeartbeatRefusal, registered_as};
use super::partition_change::change;

/// Decides the assignments of one broker. One answer for each, in their order; of two for the same
/// partition the first counts.
///
/// # Errors
/// The sender is not registered with that epoch; nothing was looked at.
pub fn assign_directories(
    image: &MetadataImage,
    sender: Sender,
    assignments: &[DirectoryAssignment],
) -> Result<Decision<Vec<DirectoryAnswer>>, HeartbeatRefusal> {
    let broker = registered_as(image, sender.broker, sender.epoch)?;
    let mut decision = Decision::only(Vec::with_capacity(assignments.len()));
    let mut decided = std::collections::BTreeSet::new();
    for assignment in assignments {
        let is_first = decided.insert((assignment.topic_id, assignment.index));
        let answer = assign(image, broker, assignment).map(|record| {
            decision.records.extend(record.filter(|_| is_first));
        });
        decision.response.push(answer);
    }
    Ok(decision)
}

fn assign(
    image: &MetadataImage,
    broker: &BrokerRegistration,
    assignment: &DirectoryAssignment,
) -> Result<Option<MetadataRecord>, DirectoryRefusal> {
    let topic = image.topic_by_id(assignment.topic_id);
    let topic = topic.ok_or(DirectoryRefusal::UnknownTopicId)?;
    let partition = topic.partition(assignment.index);
    let partition = partition.ok_or(DirectoryRefusal::UnknownPartition)?;
    if !partition.replicas.contains(&broker.id) {
        return Err(DirectoryRefusal::NotReplica);
    }
    if !broker.log_dirs.contains(&assignment.directory) {
        return Err(DirectoryRefusal::UnknownDirectory);
    }
    let next = moved(broker, partition, assignment);
    Ok(change(
        assignment.topic_id,
        assignment.index,
        partition,
        &next,
    ))
}

/// The partition with its replica in that directory. A replica that was on a disk which is out of
/// service begins anew: it is no longer in sync with, or eligible for, what it held there.
fn moved(
    broker: &BrokerRegistration,
    partition: &PartitionRegistration,
    assignment: &DirectoryAssignment,
) -> PartitionRegistration {
    let directory_of = |node: &types::NodeId| match *node == broker.id {
        true => assignment.directory,
        false => partition.directory_of(*node),
    };
    let mut next = partition.clone();
    next.directories = partition.replicas.iter().map(directory_of).collect();
    if !broker.has_online(partition.directory_of(broker.id)) {
        // Without eligible replicas the last one in sync stays in the isr while it is out of service.
        next.isr.retain(|node| *node != broker.id);
        next.elr.retain(|node| *node != broker.id);
        let has_changed = next.isr != partition.isr || next.elr != partition.elr;
        if next.isr.is_empty() && next.elr.is_empty() && has_changed {
            next.last_known_elr = vec![broker.id];
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use types::{DirectoryId, NodeId, Uuid};

    use super::*;
    use crate::decide::testing::{Cluster, registration};

    const B: NodeId = NodeId(1);
    const A: DirectoryId = DirectoryId(Uuid::from_bytes([7; 16]));
    const C: DirectoryId = DirectoryId(Uuid::from_bytes([8; 16]));

    /// Partition 0 of `t` on broker 1, which has two disks, and broker 2.
    fn cluster() -> Cluster {
        let mut cluster = Cluster::empty();
        let mut first = registration(1);
        first.log_dirs = vec![A, C];
        cluster.join(&first);
        cluster.join(&registration(2));
        cluster.create("t", &[&[1, 2]]);
        cluster
    }

    fn assign_to(
        cluster: &mut Cluster,
        topic: MetadataImage,
        directory: DirectoryId,
    ) -> DirectoryAnswer {
        let topic_id = topic.topic("t").expect("it exists").id();
        let assignment = DirectoryAssignment {
            topic_id,
            index: 0,
            directory,
        };
        let epoch = cluster.epoch(B);
        let sender = Sender { broker: B, epoch };
        let decision = assign_directories(&cluster.image, sender, &[assignment, assignment]);
        let mut decision = decision.expect("a registered sender");
        cluster.commit(&decision.records);
        decision.response.remove(0)
    }

    #[test]
    fn a_replica_is_where_its_broker_says() {
        let mut cluster = cluster();
        let unknown = cluster.partition("t", 0);
        assert_eq!(unknown.directory_of(B), DirectoryId::ZERO);
        let image = cluster.image.clone();
        assert_eq!(assign_to(&mut cluster, image.clone(), C), Ok(()));
        let known = cluster.partition("t", 0);
        assert_eq!(known.directory_of(B), C);
        assert_eq!(known.isr, unknown.isr);
        assert_eq!(known.leader_epoch, unknown.leader_epoch);
        let elsewhere = DirectoryId(Uuid::from_bytes([9; 16]));
        let refused = assign_to(&mut cluster, image, elsewhere);
        assert_eq!(refused, Err(DirectoryRefusal::UnknownDirectory));
    }

    #[test]
    fn a_failed_disk_takes_its_replicas_out_and_a_new_one_does_not_make_them_eligible() {
        let mut cluster = cluster();
        let image = cluster.image.clone();
        assert_eq!(assign_to(&mut cluster, image.clone(), C), Ok(()));
        cluster.set_min_isr("t", "2");
        cluster.beat(B, |state| state.offline_log_dirs = vec![C]);
        let failed = cluster.partition("t", 0);
        assert_eq!(failed.leader, Some(NodeId(2)));
        assert_eq!(failed.isr, [NodeId(2)]);
        assert_eq!(failed.elr, [B]);
        assert!(cluster.image.is_live(B));
        assert_eq!(assign_to(&mut cluster, image, A), Ok(()));
        let anew = cluster.partition("t", 0);
        assert_eq!((anew.directory_of(B), anew.elr), (A, vec![]));
    }

    #[test]
    fn without_eligible_replicas_a_new_disk_does_not_bring_back_the_last_one_in_sync() {
        let mut cluster = cluster();
        let image = cluster.image.clone();
        assert_eq!(assign_to(&mut cluster, image.clone(), C), Ok(()));
        cluster.set_min_isr("t", "1");
        cluster.fence(2);
        let none = metadata::v1::FeatureLevel {
            name: metadata::feature::ELIGIBLE_LEADER_REPLICAS.to_owned(),
            level: 0,
        };
        cluster.commit(&[none.into()]);
        cluster.beat(B, |state| state.offline_log_dirs = vec![C]);
        let failed = cluster.partition("t", 0);
        assert_eq!((failed.leader, failed.isr), (None, vec![B]));
        assert_eq!(assign_to(&mut cluster, image, A), Ok(()));
        cluster.fence(1);
        cluster.beat(B, |_| {});
        let anew = cluster.partition("t", 0);
        assert_eq!((anew.leader, anew.isr), (None, vec![]));
        assert_eq!(anew.last_known_elr, [B]);
    }
}
