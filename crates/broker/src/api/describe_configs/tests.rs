use metadata::v1::ResourceType;

use super::*;
use crate::api::testing;

fn resource(
    resource_type: i8,
    name: &str,
    keys: Option<&[&'static str]>,
) -> DescribeConfigsResource {
    DescribeConfigsResource {
        resource_type,
        resource_name: name.into(),
        configuration_keys: keys.map(|keys| keys.iter().map(|key| Str::from_static(key)).collect()),
    }
}

fn ask(resource: &DescribeConfigsResource) -> DescribeConfigsResult {
    let image = testing::image_with(vec![
        testing::config(ResourceType::Topic, "t", "retention.ms", "5"),
        testing::config(ResourceType::Broker, "1", "log.retention.ms", "6"),
        testing::config(ResourceType::Broker, "", "compression.type", "lz4"),
        testing::config(ResourceType::Broker, "", "my.plugin.key", "secret"),
    ]);
    let mut file = Properties::new();
    file.set("log.retention.hours", "2");
    let describer = Describer {
        image: &image,
        node_id: NodeId(1),
        file: &file,
        with_synonyms: true,
        with_documentation: true,
    };
    let result = describer.result(resource);
    for version in 1..=4 {
        let mut result = result.clone();
        if version < 3 {
            result
                .configs
                .iter_mut()
                .for_each(|it| it.documentation = None);
        }
        let response = DescribeConfigsResponse {
            results: vec![result],
            ..DescribeConfigsResponse::default()
        };
        testing::encode(&response, version);
    }
    result
}

fn one(resource_type: i8, name: &str, key: &'static str) -> DescribeConfigsResourceResult {
    let mut result = ask(&resource(resource_type, name, Some(&[key])));
    assert_eq!(
        (result.error_code, result.configs.len()),
        (0, 1),
        "{result:?}"
    );
    result.configs.remove(0)
}

fn refusal(resource_type: i8, name: &str) -> (i16, String) {
    let result = ask(&resource(resource_type, name, None));
    assert_eq!(result.configs, []);
    (
        result.error_code,
        result.error_message.unwrap_or_default().to_string(),
    )
}

#[test]
fn a_topic_lists_all_its_keys_and_a_filter_only_those_named() {
    assert_eq!(ask(&resource(2, "t", None)).configs.len(), 33);
    assert_eq!(ask(&resource(2, "t", Some(&[]))).configs.len(), 33);
    let two = ask(&resource(
        2,
        "t",
        Some(&["retention.ms", "segment.ms", "log.dirs"]),
    ));
    let names: Vec<&str> = two.configs.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["retention.ms", "segment.ms"]);
}

#[test]
fn the_chain_runs_from_the_topic_to_the_default() {
    let set = one(2, "t", "retention.ms");
    assert_eq!((set.value.as_deref(), set.config_source), (Some("5"), 1));
    assert!(set.documentation.is_some());
    let sources: Vec<i8> = set.synonyms.iter().map(|it| it.source).collect();
    assert_eq!(sources, [1, 2, 4, 5]);
    let inherited = one(2, "u", "retention.ms");
    assert_eq!(
        (inherited.value.as_deref(), inherited.config_source),
        (Some("6"), 2)
    );
    assert_eq!(one(2, "u", "compression.type").config_source, 3);
}

#[test]
fn min_insync_replicas_follows_the_replicas_of_the_topic() {
    assert_eq!(
        one(2, "t", "min.insync.replicas").value.as_deref(),
        Some("2")
    );
    assert_eq!(
        one(2, "u", "min.insync.replicas").value.as_deref(),
        Some("1")
    );
}

#[test]
fn a_broker_answers_for_itself_and_for_all_together() {
    let all = ask(&resource(4, "1", None));
    assert_eq!(all.configs.len(), 342);
    let file = one(4, "1", "log.retention.hours");
    assert_eq!(
        (file.value.as_deref(), file.config_source, file.read_only),
        (Some("2"), 4, true)
    );
    let unknown = one(4, "1", "my.plugin.key");
    assert_eq!(
        (unknown.value, unknown.is_sensitive, unknown.config_type),
        (None, true, 0)
    );
    let defaults = ask(&resource(4, "", None));
    let names: Vec<&str> = defaults.configs.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["compression.type", "my.plugin.key"]);
}

#[test]
fn what_cannot_be_described_is_refused_in_kafkas_words() {
    assert_eq!(refusal(2, "nope"), (3, String::new()));
    let empty = "Topic name is invalid: the empty string is not allowed";
    assert_eq!(refusal(2, ""), (17, empty.to_owned()));
    let other = "Unexpected broker id, expected 1 or empty string, but received 2";
    assert_eq!(refusal(4, "2"), (42, other.to_owned()));
    let word = "Broker id must be an integer, but it is: x";
    assert_eq!(refusal(4, "x"), (42, word.to_owned()));
    let logger = "Unexpected broker id, expected 1 but received 2";
    assert_eq!(refusal(8, "2"), (42, logger.to_owned()));
    assert_eq!(refusal(8, "").0, 42);
    assert_eq!(refusal(16, "").0, 42);
    assert_eq!(refusal(32, "").0, 42);
    assert_eq!(refusal(99, "x").0, 42);
}

#[test]
fn groups_and_subscriptions_need_not_exist() {
    assert_eq!(one(32, "g", "share.isolation.level").config_source, 5);
    assert_eq!(one(16, "m", "interval.ms").value.as_deref(), Some("300000"));
}

#[test]
fn a_broker_tells_its_log_level() {
    let root = one(8, "1", "root");
    assert_eq!((root.config_source, root.read_only), (6, true));
}
