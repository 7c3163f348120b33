//! Groups: listed, described, reset, deleted; their configs and their records.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::kcli::{Kcli, create, kcli, produce, run};
use crate::target::{Cluster, pause};

/// A group without members that has committed an offset of partition 0.
fn group_at(cluster: &Cluster, group: &str, topic: &str, offset: i64) {
    run(
        cluster,
        &format!("group reset {group} --to {offset} --topics {topic}:0 --yes"),
    )
    .ok();
}

fn committed(cluster: &Cluster, group: &str) -> Value {
    let lag = run(cluster, &format!("group lag {group} -o json")).json();
    lag[0]["partitions"][0]["committed"].clone()
}

pub(crate) fn a_group_is_sent_where_a_word_says(cluster: &Cluster) {
    create(cluster, "group-words", 1);
    produce(cluster, "group-words", "0\n1\n2\n3\n4\n5\n");
    group_at(cluster, "words", "group-words", 3);
    group_at(cluster, "words-other", "group-words", 1);
    for (words, expected) in [
        ("--to start", 0),
        ("--to end", 6),
        ("--to -2", 4),
        ("--to +1", 5),
        ("--to 2", 2),
        ("--to current", 2),
        ("--to @0", 0),
        ("--to @2099-01-01", 6),
        ("--to group:words-other", 1),
        // Kafka's words.
        ("--to-latest --all-topics --execute", 6),
        ("--shift-by -3 --topic group-words:0", 3),
        ("--to-earliest --topic group-words", 0),
        ("--to-offset 4", 4),
        ("--by-duration PT1H", 0),
        ("--to-datetime 2099-01-01T00:00:00.000", 6),
        // The log does not reach there.
        ("--to -100", 0),
        ("--to 100", 6),
    ] {
        run(cluster, &format!("group reset --group words {words} --yes")).ok();
        assert_eq!(committed(cluster, "words"), expected, "{words}");
    }
    let clamped = run(cluster, "group reset words --to +9 --dry-run").ok();
    assert!(
        clamped.contains("15 is not there yet: the log ends at 6"),
        "{clamped}"
    );
    let planned = run(cluster, "group reset words --to -2 --dry-run -o json").json();
    assert_eq!(
        (
            &planned[0]["before"],
            &planned[0]["after"],
            &planned[0]["result"]
        ),
        (&json!(6), &json!(4), &json!("would change"))
    );
    let asked = run(cluster, "group reset words --to start").fails(5);
    assert!(
        asked.contains("reset 1 partition of group words"),
        "{asked}"
    );
    assert!(asked.contains("BEFORE"), "{asked}");
    assert_eq!(committed(cluster, "words"), 6);
    let unknown = run(cluster, "group reset wrods --to start --yes").fails(1);
    assert!(unknown.contains("did you mean words"), "{unknown}");
}

pub(crate) fn offsets_are_kept_in_a_file_as_kafka_writes_it(cluster: &Cluster) {
    create(cluster, "group-file", 2);
    produce(cluster, "group-file -p 0", "a\nb\nc\n");
    produce(cluster, "group-file -p 1", "a\nb\n");
    run(
        cluster,
        "group reset file --to end --topics group-file --yes",
    )
    .ok();
    let exported = run(cluster, "group reset file --to current --export").ok();
    assert_eq!(exported, "group-file,0,3\ngroup-file,1,2\n");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("offsets.csv");
    std::fs::write(&path, &exported).expect("written");
    run(cluster, "group reset file --to start --yes").ok();
    let place = format!("file:{}", path.display());
    let words = [
        "group", "reset", "file", "--to", &place, "--yes", "-o", "json",
    ];
    let changed = kcli(cluster, words).json();
    assert_eq!(
        (&changed[0]["after"], &changed[1]["after"]),
        (&json!(3), &json!(2))
    );
    std::fs::write(&path, "group-file,0\n").expect("written");
    let refused = kcli(cluster, ["group", "reset", "file", "--to", &place]).fails(1);
    assert!(refused.contains("line 1"), "{refused}");
}

