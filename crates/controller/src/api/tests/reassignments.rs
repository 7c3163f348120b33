use metadata::PartitionRegistration;
use protocol::Str;
use protocol::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use protocol::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
};
use types::NodeId;

use super::{Answer, OK, answer};
use crate::decide::testing::{Cluster, min_isr};
use crate::decide::{Sender, alter_partition};
use rpc::{IsrMember, PartitionUpdate};

/// Five brokers; partition 0 of topic `t` is on 1, 2 and 3.
fn cluster() -> Cluster {
    let mut cluster = Cluster::of(5);
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Str::from("t"),
            num_partitions: -1,
            replication_factor: -1,
            assignments: vec![CreatableReplicaAssignment {
                partition_index: 0,
                broker_ids: vec![1, 2, 3],
            }],
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    };
    cluster.tell(7, &request);
    cluster
}

fn request(
    topic: &str,
    partitions: &[(i32, Option<&[i32]>)],
) -> AlterPartitionReassignmentsRequest {
    let partition = |(index, replicas): &(i32, Option<&[i32]>)| ReassignablePartition {
        partition_index: *index,
        replicas: replicas.map(<[i32]>::to_vec),
    };
    AlterPartitionReassignmentsRequest {
        timeout_ms: 5000,
        allow_replication_factor_change: true,
        topics: vec![ReassignableTopic {
            name: Str::from(topic),
            partitions: partitions.iter().map(partition).collect(),
        }],
    }
}

fn tell(cluster: &mut Cluster, request: &AlterPartitionReassignmentsRequest) -> Vec<Answer> {
    let response = cluster.tell(1, request);
    assert_eq!((response.error_code, response.error_message), (0, None));
    let partitions = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    partitions
        .map(|told| answer(told.error_code, told.error_message.as_ref()))
        .collect()
}

fn partition(cluster: &Cluster) -> PartitionRegistration {
    let topic = cluster.image.topic("t").expect("it exists");
    (**topic.partition(0).expect("it exists")).clone()
}

fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

/// The leader proposes this isr, which the controller accepts.
fn alter_isr(cluster: &mut Cluster, isr: &[i32]) {
    let topic_id = cluster.image.topic("t").expect("it exists").id();
    let partition = partition(cluster);
    let broker = partition.leader.expect("a leader");
    let member = |node| IsrMember {
        node,
        broker_epoch: cluster.epoch(node),
    };
    let update = PartitionUpdate {
        topic_id,
        index: 0,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        isr: nodes(isr).into_iter().map(member).collect(),
    };
    let epoch = cluster.epoch(broker);
    let decision = alter_partition(&cluster.image, Sender { broker, epoch }, &[update]);
    let decision = decision.expect("a registered leader");
    assert!(decision.response[0].is_ok(), "{:?}", decision.response);
    cluster.commit(&decision.records);
    let told = decision.response[0].clone().expect("accepted");
    assert_eq!(
        told,
        self::partition(cluster),
        "the answer foretells the image"
    );
}

#[test]
fn replicas_move_once_all_targets_are_in_sync() {
    let mut cluster = cluster();
    let targets = request("t", &[(0, Some(&[2, 4, 5]))]);
    assert_eq!(tell(&mut cluster, &targets), [OK]);
    let moving = partition(&cluster);
    assert_eq!(moving.replicas, nodes(&[2, 4, 5, 1, 3]));
    assert_eq!(moving.adding_replicas, nodes(&[4, 5]));
    assert_eq!(moving.removing_replicas, nodes(&[1, 3]));
    assert_eq!((moving.leader, moving.isr.len()), (Some(NodeId(1)), 3));
    alter_isr(&mut cluster, &[1, 2, 3, 4]);
    assert!(partition(&cluster).is_reassigning());
    alter_isr(&mut cluster, &[1, 2, 3, 4, 5]);
    let moved = partition(&cluster);
    assert!(!moved.is_reassigning());
    assert_eq!(moved.replicas, nodes(&[2, 4, 5]));
    assert_eq!(moved.isr, nodes(&[2, 4, 5]));
    assert_eq!(moved.leader, Some(NodeId(2)));
    assert_eq!(moved.directories.len(), 3);
    assert_eq!(moved.leader_epoch.0, moving.leader_epoch.0 + 1);
}

#[test]
fn a_cancelled_move_does_not_give_up_the_last_replica_that_is_known_to_be_complete() {
    let mut cluster = cluster();
    cluster.commit(&[min_isr("t", "1")]);
    tell(&mut cluster, &request("t", &[(0, Some(&[4, 5]))]));
    alter_isr(&mut cluster, &[1, 2, 3, 4]);
    for broker in [1, 2, 3, 4] {
        cluster.fence(broker);
    }
    let before = partition(&cluster);
    assert_eq!((&before.isr, &before.elr), (&nodes(&[]), &nodes(&[4])));
    assert_ne!(tell(&mut cluster, &request("t", &[(0, None)])), [OK]);
    assert_eq!(partition(&cluster), before);
}

