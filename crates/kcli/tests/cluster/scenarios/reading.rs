//! Where reading begins, what is shown, when it ends.

use std::io::{BufRead as _, BufReader};
use std::process::Command;

use serde_json::Value;

use crate::kcli::{Kcli, consume, create, kcli, produce, run};
use crate::target::{Cluster, pause};

pub(crate) fn offset_words_choose_where_to_begin_and_end(cluster: &Cluster) {
    create(cluster, "read-words", 1);
    produce(cluster, "read-words", "0\n1\n2\n3\n4\n5\n");
    let read = |word: &str| {
        run(
            cluster,
            &format!("consume read-words --offset {word} --exit-at-end -q"),
        )
        .ok()
    };
    for (word, expected) in [
        ("start", "012345"),
        ("end", ""),
        ("4", "45"),
        ("99", ""),
        ("-2", "45"),
        ("+4", "45"),
        ("1:3", "12"),
        (":2", "01"),
        ("4:end", "45"),
        ("-3:-1", "34"),
        ("@0", "012345"),
        ("@now", ""),
        ("@-1h..@now", "012345"),
    ] {
        assert_eq!(read(word).replace('\n', ""), expected, "{word}");
    }
    let stderr = run(cluster, "consume read-words -o -2").fails(2);
    assert!(stderr.contains("Did you mean --offset -2?"), "{stderr}");
    let stderr = run(cluster, "consume read-words --offset soon").fails(2);
    assert!(stderr.contains("kcli help offsets"), "{stderr}");
}

pub(crate) fn a_time_finds_its_event(cluster: &Cluster) {
    create(cluster, "read-time", 1);
    for (i, codec) in ["none", "lz4"].into_iter().enumerate() {
        let event = |k: usize| {
            let time = 1_700_000_000_000 + 1000 * (10 * i + k);
            format!("{{\"value\":\"{i}-{k}\",\"timestamp\":{time}}}\n")
        };
        let lines: String = (0..5).map(event).collect();
        produce(
            cluster,
            &format!("read-time --json-lines -z {codec}"),
            &lines,
        );
    }
    let from = |time: &str| {
        run(
            cluster,
            &format!("consume read-time --offset {time} -e -n 1 -q"),
        )
        .ok()
    };
    assert_eq!(from("@1700000002000"), "0-2\n");
    assert_eq!(from("@1700000001500"), "0-2\n");
    assert_eq!(from("@1700000013000"), "1-3\n");
    let found = run(
        cluster,
        "topic offsets read-time --at @1700000012000 -o json",
    )
    .json();
    assert_eq!(found[0]["offset"], 7);
    assert_eq!(found[0]["timestamp"], 1_700_000_012_000_i64);
    let newest = run(
        cluster,
        "topic offsets read-time --at max-timestamp -o json",
    )
    .json();
    assert_eq!(newest[0]["offset"], 9);
    let none = run(cluster, "topic offsets read-time --at @now -o json").json();
    assert_eq!(none[0]["offset"], -1);
}

pub(crate) fn events_are_sifted_and_laid_out(cluster: &Cluster) {
    create(cluster, "read-sift", 1);
    produce(
        cluster,
        "read-sift -K : -H kind=city",
        "es:Madrid\nfr:Paris\nes:Sevilla\n",
    );
    let format = "%t/%p/%o %k=%v %h{[%k=%v]}\\n";
    let read = |extra: &[&str]| {
        let words = [
            "consume",
            "read-sift",
            "--from-beginning",
            "-e",
            "-q",
            "-f",
            format,
        ];
        kcli(cluster, words.into_iter().chain(extra.iter().copied())).ok()
    };
    let expected = "read-sift/0/0 es=Madrid [kind=city]\nread-sift/0/2 es=Sevilla [kind=city]\n";
    assert_eq!(read(&["--grep", "k:^es$"]), expected);
    assert_eq!(
        read(&["--grep", "ari", "--grep", "h:kind=city"])
            .lines()
            .count(),
        1
    );
    let json = run(cluster, "consume read-sift --from-beginning -e -o json").json();
    assert_eq!(json.as_array().map(Vec::len), Some(3));
    let wide = consume(cluster, "read-sift -o wide");
    assert!(
        wide.contains("\tPartition:0\tOffset:1\tkind:city\tfr\tParis\n"),
        "{wide}"
    );
}