pub(crate) fn groups_and_offsets_are_deleted(cluster: &Cluster) {
    create(cluster, "group-gone", 2);
    produce(cluster, "group-gone -p 0", "a\n");
    run(
        cluster,
        "group reset gone --to end --topics group-gone --yes",
    )
    .ok();
    let listed = run(cluster, "group list --state empty -o json").json();
    let all = listed.as_array().expect("a list");
    let group = all
        .iter()
        .find(|group| group["group"] == "gone")
        .expect("it is there");
    assert_eq!(
        (&group["state"], &group["type"]),
        (&json!("Empty"), &json!("classic"))
    );
    let described = run(cluster, "group describe gone -o json").json();
    assert_eq!(described[0]["members"], json!([]));
    assert_eq!(described[0]["partitions"].as_array().map(Vec::len), Some(2));
    let topic = run(
        cluster,
        "topic describe group-gone --section groups -o json",
    )
    .json();
    let reader = &topic[0]["groups"][0];
    assert_eq!(
        (&reader["group"], &reader["lag"]),
        (&json!("gone"), &json!(0))
    );

    run(cluster, "group delete-offsets gone --topic group-gone:1").fails(5);
    let deleted = run(
        cluster,
        "group delete-offsets gone --topic group-gone:1 --yes -o json",
    )
    .json();
    assert_eq!(deleted[0]["result"], "deleted");
    let lag = run(cluster, "group lag gone -o json").json();
    assert_eq!(lag[0]["partitions"].as_array().map(Vec::len), Some(1));
    let none = run(cluster, "group delete-offsets gone --topic other --yes").fails(1);
    assert!(
        none.contains("has committed nothing of topic other"),
        "{none}"
    );

    run(cluster, "group delete gone").fails(5);
    run(cluster, "group delete gone --dry-run").ok();
    let items = run(cluster, "group delete gone gnoe --yes -o json");
    assert_eq!(items.status, 1, "{}", items.stderr);
    let items: Value = serde_json::from_str(&items.stdout).expect("JSON");
    let of = |name| {
        items
            .as_array()
            .expect("a list")
            .iter()
            .find(|item| item["name"] == name)
    };
    assert_eq!(of("gone").expect("an item")["result"], "deleted");
    let refused = &of("gnoe").expect("an item")["error"];
    assert_eq!(refused["kafkaError"], "GROUP_ID_NOT_FOUND");
    run(cluster, "group delete gone --if-exists --yes").ok();
    let unknown = run(cluster, "group describe gone").fails(1);
    assert!(unknown.contains("GROUP_ID_NOT_FOUND (69)"), "{unknown}");
}

pub(crate) fn a_group_has_configs(cluster: &Cluster) {
    let set = "config set group/tuned consumer.heartbeat.interval.ms=6000 -o json";
    assert_eq!(run(cluster, set).json()[0]["after"], "6000");
    let described = run(cluster, "config describe group/tuned -o json").json();
    let all = described.as_array().expect("a list").iter();
    let set: Vec<_> = all
        .filter(|config| config["source"] == "DYNAMIC_GROUP_CONFIG")
        .map(|config| (config["name"].clone(), config["value"].clone()))
        .collect();
    assert_eq!(
        set,
        [(json!("consumer.heartbeat.interval.ms"), json!("6000"))]
    );
    let refused = run(
        cluster,
        "config set group/tuned consumer.session.timeout.mss=1",
    )
    .fails(1);
    assert!(
        refused.contains("did you mean consumer.session.timeout.ms"),
        "{refused}"
    );
    run(
        cluster,
        "config unset group/tuned consumer.heartbeat.interval.ms",
    )
    .ok();
}

