//! Bytes that Apache Kafka 4.3.1's own message classes write, compared with ours.

mod support;

use std::collections::HashMap;

use bytes::Bytes;
use protocol::frame::{self, RequestHeader};
use protocol::messages::{api_versions, fetch, metadata, produce};
use protocol::wire::Reader;
use protocol::{ApiKey, Message, RecordSet, Str};
use support::{Check, check_each};
use types::Uuid;

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).expect("hex"))
        .collect()
}

/// The value becomes these bytes, and these bytes become the value.
fn assert_golden<M: Message>(value: &M, version: i16, hex: &str) {
    let golden = bytes_of(hex);
    let ours = frame::encode_body(value, version).expect("it can be said in this version");
    assert_eq!(ours, golden, "v{version} {value:?}");
    let decoded: M = frame::decode_body(golden.into(), version).expect("Kafka wrote it");
    assert_eq!(&decoded, value, "v{version}");
}

/// `bodies.tsv` holds bodies with random content that Kafka's classes have read and written back
/// unchanged: every message in its first, first flexible and last version.
#[test]
fn bodies_that_kafka_writes_survive() {
    struct Bodies(HashMap<(&'static str, i16), Vec<u8>>);
    impl Check for Bodies {
        fn check<M: Message>(&mut self, name: &'static str, _key: ApiKey, version: i16) {
            let Some(body) = self.0.remove(&(name, version)) else {
                return;
            };
            let value: M = frame::decode_body(body.clone().into(), version)
                .unwrap_or_else(|error| panic!("{name} v{version}: {error}"));
            let again = frame::encode_body(&value, version);
            assert_eq!(again, Ok(body.into()), "{name} v{version}");
        }
    }
    let table = include_str!("golden/bodies.tsv").lines().skip(1);
    let bodies = table.map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let version = cells[1].parse().expect("a version");
        ((cells[0], version), bytes_of(cells[2]))
    });
    let mut check = Bodies(bodies.collect());
    check_each(&mut check);
    assert!(check.0.is_empty(), "no such messages: {:?}", check.0.keys());
}

#[test]
fn headers() {
    let header = |api_version, client_id: Option<&'static str>| RequestHeader {
        api_key: ApiKey::Metadata,
        api_version,
        correlation_id: 5,
        client_id: client_id.map(Str::from_static),
    };
    for (header, hex) in [
        (header(8, Some("me")), "000300080000000500026d65"),
        (header(12, None), "0003000c00000005ffff00"),
    ] {
        let mut r = Reader::new(bytes_of(hex).into());
        assert_eq!(frame::decode_request_header(&mut r).as_ref(), Ok(&header));
        assert_eq!(r.remaining(), 0);

        let request = metadata::MetadataRequest::default();
        let body = frame::encode_body(&request, header.api_version).expect("defaults");
        let framed = frame::encode_request(&header, &request).expect("defaults");
        let expected = [&bytes_of(hex)[..], &body].concat();
        let size = u32::try_from(expected.len()).expect("short").to_be_bytes();
        assert_eq!(framed.to_bytes(), [&size[..], &expected].concat());
    }
}

#[test]
fn response_headers_are_flexible_except_for_api_versions() {
    let versions = api_versions::ApiVersionsResponse::default();
    let framed = frame::encode_response(5, ApiKey::ApiVersions, 3, &versions);
    let framed = framed.expect("defaults").to_bytes();
    assert_eq!(
        framed,
        bytes_of("0000000c 00000005 0000 01 00000000 00")[..]
            .to_vec()
            .as_slice()
    );
}

fn api_versions_response() -> api_versions::ApiVersionsResponse {
    use api_versions::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
    api_versions::ApiVersionsResponse {
        api_keys: [(0, 13), (18, 4)]
            .map(|(api_key, max_version)| ApiVersion {
                api_key,
                min_version: 0,
                max_version,
            })
            .into(),
        throttle_time_ms: 7,
        supported_features: vec![SupportedFeatureKey {
            name: Str::from_static("metadata.version"),
            min_version: 7,
            max_version: 30,
        }],
        finalized_features_epoch: 42,
        finalized_features: vec![FinalizedFeatureKey {
            name: Str::from_static("metadata.version"),
            max_version_level: 30,
            min_version_level: 30,
        }],
        ..Default::default()
    }
}

#[test]
fn api_versions() {
    let flexible =
        "00000300000000000d00001200000004000000000703001702116d657461646174612e7665727369
        6f6e0007001e000108000000000000002a021702116d657461646174612e76657273696f6e001e001e00";
    let response = api_versions_response();
    assert_golden(&response, 3, flexible);
    assert_golden(&response, 4, flexible);
    let old = api_versions::ApiVersionsResponse {
        api_keys: response.api_keys,
        ..Default::default()
    };
    assert_golden(&old, 0, "00000000000200000000000d001200000004");
}

const TOPIC_ID: &str = "J7s9e8PPTKOO47PxzI39VA";

fn topic_id() -> Uuid {
    TOPIC_ID.parse().expect("a uuid")
}