pub(crate) fn reading_stops_by_count_and_by_silence(cluster: &Cluster) {
    create(cluster, "read-stop", 1);
    produce(cluster, "read-stop", "a\nb\nc\n");
    let outcome = run(cluster, "consume read-stop --from-beginning -n 2");
    assert_eq!(outcome.stdout, "a\nb\n");
    assert!(
        outcome.stderr.contains("Processed a total of 2 messages"),
        "{}",
        outcome.stderr
    );
    let read = run(
        cluster,
        "consume read-stop --from-beginning --timeout 500ms",
    )
    .ok();
    assert_eq!(read, "a\nb\nc\n");
    assert_eq!(run(cluster, "consume read-stop --timeout-ms 300").ok(), "");
}

pub(crate) fn a_closed_pipe_ends_quietly(cluster: &Cluster) {
    create(cluster, "read-pipe", 1);
    let lines: String = (0..20_000)
        .map(|i| format!("line {i} with some more text\n"))
        .collect();
    produce(cluster, "read-pipe", &lines);
    let call = Kcli::new(cluster).args(["consume", "read-pipe", "--from-beginning", "-e"]);
    let mut child = call.into_command().spawn().expect("starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    stdout.read_line(&mut first).expect("reads");
    drop(stdout);
    let output = child.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(first, "line 0 with some more text\n");
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(!stderr.contains("error"), "{stderr}");
}

pub(crate) fn ctrl_c_says_how_many_were_read(cluster: &Cluster) {
    create(cluster, "read-interrupt", 1);
    produce(cluster, "read-interrupt", "a\nb\n");
    let call = Kcli::new(cluster).args(["consume", "read-interrupt", "--from-beginning"]);
    let mut child = call.into_command().spawn().expect("starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let (mut first, mut second) = (String::new(), String::new());
    stdout.read_line(&mut first).expect("reads");
    stdout.read_line(&mut second).expect("reads");
    assert_eq!((first.as_str(), second.as_str()), ("a\n", "b\n"));
    pause();
    let pid = child.id().to_string();
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill runs");
    let output = child.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(
        stderr.contains("Processed a total of 2 messages"),
        "{stderr}"
    );
}

pub(crate) fn two_topics_are_read_together(cluster: &Cluster) {
    create(cluster, "read-two-a", 2);
    create(cluster, "read-two-b", 2);
    produce(cluster, "read-two-a", "1\n2\n3\n");
    produce(cluster, "read-two-b -p 1", "4\n5\n");
    let read = consume(cluster, "read-two-a read-two-b -o jsonl");
    let mut values: Vec<String> = Vec::new();
    for line in read.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        values.push(event["value"].as_str().expect("text").to_owned());
    }
    values.sort();
    assert_eq!(values, ["1", "2", "3", "4", "5"]);
    let by_name = consume(cluster, "--regex ^read-two- -o csv --no-header");
    assert_eq!(by_name.lines().count(), 5);
    assert_eq!(consume(cluster, "read-two-b -p 0"), "");
}

pub(crate) fn half_a_topic_does_not_pass_for_a_whole_one(cluster: &Cluster) {
    create(cluster, "half", 1);
    produce(cluster, "half", "a\nb\n");
    let line = "consume half --from-beginning --exit-at-end --timeout-ms 0";
    let stopped = run(cluster, line).fails(3);
    assert!(
        stopped.contains("stopped before the end: half-0 was read to 0 of 2"),
        "{stopped}"
    );
}