pub(crate) fn a_group_with_members_is_left_alone(cluster: &Cluster) {
    create(cluster, "group-live", 2);
    produce(cluster, "group-live -p 0", "a\nb\n");
    run(
        cluster,
        "group reset live --to start --topics group-live --yes",
    )
    .ok();
    let mut member = Member::start(cluster, "live", "group-live");
    let described = run(cluster, "group describe live -o json").json();
    assert_eq!(described[0]["state"], "Stable");
    let one = &described[0]["members"][0];
    assert_eq!(
        one["assignment"].as_array().map(Vec::len),
        Some(2),
        "{described}"
    );
    assert_eq!(described[0]["partitions"][0]["memberId"], one["memberId"]);
    let table = run(cluster, "group describe live --section members").ok();
    assert!(table.contains("group-live:0,1"), "{table}");

    let refused = run(cluster, "group reset live --to start --yes").fails(1);
    assert!(
        refused.contains("has a member that reads (state Stable)"),
        "{refused}"
    );
    let refused = run(cluster, "group delete live --yes").fails(1);
    assert!(refused.contains("NON_EMPTY_GROUP (68)"), "{refused}");
    let refused = run(
        cluster,
        "group delete-offsets live --topic group-live --yes",
    )
    .fails(1);
    assert!(
        refused.contains("GROUP_SUBSCRIBED_TO_TOPIC (86)"),
        "{refused}"
    );

    member.leave();
    assert_eq!(committed(cluster, "live"), 2);
    run(cluster, "group delete live --yes").ok();
}

/// A consumer that runs, killed at the end at the latest.
struct Member(Child);

impl Member {
    /// Starts it and waits until it is given partitions.
    fn start(cluster: &Cluster, group: &str, topic: &str) -> Self {
        let words = ["consume", topic, "--group", group, "-q"];
        let mut command = Kcli::new(cluster).args(words).into_command();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let member = Self(child.expect("it starts"));
        let has_joined = (0..600).any(|_| {
            pause();
            let state = run(cluster, &format!("group describe {group} -o json")).json();
            state[0]["state"] == "Stable" && state[0]["members"][0]["assignment"][0].is_object()
        });
        assert!(has_joined, "it does not join");
        member
    }

    /// Ctrl-C: it commits and leaves.
    fn leave(&mut self) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        self.0.wait().expect("it ends");
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(crate) fn dump_log_reads_what_groups_have_written(cluster: &Cluster) {
    create(cluster, "group-dump", 1);
    produce(cluster, "group-dump", "a\nb\n");
    group_at(cluster, "dump", "group-dump", 2);
    let folders = std::fs::read_dir(&cluster.data_dir).expect("a folder");
    let files: Vec<String> = folders
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains("__consumer_offsets-"))
        .map(|path| path.join("00000000000000000000.log").display().to_string())
        .collect();
    let words = ["debug", "dump-log", "--decode", "offsets", "-o", "json"];
    let files = files.iter().map(String::as_str);
    let batches = kcli(cluster, words.into_iter().chain(files)).json();
    let batches = batches.as_array().expect("a list").iter();
    let mut records = batches.flat_map(|batch| batch["records"].as_array().expect("a list"));
    let found = records
        .find(|record| record["key"]["group"] == "dump")
        .expect("it is there");
    assert_eq!(
        found["key"],
        json!({ "type": "OffsetCommit", "group": "dump", "topic": "group-dump", "partition": 0 })
    );
    assert_eq!(found["value"]["offset"], 2);
    // The same through the broker.
    let line = "consume __consumer_offsets --from-beginning --exit-at-end --decode offsets";
    let read = run(cluster, &format!("{line} -o jsonl --grep k:group-dump")).ok();
    let read: Value = serde_json::from_str(read.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&read["key"], &read["value"]),
        (&found["key"], &found["value"])
    );
    let text = run(cluster, &format!("{line} --grep k:group-dump")).ok();
    assert!(
        text.starts_with("OffsetCommit group=dump topic=group-dump partition=0\toffset=2 "),
        "{text}"
    );
}
