//! Brokers that die, and what goes on meanwhile.

use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::kcli::{Kcli, consume, run, timed};
use crate::target::{Cluster, Kind, pause};

/// Events of one run, and how many a second.
const EVENTS: usize = 6000;
const RATE: usize = 1000;

pub(crate) fn a_killed_broker_shows_until_it_is_back(cluster: &mut Cluster) {
    run(
        cluster,
        "topic create shows -p 3 -r 3 -c min.insync.replicas=2",
    )
    .ok();
    cluster.kill(3);
    let fenced = wait_for(|| {
        let health = run(cluster, "cluster health -o json");
        let json: serde_json::Value = serde_json::from_str(&health.stdout).unwrap_or_default();
        (json["brokersFenced"] == json!([3])).then_some((health.status, json))
    });
    let (status, health) = fenced.expect("the broker is fenced in time");
    assert_eq!(status, 10);
    let reasons = health["reasons"].as_array().expect("reasons");
    let has = |code: &str| reasons.iter().any(|reason| reason["code"] == code);
    assert!(
        has("brokerFenced") && has("partitionUnderReplicated"),
        "{health}"
    );
    assert_eq!(health["offlinePartitions"], 0, "{health}");
    let shown = run(cluster, "topic describe shows --under-replicated -o json").json();
    let partitions = shown[0]["partitions"].as_array().expect("partitions");
    assert_eq!(partitions.len(), 3, "{shown}");
    for partition in partitions {
        assert_eq!(partition["offlineReplicas"], json!([3]), "{shown}");
        assert_eq!(partition["state"], "atMinIsr");
        assert_ne!(partition["leader"], 3);
    }
    let at_min = run(
        cluster,
        "topic describe shows --at-min-isr-partitions -o csv",
    )
    .ok();
    assert_eq!(at_min.lines().count(), 4, "{at_min}");
    assert_eq!(
        run(cluster, "topic describe --unavailable -o json").json(),
        json!([])
    );
    let refused = run(cluster, "topic create too-many -p 1 -r 4").fails(1);
    assert!(
        refused.contains("asked for 4, 2 brokers are alive (1 is fenced: broker 3)"),
        "{refused}"
    );
    cluster.restart(3);
    run(cluster, "cluster health --wait 60s").ok();
}

pub(crate) fn writing_and_reading_go_on_through_a_killed_leader(cluster: &mut Cluster) {
    run(
        cluster,
        "topic create goes-on --replica-assignment 2:1:3 -c min.insync.replicas=2",
    )
    .ok();
    let reader = start_reader(cluster, "goes-on");
    let (took, (writer, lines)) = timed(|| {
        let (writer, lines) = start_writer(cluster, "goes-on");
        (0..15).for_each(|_| pause());
        cluster.kill(2);
        (finish(writer), lines)
    });
    assert!(
        writer.contains(&format!("{EVENTS} events written")),
        "{writer}"
    );
    // What it takes to write them all, and what it takes until the broker is missed.
    let allowed = match cluster.kind {
        Kind::ApacheKafka => Duration::from_secs(25),
        Kind::Raudal => Duration::from_secs(12),
    };
    assert!(took < allowed, "{took:?}");
    let output = reader.wait_with_output().expect("the reader ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        lines,
        "read while it happened"
    );
    assert_eq!(consume(cluster, "goes-on"), lines, "read afterwards");
}

/// It keeps its connections and says nothing any more.
pub(crate) fn a_stopped_leader_is_left_for_the_next_one(cluster: &mut Cluster) {
    run(
        cluster,
        "topic create hangs --replica-assignment 3:1:2 -c min.insync.replicas=2",
    )
    .ok();
    let reader = start_reader(cluster, "hangs");
    let (writer, lines) = start_writer(cluster, "hangs");
    (0..15).for_each(|_| pause());
    cluster.signal(3, "-STOP");
    let told = finish(writer);
    let output = reader.wait_with_output().expect("the reader ends");
    cluster.signal(3, "-CONT");
    assert!(told.contains(&format!("{EVENTS} events written")), "{told}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        lines,
        "read while it happened"
    );
    run(cluster, "cluster health --wait 60s").ok();
    assert_eq!(consume(cluster, "hangs"), lines, "read afterwards");
}

fn start_reader(cluster: &Cluster, topic: &str) -> Child {
    let (count, words) = (
        EVENTS.to_string(),
        ["consume", topic, "--from-beginning", "-q", "-n"],
    );
    let call = Kcli::new(cluster)
        .args(words)
        .args([count.as_str(), "--timeout", "40s"]);
    call.into_command()
        .stdin(Stdio::null())
        .spawn()
        .expect("starts")
}

fn start_writer(cluster: &Cluster, topic: &str) -> (Child, String) {
    let lines: String = (0..EVENTS).map(|i| format!("{i}\n")).collect();
    let rate = RATE.to_string();
    let words = ["produce", topic, "--rate", &rate, "-X", "batch.size=500"];
    let mut command = Kcli::new(cluster).args(words).into_command();
    let mut child = command.stdin(Stdio::piped()).spawn().expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(lines.as_bytes()).expect("writes");
    (child, lines)
}

/// What it says at its end, which is a good one.
fn finish(writer: Child) -> String {
    let output = writer.wait_with_output().expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    stderr
}

/// Looks for half a minute.
fn wait_for<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    (0..60).find_map(|_| {
        let found = look();
        if found.is_none() {
            pause();
        }
        found
    })
}
