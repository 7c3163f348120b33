use std::sync::Arc;

use metadata::MetadataImage;

use super::*;
use crate::api::testing::{self, CLUSTER_ID, T, U};

fn view<'a>(image: &'a MetadataImage, listener: &'a str) -> View<'a> {
    View { image, listener }
}

fn named(names: &[&str]) -> MetadataRequest {
    let topic = |name: &&str| MetadataRequestTopic {
        name: Some(Str::from(*name)),
        ..MetadataRequestTopic::default()
    };
    MetadataRequest {
        topics: Some(names.iter().map(topic).collect()),
        ..MetadataRequest::default()
    }
}

fn by_id(ids: &[Uuid]) -> MetadataRequest {
    let topic = |id: &Uuid| MetadataRequestTopic {
        topic_id: *id,
        name: None,
    };
    MetadataRequest {
        topics: Some(ids.iter().map(topic).collect()),
        ..MetadataRequest::default()
    }
}

fn ask(request: &MetadataRequest, version: i16) -> MetadataResponse {
    let image = Arc::new(testing::image());
    let response = response(view(&image, "PLAINTEXT"), request, version, 0, &|_| false);
    testing::encode(&response, version);
    response
}

fn topics(response: &MetadataResponse) -> Vec<(i16, Option<&str>)> {
    let topics = response.topics.iter();
    topics
        .map(|it| (it.error_code, it.name.as_deref()))
        .collect()
}

#[test]
fn null_asks_for_all_topics_and_an_empty_list_for_none_except_in_version_0() {
    let all = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    for version in 1..=13 {
        assert_eq!(
            topics(&ask(&all, version)),
            [(0, Some("t")), (0, Some("u"))]
        );
        assert_eq!(topics(&ask(&named(&[]), version)), []);
    }
    assert_eq!(ask(&named(&[]), 0).topics.len(), 2);
}

#[test]
fn a_broker_that_has_just_been_fenced_is_listed_a_moment_longer() {
    let image = testing::image();
    let lingers = |broker| broker == NodeId(3);
    let response = response(view(&image, "PLAINTEXT"), &named(&["t"]), 12, 0, &lingers);
    let brokers: Vec<i32> = response.brokers.iter().map(|it| it.node_id).collect();
    assert_eq!(brokers, [1, 2, 3]);
}

#[test]
fn only_brokers_in_service_are_named_at_their_address_on_the_listener() {
    let brokers = |listener| -> Vec<(i32, String)> {
        let image = testing::image();
        let response = response(view(&image, listener), &named(&[]), 12, 0, &|_| false);
        let brokers = response.brokers.iter();
        brokers
            .map(|it| (it.node_id, it.host.to_string()))
            .collect()
    };
    assert_eq!(
        brokers("PLAINTEXT"),
        [(1, "a".to_owned()), (2, "b".to_owned())]
    );
    assert_eq!(brokers("EXTERNAL"), [(2, "b.example".to_owned())]);
    let response = ask(&named(&[]), 12);
    assert_eq!(response.cluster_id.as_deref(), Some(CLUSTER_ID));
    assert!([1, 2].contains(&response.controller_id));
    assert_eq!(response.brokers[0].rack.as_deref(), Some("z1"));
}

#[test]
fn a_partition_tells_its_leader_replicas_and_what_is_offline() {
    let response = ask(&named(&["t"]), 9);
    let [led, orphan] = &response.topics[0].partitions[..] else {
        panic!("{response:?}");
    };
    assert_eq!((led.error_code, led.leader_id, led.leader_epoch), (0, 1, 4));
    assert_eq!(led.replica_nodes, [1, 2, 3]);
    assert_eq!(led.isr_nodes, [1, 2]);
    assert_eq!(led.offline_replicas, [3]);
    assert_eq!((orphan.error_code, orphan.leader_id), (5, -1));
    assert_eq!(orphan.replica_nodes, [3]);
}

#[test]
fn version_0_leaves_offline_replicas_out_and_says_so() {
    let response = ask(&named(&["t"]), 0);
    let [led, orphan] = &response.topics[0].partitions[..] else {
        panic!("{response:?}");
    };
    assert_eq!((led.error_code, &led.replica_nodes[..]), (9, &[1, 2][..]));
    assert_eq!((orphan.error_code, &orphan.replica_nodes[..]), (5, &[][..]));
}

#[test]
fn a_leader_without_the_listener_is_an_error_that_old_versions_call_otherwise() {
    let image = testing::image();
    let code = |version| {
        let response = response(
            view(&image, "EXTERNAL"),
            &named(&["t"]),
            version,
            0,
            &|_| false,
        );
        response.topics[0].partitions[0].error_code
    };
    assert_eq!(code(9), 72);
    assert_eq!(code(5), 5);
}

#[test]
fn unknown_and_impossible_names_are_told_apart() {
    for version in 0..=13 {
        let response = ask(
            &named(&["u", "nope", "a b", "", "__consumer_offsets"]),
            version,
        );
        let expected = [
            (17, Some("")),
            (3, Some("__consumer_offsets")),
            (17, Some("a b")),
            (3, Some("nope")),
            (0, Some("u")),
        ];
        assert_eq!(topics(&response), expected);
        assert_eq!(response.topics[1].is_internal, version >= 1);
    }
}

#[test]
fn ids_are_answered_from_version_12_on_and_refused_before() {
    let unknown = Uuid::from_bytes([9; 16]);
    let request = by_id(&[U, unknown, T]);
    assert_eq!(
        topics(&ask(&request, 12)),
        [(0, Some("t")), (0, Some("u")), (100, None)]
    );
    for version in [10, 11] {
        assert!(asks_wrongly(&request, version));
        let refusal = refusal(request.topics.clone().unwrap_or_default());
        assert_eq!(topics(&refusal), [(42, Some("")); 3]);
        testing::encode(&refusal, version);
    }
    assert!(!asks_wrongly(&request, 12));
    assert!(!asks_wrongly(&named(&["t"]), 11));
}

#[test]
fn one_id_among_names_makes_names_count_for_nothing() {
    let mut request = named(&["t", "nope"]);
    request.topics.as_mut().expect("topics")[0].topic_id = U;
    assert_eq!(topics(&ask(&request, 12)), [(0, Some("u"))]);
}

#[test]
fn operations_are_told_only_when_asked_for() {
    let mut request = named(&["t"]);
    let response = ask(&request, 9);
    assert_eq!(response.topics[0].topic_authorized_operations, i32::MIN);
    assert_eq!(response.cluster_authorized_operations, i32::MIN);
    request.include_topic_authorized_operations = true;
    request.include_cluster_authorized_operations = true;
    let response = ask(&request, 9);
    assert_eq!(response.topics[0].topic_authorized_operations, 3576);
    assert_eq!(response.cluster_authorized_operations, 8096);
}

#[test]
fn only_missing_topics_with_possible_names_are_created_and_no_internal_ones() {
    let response = ask(&named(&["u", "nope", "a b", "__consumer_offsets"]), 12);
    assert_eq!(creatable(&response), ["nope"]);
}
