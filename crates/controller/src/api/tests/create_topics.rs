use std::collections::BTreeSet;

use metadata::ResourceKind;
use protocol::Str;
use protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreatableTopicResult,
    CreateTopicsRequest, CreateTopicsResponse,
};
use types::{ErrorCode, NodeId, TopicId};

use super::{Answer, OK, answer, error};
use crate::decide::testing::Cluster;

fn topic(name: &str, partitions: i32, factor: i16) -> CreatableTopic {
    CreatableTopic {
        name: Str::from(name),
        num_partitions: partitions,
        replication_factor: factor,
        ..CreatableTopic::default()
    }
}

fn with_configs(name: &str, configs: &[(&str, Option<&str>)]) -> CreatableTopic {
    let configs = configs.iter().map(|(name, value)| CreatableTopicConfig {
        name: Str::from(*name),
        value: value.map(Str::from),
    });
    CreatableTopic {
        configs: configs.collect(),
        ..topic(name, 1, 1)
    }
}

fn assigned(name: &str, assignments: &[(i32, &[i32])]) -> CreatableTopic {
    let assignments = assignments
        .iter()
        .map(|(index, brokers)| CreatableReplicaAssignment {
            partition_index: *index,
            broker_ids: brokers.to_vec(),
        });
    CreatableTopic {
        assignments: assignments.collect(),
        ..topic(name, -1, -1)
    }
}

fn request(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest {
        topics,
        timeout_ms: 5000,
        validate_only: false,
    }
}

fn only(response: &CreateTopicsResponse) -> &CreatableTopicResult {
    let [result] = &*response.topics else {
        panic!("one answer expected: {response:?}");
    };
    result
}

fn refusal(cluster: &Cluster, topic: CreatableTopic) -> Answer {
    let response = cluster.ask(7, &request(vec![topic]));
    let result = only(&response);
    assert_eq!((result.num_partitions, result.replication_factor), (-1, -1));
    assert_eq!(result.configs, Some(vec![]));
    assert!(result.topic_id.is_zero());
    answer(result.error_code, result.error_message.as_ref())
}

#[test]
fn a_new_topic_is_described_and_exists_once_committed() {
    let mut cluster = Cluster::of(3);
    let mut asked = topic("orders", 4, 3);
    asked.configs = with_configs("", &[("retention.ms", Some("1000"))]).configs;
    let response = cluster.tell(7, &request(vec![asked]));
    let result = only(&response);
    assert_eq!(answer(result.error_code, result.error_message.as_ref()), OK);
    assert_eq!((result.num_partitions, result.replication_factor), (4, 3));
    let found = cluster.image.topic("orders").expect("it exists");
    assert_eq!(found.id(), TopicId(result.topic_id));
    assert_eq!(found.partition_count(), 4);
    let retention = cluster
        .image
        .config(ResourceKind::Topic, "orders", "retention.ms");
    assert_eq!(retention, Some("1000"));
    for (_, partition) in found.partitions() {
        assert_eq!(partition.leader, partition.replicas.first().copied());
        assert_eq!(partition.isr, partition.replicas);
        assert!(partition.directories.iter().all(|dir| !dir.0.is_zero()));
    }
}

#[test]
fn an_answer_lists_all_configs_with_their_sources() {
    let mut cluster = Cluster::of(3);
    cluster.settings.file.set("log.retention.hours", "2");
    let topic = CreatableTopic {
        replication_factor: 3,
        ..with_configs("t", &[("cleanup.policy", Some("compact"))])
    };
    let response = cluster.ask(5, &request(vec![topic]));
    let configs = only(&response).configs.clone().expect("configs from v5 on");
    let names: Vec<&str> = configs.iter().map(|config| &*config.name).collect();
    assert!(names.is_sorted() && names.len() > 30, "{names:?}");
    let find = |name: &str| {
        let config = configs.iter().find(|config| &*config.name == name);
        let config = config.expect(name);
        (
            config.value.as_deref().map(str::to_owned),
            config.config_source,
        )
    };
    assert_eq!(find("cleanup.policy"), (Some("compact".to_owned()), 1));
    assert_eq!(find("retention.ms"), (Some("7200000".to_owned()), 4));
    assert_eq!(find("segment.bytes"), (Some("1073741824".to_owned()), 5));
    // Ours: half the replicas rounded up, unless somebody set it.
    assert_eq!(find("min.insync.replicas"), (Some("2".to_owned()), 5));
    assert!(
        configs
            .iter()
            .all(|config| !config.read_only && !config.is_sensitive)
    );
}

