//! The requests that Apache Kafka's own tests build for every version of every API, and the sets of
//! errors with which Kafka 4.3.1 answers them. One broker, with id 0 as there.

use std::collections::BTreeSet;

use protocol::frame::{decode_body, encode_body};
use protocol::messages::{
    alter_configs, alter_partition_reassignments, create_partitions, create_topics, delete_topics,
    elect_leaders, incremental_alter_configs, list_partition_reassignments, unregister_broker,
    update_features,
};
use protocol::{Request, Str};
use types::{ErrorCode, Uuid};

use crate::api::refuse;
use crate::decide::testing::{Cluster, registration};

fn cluster() -> Cluster {
    let mut cluster = Cluster::empty();
    cluster.join(&registration(0));
    cluster
}

/// Asks in all versions; the set of codes must be that of Kafka.
fn check<R: Request>(
    expected: &[ErrorCode],
    build: impl Fn(i16) -> R,
    codes: impl Fn(&R::Response) -> Vec<i16>,
) {
    let cluster = cluster();
    for version in R::KEY.versions() {
        let response = cluster.ask(version, &build(version));
        let codes: BTreeSet<i16> = codes(&response).into_iter().collect();
        let expected: BTreeSet<i16> = expected.iter().map(|code| code.to_wire()).collect();
        assert_eq!(codes, expected, "{} version {version}", R::KEY);
    }
    check_refusals(&build, &codes);
}

/// In all versions, a request whose records were not committed can be answered.
fn check_refusals<R: Request>(build: impl Fn(i16) -> R, codes: impl Fn(&R::Response) -> Vec<i16>) {
    for version in R::KEY.versions() {
        let body = encode_body(&build(version), version).expect("a good request");
        let refused = refuse(R::KEY, version, body, ErrorCode::NotController);
        let refused = decode_body(refused.expect("an answer"), version).expect("a good answer");
        let mut codes = codes(&refused);
        codes.retain(|code| *code != ErrorCode::None.to_wire());
        assert!(!codes.is_empty(), "{} version {version}", R::KEY);
        assert!(
            codes
                .iter()
                .all(|code| *code == ErrorCode::NotController.to_wire())
        );
    }
}

#[test]
fn create_topics() {
    use create_topics::{
        CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
    };
    // Both topics have the same, empty name.
    let build = |version| CreateTopicsRequest {
        timeout_ms: 123,
        validate_only: version >= 1,
        topics: vec![
            CreatableTopic {
                num_partitions: 3,
                replication_factor: 5,
                ..CreatableTopic::default()
            },
            CreatableTopic {
                assignments: vec![CreatableReplicaAssignment {
                    partition_index: 0,
                    broker_ids: vec![1, 2, 3],
                }],
                configs: vec![CreatableTopicConfig {
                    name: Str::from("config1"),
                    value: Some(Str::from("value1")),
                }],
                ..CreatableTopic::default()
            },
        ],
    };
    check::<CreateTopicsRequest>(&[ErrorCode::InvalidRequest], build, |response| {
        response
            .topics
            .iter()
            .map(|topic| topic.error_code)
            .collect()
    });
}

#[test]
fn delete_topics() {
    use delete_topics::{DeleteTopicState, DeleteTopicsRequest};
    let names = || ["my_t1", "my_t2"].map(Str::from);
    let build = |version| DeleteTopicsRequest {
        timeout_ms: 1000,
        topic_names: if version < 6 {
            names().to_vec()
        } else {
            vec![]
        },
        topics: names()
            .into_iter()
            .filter(|_| version >= 6)
            .map(|name| DeleteTopicState {
                name: Some(name),
                topic_id: Uuid::ZERO,
            })
            .collect(),
    };
    let expected = [ErrorCode::UnknownTopicOrPartition];
    check::<DeleteTopicsRequest>(&expected, build, |response| {
        response
            .responses
            .iter()
            .map(|topic| topic.error_code)
            .collect()
    });
}

#[test]
fn create_partitions() {
    use create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
    let topic = |name: &str| CreatePartitionsTopic {
        name: Str::from(name),
        count: 3,
        assignments: None,
    };
    let build = |_version| CreatePartitionsRequest {
        timeout_ms: 0,
        validate_only: false,
        topics: vec![topic("my_topic"), topic("my_other_topic")],
    };
    check::<CreatePartitionsRequest>(&[ErrorCode::RequestTimedOut], build, |response| {
        response
            .results
            .iter()
            .map(|topic| topic.error_code)
            .collect()
    });
}

