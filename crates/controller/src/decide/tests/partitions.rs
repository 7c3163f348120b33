use metadata::PartitionRegistration;
use metadata::v1::Restart;
use protocol::Str;
use protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use types::{BrokerEpoch, LeaderEpoch, NodeId, PartitionEpoch, TopicId, Uuid};

use crate::decide::testing::{Cluster, restarted};
use crate::decide::{HeartbeatRefusal, Sender, alter_partition, create_topics};
use rpc::{IsrMember, PartitionRefusal, PartitionUpdate};

/// Partition 0 of topic `t` on brokers 1, 2 and 3, with two of them needed.
fn cluster() -> Cluster {
    let mut cluster = Cluster::of(4);
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Str::from("t"),
            num_partitions: -1,
            replication_factor: -1,
            assignments: vec![CreatableReplicaAssignment {
                partition_index: 0,
                broker_ids: vec![1, 2, 3],
            }],
            configs: vec![CreatableTopicConfig {
                name: Str::from("min.insync.replicas"),
                value: Some(Str::from("2")),
            }],
        }],
        ..CreateTopicsRequest::default()
    };
    let (image, settings) = (&cluster.image, &cluster.settings);
    let decision = create_topics(image, settings, &mut cluster.random, &request);
    cluster.commit(&decision.records);
    cluster
}

fn partition(cluster: &Cluster) -> PartitionRegistration {
    let topic = cluster.image.topic("t").expect("it exists");
    (**topic.partition(0).expect("it exists")).clone()
}

fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

/// What the leader would propose now.
fn update(cluster: &Cluster, isr: &[i32]) -> PartitionUpdate {
    let partition = partition(cluster);
    let member = |node: NodeId| IsrMember {
        node,
        broker_epoch: match cluster.image.broker(node) {
            Some(broker) => broker.epoch,
            None => BrokerEpoch::NONE,
        },
    };
    PartitionUpdate {
        topic_id: cluster.image.topic("t").expect("it exists").id(),
        index: 0,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        isr: nodes(isr).into_iter().map(member).collect(),
    }
}

fn propose(
    cluster: &mut Cluster,
    sender: i32,
    update: PartitionUpdate,
) -> Result<PartitionRegistration, PartitionRefusal> {
    let broker = NodeId(sender);
    let epoch = cluster.epoch(broker);
    let decision = alter_partition(&cluster.image, Sender { broker, epoch }, &[update]);
    let mut decision = decision.expect("a registered sender");
    cluster.commit(&decision.records);
    decision.response.pop().expect("one answer")
}

#[test]
fn the_leader_shrinks_and_grows_the_isr() {
    let mut cluster = cluster();
    let smaller = update(&cluster, &[1, 3]);
    let next = propose(&mut cluster, 1, smaller).expect("accepted");
    assert_eq!(next, partition(&cluster));
    assert_eq!(next.isr, nodes(&[1, 3]));
    assert_eq!(
        (next.leader_epoch, next.partition_epoch),
        (LeaderEpoch(0), PartitionEpoch(1))
    );
    assert_eq!(next.elr, []);
    let larger = update(&cluster, &[3, 2, 1]);
    let next = propose(&mut cluster, 1, larger).expect("accepted");
    // In the order of the replicas, whatever the order of the proposal.
    assert_eq!(next.isr, nodes(&[1, 2, 3]));
}

#[test]
fn who_leaves_a_small_isr_is_eligible_until_it_is_large_enough_again() {
    let mut cluster = cluster();
    let alone = update(&cluster, &[1]);
    let next = propose(&mut cluster, 1, alone).expect("accepted");
    assert_eq!((next.isr, next.elr), (nodes(&[1]), nodes(&[2, 3])));
    let again = update(&cluster, &[1, 3]);
    let next = propose(&mut cluster, 1, again).expect("accepted");
    assert_eq!((next.isr, next.elr), (nodes(&[1, 3]), nodes(&[])));
}

#[test]
fn a_proposal_that_changes_nothing_records_nothing() {
    let mut cluster = cluster();
    let same = update(&cluster, &[1, 2, 3]);
    let before = cluster.image.clone();
    let next = propose(&mut cluster, 1, same).expect("accepted");
    assert_eq!(next.partition_epoch, PartitionEpoch(0));
    assert_eq!(
        metadata::content_hash(&before),
        metadata::content_hash(&cluster.image)
    );
}