#[test]
fn every_version_says_that_a_topic_was_created() {
    for version in 2..=7 {
        let mut cluster = Cluster::of(1);
        let response = cluster.tell(version, &request(vec![topic("t", 2, 1)]));
        let result = only(&response);
        assert_eq!(result.error_code, 0, "version {version}");
        assert_eq!(result.topic_id.is_zero(), version < 7, "version {version}");
        assert_eq!(
            result.num_partitions == 2,
            version >= 5,
            "version {version}"
        );
    }
}

#[test]
fn counts_of_minus_one_are_the_controllers_defaults() {
    let mut cluster = Cluster::of(3);
    cluster.settings.num_partitions = 6;
    cluster.settings.default_replication_factor = 2;
    let response = cluster.ask(7, &request(vec![topic("t", -1, -1)]));
    let result = only(&response);
    assert_eq!((result.num_partitions, result.replication_factor), (6, 2));
}

#[test]
fn validation_runs_every_check_and_changes_nothing() {
    let cluster = Cluster::of(1);
    let mut request = request(vec![topic("t", 1, 1), topic("u", 0, 1)]);
    request.validate_only = true;
    let evaluated = cluster.evaluate(6, &request);
    assert_eq!(evaluated.records, []);
    let response = cluster.ask(6, &request);
    let codes: Vec<i16> = response
        .topics
        .iter()
        .map(|topic| topic.error_code)
        .collect();
    assert_eq!(codes, [0, 37]);
    let described = response.topics.first().expect("an answer");
    assert_eq!(described.num_partitions, 1);
}

#[test]
fn a_client_that_does_not_wait_gets_a_timeout_and_no_topic() {
    let cluster = Cluster::of(1);
    for timeout_ms in [0, -1] {
        let mut request = request(vec![topic("t", 1, 1)]);
        request.timeout_ms = timeout_ms;
        let evaluated = cluster.evaluate(6, &request);
        assert_eq!(evaluated.records, []);
        let response = cluster.ask(6, &request);
        let result = only(&response);
        assert_eq!((result.error_code, &result.error_message), (7, &None));
    }
}

#[test]
fn counts_out_of_range_are_refused() {
    let cluster = Cluster::of(1);
    let partitions = error(
        ErrorCode::InvalidPartitions,
        "Number of partitions was set to an invalid non-positive value.",
    );
    assert_eq!(refusal(&cluster, topic("t", 0, 1)), partitions);
    assert_eq!(refusal(&cluster, topic("t", -2, 1)), partitions);
    let factor = error(
        ErrorCode::InvalidReplicationFactor,
        "Replication factor must be larger than 0, or -1 to use the default value.",
    );
    assert_eq!(refusal(&cluster, topic("t", 1, 0)), factor);
    assert_eq!(refusal(&cluster, topic("t", 1, -2)), factor);
    assert_eq!(
        refusal(&cluster, topic("t", 1, 3)),
        error(
            ErrorCode::InvalidReplicationFactor,
            "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot \
             be reached because only 1 broker(s) are registered."
        )
    );
}

#[test]
fn fenced_brokers_are_used_only_where_live_ones_do_not_suffice() {
    let mut cluster = Cluster::of(3);
    cluster.fence(2);
    cluster.tell(7, &request(vec![topic("two", 8, 2), topic("three", 8, 3)]));
    let two = cluster.image.topic("two").expect("it exists");
    assert!(
        two.partitions()
            .all(|(_, p)| !p.replicas.contains(&NodeId(2)))
    );
    let three = cluster.image.topic("three").expect("it exists");
    for (_, partition) in three.partitions() {
        assert_eq!(partition.replicas.last(), Some(&NodeId(2)));
        assert_eq!(partition.isr.len(), 2);
    }
    cluster.fence(1);
    cluster.fence(3);
    let (code, text) = refusal(&cluster, topic("t", 1, 1));
    assert_eq!(code, 38);
    assert!(
        text.expect("a text")
            .contains("All brokers are currently fenced")
    );
}

