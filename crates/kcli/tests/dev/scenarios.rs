//! What is expected of dev clusters, drills and audits.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use protocol::records::{BatchHeader, crc32c};
use serde_json::Value;

use crate::cluster::Cluster;

/// A test, given the server's binary.
type Scenario = fn(&Path);

/// All of them.
pub(crate) const ALL: &[(&str, Scenario)] = &[
    (
        "ports_that_are_taken_are_named_before_anything_starts",
        taken_ports,
    ),
    ("nodes_die_and_come_back_one_by_one", lifecycle),
    (
        "a_killed_leader_loses_nothing_and_the_report_can_be_verified",
        drill_kill,
    ),
    ("a_drill_asks_first_and_respects_protection", drill_asks),
    (
        "an_audit_finds_the_batch_that_was_changed_on_one_replica",
        audit,
    ),
];

fn taken_ports(binary: &Path) {
    let cluster = Cluster::new(3);
    let second = cluster.base_port() + 1;
    let taken = TcpListener::bind(("127.0.0.1", second)).expect("free");
    let refused = cluster.kcli(&cluster.start_line(binary)).exits(1);
    assert!(
        refused.stderr.contains(&format!("port {second} is in use")),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--base-port"), "{}", refused.stderr);
    drop(taken);
    cluster.kcli("dev status").exits(1);
}

fn lifecycle(binary: &Path) {
    let cluster = Cluster::start(binary, 3);
    let again = cluster.kcli("dev start").ok();
    assert!(again.stderr.contains("up already"), "{}", again.stderr);
    cluster.kcli("dev start --brokers 5").exits(1);
    cluster.kcli("dev kill 9").exits(2);
    cluster.kcli("dev pause 2").ok();
    let paused = cluster.kcli("dev status -o json").exits(10);
    assert_eq!(paused.json()["nodes"][1]["state"], "paused");
    cluster.kcli("dev resume 2").ok();
    cluster.kcli("dev kill 2").ok();
    let killed = cluster.kcli("dev status -o json").exits(10);
    assert_eq!(killed.json()["nodes"][1]["state"], "down");
    cluster.kcli("dev kill 2").exits(1);
    cluster.kcli("dev restart 2 --timeout 120s").ok();
    a_process_that_is_not_ours_is_left_alone(&cluster);
    cluster.kcli("dev wipe").exits(5);
    cluster.kcli("dev stop --timeout 60s").ok();
    cluster.kcli("dev wipe --yes").ok();
    cluster.kcli("dev status").exits(1);
    assert!(!cluster.path("dev").exists_now(), "the folder is gone");
}

/// Its number is in the file, but it was started at another time.
fn a_process_that_is_not_ours_is_left_alone(cluster: &Cluster) {
    let file = cluster.path("dev/cluster.json");
    let text = fs::read_to_string(&file).expect("the state");
    let mut state: Value = serde_json::from_str(&text).expect("JSON");
    let process = &mut state["nodes"][2]["process"];
    let pid = process["pid"].as_u64().expect("a number");
    process["started"] = "1@long-ago".into();
    fs::write(&file, state.to_string()).expect("written");
    let refused = cluster.kcli("dev kill 3").exits(1);
    assert!(
        refused.stderr.contains("down already"),
        "{}",
        refused.stderr
    );
    assert!(Path::new(&format!("/proc/{pid}")).exists_now(), "it lives");
    fs::write(&file, text).expect("written");
}

fn drill_kill(binary: &Path) {
    let cluster = Cluster::start(binary, 3);
    cluster.kcli("topic create t -p 3 -r 3").ok();
    let line = "drill kill --topic t --duration 8s --before 2s --rate 200 --restore --yes -o json \
                --report r.json --report r.html";
    let drill = cluster.kcli(line).ok();
    let report = drill.json();
    let proof = &report["verification"];
    for count in ["lost", "duplicated", "outOfOrder", "moved", "vanished"] {
        assert_eq!(proof[count], 0, "{count}: {report:#}");
    }
    assert!(proof["acknowledged"].as_u64() > Some(500), "{proof}");
    let kinds: Vec<_> = report["timeline"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| event["kind"].as_str().unwrap_or_default())
        .collect();
    for kind in [
        "struck", "fenced", "leader", "firstAck", "restored", "isrFull",
    ] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let page = fs::read_to_string(cluster.path("r.html")).expect("a page");
    assert!(page.contains("<svg") && page.ends_with("</html>\n"));
    cluster.kcli("drill verify r.json").ok();
    // One more is claimed than there ever was.
    let file = cluster.path("r.json");
    let mut claimed: Value =
        serde_json::from_str(&fs::read_to_string(&file).expect("a report")).expect("JSON");
    let ranges = &mut claimed["partitions"][0]["acknowledged"];
    let last = ranges
        .as_array_mut()
        .expect("ranges")
        .last_mut()
        .expect("one");
    last[1] = (last[1].as_u64().expect("a number") + 1).into();
    fs::write(&file, claimed.to_string()).expect("written");
    let lost = cluster.kcli("drill verify r.json").exits(11);
    assert!(lost.stderr.contains("is lost"), "{}", lost.stderr);
}

fn drill_asks(binary: &Path) {
    let cluster = Cluster::start(binary, 1);
    cluster.kcli("topic create t -p 1 -r 1").ok();
    let line = "drill kill --topic t --duration 2s";
    let plan = cluster.kcli(&format!("{line} --dry-run -o json")).ok();
    assert_eq!(
        plan.json()["expected"]["weight"],
        "stops",
        "{}",
        plan.stdout
    );
    let asked = cluster.kcli(line).exits(5);
    assert!(
        asked.stderr.contains("t-0 has one replica"),
        "{}",
        asked.stderr
    );
    cluster
        .kcli_with(&format!("{line} --yes"), &[("KCLI_PROTECTED", "true")])
        .exits(5);
    cluster.kcli(&format!("{line} --method gcloud")).exits(2);
    cluster.kcli(&format!("{line} --report r.txt")).exits(2);
    cluster.kcli("dev status").ok();
}

fn audit(binary: &Path) {
    let cluster = Cluster::start(binary, 3);
    cluster.kcli("topic create t -p 1 -r 3").ok();
    // A drill writes many small batches, and leaves everything as it found it.
    let line =
        "drill kill --topic t --duration 3s --before 1s --rate 100 --target follower --restore";
    cluster.kcli(&format!("{line} --yes")).ok();
    for how in ["", "--deep", "--fetch"] {
        let same = cluster.kcli(&format!("audit t -o json {how}")).ok();
        assert_eq!(same.json()["partitions"][0]["result"], "same", "{how}");
    }
    cluster.kcli("dev stop 3 --timeout 60s").ok();
    let missing = cluster.kcli("audit t").exits(10);
    assert!(
        missing.stderr.contains("broker 3 was not compared"),
        "{}",
        missing.stderr
    );
    let log = cluster.path("dev/node-3/data/t-0/00000000000000000000.log");
    let changed = change_third_batch(&log);
    cluster.kcli("dev restart 3 --timeout 120s").ok();
    cluster.kcli("cluster health --wait 60s").ok();
    for how in ["", "--fetch"] {
        let found = cluster.kcli(&format!("audit t -o json {how}")).exits(11);
        let difference = &found.json()["partitions"][0]["firstDifference"];
        assert_eq!(difference["offset"], changed, "{}", found.stdout);
        assert_eq!(difference["differs"][0], "checksum", "{}", found.stdout);
        assert_eq!(
            difference["versions"][1]["brokers"][0], 3,
            "{}",
            found.stdout
        );
    }
}

/// Changes a byte of a record and makes the checksum fit. Returns the batch's offset.
fn change_third_batch(log: &Path) -> i64 {
    let mut bytes = fs::read(log).expect("a segment");
    let mut start = 0;
    for _ in 0..2 {
        start += BatchHeader::parse(&bytes[start..])
            .expect("a batch")
            .size_in_bytes();
    }
    let header = BatchHeader::parse(&bytes[start..]).expect("a batch");
    let end = start + header.size_in_bytes();
    bytes[end - 5] ^= 1;
    let crc = crc32c(&bytes[start + 21..end]);
    bytes[start + 17..start + 21].copy_from_slice(&crc.to_be_bytes());
    fs::write(log, bytes).expect("written");
    header.base_offset
}

trait ExistsNow {
    fn exists_now(&self) -> bool;
}

impl<T: AsRef<Path>> ExistsNow for T {
    /// Errors of looking count as a failed test.
    fn exists_now(&self) -> bool {
        self.as_ref().try_exists().expect("can be looked at")
    }
}