/// The name up to the version before `ids_from`, the id from there.
fn topic(name: &'static str, version: i16) -> (Str, Uuid) {
    if version < 13 {
        (Str::from_static(name), Uuid::ZERO)
    } else {
        (Str::new(), topic_id())
    }
}

fn four_bytes() -> Option<RecordSet> {
    Some(Bytes::from_static(&[1, 2, 3, 4]).into())
}

#[test]
fn produce_requests() {
    for (version, hex) in [
        (
            3,
            "ffffffff000075300000000100066f72646572730000000200000003000000040102030400000004ffffffff",
        ),
        (
            9,
            "00ffff0000753002076f726465727303000000030501020304000000000400000000",
        ),
        (
            13,
            "00ffff000075300227bb3d7bc3cf4ca38ee3b3f1cc8dfd5403000000030501020304000000000400000000",
        ),
    ] {
        let (name, topic_id) = topic("orders", version);
        let request = produce::ProduceRequest {
            transactional_id: None,
            acks: -1,
            timeout_ms: 30_000,
            topic_data: vec![produce::TopicProduceData {
                name,
                topic_id,
                partition_data: vec![
                    produce::PartitionProduceData {
                        index: 3,
                        records: four_bytes(),
                    },
                    produce::PartitionProduceData {
                        index: 4,
                        records: None,
                    },
                ],
            }],
        };
        assert_golden(&request, version, hex);
    }
}

fn produce_response(version: i16) -> produce::ProduceResponse {
    let (name, topic_id) = topic("orders", version);
    let mut partition = produce::PartitionProduceResponse {
        index: 3,
        error_code: 6,
        base_offset: -1,
        ..Default::default()
    };
    let mut node_endpoints = Vec::new();
    if version >= 8 {
        partition.record_errors = vec![produce::BatchIndexAndErrorMessage {
            batch_index: 1,
            batch_index_error_message: Some(Str::from_static("bad")),
        }];
        partition.error_message = Some(Str::from_static("no"));
    }
    if version >= 10 {
        partition.current_leader = produce::LeaderIdAndEpoch {
            leader_id: 2,
            leader_epoch: 9,
        };
        node_endpoints.push(produce::NodeEndpoint {
            node_id: 2,
            host: Str::from_static("h"),
            port: 9092,
            rack: None,
        });
    }
    produce::ProduceResponse {
        responses: vec![produce::TopicProduceResponse {
            name,
            topic_id,
            partition_responses: vec![partition],
        }],
        throttle_time_ms: 5,
        node_endpoints,
    }
}

#[test]
fn produce_responses() {
    for (version, hex) in [
        (
            9,
            "02076f726465727302000000030006ffffffffffffffffffffffffffffffffffffffffffffffff02000000
            010462616400036e6f00000000000500",
        ),
        (
            13,
            "0227bb3d7bc3cf4ca38ee3b3f1cc8dfd5402000000030006ffffffffffffffffffffffffffffffffffffff
            ffffffffff02000000010462616400036e6f010009000000020000000900000000000501000d020000000202
            68000023840000",
        ),
    ] {
        assert_golden(&produce_response(version), version, hex);
    }
}

fn fetch_request(version: i16) -> fetch::FetchRequest {
    let (topic, topic_id) = topic("orders", version);
    let (old_topic, _) = self::topic("old", version);
    let mut partition = fetch::FetchPartition {
        partition: 1,
        fetch_offset: 100,
        partition_max_bytes: 1_048_576,
        ..Default::default()
    };
    let mut request = fetch::FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 52_428_800,
        isolation_level: 1,
        ..Default::default()
    };
    if version >= 12 {
        partition.current_leader_epoch = 5;
        partition.last_fetched_epoch = 4;
        request.session_id = 12;
        request.session_epoch = 3;
        request.rack_id = Str::from_static("r1");
        request.cluster_id = Some(Str::from_static("cl"));
        request.forgotten_topics_data = vec![fetch::ForgottenTopic {
            topic: old_topic,
            topic_id,
            partitions: vec![8, 9],
        }];
    }
    if version >= 17 {
        partition.replica_directory_id = self::topic_id();
        request.replica_state = fetch::ReplicaState {
            replica_id: 2,
            replica_epoch: 33,
        };
    }
    if version >= 18 {
        partition.high_watermark = 77;
    }
    request.topics = vec![fetch::FetchTopic {
        topic,
        topic_id,
        partitions: vec![partition],
    }];
    request
}

