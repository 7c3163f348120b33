use metadata::ResourceKind;
use protocol::Str;
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use protocol::messages::{alter_configs, incremental_alter_configs};
use types::{ErrorCode, NodeId};

use super::{Answer, OK, answer, error};
use crate::decide::testing::Cluster;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const GROUP: i8 = 32;
const SUBSCRIPTION: i8 = 16;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

type Edit<'a> = (&'a str, i8, Option<&'a str>);
type Resource<'a> = (i8, &'a str, &'a [Edit<'a>]);
type Replacement<'a> = (i8, &'a str, &'a [(&'a str, Option<&'a str>)]);

fn cluster() -> Cluster {
    let mut cluster = Cluster::of(2);
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Str::from("t"),
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    };
    cluster.tell(7, &request);
    cluster
}

fn incremental(
    resources: &[Resource<'_>],
) -> incremental_alter_configs::IncrementalAlterConfigsRequest {
    use incremental_alter_configs::{
        AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
    };
    let config = |(name, operation, value): &Edit<'_>| AlterableConfig {
        name: Str::from(*name),
        config_operation: *operation,
        value: value.map(Str::from),
    };
    let resource = |(kind, name, edits): &Resource<'_>| AlterConfigsResource {
        resource_type: *kind,
        resource_name: Str::from(*name),
        configs: edits.iter().map(config).collect(),
    };
    IncrementalAlterConfigsRequest {
        resources: resources.iter().map(resource).collect(),
        validate_only: false,
    }
}

fn legacy(resources: &[Replacement<'_>]) -> alter_configs::AlterConfigsRequest {
    use alter_configs::{AlterConfigsRequest, AlterConfigsResource, AlterableConfig};
    let config = |(name, value): &(&str, Option<&str>)| AlterableConfig {
        name: Str::from(*name),
        value: value.map(Str::from),
    };
    let resource = |(kind, name, configs): &Replacement<'_>| AlterConfigsResource {
        resource_type: *kind,
        resource_name: Str::from(*name),
        configs: configs.iter().map(config).collect(),
    };
    AlterConfigsRequest {
        resources: resources.iter().map(resource).collect(),
        validate_only: false,
    }
}

