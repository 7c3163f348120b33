//! What kcli says when something goes wrong.

use serde_json::Value;

use crate::kcli::{Kcli, consume, create, kcli, produce, run};
use crate::target::Cluster;

pub(crate) fn an_unknown_topic_is_answered_with_the_nearest_name(cluster: &Cluster) {
    create(cluster, "error-colores", 1);
    for line in [
        "topic describe error-colors",
        "consume error-colors --timeout 1s",
        "topic offsets error-colors",
        "perf produce error-colors -n 1",
    ] {
        let stderr = run(cluster, line).fails(1);
        assert!(
            stderr.contains("UNKNOWN_TOPIC_OR_PARTITION (3)"),
            "{line}: {stderr}"
        );
        assert!(
            stderr.contains("did you mean error-colores"),
            "{line}: {stderr}"
        );
    }
    let stderr = run(cluster, "consume error-colores -p 7").fails(1);
    assert!(stderr.contains("no partition 7"), "{stderr}");
}

pub(crate) fn a_refusal_names_kafkas_error_and_what_to_do(cluster: &Cluster) {
    create(cluster, "error-refused", 1);
    let cases = [
        (
            "topic create error-refused",
            "TOPIC_ALREADY_EXISTS (36)",
            "--if-not-exists",
        ),
        (
            "topic create error-r -r 3",
            "INVALID_REPLICATION_FACTOR (38)",
            "1 broker is alive",
        ),
        ("topic create error-p -p 0", "INVALID_PARTITIONS (37)", ""),
        (
            "topic create error-c -c retension.ms=1",
            "INVALID_CONFIG (40)",
            "mean retention.ms",
        ),
        (
            "topic create error-v -c retention.ms=x",
            "INVALID_CONFIG (40)",
            "",
        ),
        ("topic create bad/name", "INVALID_TOPIC_EXCEPTION (17)", ""),
        (
            "config set topic/error-refused retention.m=1",
            "INVALID_CONFIG (40)",
            "retention.ms",
        ),
    ];
    for (line, error, hint) in cases {
        let stderr = run(cluster, line).fails(1);
        assert!(
            stderr.contains(error) && stderr.contains(hint),
            "{line}: {stderr}"
        );
    }
    run(cluster, "topic create error-refused --if-not-exists").ok();
    let stderr = kcli(cluster, ["-b", "127.0.0.1:1", "topic", "list"]).fails(3);
    assert!(
        stderr.contains("127.0.0.1:1: connection refused"),
        "{stderr}"
    );
}

pub(crate) fn json_stays_valid_when_something_fails(cluster: &Cluster) {
    let json = |line: &str, status: i32| -> Value {
        let outcome = run(cluster, line);
        assert_eq!(outcome.status, status, "{line}: {}", outcome.stderr);
        serde_json::from_str(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{line}: {error}: {}", outcome.stdout))
    };
    let missing = json("topic describe error-no-such-topic -o json", 1);
    assert_eq!(missing["error"]["kafkaErrorCode"], 3);
    let refused = json("topic create bad/name -o json", 1);
    assert_eq!(refused[0]["error"]["kafkaError"], "INVALID_TOPIC_EXCEPTION");
    let usage = json("topic list --no-such-flag -o json", 2);
    assert_eq!(usage["error"]["exitCode"], 2);
    let unreachable = json("-b 127.0.0.1:1 topic list -o json", 3);
    assert_eq!(unreachable["error"]["exitCode"], 3);
    create(cluster, "error-empty", 1);
    let nothing = json("consume error-empty --from-beginning -e -o json", 0);
    assert_eq!(nothing, Value::Array(vec![]));
}

pub(crate) fn some_of_several_items_may_fail(cluster: &Cluster) {
    create(cluster, "error-some-1", 1);
    let outcome = run(cluster, "topic create error-some-1 error-some-2 -o json");
    assert_eq!(outcome.status, 1, "{}", outcome.stderr);
    let items: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let results: Vec<_> = items
        .as_array()
        .expect("a list")
        .iter()
        .map(|i| &i["result"])
        .collect();
    assert_eq!(results, ["failed", "created"]);
    assert_eq!(
        outcome.stderr.matches("error:").count(),
        1,
        "{}",
        outcome.stderr
    );
}

pub(crate) fn nothing_is_destroyed_without_a_yes(cluster: &Cluster) {
    create(cluster, "error-ask", 1);
    produce(cluster, "error-ask", "a\n");
    for line in [
        "topic delete error-ask",
        "topic trim error-ask --before end",
    ] {
        let stderr = run(cluster, line).fails(5);
        assert!(stderr.contains("--yes"), "{line}: {stderr}");
    }
    assert_eq!(consume(cluster, "error-ask"), "a\n");
}

pub(crate) fn an_event_too_large_is_named_by_its_line(cluster: &Cluster) {
    run(
        cluster,
        "topic create error-large -p 1 -c max.message.bytes=1000",
    )
    .ok();
    let large = "x".repeat(2000);
    let input = format!("small\n{large}\nsmall too\n");
    let outcome = Kcli::new(cluster)
        .args(["produce", "error-large"])
        .input(input)
        .run();
    let stderr = outcome.fails(1);
    assert!(stderr.contains("standard input, line 2"), "{stderr}");
    assert!(stderr.contains("MESSAGE_TOO_LARGE (10)"), "{stderr}");
    assert!(stderr.contains("max.message.bytes"), "{stderr}");
    assert!(
        stderr.contains("2 events written to error-large, 1 failed"),
        "{stderr}"
    );
    assert_eq!(consume(cluster, "error-large"), "small\nsmall too\n");

    let huge = "x".repeat(2_000_000);
    let stderr = Kcli::new(cluster)
        .args(["produce", "error-large"])
        .input(huge)
        .run()
        .fails(1);
    assert!(
        stderr.contains("line 1") && stderr.contains("max.request.size"),
        "{stderr}"
    );
}
