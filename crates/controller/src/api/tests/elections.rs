use protocol::Str;
use protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use protocol::messages::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use types::{LeaderEpoch, NodeId};

use crate::decide::testing::Cluster;

const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

/// Topic `t`: partition 0 on brokers 1 and 2, partition 1 on 2 and 1.
fn cluster() -> Cluster {
    let mut cluster = Cluster::of(3);
    let assignment = |partition_index, broker_ids| CreatableReplicaAssignment {
        partition_index,
        broker_ids,
    };
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Str::from("t"),
            num_partitions: -1,
            replication_factor: -1,
            assignments: vec![assignment(0, vec![1, 2]), assignment(1, vec![2, 1])],
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    };
    cluster.tell(7, &request);
    cluster
}

fn request(kind: i8, topics: Option<&[(&str, &[i32])]>) -> ElectLeadersRequest {
    let partitions = |(topic, partitions): &(&str, &[i32])| TopicPartitions {
        topic: Str::from(*topic),
        partitions: partitions.to_vec(),
    };
    ElectLeadersRequest {
        election_type: kind,
        topic_partitions: topics.map(|topics| topics.iter().map(partitions).collect()),
        timeout_ms: 5000,
    }
}

/// The codes, partition by partition.
fn tell(cluster: &mut Cluster, kind: i8, topics: Option<&[(&str, &[i32])]>) -> Vec<(i32, i16)> {
    let response = cluster.tell(2, &request(kind, topics));
    assert_eq!(response.error_code, 0);
    let results = response.replica_election_results.iter();
    results
        .flat_map(|topic| &topic.partition_result)
        .map(|result| (result.partition_id, result.error_code))
        .collect()
}

fn leader(cluster: &Cluster, index: i32) -> (Option<NodeId>, LeaderEpoch) {
    let topic = cluster.image.topic("t").expect("it exists");
    let partition = topic.partition(index).expect("it exists");
    (partition.leader, partition.leader_epoch)
}

#[test]
fn the_preferred_replica_leads_again_once_it_is_in_sync() {
    let mut cluster = cluster();
    cluster.fence(1);
    assert_eq!(leader(&cluster, 0), (Some(NodeId(2)), LeaderEpoch(1)));
    let both: &[(&str, &[i32])] = &[("t", &[0, 1])];
    assert_eq!(
        tell(&mut cluster, PREFERRED, Some(both)),
        [(0, 80), (1, 84)]
    );
    cluster.beat(NodeId(1), |_state| {});
    // Live, but not in sync yet.
    assert_eq!(tell(&mut cluster, PREFERRED, None), [(0, 80)]);
    let grow = grown_isr(&cluster, 0);
    cluster.commit(&grow);
    assert_eq!(tell(&mut cluster, PREFERRED, None), [(0, 0)]);
    assert_eq!(leader(&cluster, 0), (Some(NodeId(1)), LeaderEpoch(2)));
    assert_eq!(tell(&mut cluster, PREFERRED, None), []);
}

/// What the leader of a partition proposes when all replicas are in sync.
fn grown_isr(cluster: &Cluster, index: i32) -> Vec<metadata::MetadataRecord> {
    use crate::decide::{Sender, alter_partition};
    use rpc::{IsrMember, PartitionUpdate};
    let topic = cluster.image.topic("t").expect("it exists");
    let partition = topic.partition(index).expect("it exists");
    let broker = partition.leader.expect("a leader");
    let member = |node: &NodeId| IsrMember {
        node: *node,
        broker_epoch: cluster.epoch(*node),
    };
    let update = PartitionUpdate {
        topic_id: topic.id(),
        index,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        isr: partition.replicas.iter().map(member).collect(),
    };
    let epoch = cluster.epoch(broker);
    let decision = alter_partition(&cluster.image, Sender { broker, epoch }, &[update]);
    decision.expect("a registered leader").records
}

#[test]
fn an_unclean_leader_is_elected_only_where_there_is_none() {
    let mut cluster = cluster();
    let first: &[(&str, &[i32])] = &[("t", &[0])];
    assert_eq!(tell(&mut cluster, UNCLEAN, Some(first)), [(0, 84)]);
    cluster.fence(1);
    cluster.fence(2);
    assert_eq!(leader(&cluster, 0).0, None);
    assert_eq!(tell(&mut cluster, UNCLEAN, Some(first)), [(0, 83)]);
    // 1 left the isr while it was large enough, so only an unclean election makes it lead.
    cluster.beat(NodeId(1), |_state| {});
    assert_eq!(leader(&cluster, 0).0, None);
    assert_eq!(tell(&mut cluster, UNCLEAN, None), [(0, 0), (1, 0)]);
    assert_eq!(leader(&cluster, 0).0, Some(NodeId(1)));
    let topic = cluster.image.topic("t").expect("it exists");
    let partition = topic.partition(0).expect("it exists");
    assert_eq!(partition.isr, [NodeId(1)]);
    assert_eq!(partition.elr, []);
}

#[test]
fn unknown_partitions_are_told_with_kafkas_texts() {
    let cluster = cluster();
    let asked: &[(&str, &[i32])] = &[("t", &[5, 0]), ("nope", &[0])];
    let response = cluster.ask(2, &request(PREFERRED, Some(asked)));
    let answers: Vec<_> = response
        .replica_election_results
        .iter()
        .flat_map(|topic| &topic.partition_result)
        .map(|result| (result.error_code, result.error_message.as_deref()))
        .collect();
    assert_eq!(
        answers,
        [
            (3, Some("No such partition as t-5")),
            (84, Some("Leader election not needed for topic partition.")),
            (3, Some("No such topic as nope")),
        ]
    );
}

#[test]
fn a_partition_that_is_named_twice_is_elected_once() {
    let mut cluster = cluster();
    cluster.fence(1);
    cluster.beat(NodeId(1), |_state| {});
    let grow = grown_isr(&cluster, 0);
    cluster.commit(&grow);
    let twice: &[(&str, &[i32])] = &[("t", &[0, 0])];
    assert_eq!(tell(&mut cluster, PREFERRED, Some(twice)), [(0, 0), (0, 0)]);
}

#[test]
fn kinds_and_versions_are_told_apart() {
    let cluster = cluster();
    let response = cluster.ask(2, &request(7, None));
    assert_eq!(
        (response.error_code, response.replica_election_results),
        (42, vec![])
    );
    let mut impatient = request(PREFERRED, Some(&[("t", &[0])]));
    impatient.timeout_ms = 0;
    let results = cluster.ask(0, &impatient).replica_election_results;
    assert_eq!(results[0].partition_result[0].error_code, 7);
    assert_eq!(cluster.ask(1, &impatient).error_code, 7);
}