#[test]
fn a_move_can_be_cancelled() {
    let mut cluster = cluster();
    let before = partition(&cluster);
    tell(&mut cluster, &request("t", &[(0, Some(&[4, 5, 3]))]));
    alter_isr(&mut cluster, &[1, 2, 3, 4]);
    assert_eq!(tell(&mut cluster, &request("t", &[(0, None)])), [OK]);
    let after = partition(&cluster);
    assert!(!after.is_reassigning());
    let sorted = |mut nodes: Vec<NodeId>| {
        nodes.sort_unstable();
        nodes
    };
    assert_eq!(sorted(after.replicas), before.replicas);
    assert_eq!(sorted(after.isr), before.isr);
    assert_eq!(after.leader, before.leader);
}

#[test]
fn another_move_replaces_the_one_that_runs() {
    let mut cluster = cluster();
    tell(&mut cluster, &request("t", &[(0, Some(&[4, 5, 3]))]));
    alter_isr(&mut cluster, &[1, 2, 3, 4]);
    tell(&mut cluster, &request("t", &[(0, Some(&[5, 2, 3]))]));
    let moving = partition(&cluster);
    assert_eq!(moving.replicas, nodes(&[5, 2, 3, 1]));
    assert_eq!(moving.adding_replicas, nodes(&[5]));
    assert_eq!(moving.removing_replicas, nodes(&[1]));
    assert_eq!(moving.isr, nodes(&[2, 3, 1]));
}

#[test]
fn a_new_order_and_fewer_replicas_need_no_waiting() {
    let mut cluster = cluster();
    tell(&mut cluster, &request("t", &[(0, Some(&[3, 1, 2]))]));
    let reordered = partition(&cluster);
    assert_eq!(reordered.replicas, nodes(&[3, 1, 2]));
    assert_eq!(reordered.isr, nodes(&[3, 1, 2]));
    assert!(!reordered.is_reassigning());
    assert_eq!(reordered.leader, Some(NodeId(1)));
    tell(&mut cluster, &request("t", &[(0, Some(&[3]))]));
    let shrunk = partition(&cluster);
    assert_eq!(
        (shrunk.replicas, shrunk.leader),
        (nodes(&[3]), Some(NodeId(3)))
    );
}

#[test]
fn the_targets_it_has_already_change_nothing() {
    let mut cluster = cluster();
    let same = request("t", &[(0, Some(&[1, 2, 3]))]);
    assert_eq!(cluster.evaluate(1, &same).records, []);
    assert_eq!(tell(&mut cluster, &same), [OK]);
}

#[test]
fn moves_that_make_no_sense_are_refused() {
    let mut cluster = cluster();
    let mut refused = |topic: &str, index, replicas: Option<&[i32]>| {
        let mut answers = tell(&mut cluster, &request(topic, &[(index, replicas)]));
        let (code, text) = answers.pop().expect("one answer");
        (code, text.expect("a text"))
    };
    let text = |code: i16, text: &str| (code, text.to_owned());
    assert_eq!(
        refused("nope", 0, Some(&[1])),
        text(3, "Unable to find a topic named nope.")
    );
    assert_eq!(
        refused("t", 9, Some(&[1])),
        text(3, "Unable to find partition t:9.")
    );
    assert_eq!(
        refused("t", 0, Some(&[7])),
        text(
            39,
            "The manual partition assignment includes broker 7, but no such broker is registered."
        )
    );
    assert_eq!(
        refused("t", 0, Some(&[])),
        text(
            39,
            "The manual partition assignment includes an empty replica list."
        )
    );
    assert_eq!(
        refused("t", 0, Some(&[1, 1])),
        text(
            39,
            "The manual partition assignment includes the broker 1 more than once."
        )
    );
    assert_eq!(refused("t", 0, None).0, 85);
}

#[test]
fn the_number_of_replicas_changes_only_if_it_may() {
    let mut cluster = cluster();
    let mut fewer = request("t", &[(0, Some(&[1, 2]))]);
    fewer.allow_replication_factor_change = false;
    assert_eq!(tell(&mut cluster, &fewer)[0].0, 38);
    // The first version has no such switch.
    let response = cluster.tell(0, &request("t", &[(0, Some(&[1, 2]))]));
    assert_eq!(response.responses[0].partitions[0].error_code, 0);
    assert_eq!(partition(&cluster).replicas, nodes(&[1, 2]));
}

#[test]
fn leadership_goes_to_a_target_that_has_just_come_into_sync() {
    let mut cluster = cluster();
    tell(&mut cluster, &request("t", &[(0, Some(&[4]))]));
    assert_eq!(partition(&cluster).leader, Some(NodeId(1)));
    alter_isr(&mut cluster, &[1, 2, 3, 4]);
    let moved = partition(&cluster);
    assert_eq!((moved.leader, moved.isr), (Some(NodeId(4)), nodes(&[4])));
}

