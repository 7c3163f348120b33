//! Order, size and speed.

use std::io::Write as _;
use std::process::Stdio;

use crate::kcli::{Kcli, consume, create, kcli, run};
use crate::target::{Cluster, pause};

pub(crate) fn many_small_batches_stay_in_order(cluster: &Cluster) {
    create(cluster, "order", 1);
    let lines: String = (0..5000).map(|i| format!("{i}\n")).collect();
    let words = [
        "produce",
        "order",
        "-X",
        "batch.size=200",
        "-X",
        "linger.ms=0",
    ];
    Kcli::new(cluster).args(words).input(&lines).run().ok();
    assert_eq!(consume(cluster, "order"), lines);
}

pub(crate) fn written_events_survive_a_killed_broker_once_and_in_order(mut cluster: Cluster) {
    create(&cluster, "survive", 1);
    let lines: String = (0..6000).map(|i| format!("{i}\n")).collect();
    let words = [
        "produce",
        "survive",
        "--rate",
        "2000",
        "-X",
        "batch.size=500",
    ];
    let mut command = Kcli::new(&cluster).args(words).into_command();
    let mut child = command.stdin(Stdio::piped()).spawn().expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(lines.as_bytes()).expect("writes");
    drop(stdin);
    // In the middle of three seconds of writing.
    (0..12).for_each(|_| pause());
    cluster.kill_and_restart();
    let output = child.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("6000 events written"), "{stderr}");
    assert_eq!(consume(&cluster, "survive"), lines);
}

pub(crate) fn a_batch_too_large_for_the_topic_is_divided(cluster: &Cluster) {
    run(
        cluster,
        "topic create divide -p 1 -c max.message.bytes=2000",
    )
    .ok();
    let lines: String = (0..300)
        .map(|i| format!("{i} {}\n", "x".repeat(90)))
        .collect();
    let words = [
        "produce",
        "divide",
        "-X",
        "batch.size=30000",
        "-X",
        "linger.ms=50",
    ];
    Kcli::new(cluster).args(words).input(&lines).run().ok();
    assert_eq!(consume(cluster, "divide"), lines);
}

pub(crate) fn large_events_pass(cluster: &Cluster) {
    create(cluster, "large", 2);
    let lines: String = ['a', 'b', 'c', 'd']
        .into_iter()
        .map(|letter| format!("{letter}:{}\n", letter.to_string().repeat(900_000)))
        .collect();
    Kcli::new(cluster)
        .args(["produce", "large", "-K", ":"])
        .input(&lines)
        .run()
        .ok();
    let limits = [
        "-X",
        "max.partition.fetch.bytes=1000",
        "-X",
        "fetch.max.bytes=1000",
    ];
    let words = [
        "consume",
        "large",
        "--from-beginning",
        "-e",
        "-q",
        "-f",
        "%k%V\\n",
    ];
    let read = kcli(cluster, words.into_iter().chain(limits)).ok();
    let mut read: Vec<_> = read.lines().collect();
    read.sort_unstable();
    assert_eq!(read, ["a900000", "b900000", "c900000", "d900000"]);
}

pub(crate) fn perf_measures_both_ways(cluster: &Cluster) {
    create(cluster, "perf", 3);
    let written = run(
        cluster,
        "perf produce perf -n 3000 --size 200 -z lz4 -o json",
    )
    .json();
    assert_eq!(
        (written["events"].as_u64(), written["failed"].as_u64()),
        (Some(3000), Some(0))
    );
    assert_eq!(written["bytes"], 600_000);
    assert!(
        written["latencyMs"]["p99"].as_f64() > Some(0.0),
        "{written}"
    );
    let read = run(cluster, "perf consume perf -n 3000 -o json").json();
    assert_eq!(
        (read["events"].as_u64(), read["bytes"].as_u64()),
        (Some(3000), Some(600_000))
    );
    let csv = run(cluster, "perf produce perf -n 100 --rate 1000 -o csv").ok();
    assert!(csv.starts_with("TEST,EVENTS,FAILED,SECONDS"), "{csv}");
    assert_eq!(csv.lines().count(), 2);
}