#[test]
fn fetch_requests() {
    for (version, hex) in [
        (
            4,
            "ffffffff000001f40000000103200000010000000100066f72646572730000000100000001000000000000
            006400100000",
        ),
        (
            12,
            "ffffffff000001f40000000103200000010000000c0000000302076f726465727302000000010000000500
            0000000000006400000004ffffffffffffffff00100000000002046f6c640300000008000000090003723101
            000303636c",
        ),
        (
            17,
            "000001f40000000103200000010000000c000000030227bb3d7bc3cf4ca38ee3b3f1cc8dfd540200000001
            00000005000000000000006400000004ffffffffffffffff0010000001001027bb3d7bc3cf4ca38ee3b3f1cc
            8dfd54000227bb3d7bc3cf4ca38ee3b3f1cc8dfd540300000008000000090003723102000303636c010d0000
            0002000000000000002100",
        ),
        (
            18,
            "000001f40000000103200000010000000c000000030227bb3d7bc3cf4ca38ee3b3f1cc8dfd540200000001
            00000005000000000000006400000004ffffffffffffffff0010000002001027bb3d7bc3cf4ca38ee3b3f1cc
            8dfd540108000000000000004d000227bb3d7bc3cf4ca38ee3b3f1cc8dfd5403000000080000000900037231
            02000303636c010d00000002000000000000002100",
        ),
    ] {
        assert_golden(&fetch_request(version), version, hex);
    }
}

fn fetch_response(version: i16) -> fetch::FetchResponse {
    let (topic, topic_id) = topic("orders", version);
    let mut partition = fetch::PartitionData {
        partition_index: 1,
        high_watermark: 120,
        last_stable_offset: 110,
        records: four_bytes(),
        aborted_transactions: Some(vec![fetch::AbortedTransaction {
            producer_id: 7,
            first_offset: 105,
        }]),
        ..Default::default()
    };
    let mut response = fetch::FetchResponse {
        throttle_time_ms: 1,
        ..Default::default()
    };
    if version >= 12 {
        response.session_id = 12;
        partition.log_start_offset = 10;
        partition.preferred_read_replica = 3;
        partition.current_leader = fetch::LeaderIdAndEpoch {
            leader_id: 2,
            leader_epoch: 5,
        };
        partition.diverging_epoch = fetch::EpochEndOffset {
            epoch: 4,
            end_offset: 90,
        };
    }
    if version >= 16 {
        response.node_endpoints = vec![fetch::NodeEndpoint {
            node_id: 2,
            host: Str::from_static("h"),
            port: 9092,
            rack: Some(Str::from_static("r1")),
        }];
    }
    response.responses = vec![fetch::FetchableTopicResponse {
        topic,
        topic_id,
        partitions: vec![partition],
    }];
    response
}

#[test]
fn fetch_responses() {
    for (version, hex) in [
        (
            4,
            "000000010000000100066f7264657273000000010000000100000000000000000078000000000000006e00
            000001000000000000000700000000000000690000000401020304",
        ),
        (
            12,
            "0000000100000000000c02076f726465727302000000010000000000000000007800000000000000
            6e000000000000000a02000000000000000700000000000000690000000003050102030402000d00000004
            000000000000005a0001090000000200000005000000",
        ),
        (
            17,
            "0000000100000000000c0227bb3d7bc3cf4ca38ee3b3f1cc8dfd54020000000100000000000000000078
            000000000000006e000000000000000a02000000000000000700000000000000690000000003050102030402
            000d00000004000000000000005a0001090000000200000005000001000f0200000002026800002384037231
            00",
        ),
    ] {
        assert_golden(&fetch_response(version), version, hex);
    }
}

#[test]
fn metadata_responses() {
    for (version, hex) in [
        (
            9,
            "0000000002000000010a6c6f63616c686f73740000238400000a636c75737465722d310000000103000007
            6f72646572730002000000000000000000010000000403000000010000000202000000010200000002008000
            000000006405676f6e65000180000000008000000000",
        ),
        (
            12,
            "0000000002000000010a6c6f63616c686f73740000238400000a636c75737465722d310000000103000007
            6f726465727327bb3d7bc3cf4ca38ee3b3f1cc8dfd5400020000000000000000000100000004030000000100
            0000020200000001020000000200800000000000640000000000000000000000000000000001000180000000
            0000",
        ),
    ] {
        let has_ids = version >= 10;
        let orders = metadata::MetadataResponseTopic {
            name: Some(Str::from_static("orders")),
            topic_id: if has_ids { topic_id() } else { Uuid::ZERO },
            partitions: vec![metadata::MetadataResponsePartition {
                leader_id: 1,
                leader_epoch: 4,
                replica_nodes: vec![1, 2],
                isr_nodes: vec![1],
                offline_replicas: vec![2],
                ..Default::default()
            }],
            ..Default::default()
        };
        let gone = metadata::MetadataResponseTopic {
            error_code: 100,
            name: (!has_ids).then(|| Str::from_static("gone")),
            topic_id: if has_ids { Uuid::ONE } else { Uuid::ZERO },
            ..Default::default()
        };
        let response = metadata::MetadataResponse {
            brokers: vec![metadata::MetadataResponseBroker {
                node_id: 1,
                host: Str::from_static("localhost"),
                port: 9092,
                rack: None,
            }],
            cluster_id: Some(Str::from_static("cluster-1")),
            controller_id: 1,
            topics: vec![orders, gone],
            ..Default::default()
        };
        assert_golden(&response, version, hex);
    }
}
