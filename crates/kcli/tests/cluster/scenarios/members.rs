//! `kcli consume --group`: several members, in both protocols, and beside a Java consumer where
//! Kafka's jars are at hand.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::kcli::{Kcli, create, produce, run};
use crate::target::{Cluster, pause};

const PROTOCOLS: [&str; 2] = ["classic", "consumer"];
/// Looks until something must have happened: a minute.
const LOOKS: u32 = 600;
/// A session of six seconds, the shortest that brokers take.
const SHORT: &str = "-X session.timeout.ms=6000 -X heartbeat.interval.ms=500 \
                     -X auto.commit.interval.ms=200";

/// A consumer that runs, and what it has printed.
struct Member {
    child: Child,
    printed: PathBuf,
}

impl Member {
    fn start(cluster: &Cluster, dir: &Path, name: &str, line: &str) -> Self {
        let words = ["consume"].into_iter().chain(line.split_whitespace());
        Self::spawn(Kcli::new(cluster).args(words).into_command(), dir, name)
    }

    /// Kafka's console consumer.
    fn java(cluster: &Cluster, libs: &Path, dir: &Path, line: &str) -> Self {
        let mut command = Command::new("java");
        command
            .args(["-Xmx128m", "-cp", &format!("{}/*", libs.display())])
            .arg("org.apache.kafka.tools.consumer.ConsoleConsumer")
            .args(["--bootstrap-server", &cluster.bootstrap])
            .args(line.split_whitespace());
        Self::spawn(command, dir, "java")
    }

