//! Topics, brokers, quorum.

use serde_json::json;

use crate::kcli::{consume, create, produce, run};
use crate::target::Cluster;

pub(crate) fn a_topic_is_created_listed_described_and_deleted(cluster: &Cluster) {
    let created = run(
        cluster,
        "topic create admin-life -p 3 -r 1 -c retention.ms=3600000 -o json",
    );
    let created = created.json();
    assert_eq!(created[0]["name"], "admin-life");
    assert_eq!(created[0]["result"], "created");
    assert_eq!(created[0]["partitions"], 3);

    let listed = run(cluster, "topic list -o name").ok();
    assert!(listed.lines().any(|line| line == "admin-life"), "{listed}");

    let described = run(cluster, "topic describe admin-life -o json").json();
    let topic = &described[0];
    assert_eq!(topic["id"], created[0]["id"]);
    assert_eq!(topic["partitions"].as_array().map(Vec::len), Some(3));
    assert_eq!(topic["partitions"][2]["partition"], 2);
    assert_eq!(topic["partitions"][0]["leader"], 1);
    assert_eq!(topic["partitions"][0]["inSyncReplicas"], json!([1]));
    let configs = topic["configs"].as_array().expect("a list");
    let retention = configs
        .iter()
        .find(|config| config["name"] == "retention.ms");
    assert_eq!(retention.expect("it was set")["value"], "3600000");
    let table = run(cluster, "topic describe admin-life").ok();
    assert!(
        table.contains("topic admin-life") && table.contains("retention.ms"),
        "{table}"
    );

    run(cluster, "topic delete admin-life --yes").ok();
    let listed = run(cluster, "topic list -o name").ok();
    assert!(!listed.contains("admin-life"), "{listed}");
    run(cluster, "topic delete admin-life --yes --if-exists").ok();
}

pub(crate) fn a_topic_grows_to_a_total_or_by_a_number(cluster: &Cluster) {
    create(cluster, "admin-grow", 1);
    run(cluster, "topic add-partitions admin-grow --to 3").ok();
    let grown = run(cluster, "topic add-partitions admin-grow --by 2 -o json").json();
    assert_eq!(grown[0]["after"], 5);
    let described = run(cluster, "topic describe admin-grow -o json").json();
    assert_eq!(described[0]["partitions"].as_array().map(Vec::len), Some(5));

    let stderr = run(cluster, "topic add-partitions admin-grow 6").fails(2);
    assert!(stderr.contains("--to 6 or --by 6"), "{stderr}");
    let stderr = run(cluster, "topic add-partitions admin-grow --to 2").fails(1);
    assert!(stderr.contains("INVALID_PARTITIONS (37)"), "{stderr}");
}

pub(crate) fn a_dry_run_changes_nothing(cluster: &Cluster) {
    let planned = run(cluster, "topic create admin-dry -p 1 --dry-run -o json").json();
    assert_eq!(planned[0]["result"], "would be created");
    run(cluster, "topic describe admin-dry").fails(1);

    create(cluster, "admin-dry-2", 1);
    produce(cluster, "admin-dry-2", "a\nb\n");
    run(cluster, "topic trim admin-dry-2 --before end --dry-run").ok();
    run(cluster, "topic delete admin-dry-2 --dry-run").ok();
    run(cluster, "topic add-partitions admin-dry-2 --to 2 --dry-run").ok();
    run(
        cluster,
        "config set topic/admin-dry-2 retention.ms=1000 --dry-run",
    )
    .ok();
    assert_eq!(consume(cluster, "admin-dry-2"), "a\nb\n");
    let described = run(cluster, "topic describe admin-dry-2 -o json").json();
    assert_eq!(described[0]["partitions"].as_array().map(Vec::len), Some(1));
}