/// The answers to one request, committed.
fn tell(cluster: &mut Cluster, resources: &[Resource<'_>]) -> Vec<Answer> {
    let response = cluster.tell(1, &incremental(resources));
    for (asked, told) in resources.iter().zip(&response.responses) {
        assert_eq!(
            (asked.0, asked.1),
            (told.resource_type, &*told.resource_name)
        );
    }
    let words = response.responses.iter();
    words
        .map(|told| answer(told.error_code, told.error_message.as_ref()))
        .collect()
}

fn tell_one(cluster: &mut Cluster, kind: i8, name: &str, edit: Edit<'_>) -> Answer {
    let mut answers = tell(cluster, &[(kind, name, &[edit])]);
    answers.pop().expect("one answer")
}

fn value(cluster: &Cluster, key: &str) -> Option<String> {
    let value = cluster.image.config(ResourceKind::Topic, "t", key);
    value.map(str::to_owned)
}

#[test]
fn the_four_operations_edit_a_topics_configs() {
    let mut cluster = cluster();
    let mut edit = |key, operation, text: Option<&str>| {
        let answer = tell_one(&mut cluster, TOPIC, "t", (key, operation, text));
        assert_eq!(answer, OK, "{key} {operation} {text:?}");
        value(&cluster, key)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(edit("retention.ms", SET, Some("5")), text("5"));
    assert_eq!(edit("retention.ms", DELETE, Some("ignored")), None);
    assert_eq!(edit("retention.ms", DELETE, None), None);
    // An unset list is appended to where it comes from.
    assert_eq!(
        edit("cleanup.policy", APPEND, Some("compact")),
        text("delete,compact")
    );
    assert_eq!(
        edit("cleanup.policy", APPEND, Some("compact")),
        text("delete,compact")
    );
    assert_eq!(
        edit("cleanup.policy", SUBTRACT, Some("delete")),
        text("compact")
    );
    assert_eq!(edit("cleanup.policy", SUBTRACT, Some("compact")), text(""));
    assert_eq!(edit("cleanup.policy", DELETE, None), None);
}

#[test]
fn appending_starts_from_the_default_of_the_cluster_or_of_the_file() {
    let mut cluster = cluster();
    cluster.settings.file.set("log.cleanup.policy", "compact");
    let append = ("cleanup.policy", APPEND, Some("delete"));
    assert_eq!(tell_one(&mut cluster, TOPIC, "t", append), OK);
    assert_eq!(
        value(&cluster, "cleanup.policy").as_deref(),
        Some("compact,delete")
    );
}

#[test]
fn setting_what_is_set_records_nothing() {
    let mut cluster = cluster();
    let edits = [("retention.ms", SET, Some("5"))];
    let request = incremental(&[(TOPIC, "t", &edits)]);
    assert_eq!(cluster.evaluate(1, &request).records.len(), 1);
    cluster.tell(1, &request);
    assert_eq!(cluster.evaluate(1, &request).records, []);
}

#[test]
fn one_bad_edit_keeps_all_edits_of_its_resource_out_and_no_others() {
    let mut cluster = cluster();
    let good_and_bad = [
        ("retention.ms", SET, Some("10")),
        ("segment.ms", SET, Some("x")),
    ];
    let good = [("log.retention.ms", SET, Some("10"))];
    let answers = tell(
        &mut cluster,
        &[(TOPIC, "t", &good_and_bad), (BROKER, "", &good)],
    );
    assert_eq!(
        answers,
        [
            error(
                ErrorCode::InvalidConfig,
                "Invalid value x for configuration segment.ms: Not a number of type LONG"
            ),
            OK
        ]
    );
    assert_eq!(value(&cluster, "retention.ms"), None);
    let cluster_wide = cluster
        .image
        .config(ResourceKind::Broker, "", "log.retention.ms");
    assert_eq!(cluster_wide, Some("10"));
}

#[test]
fn the_combined_result_is_checked() {
    let mut cluster = cluster();
    let min = ("min.compaction.lag.ms", SET, Some("10"));
    assert_eq!(tell_one(&mut cluster, TOPIC, "t", min), OK);
    let max = ("max.compaction.lag.ms", SET, Some("9"));
    assert_eq!(
        tell_one(&mut cluster, TOPIC, "t", max),
        error(
            ErrorCode::InvalidConfig,
            "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (9)"
        )
    );
}

#[test]
fn edits_that_make_no_sense_are_refused() {
    let mut cluster = cluster();
    let mut refused = |edit| tell_one(&mut cluster, TOPIC, "t", edit);
    assert_eq!(
        refused(("no.such", SET, Some("5"))),
        error(
            ErrorCode::InvalidConfig,
            "Unknown topic config name: no.such"
        )
    );
    assert_eq!(refused(("no.such", DELETE, None)), OK);
    assert_eq!(
        refused(("no.such", APPEND, Some("a"))),
        error(
            ErrorCode::InvalidConfig,
            "Can't APPEND to key no.such because its type is not LIST."
        )
    );
    assert_eq!(
        refused(("retention.ms", SUBTRACT, Some("5"))),
        error(
            ErrorCode::InvalidConfig,
            "Can't SUBTRACT to key retention.ms because its type is not LIST."
        )
    );
    for operation in [SET, APPEND, SUBTRACT] {
        assert_eq!(
            refused(("cleanup.policy", operation, None)),
            error(
                ErrorCode::InvalidRequest,
                "Null value not supported for : cleanup.policy"
            )
        );
    }
    // Kafka 4.3.1 answers UNKNOWN_SERVER_ERROR.
    assert_eq!(refused(("retention.ms", 9, Some("5"))).0, 42);
    assert_eq!(refused(("", SET, Some("5"))).0, 40);
    let tiered = refused(("remote.storage.enable", SET, Some("true")));
    assert_eq!(tiered.0, 40);
    let misspelt = refused(("retention.m", SET, Some("5")));
    assert!(misspelt.1.expect("a text").contains("retention.ms"));
}

#[test]
fn repetitions_are_refused() {
    let mut cluster = cluster();
    let twice = [
        ("retention.ms", SET, Some("1")),
        ("retention.ms", DELETE, None),
    ];
    assert_eq!(
        tell(&mut cluster, &[(TOPIC, "t", &twice)]),
        [error(
            ErrorCode::InvalidRequest,
            "Error due to duplicate config keys"
        )]
    );
    let one = [("retention.ms", SET, Some("1"))];
    let repeated = error(
        ErrorCode::InvalidRequest,
        "Each resource must appear at most once.",
    );
    assert_eq!(
        tell(&mut cluster, &[(TOPIC, "t", &one), (TOPIC, "t", &one)]),
        [repeated.clone(), repeated]
    );
    assert_eq!(value(&cluster, "retention.ms"), None);
}

#[test]
fn resources_that_do_not_exist_are_refused() {
    let mut cluster = cluster();
    for kind in [0, 1, 3, 8, 99] {
        assert_eq!(
            tell(&mut cluster, &[(kind, "x", &[])]),
            [error(
                ErrorCode::InvalidRequest,
                &format!("Unknown resource type {kind}")
            )]
        );
    }
    let answers = tell(
        &mut cluster,
        &[
            (TOPIC, "nope", &[]),
            (TOPIC, "", &[]),
            (TOPIC, "a b", &[]),
            (GROUP, "", &[]),
            (SUBSCRIPTION, "", &[]),
        ],
    );
    let codes: Vec<i16> = answers.iter().map(|answer| answer.0).collect();
    assert_eq!(codes, [3, 42, 17, 42, 42]);
    assert_eq!(
        answers[0].1.as_deref(),
        Some("The topic 'nope' does not exist.")
    );
    assert_eq!(
        answers[1].1.as_deref(),
        Some("Default topic resources are not allowed.")
    );
}

#[test]
fn a_brokers_configs_change_where_kafka_lets_them() {
    let mut cluster = cluster();
    let mut tell = |name: &str, edit| tell_one(&mut cluster, BROKER, name, edit);
    let retention = ("log.retention.ms", SET, Some("100000"));
    assert_eq!(tell("1", retention), OK);
    assert_eq!(tell("", retention), OK);
    assert_eq!(tell("1", ("my.own.key", SET, Some("/x"))), OK);
    assert_eq!(tell("1", ("log.dirs", DELETE, None)), OK);
    let read_only = |name: &str| {
        error(
            ErrorCode::InvalidRequest,
            &format!("Cannot update these configs dynamically: [{name}]"),
        )
    };
    assert_eq!(
        tell("1", ("log.dirs", SET, Some("/x"))),
        read_only("log.dirs")
    );
    let listeners = ("advertised.listeners", SET, Some("PLAINTEXT://h:1"));
    assert_eq!(tell("", listeners), read_only("advertised.listeners"));
    assert_eq!(
        tell("", ("log.retention.ms", SET, Some("x"))),
        error(
            ErrorCode::InvalidRequest,
            "Invalid value x for configuration log.retention.ms: Not a number of type LONG"
        )
    );
    assert_eq!(
        tell("1", ("min.insync.replicas", SET, Some("2"))),
        error(
            ErrorCode::InvalidConfig,
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled."
        )
    );
    assert_eq!(tell("", ("min.insync.replicas", SET, Some("2"))), OK);
    // Kafka 4.3.1 refuses this. Our default follows from the replicas, so there is one to go back to.
    assert_eq!(tell("", ("min.insync.replicas", DELETE, None)), OK);
}

#[test]
fn a_brokers_configs_are_changed_through_that_broker() {
    let mut cluster = cluster();
    let edit = ("log.retention.ms", SET, Some("100000"));
    cluster.via = Some(NodeId(1));
    assert_eq!(tell_one(&mut cluster, BROKER, "1", edit), OK);
    assert_eq!(
        tell_one(&mut cluster, BROKER, "2", edit),
        error(
            ErrorCode::InvalidRequest,
            "Unexpected broker id, expected 1, but received 2"
        )
    );
    for name in ["x", "01", "+1", "1.0", "99999999999"] {
        assert_eq!(
            tell_one(&mut cluster, BROKER, name, edit),
            error(
                ErrorCode::InvalidRequest,
                &format!("Node id must be an integer, but it is: {name}")
            )
        );
    }
    cluster.via = None;
    assert_eq!(tell_one(&mut cluster, BROKER, "2", edit), OK);
    assert_eq!(tell_one(&mut cluster, BROKER, "7", edit).0, 102);
}

#[test]
fn groups_and_subscriptions_have_keys_of_their_own() {
    let mut cluster = cluster();
    let session = ("consumer.session.timeout.ms", SET, Some("50000"));
    assert_eq!(tell_one(&mut cluster, GROUP, "g", session), OK);
    let interval = ("interval.ms", SET, Some("1000"));
    assert_eq!(tell_one(&mut cluster, SUBSCRIPTION, "m", interval), OK);
    assert_eq!(
        tell_one(&mut cluster, GROUP, "g", ("bogus", SET, Some("5"))),
        error(ErrorCode::InvalidConfig, "Unknown group config name: bogus")
    );
    for refused in [("bogus", SET, Some("5")), ("interval.ms", SET, Some("99"))] {
        let (code, _) = tell_one(&mut cluster, SUBSCRIPTION, "m", refused);
        assert_eq!(code, ErrorCode::InvalidRequest.to_wire());
    }
}

#[test]
fn the_older_request_replaces_all_configs_of_a_resource() {
    let mut cluster = cluster();
    let mut tell = |configs: &[(&str, Option<&str>)]| {
        let response = cluster.tell(2, &legacy(&[(TOPIC, "t", configs)]));
        let told = response.responses.first().expect("one answer");
        answer(told.error_code, told.error_message.as_ref())
    };
    assert_eq!(tell(&[("retention.ms", Some("77"))]), OK);
    assert_eq!(tell(&[("segment.ms", Some("77777"))]), OK);
    assert_eq!(
        tell(&[("retention.ms", None)]),
        error(
            ErrorCode::InvalidRequest,
            "Null value not supported for : retention.ms"
        )
    );
    assert_eq!(
        tell(&[("segment.ms", Some("1")), ("segment.ms", Some("2"))]),
        error(
            ErrorCode::InvalidRequest,
            "Error due to duplicate config keys"
        )
    );
    assert_eq!(value(&cluster, "retention.ms"), None);
    assert_eq!(value(&cluster, "segment.ms").as_deref(), Some("77777"));
    cluster.tell(0, &legacy(&[(TOPIC, "t", &[])]));
    assert_eq!(value(&cluster, "segment.ms"), None);
}

#[test]
fn the_older_request_gives_the_same_codes() {
    let mut cluster = cluster();
    cluster.via = Some(NodeId(1));
    let request = legacy(&[
        (TOPIC, "nope", &[]),
        (BROKER, "1", &[("log.dirs", Some("/x"))]),
        (BROKER, "2", &[]),
        (8, "1", &[]),
    ]);
    let response = cluster.tell(2, &request);
    let codes: Vec<i16> = response
        .responses
        .iter()
        .map(|told| told.error_code)
        .collect();
    assert_eq!(codes, [3, 42, 42, 42]);
}

#[test]
fn validation_changes_nothing() {
    let cluster = cluster();
    let edits = [("retention.ms", SET, Some("5"))];
    let mut request = incremental(&[(TOPIC, "t", &edits)]);
    request.validate_only = true;
    let evaluated = cluster.evaluate(0, &request);
    assert_eq!(evaluated.records, []);
    let mut request = legacy(&[(TOPIC, "t", &[("retention.ms", Some("5"))])]);
    request.validate_only = true;
    assert_eq!(cluster.evaluate(1, &request).records, []);
}

#[test]
fn appending_cannot_make_a_value_longer_than_a_request_could() {
    let mut cluster = cluster();
    let replicas = |from: u32| {
        let pairs: Vec<String> = (from..from + 2000).map(|n| format!("{n}:1")).collect();
        pairs.join(",")
    };
    let key = "leader.replication.throttled.replicas";
    let mut append = |from| {
        tell_one(
            &mut cluster,
            TOPIC,
            "t",
            (key, APPEND, Some(&replicas(from))),
        )
    };
    assert_eq!(append(10_000), OK);
    assert_eq!(append(20_000), OK);
    let (code, text) = append(30_000);
    assert_eq!(code, 40);
    assert!(
        text.expect("a text")
            .contains("maximum value size of 32767 bytes")
    );
}