    fn spawn(mut command: Command, dir: &Path, name: &str) -> Self {
        let printed = dir.join(name);
        let file = File::create(&printed).expect("a file");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(Stdio::null())
            .spawn();
        Self {
            child: child.expect("it starts"),
            printed,
        }
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.printed).expect("text");
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// Asks it to stop: it commits and leaves.
    fn stop(&mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()));
        self.child.wait().expect("it ends");
    }

    fn kill(&mut self) {
        self.child.kill().expect("it dies");
        self.child.wait().expect("it is dead");
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How often each value was printed, by all of them.
fn counts(members: &[&Member]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in members.iter().flat_map(|member| member.lines()) {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let happened = (0..LOOKS).any(|_| {
        pause();
        is_so()
    });
    assert!(happened, "{what}: not within a minute");
}

/// Waits until so many members have partitions.
#[track_caller]
fn until_settled(cluster: &Cluster, group: &str, member_count: usize) {
    until(&format!("{member_count} members of {group}"), || {
        let described = run(cluster, &format!("group describe {group} -o json"));
        if described.status != 0 {
            return false;
        }
        let described = described.json();
        let members = described[0]["members"].as_array().cloned();
        let with_some = members.unwrap_or_default().into_iter().filter(|member| {
            let assigned = member["assignment"].as_array();
            assigned.is_some_and(|assigned| !assigned.is_empty())
        });
        described[0]["state"] == "Stable" && with_some.count() == member_count
    });
}

fn values(range: std::ops::Range<u32>) -> String {
    range.map(|i| format!("k{i}:v{i}\n")).collect()
}

pub(crate) fn a_group_goes_on_where_it_has_come_to(cluster: &Cluster) {
    create(cluster, "member-goes-on", 1);
    produce(cluster, "member-goes-on", "a\nb\nc\nd\ne\n");
    for protocol in PROTOCOLS {
        let line = |group: &str, more: &str| {
            let flags = format!("--group-protocol {protocol} --from-beginning {more}");
            format!("consume member-goes-on -g {group}-{protocol} {flags}")
        };
        let first = run(cluster, &line("on", "-n 2")).ok();
        assert_eq!(first, "a\nb\n", "{protocol}");
        let second = run(cluster, &line("on", "-e"));
        assert_eq!(second.stderr.trim(), "Processed a total of 3 messages");
        assert_eq!(second.ok(), "c\nd\ne\n", "{protocol}");
        assert_eq!(run(cluster, &line("on", "-e")).ok(), "", "{protocol}");
        let other = run(cluster, &line("other", "--timeout 1s")).ok();
        assert_eq!(other, "a\nb\nc\nd\ne\n", "{protocol}");
    }
}

pub(crate) fn without_a_commit_a_group_begins_again(cluster: &Cluster) {
    create(cluster, "member-commits-not", 1);
    produce(cluster, "member-commits-not", "a\nb\n");
    for protocol in PROTOCOLS {
        let line = format!(
            "consume member-commits-not -g not-{protocol} --group-protocol {protocol} \
             --from-beginning --exit-at-end --commit=false"
        );
        assert_eq!(run(cluster, &line).ok(), "a\nb\n", "{protocol}");
        assert_eq!(run(cluster, &line).ok(), "a\nb\n", "{protocol}");
    }
    let none = "consume member-commits-not -g none --timeout 1s -X auto.offset.reset=none";
    let refused = run(cluster, none).fails(1);
    assert!(
        refused.contains("group none has committed nothing for member-commits-not-0"),
        "{refused}"
    );
}

pub(crate) fn members_share_partitions_and_hand_them_over(cluster: &Cluster) {
    let dir = tempfile::tempdir().expect("a folder");
    let libs = std::env::var_os("KAFKA_LIBS").map(PathBuf::from);
    for (protocol, more, java) in [
        ("classic", "", ""),
        (
            "classic",
            "-X partition.assignment.strategy=cooperative-sticky",
            "--command-property partition.assignment.strategy=\
             org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
        ),
        ("consumer", "", "--command-property group.protocol=consumer"),
    ] {
        let name = format!("share-{protocol}{}", more.len());
        create(cluster, &name, 6);
        let words = format!("{name} -g {name} --group-protocol {protocol} {more} --from-beginning");
        let member =
            |file: &str| Member::start(cluster, dir.path(), &format!("{name}-{file}"), &words);
        let mut first = member("first");
        let mut second = member("second");
        until_settled(cluster, &name, 2);
        produce(cluster, &format!("{name} -K :"), &values(0..300));
        let mut third = match &libs {
            Some(libs) => {
                let words = format!("--topic {name} --group {name} --from-beginning {java}");
                Member::java(cluster, libs, dir.path(), &words)
            }
            None => member("third"),
        };
        until_settled(cluster, &name, 3);
        produce(cluster, &format!("{name} -K :"), &values(300..600));
        first.stop();
        until_settled(cluster, &name, 2);
        produce(cluster, &format!("{name} -K :"), &values(600..900));
        until("all is read", || {
            counts(&[&first, &second, &third]).len() >= 900
        });
        second.stop();
        third.stop();
        let counts = counts(&[&first, &second, &third]);
        assert_eq!(counts.len(), 900, "{name}");
        // Whoever stops in good order has committed what it printed: nothing is read twice.
        let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{name}: {twice:?}");
        for (member, who) in [(&first, "first"), (&second, "second"), (&third, "third")] {
            assert!(!member.lines().is_empty(), "{name}: the {who} read nothing");
        }
    }
}

pub(crate) fn a_killed_member_is_replaced_and_nothing_is_lost(cluster: &Cluster) {
    let dir = tempfile::tempdir().expect("a folder");
    for protocol in PROTOCOLS {
        let name = format!("killed-{protocol}");
        create(cluster, &name, 4);
        if protocol == "consumer" {
            let set = format!(
                "config set group/{name} consumer.session.timeout.ms=6000 \
                 consumer.heartbeat.interval.ms=500 --yes"
            );
            run(cluster, &set).ok();
        }
        let words =
            format!("{name} -g {name} --group-protocol {protocol} {SHORT} --from-beginning");
        let member =
            |file: &str| Member::start(cluster, dir.path(), &format!("{name}-{file}"), &words);
        let mut first = member("first");
        let second = member("second");
        until_settled(cluster, &name, 2);
        produce(cluster, &format!("{name} -K :"), &values(0..200));
        until("the first half is read", || {
            counts(&[&first, &second]).len() >= 200
        });
        first.kill();
        produce(cluster, &format!("{name} -K :"), &values(200..400));
        until("the second half is read", || {
            counts(&[&first, &second]).len() >= 400
        });
    }
}

pub(crate) fn a_static_member_finds_its_partitions_again(cluster: &Cluster) {
    create(cluster, "member-static", 2);
    produce(cluster, "member-static -p 0", "a\nb\nc\n");
    for protocol in PROTOCOLS {
        let line = format!(
            "consume member-static -g static-{protocol} --group-protocol {protocol} \
             --group-instance-id one --from-beginning"
        );
        let first = run(cluster, &format!("{line} -n 1")).ok();
        assert_eq!(first, "a\n", "{protocol}");
        // It is expected back, and is still a member.
        let group = format!("group describe static-{protocol} -o json");
        let described = run(cluster, &group).json();
        let member = &described[0]["members"][0];
        assert_eq!(member["instanceId"], "one", "{described}");
        let second = run(cluster, &format!("{line} --timeout 1s")).ok();
        assert_eq!(second, "b\nc\n", "{protocol}");
    }
}

pub(crate) fn a_pattern_brings_topics_that_come_later(cluster: &Cluster) {
    let dir = tempfile::tempdir().expect("a folder");
    create(cluster, "member-pattern-a", 1);
    produce(cluster, "member-pattern-a", "a\n");
    // In the consumer protocol the coordinator looks for topics, in its own time.
    let line = "--regex ^member-pattern- -g pattern --from-beginning -X metadata.max.age.ms=500";
    let member = Member::start(cluster, dir.path(), "pattern", line);
    until("the first topic is read", || member.lines() == ["a"]);
    create(cluster, "member-pattern-b", 1);
    produce(cluster, "member-pattern-b", "b\n");
    until("the second topic is read", || member.lines() == ["a", "b"]);
}

pub(crate) fn what_a_group_decides_is_not_asked_of_it(cluster: &Cluster) {
    create(cluster, "member-decides", 1);
    let refused = run(cluster, "consume member-decides -g d --offset 3").fails(2);
    assert!(refused.contains("kcli group reset"), "{refused}");
    let refused = run(
        cluster,
        "consume member-decides -g d -X session.timeout.ms=1000",
    )
    .fails(2);
    assert!(refused.contains("heartbeat.interval.ms"), "{refused}");
    let short = "-X session.timeout.ms=1000 -X heartbeat.interval.ms=100";
    let refused = run(cluster, &format!("consume member-decides -g d {short}")).fails(1);
    assert!(
        refused.contains("INVALID_SESSION_TIMEOUT (26)")
            && refused.contains("group.min.session.timeout.ms"),
        "{refused}"
    );
}
