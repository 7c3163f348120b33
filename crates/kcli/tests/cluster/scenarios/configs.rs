//! Settings.

use crate::kcli::{create, run, timed};
use crate::target::Cluster;

fn value(cluster: &Cluster, resource: &str, key: &str) -> String {
    let configs = run(cluster, &format!("config get {resource} {key} -o json")).json();
    configs[0]["value"].as_str().expect("a value").to_owned()
}

pub(crate) fn a_config_is_set_and_unset(cluster: &Cluster) {
    create(cluster, "config-set", 1);
    let changed = run(
        cluster,
        "config set topic/config-set retention.ms=60000 -o json",
    )
    .json();
    assert_eq!(changed[0]["after"], "60000");
    assert_eq!(value(cluster, "topic/config-set", "retention.ms"), "60000");
    let described = run(cluster, "config describe topic/config-set -o json").json();
    let set = described.as_array().expect("a list").iter();
    let sources: Vec<_> = set
        .filter(|c| c["name"] == "retention.ms")
        .map(|c| c["source"].clone())
        .collect();
    assert_eq!(sources, ["DYNAMIC_TOPIC_CONFIG"]);
    let changed = run(
        cluster,
        "config unset topic/config-set retention.ms -o json",
    )
    .json();
    assert_eq!(changed[0]["before"], "60000");
    assert_eq!(
        value(cluster, "topic/config-set", "retention.ms"),
        "604800000"
    );
    let all = run(
        cluster,
        "config describe topic/config-set --all --docs -o name",
    )
    .ok();
    assert!(all.lines().count() > 20, "{all}");
}

pub(crate) fn a_list_is_appended_to_and_removed_from(cluster: &Cluster) {
    create(cluster, "config-list", 1);
    run(
        cluster,
        "config append topic/config-list cleanup.policy=compact",
    )
    .ok();
    assert_eq!(
        value(cluster, "topic/config-list", "cleanup.policy"),
        "delete,compact"
    );
    run(
        cluster,
        "config remove topic/config-list cleanup.policy=delete",
    )
    .ok();
    assert_eq!(
        value(cluster, "topic/config-list", "cleanup.policy"),
        "compact"
    );
    let stderr = run(cluster, "config append topic/config-list retention.ms=1").fails(1);
    assert!(stderr.contains("INVALID_CONFIG (40)"), "{stderr}");
}

pub(crate) fn a_broker_config_is_set_for_all_brokers(cluster: &Cluster) {
    run(
        cluster,
        "config set broker/default log.cleaner.backoff.ms=16000",
    )
    .ok();
    assert_eq!(
        value(cluster, "broker/1", "log.cleaner.backoff.ms"),
        "16000"
    );
    run(
        cluster,
        "config unset broker/default log.cleaner.backoff.ms",
    )
    .ok();
    assert_eq!(
        value(cluster, "broker/1", "log.cleaner.backoff.ms"),
        "15000"
    );
}

pub(crate) fn a_broker_that_is_not_there_is_told_at_once(cluster: &Cluster) {
    let (took, refused) = timed(|| run(cluster, "config describe broker/99").fails(1));
    assert!(
        refused.contains("broker 99 is not among the live brokers"),
        "{refused}"
    );
    assert!(refused.contains("kcli broker list"), "{refused}");
    assert!(took.as_secs() < 10, "{took:?}");
    run(cluster, "config set broker/99 log.cleaner.threads=2").fails(1);
}