pub(crate) fn the_cluster_and_its_brokers_describe_themselves(cluster: &Cluster) {
    create(cluster, "admin-cluster", 2);
    let info = run(cluster, "cluster info -o json").json();
    let id = run(cluster, "cluster id").ok();
    assert_eq!(info["clusterId"], id.trim());
    assert_eq!(info["brokers"][0]["id"], 1);
    assert_eq!(info["leaderlessPartitions"], 0);
    assert!(info["partitions"].as_u64() >= Some(2), "{info}");

    let brokers = run(cluster, "broker list -o json").json();
    assert_eq!(brokers[0]["isFenced"], false);
    let address = format!(
        "{}:{}",
        brokers[0]["host"].as_str().expect("text"),
        brokers[0]["port"]
    );
    assert_eq!(address, cluster.bootstrap);
    let described = run(cluster, "broker describe 1 -o json").json();
    assert_eq!(
        described["logDirs"][0]["directory"],
        cluster.data_dir.display().to_string()
    );
    run(cluster, "broker describe 77").fails(1);

    let dirs = run(cluster, "broker logdirs --replicas -o json").json();
    let replicas = dirs[0]["replicas"].as_array().expect("a list");
    assert!(
        replicas
            .iter()
            .any(|replica| replica["topic"] == "admin-cluster"),
        "{dirs}"
    );
    let config = run(cluster, "broker config 1 --all -o name").ok();
    assert!(
        config.lines().any(|key| key == "log.retention.ms"),
        "{config}"
    );
    let features = run(cluster, "cluster features -o name").ok();
    assert!(
        features.lines().any(|name| name == "metadata.version"),
        "{features}"
    );
    let health = run(cluster, "cluster health -o json --wait 10s").json();
    assert_eq!(health["isHealthy"], true);
}

pub(crate) fn the_quorum_has_a_leader(cluster: &Cluster) {
    let status = run(cluster, "quorum status -o json").json();
    assert_eq!(status["leader"], 1);
    assert_eq!(status["voters"], json!([1]));
    let replication = run(cluster, "quorum replication -o json").json();
    assert_eq!(replication[0]["role"], "leader");
    assert_eq!(replication[0]["lag"], 0);
}

pub(crate) fn advertised_addresses_are_reachable(cluster: &Cluster) {
    let listeners = run(cluster, "debug listeners -o json").json();
    assert_eq!(listeners[0]["advertised"], cluster.bootstrap);
    assert_eq!(listeners[0]["isReachable"], true);
    let versions = run(cluster, "debug api-versions -o json").json();
    let apis = versions.as_array().expect("a list");
    let fetch = apis
        .iter()
        .find(|api| api["api"] == "Fetch")
        .expect("it is there");
    assert_eq!(
        (fetch["min"].as_i64(), fetch["max"].as_i64()),
        (Some(4), Some(18))
    );
}

pub(crate) fn trimming_moves_the_log_start(cluster: &Cluster) {
    create(cluster, "admin-trim", 1);
    produce(cluster, "admin-trim", "a\nb\nc\nd\n");
    let trimmed = run(cluster, "topic trim admin-trim --before 2 --yes -o json").json();
    assert_eq!(trimmed[0]["logStart"], 2);
    assert_eq!(consume(cluster, "admin-trim"), "c\nd\n");
    let offsets = run(cluster, "topic offsets admin-trim -o json").json();
    assert_eq!(
        (offsets[0]["start"].as_i64(), offsets[0]["end"].as_i64()),
        (Some(2), Some(4))
    );
    run(cluster, "topic trim admin-trim --before 9 --yes").fails(1);
    run(cluster, "topic trim admin-trim --before end --yes").ok();
    assert_eq!(consume(cluster, "admin-trim"), "");
}

pub(crate) fn trimming_counts_what_is_there(cluster: &Cluster) {
    create(cluster, "trim-some", 2);
    produce(cluster, "trim-some -p 0", "a\nb\nc\n");
    // Partition 1 is empty: it neither counts nor fails.
    let refused = run(cluster, "topic trim trim-some --before 3").fails(5);
    assert!(refused.contains("delete 3 events"), "{refused}");
    let items = run(
        cluster,
        "topic trim trim-some --before @2099-01-01 -y -o json",
    )
    .json();
    assert_eq!(items[0]["result"], "trimmed");
    assert_eq!(items[0]["logStart"], 3);
    assert_eq!(items[1]["result"], "nothing to trim");
    let again = run(cluster, "topic trim trim-some --before end").ok();
    assert_eq!(again.matches("nothing to trim").count(), 2, "{again}");
}