#[test]
fn names_that_are_none_are_refused() {
    let cluster = Cluster::of(1);
    for name in ["", ".", "..", "a b", &"a".repeat(250)] {
        assert_eq!(refusal(&cluster, topic(name, 1, 1)).0, 17, "{name}");
    }
    assert_eq!(
        refusal(&cluster, topic("__cluster_metadata", 1, 1)),
        error(
            ErrorCode::InvalidRequest,
            "Creation of internal topic __cluster_metadata is prohibited."
        )
    );
    let internal = cluster.ask(6, &request(vec![topic("__consumer_offsets", 1, 1)]));
    assert_eq!(only(&internal).error_code, 0);
}

#[test]
fn a_name_is_taken_once_and_dots_look_like_underscores() {
    let mut cluster = Cluster::of(1);
    cluster.tell(7, &request(vec![topic("c.x", 1, 1)]));
    // Whatever else is wrong with the request, the name comes first.
    assert_eq!(
        refusal(&cluster, topic("c.x", 0, 9)),
        error(ErrorCode::TopicAlreadyExists, "Topic 'c.x' already exists.")
    );
    assert_eq!(
        refusal(&cluster, topic("c_x", 1, 1)),
        error(
            ErrorCode::InvalidTopicException,
            "Topic 'c_x' collides with existing topic: c.x"
        )
    );
}

// Kafka 4.3.1 creates both.
#[test]
fn names_that_collide_within_one_request_are_not_both_created() {
    let cluster = Cluster::of(1);
    let topics = vec![topic("d.x", 1, 1), topic("d_x", 1, 1)];
    let response = cluster.ask(6, &request(topics));
    let codes: Vec<i16> = response
        .topics
        .iter()
        .map(|topic| topic.error_code)
        .collect();
    assert_eq!(codes, [0, 17]);
}