#[test]
fn proposals_made_on_another_state_are_refused() {
    let mut cluster = cluster();
    let first = update(&cluster, &[1, 2]);
    propose(&mut cluster, 1, first.clone()).expect("accepted");
    assert!(matches!(
        propose(&mut cluster, 1, first.clone()),
        Err(PartitionRefusal::StalePartitionEpoch)
    ));
    let mut ahead = update(&cluster, &[1]);
    ahead.partition_epoch = PartitionEpoch(9);
    assert_eq!(
        propose(&mut cluster, 1, ahead),
        Err(PartitionRefusal::Ahead)
    );
    let mut ahead = update(&cluster, &[1]);
    ahead.leader_epoch = LeaderEpoch(9);
    assert_eq!(
        propose(&mut cluster, 1, ahead),
        Err(PartitionRefusal::Ahead)
    );
    let mut unknown = update(&cluster, &[1]);
    unknown.topic_id = TopicId(Uuid::from_bytes([9; 16]));
    assert!(matches!(
        propose(&mut cluster, 1, unknown),
        Err(PartitionRefusal::UnknownTopicId)
    ));
    let mut unknown = update(&cluster, &[1]);
    unknown.index = 4;
    assert!(matches!(
        propose(&mut cluster, 1, unknown),
        Err(PartitionRefusal::UnknownPartition)
    ));
}

#[test]
fn only_the_leader_of_this_epoch_proposes() {
    let mut cluster = cluster();
    let by_follower = update(&cluster, &[1, 2]);
    assert!(matches!(
        propose(&mut cluster, 2, by_follower),
        Err(PartitionRefusal::NotLeader)
    ));
    // A leader that does not know yet that it was fenced and came back.
    let zombie = update(&cluster, &[1]);
    cluster.fence(1);
    cluster.beat(NodeId(1), |_state| {});
    assert!(matches!(
        propose(&mut cluster, 1, zombie),
        Err(PartitionRefusal::FencedLeaderEpoch)
    ));
    let sender = Sender {
        broker: NodeId(1),
        epoch: BrokerEpoch(0),
    };
    let stale = alter_partition(&cluster.image, sender, &[]);
    assert!(matches!(stale, Err(HeartbeatRefusal::StaleEpoch { .. })));
}

#[test]
fn a_replica_that_came_back_as_another_process_is_not_the_one_that_was_in_sync() {
    let mut cluster = cluster();
    cluster.fence(3);
    let fenced = update(&cluster, &[1, 2, 3]);
    assert_eq!(
        propose(&mut cluster, 1, fenced.clone()),
        Err(PartitionRefusal::Ineligible(NodeId(3)))
    );
    cluster.join(&restarted(3, BrokerEpoch::NONE, Restart::Lossy));
    let mut late = update(&cluster, &[1, 2, 3]);
    late.isr = fenced.isr;
    assert_eq!(
        propose(&mut cluster, 1, late),
        Err(PartitionRefusal::Ineligible(NodeId(3)))
    );
    let fresh = update(&cluster, &[1, 2, 3]);
    assert!(propose(&mut cluster, 1, fresh).is_ok());
}

#[test]
fn a_replica_that_is_about_to_stop_is_not_let_in() {
    let mut cluster = cluster();
    cluster.beat(NodeId(3), |state| state.want_shutdown = true);
    let in_again = update(&cluster, &[1, 2, 3]);
    assert_eq!(
        propose(&mut cluster, 1, in_again),
        Err(PartitionRefusal::Ineligible(NodeId(3)))
    );
}

#[test]
fn proposals_that_make_no_sense_are_refused() {
    let mut cluster = cluster();
    for isr in [&[2, 3][..], &[], &[1, 4], &[1, 9], &[1, 2, 2]] {
        let nonsense = update(&cluster, isr);
        assert!(
            matches!(
                propose(&mut cluster, 1, nonsense),
                Err(PartitionRefusal::Invalid)
            ),
            "{isr:?}"
        );
    }
}
