//! Events written and read back.

use serde_json::{Value, json};

use crate::kcli::{Kcli, consume, create, produce, run};
use crate::target::Cluster;

pub(crate) fn a_line_is_an_event(cluster: &Cluster) {
    create(cluster, "event-line", 1);
    let outcome = Kcli::new(cluster)
        .args(["produce", "event-line"])
        .input("verde\nazul\n\nfin")
        .run();
    assert_eq!(outcome.stdout, "", "standard output is for data");
    assert!(
        outcome.stderr.contains("4 events written to event-line"),
        "{}",
        outcome.stderr
    );
    assert_eq!(consume(cluster, "event-line"), "verde\nazul\n\nfin\n");

    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("more.txt");
    std::fs::write(&file, "uno\r\ndos\r\n").expect("writes");
    let file = file.display().to_string();
    Kcli::new(cluster)
        .args(["produce", "event-line", &file])
        .run()
        .ok();
    Kcli::new(cluster)
        .args(["produce", "event-line", "-D", "|"])
        .input("a|b\nc|")
        .run()
        .ok();
    let all = consume(cluster, "event-line");
    assert!(all.ends_with("fin\nuno\ndos\na\nb\nc\n"), "{all}");
}

pub(crate) fn keys_headers_and_nulls_survive(cluster: &Cluster) {
    create(cluster, "event-parts", 1);
    produce(
        cluster,
        "event-parts -K : -H source=test -H n=1 --timestamp 1700000000000",
        "es:Madrid\n",
    );
    produce(cluster, "event-parts -K : -Z", "gone:\n");
    produce(cluster, "event-parts --null-marker NULL -k fixed", "NULL\n");
    produce(
        cluster,
        "event-parts --property parse.key=true --property key.separator==",
        "k=v=w\n",
    );
    let lines = consume(cluster, "event-parts -o jsonl");
    let events: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let first = &events[0];
    assert_eq!(
        (&first["key"], &first["value"]),
        (&json!("es"), &json!("Madrid"))
    );
    assert_eq!(first["timestamp"], 1_700_000_000_000_i64);
    let headers = json!([{"key": "source", "value": "test"}, {"key": "n", "value": "1"}]);
    assert_eq!(first["headers"], headers);
    assert_eq!(
        (&events[1]["key"], &events[1]["value"]),
        (&json!("gone"), &Value::Null)
    );
    assert_eq!(
        (&events[2]["key"], &events[2]["value"]),
        (&json!("fixed"), &Value::Null)
    );
    assert_eq!(
        (&events[3]["key"], &events[3]["value"]),
        (&json!("k"), &json!("v=w"))
    );
    let shown = run(
        cluster,
        "consume event-parts --offset 0:1 --print-key --print-headers --print-timestamp \
         --print-partition --print-offset",
    );
    let expected = "CreateTime:1700000000000\tPartition:0\tOffset:0\tsource:test,n:1\tes\tMadrid\n";
    assert_eq!(shown.ok(), expected);
}

pub(crate) fn every_codec_comes_back(cluster: &Cluster) {
    create(cluster, "event-codec", 1);
    let lines: String = (0..200)
        .map(|i| format!("line {i} of some text that repeats\n"))
        .collect();
    let mut expected = String::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        produce(cluster, &format!("event-codec -z {codec}"), &lines);
        expected.push_str(&lines);
    }
    assert_eq!(consume(cluster, "event-codec"), expected);
}

pub(crate) fn every_kind_of_acks_writes(cluster: &Cluster) {
    create(cluster, "event-acks", 1);
    for acks in ["all", "1", "0"] {
        produce(
            cluster,
            &format!("event-acks --acks {acks}"),
            &format!("{acks}\n"),
        );
    }
    produce(cluster, "event-acks --no-idempotence", "plain\n");
    let read = run(
        cluster,
        "consume event-acks --from-beginning -n 4 --timeout 10s",
    )
    .ok();
    let mut lines: Vec<_> = read.lines().collect();
    // Nobody waited for the event with acks=0, so it may have come later.
    lines.sort_unstable();
    assert_eq!(lines, ["0", "1", "all", "plain"]);
}

pub(crate) fn json_lines_are_the_inverse_of_jsonl(cluster: &Cluster) {
    create(cluster, "event-json-1", 3);
    create(cluster, "event-json-2", 3);
    let input = concat!(
        r#"{"key":"a","value":"texto ñ","headers":{"h":"1"},"partition":2,"timestamp":1700000000000}"#,
        "\n",
        r#"{"key":null,"value":"AP8=","valueEncoding":"base64","partition":0}"#,
        "\n",
        r#"{"key":"k","value":{"b":[1,2]},"partition":1}"#,
        "\n"
    );
    produce(cluster, "event-json-1 --json-lines", input);
    let first = consume(cluster, "event-json-1 -o jsonl");
    produce(cluster, "event-json-2 --json-lines", &first);
    let second = consume(cluster, "event-json-2 -o jsonl").replace("event-json-2", "event-json-1");
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(ToOwned::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(sorted(&first), sorted(&second));
    assert_eq!(first.lines().count(), 3);
    assert!(
        first.contains(r#""value":"AP8=","valueEncoding":"base64""#),
        "{first}"
    );
    let bad = Kcli::new(cluster)
        .args(["produce", "event-json-1", "--json-lines"])
        .input("{}\nx\n");
    let stderr = bad.run().fails(1);
    assert!(stderr.contains("line 2: no JSON"), "{stderr}");
}

pub(crate) fn a_key_goes_where_every_kafka_client_sends_it(cluster: &Cluster) {
    create(cluster, "event-keys", 10);
    produce(cluster, "event-keys -K :", "21:x\nfoobar:x\nabc:x\n");
    let read = consume(cluster, "event-keys -o csv --no-header");
    let mut found: Vec<(String, i64)> = Vec::new();
    for line in read.lines() {
        let fields: Vec<_> = line.split(',').collect();
        found.push((fields[4].to_owned(), fields[1].parse().expect("a number")));
    }
    found.sort();
    // murmur2 of Kafka's own test vectors, without the sign, modulo ten.
    let partition = |hash: i32| i64::from(hash & 0x7fff_ffff) % 10;
    let expected = [
        ("21".to_owned(), partition(-973_932_308)),
        ("abc".to_owned(), partition(479_470_107)),
        ("foobar".to_owned(), partition(-790_332_482)),
    ];
    assert_eq!(found, expected);
}

pub(crate) fn offsets_are_printed_in_order(cluster: &Cluster) {
    create(cluster, "event-offsets", 1);
    let call = || Kcli::new(cluster).args(["produce", "event-offsets", "--print-offsets"]);
    assert_eq!(call().input("a\nb\n").run().ok(), "0\t0\n0\t1\n");
    let json = call().args(["-o", "json"]).input("c\n").run().json();
    assert_eq!(json, json!([{"partition": 0, "offset": 2}]));
}

pub(crate) fn a_summary_is_an_object(cluster: &Cluster) {
    create(cluster, "summary", 1);
    let call = Kcli::new(cluster).args(["produce", "summary", "-o", "json"]);
    let summary = call.input("one\ntwo\n").run().json();
    assert_eq!(
        (summary["events"].as_u64(), summary["failed"].as_u64()),
        (Some(2), Some(0))
    );
    assert_eq!(
        (summary["topic"].as_str(), summary["bytes"].as_u64()),
        (Some("summary"), Some(6))
    );
}