// librdkafka fails on an answer that names a topic twice, so a name is answered once.
#[test]
fn a_name_that_stands_twice_in_a_request_is_refused_once() {
    let mut cluster = Cluster::of(1);
    let topics = vec![topic("dup", 1, 1), topic("solo", 1, 1), topic("dup", 2, 1)];
    let response = cluster.tell(6, &request(topics));
    let answers: Vec<_> = response
        .topics
        .iter()
        .map(|topic| {
            (
                &*topic.name,
                topic.error_code,
                topic.error_message.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        answers,
        [
            ("dup", 42, Some("Duplicate topic name.")),
            ("solo", 0, None)
        ]
    );
    assert!(cluster.image.topic("dup").is_none());
    assert!(cluster.image.topic("solo").is_some());
}

#[test]
fn a_manual_assignment_is_taken_as_it_is() {
    let mut cluster = Cluster::of(3);
    let asked = assigned("t", &[(1, &[3, 2]), (0, &[2, 1])]);
    let response = cluster.tell(7, &request(vec![asked]));
    let result = only(&response);
    assert_eq!((result.num_partitions, result.replication_factor), (2, 2));
    let found = cluster.image.topic("t").expect("it exists");
    let replicas: Vec<_> = found
        .partitions()
        .map(|(_, p)| p.replicas.clone())
        .collect();
    let nodes = |ids: [i32; 2]| ids.map(NodeId).to_vec();
    assert_eq!(replicas, [nodes([2, 1]), nodes([3, 2])]);
}

#[test]
fn assignments_that_make_no_sense_are_refused() {
    let mut cluster = Cluster::of(3);
    cluster.fence(3);
    let refused = |assignments: &[(i32, &[i32])]| {
        let (code, text) = refusal(&cluster, assigned("t", assignments));
        assert_eq!(code, 39);
        text.expect("a text")
    };
    let gap = "partitions should be a consecutive 0-based integer sequence";
    assert_eq!(refused(&[(1, &[1])]), gap);
    assert_eq!(refused(&[(0, &[1]), (2, &[1])]), gap);
    assert_eq!(refused(&[(-1, &[1])]), gap);
    assert_eq!(
        refused(&[(0, &[1]), (0, &[1])]),
        "Found multiple manual partition assignments for partition 0"
    );
    assert_eq!(
        refused(&[(0, &[1, 1])]),
        "The manual partition assignment includes the broker 1 more than once."
    );
    assert_eq!(
        refused(&[(0, &[7])]),
        "The manual partition assignment includes broker 7, but no such broker is registered."
    );
    assert_eq!(
        refused(&[(0, &[-1])]),
        "The manual partition assignment includes broker -1, but no such broker is registered."
    );
    assert_eq!(
        refused(&[(0, &[])]),
        "The manual partition assignment includes an empty replica list."
    );
    assert_eq!(
        refused(&[(0, &[1, 2]), (1, &[1])]),
        "The manual partition assignment includes a partition with 1 replica(s), but this is not \
         consistent with previous partitions, which have 2 replica(s)."
    );
    assert_eq!(
        refused(&[(0, &[1]), (1, &[3])]),
        "All brokers specified in the manual partition assignment for partition 1 are fenced or in \
         controlled shutdown."
    );
}

#[test]
fn an_assignment_excludes_counts() {
    let cluster = Cluster::of(1);
    let mut both = assigned("t", &[(0, &[1])]);
    both.replication_factor = 1;
    assert_eq!(
        refusal(&cluster, both.clone()),
        error(
            ErrorCode::InvalidRequest,
            "A manual partition assignment was specified, but replication factor was not set to -1."
        )
    );
    both.replication_factor = -1;
    both.num_partitions = 1;
    assert_eq!(
        refusal(&cluster, both),
        error(
            ErrorCode::InvalidRequest,
            "A manual partition assignment was specified, but number of partitions was not set to \
             -1."
        )
    );
}

#[test]
fn configs_are_checked_one_by_one_and_together() {
    let cluster = Cluster::of(1);
    let refused = |configs: &[(&str, Option<&str>)]| {
        let (code, text) = refusal(&cluster, with_configs("t", configs));
        assert_eq!(code, 40);
        text.expect("a text")
    };
    assert_eq!(
        refused(&[("no.such", Some("1"))]),
        "Unknown topic config name: no.such"
    );
    assert_eq!(
        refused(&[("retention.ms", None)]),
        "Null value not supported for topic configs: retention.ms"
    );
    assert_eq!(
        refused(&[("retention.ms", Some("x"))]),
        "Invalid value x for configuration retention.ms: Not a number of type LONG"
    );
    assert_eq!(
        refused(&[
            ("min.compaction.lag.ms", Some("100")),
            ("max.compaction.lag.ms", Some("10"))
        ]),
        "conflict topic config setting min.compaction.lag.ms (100) > max.compaction.lag.ms (10)"
    );
    assert_eq!(
        refused(&[("cleanup.policy", Some("bogus"))]),
        "Invalid value bogus for configuration cleanup.policy: String must be one of: compact, \
         delete"
    );
}

#[test]
fn the_last_of_several_values_of_one_key_holds() {
    let mut cluster = Cluster::of(1);
    let configs = [("retention.ms", Some("1")), ("retention.ms", Some("2"))];
    cluster.tell(7, &request(vec![with_configs("t", &configs)]));
    let retention = cluster
        .image
        .config(ResourceKind::Topic, "t", "retention.ms");
    assert_eq!(retention, Some("2"));
}

#[test]
fn one_request_cannot_ask_for_more_than_ten_thousand_partitions() {
    let cluster = Cluster::of(1);
    let too_many = error(
        ErrorCode::PolicyViolation,
        "Excessively large number of partitions per request.",
    );
    assert_eq!(refusal(&cluster, topic("t", 10_001, 1)), too_many);
    assert_eq!(refusal(&cluster, topic("t", i32::MAX, 1)), too_many);
    let halves = request(vec![topic("a", 5001, 1), topic("b", 5001, 1)]);
    let response = cluster.ask(6, &halves);
    assert!(response.topics.iter().all(|topic| topic.error_code == 44));
}

#[test]
fn a_request_for_nothing_is_answered_with_nothing() {
    let evaluated = Cluster::of(1).evaluate(7, &request(vec![]));
    assert_eq!(evaluated.records, []);
}

#[test]
fn topics_get_distinct_ids() {
    let mut cluster = Cluster::of(1);
    let names: Vec<String> = (0..50).map(|i| format!("t{i}")).collect();
    let topics = names.iter().map(|name| topic(name, 1, 1)).collect();
    let response = cluster.tell(7, &request(topics));
    let ids: BTreeSet<_> = response.topics.iter().map(|topic| topic.topic_id).collect();
    assert_eq!(ids.len(), 50);
}