#[test]
fn alter_configs() {
    use alter_configs::{AlterConfigsRequest, AlterConfigsResource, AlterableConfig};
    let config = |name: &str, value: &str| AlterableConfig {
        name: Str::from(name),
        value: Some(Str::from(value)),
    };
    let resource = |resource_type, name: &str, configs| AlterConfigsResource {
        resource_type,
        resource_name: Str::from(name),
        configs,
    };
    let build = |_version| AlterConfigsRequest {
        validate_only: false,
        resources: vec![
            resource(
                4,
                "0",
                vec![config("name", "value"), config("name2", "value2")],
            ),
            resource(2, "topic", vec![]),
        ],
    };
    let expected = [ErrorCode::None, ErrorCode::UnknownTopicOrPartition];
    check::<AlterConfigsRequest>(&expected, build, |response| {
        response
            .responses
            .iter()
            .map(|told| told.error_code)
            .collect()
    });
}

#[test]
fn incremental_alter_configs() {
    use incremental_alter_configs::{
        AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
    };
    let build = |_version| IncrementalAlterConfigsRequest {
        validate_only: true,
        resources: vec![AlterConfigsResource {
            resource_type: 2,
            resource_name: Str::from("my_topic"),
            configs: vec![AlterableConfig {
                name: Str::from("retention.ms"),
                config_operation: 0,
                value: Some(Str::from("100")),
            }],
        }],
    };
    let expected = [ErrorCode::UnknownTopicOrPartition];
    check::<IncrementalAlterConfigsRequest>(&expected, build, |response| {
        response
            .responses
            .iter()
            .map(|told| told.error_code)
            .collect()
    });
}

#[test]
fn elect_leaders() {
    use elect_leaders::{ElectLeadersRequest, TopicPartitions};
    let build = |_version| ElectLeadersRequest {
        election_type: 0,
        timeout_ms: 100,
        topic_partitions: Some(vec![TopicPartitions {
            topic: Str::from("data"),
            partitions: vec![1, 2],
        }]),
    };
    let expected = [ErrorCode::None, ErrorCode::UnknownTopicOrPartition];
    check::<ElectLeadersRequest>(&expected, build, |response| {
        let topics = &response.replica_election_results;
        let partitions = topics.iter().flat_map(|topic| &topic.partition_result);
        let mut codes: Vec<i16> = partitions.map(|result| result.error_code).collect();
        codes.push(response.error_code);
        codes
    });
}

#[test]
fn alter_partition_reassignments() {
    use alter_partition_reassignments::{
        AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
    };
    let build = |_version| AlterPartitionReassignmentsRequest {
        timeout_ms: 60_000,
        allow_replication_factor_change: true,
        topics: vec![ReassignableTopic {
            name: Str::from("topic"),
            partitions: vec![ReassignablePartition {
                partition_index: 0,
                replicas: None,
            }],
        }],
    };
    let expected = [ErrorCode::None, ErrorCode::UnknownTopicOrPartition];
    check::<AlterPartitionReassignmentsRequest>(&expected, build, |response| {
        let topics = &response.responses;
        let partitions = topics.iter().flat_map(|topic| &topic.partitions);
        let mut codes: Vec<i16> = partitions.map(|told| told.error_code).collect();
        codes.push(response.error_code);
        codes
    });
}

#[test]
fn list_partition_reassignments() {
    use list_partition_reassignments::{
        ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics,
    };
    let build = |_version| ListPartitionReassignmentsRequest {
        timeout_ms: 60_000,
        topics: Some(vec![ListPartitionReassignmentsTopics {
            name: Str::from("topic"),
            partition_indexes: vec![1],
        }]),
    };
    check::<ListPartitionReassignmentsRequest>(&[ErrorCode::None], build, |response| {
        vec![response.error_code]
    });
}

#[test]
fn unregister_broker() {
    use unregister_broker::UnregisterBrokerRequest;
    let build = |_version| UnregisterBrokerRequest { broker_id: 9 };
    let expected = [ErrorCode::BrokerIdNotRegistered];
    check::<UnregisterBrokerRequest>(&expected, build, |response| vec![response.error_code]);
}

#[test]
fn update_features() {
    use update_features::{FeatureUpdateKey, UpdateFeaturesRequest};
    let build = |version| UpdateFeaturesRequest {
        feature_updates: vec![FeatureUpdateKey {
            feature: Str::from("feature1"),
            max_version_level: if version == 0 { 1 } else { 2 },
            ..FeatureUpdateKey::default()
        }],
        ..UpdateFeaturesRequest::default()
    };
    check::<UpdateFeaturesRequest>(&[ErrorCode::InvalidUpdateVersion], build, |response| {
        vec![response.error_code]
    });
}