#[test]
fn going_back_to_replicas_that_all_lag_is_refused() {
    let mut cluster = cluster();
    tell(&mut cluster, &request("t", &[(0, Some(&[4, 5]))]));
    alter_isr(&mut cluster, &[1, 2, 3, 4]);
    for broker in [1, 2, 3] {
        cluster.fence(broker);
    }
    assert_eq!(partition(&cluster).leader, Some(NodeId(4)));
    let answers = tell(&mut cluster, &request("t", &[(0, None)]));
    assert_eq!(answers[0].0, 39);
}

#[test]
fn moving_replicas_does_not_raise_how_many_must_be_in_sync() {
    let mut cluster = cluster();
    // Five replicas for a while, and still two of them must be in sync.
    tell(&mut cluster, &request("t", &[(0, Some(&[1, 4, 5]))]));
    assert_eq!(partition(&cluster).replication_factor(), 3);
    alter_isr(&mut cluster, &[1, 2]);
    assert_eq!(partition(&cluster).elr, []);
    alter_isr(&mut cluster, &[1]);
    assert_eq!(partition(&cluster).elr, nodes(&[2]));
    // With one replica less than two the one in sync suffices.
    tell(&mut cluster, &request("t", &[(0, Some(&[1]))]));
    assert_eq!(partition(&cluster).replication_factor(), 1);
    assert_eq!(partition(&cluster).elr, []);
}

#[test]
fn a_target_that_is_given_up_is_no_longer_eligible() {
    let mut cluster = cluster();
    cluster.commit(&[min_isr("t", "3")]);
    tell(&mut cluster, &request("t", &[(0, Some(&[4, 5, 3]))]));
    alter_isr(&mut cluster, &[1, 2, 3, 4]);
    for broker in [2, 4, 3] {
        cluster.fence(broker);
    }
    assert_eq!(partition(&cluster).elr, nodes(&[4, 3]));
    tell(&mut cluster, &request("t", &[(0, Some(&[5, 2, 3]))]));
    assert_eq!(partition(&cluster).replicas, nodes(&[5, 2, 3, 1]));
    assert_eq!(partition(&cluster).elr, nodes(&[3]));
}

#[test]
fn a_replica_that_moves_away_is_no_longer_eligible() {
    let mut cluster = cluster();
    cluster.commit(&[min_isr("t", "3")]);
    alter_isr(&mut cluster, &[1, 2]);
    assert_eq!(partition(&cluster).elr, nodes(&[3]));
    tell(&mut cluster, &request("t", &[(0, Some(&[1, 2]))]));
    assert_eq!(partition(&cluster).replicas, nodes(&[1, 2]));
    assert_eq!(partition(&cluster).elr, []);
}

#[test]
fn a_partition_that_is_named_twice_moves_once() {
    let mut cluster = cluster();
    let twice = request("t", &[(0, Some(&[4, 5])), (0, Some(&[2, 3]))]);
    assert_eq!(tell(&mut cluster, &twice), [OK, OK]);
    assert_eq!(partition(&cluster).adding_replicas, nodes(&[4, 5]));
}

#[test]
fn an_impatient_client_gets_a_timeout_everywhere() {
    let cluster = cluster();
    let mut impatient = request("t", &[(0, Some(&[4, 5]))]);
    impatient.timeout_ms = 0;
    assert_eq!(cluster.evaluate(1, &impatient).records, []);
    let response = cluster.ask(1, &impatient);
    assert_eq!(response.error_code, 7);
    assert_eq!(response.responses[0].partitions[0].error_code, 7);
}

#[test]
fn only_moves_that_run_are_listed() {
    let mut cluster = cluster();
    let list = |topics: Option<&[(&str, &[i32])]>| ListPartitionReassignmentsRequest {
        timeout_ms: 0,
        topics: topics.map(|topics| {
            let topic = |(name, indexes): &(&str, &[i32])| ListPartitionReassignmentsTopics {
                name: Str::from(*name),
                partition_indexes: indexes.to_vec(),
            };
            topics.iter().map(topic).collect()
        }),
    };
    assert_eq!(cluster.ask(0, &list(None)).topics, []);
    tell(&mut cluster, &request("t", &[(0, Some(&[2, 4]))]));
    for topics in [None, Some(&[("nope", &[0][..]), ("t", &[0, 5])][..])] {
        let response = cluster.ask(0, &list(topics));
        assert_eq!((response.error_code, response.error_message), (0, None));
        let [topic] = &*response.topics else {
            panic!("one topic expected");
        };
        let ongoing = &topic.partitions[0];
        assert_eq!(ongoing.replicas, [2, 4, 1, 3]);
        assert_eq!(ongoing.adding_replicas, [4]);
        assert_eq!(ongoing.removing_replicas, [1, 3]);
    }
}
