use protocol::Str;
use protocol::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use types::{ErrorCode, NodeId};

use super::{Answer, OK, answer, error};
use crate::decide::testing::Cluster;

/// Three brokers, topics `one` and `two` with as many partitions and two replicas.
fn cluster() -> Cluster {
    let mut cluster = Cluster::of(3);
    let topic = |name: &str, num_partitions| CreatableTopic {
        name: Str::from(name),
        num_partitions,
        replication_factor: 2,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![
            topic("one", 1),
            topic("two", 2),
            topic("__consumer_offsets", 2),
        ],
        ..CreateTopicsRequest::default()
    };
    cluster.tell(7, &request);
    cluster
}

fn grow(name: &str, count: i32, assignments: Option<&[&[i32]]>) -> CreatePartitionsTopic {
    let assignment = |ids: &&[i32]| CreatePartitionsAssignment {
        broker_ids: ids.to_vec(),
    };
    CreatePartitionsTopic {
        name: Str::from(name),
        count,
        assignments: assignments.map(|lists| lists.iter().map(assignment).collect()),
    }
}

fn request(topics: Vec<CreatePartitionsTopic>) -> CreatePartitionsRequest {
    CreatePartitionsRequest {
        topics,
        timeout_ms: 5000,
        validate_only: false,
    }
}

fn answers(cluster: &Cluster, topics: Vec<CreatePartitionsTopic>) -> Vec<Answer> {
    let response = cluster.ask(3, &request(topics));
    let words = |result: &protocol::messages::create_partitions::CreatePartitionsTopicResult| {
        answer(result.error_code, result.error_message.as_ref())
    };
    response.results.iter().map(words).collect()
}

#[test]
fn new_partitions_come_behind_the_old_ones_with_as_many_replicas() {
    for version in 0..=3 {
        let mut cluster = cluster();
        let before = cluster.image.topic("two").expect("it exists").clone();
        cluster.tell(version, &request(vec![grow("two", 5, None)]));
        let after = cluster.image.topic("two").expect("it exists");
        assert_eq!(after.partition_count(), 5);
        for (index, partition) in before.partitions() {
            assert_eq!(after.partition(index), Some(partition));
        }
        assert!(after.partitions().all(|(_, p)| p.isr.len() == 2));
    }
}

#[test]
fn where_groups_live_does_not_change() {
    let refused = error(
        ErrorCode::PolicyViolation,
        "The number of partitions of __consumer_offsets cannot change: what brokers keep there would not \
         be found again.",
    );
    let topics = vec![grow("__consumer_offsets", 3, None)];
    assert_eq!(answers(&cluster(), topics), [refused]);
}

#[test]
fn new_partitions_go_where_they_are_put() {
    let mut cluster = cluster();
    cluster.tell(3, &request(vec![grow("one", 3, Some(&[&[3, 1], &[2, 3]]))]));
    let topic = cluster.image.topic("one").expect("it exists");
    let replicas = |index| topic.partition(index).map(|p| p.replicas.clone());
    assert_eq!(replicas(1), Some(vec![NodeId(3), NodeId(1)]));
    assert_eq!(replicas(2), Some(vec![NodeId(2), NodeId(3)]));
}

#[test]
fn topics_never_shrink() {
    let cluster = cluster();
    let topics = vec![grow("two", 2, None), grow("one", 0, None)];
    assert_eq!(
        answers(&cluster, topics),
        [
            error(
                ErrorCode::InvalidPartitions,
                "Topic already has 2 partition(s)."
            ),
            error(
                ErrorCode::InvalidPartitions,
                "The topic one currently has 1 partition(s); 0 would not be an increase."
            )
        ]
    );
    assert_eq!(answers(&cluster, vec![grow("two", -1, None)])[0].0, 37);
    assert_eq!(answers(&cluster, vec![grow("two", 1, None)])[0].0, 37);
}

#[test]
fn unknown_and_repeated_topics_are_refused() {
    let cluster = cluster();
    assert_eq!(answers(&cluster, vec![grow("nope", 3, None)])[0].0, 3);
    let twice = vec![
        grow("one", 3, None),
        grow("two", 3, None),
        grow("one", 4, None),
    ];
    assert_eq!(
        answers(&cluster, twice),
        [
            error(ErrorCode::InvalidRequest, "Duplicate topic name."),
            OK
        ]
    );
}

#[test]
fn assignments_that_make_no_sense_are_refused() {
    let mut cluster = cluster();
    cluster.fence(3);
    let refused = |count, lists: &[&[i32]]| {
        let answers = answers(&cluster, vec![grow("one", count, Some(lists))]);
        let [(39, Some(text))] = &*answers else {
            panic!("one refusal expected: {answers:?}");
        };
        text.clone()
    };
    assert_eq!(
        refused(3, &[&[1, 2]]),
        "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."
    );
    assert_eq!(
        refused(2, &[]),
        "Attempted to add 1 additional partition(s), but only 0 assignment(s) were specified."
    );
    assert!(refused(2, &[&[7, 1]]).contains("no such broker is registered"));
    assert!(refused(2, &[&[1, 1]]).contains("more than once"));
    assert!(refused(2, &[&[]]).contains("empty replica list"));
    assert!(refused(2, &[&[1]]).contains("not consistent with previous partitions"));
    let text = refused(2, &[&[3, 3]]);
    assert!(text.contains("more than once"), "{text}");
}

// Kafka 4.3.1 answers UNKNOWN_SERVER_ERROR.
#[test]
fn one_request_cannot_ask_for_more_than_ten_thousand_partitions() {
    let cluster = cluster();
    assert_eq!(answers(&cluster, vec![grow("one", 10_002, None)])[0].0, 44);
    let together = vec![grow("one", 6000, None), grow("two", 6000, None)];
    let codes: Vec<i16> = answers(&cluster, together).iter().map(|a| a.0).collect();
    assert_eq!(codes, [0, 44]);
}

#[test]
fn too_few_brokers_for_the_topics_replicas_are_told() {
    let mut cluster = cluster();
    for id in [2, 3] {
        let decision = crate::decide::unregister_broker(&cluster.image, NodeId(id));
        cluster.commit(&decision.expect("registered").records);
    }
    assert_eq!(answers(&cluster, vec![grow("one", 2, None)])[0].0, 38);
}

#[test]
fn validation_and_impatience_change_nothing() {
    let cluster = cluster();
    let mut request = request(vec![grow("one", 3, None)]);
    request.validate_only = true;
    assert_eq!(cluster.evaluate(3, &request).records, []);
    assert_eq!(cluster.ask(3, &request).results[0].error_code, 0);
    request.validate_only = false;
    request.timeout_ms = 0;
    assert_eq!(cluster.evaluate(3, &request).records, []);
    assert_eq!(cluster.ask(3, &request).results[0].error_code, 7);
}
