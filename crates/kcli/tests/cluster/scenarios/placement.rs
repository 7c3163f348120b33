//! Where replicas and leaders are, and moving them.

use serde_json::{Value, json};

use crate::kcli::{consume, produce, run};
use crate::target::{Cluster, Kind};

/// Numbers of a JSON list.
fn ids(list: &Value) -> Vec<i64> {
    let ids = list.as_array().into_iter().flatten();
    ids.filter_map(Value::as_i64).collect()
}

fn sorted(list: &Value) -> Vec<i64> {
    let mut ids = ids(list);
    ids.sort_unstable();
    ids
}

fn partitions(cluster: &Cluster, topic: &str) -> Vec<Value> {
    let listed = run(cluster, &format!("partition list {topic} -o json")).json();
    listed.as_array().cloned().expect("a list")
}

pub(crate) fn three_replicas_lie_on_three_brokers_and_four_do_not_fit(cluster: &mut Cluster) {
    let line = "topic create spread -p 6 -r 3 -c min.insync.replicas=2";
    run(cluster, line).ok();
    let described = run(cluster, "topic describe spread -o json").json();
    let partitions = described[0]["partitions"].as_array().expect("partitions");
    assert_eq!(partitions.len(), 6);
    for partition in partitions {
        assert_eq!(sorted(&partition["replicas"]), [1, 2, 3], "{partition}");
        assert_eq!(
            sorted(&partition["inSyncReplicas"]),
            [1, 2, 3],
            "{partition}"
        );
        assert_eq!(partition["state"], "ok");
        assert_eq!(partition["offlineReplicas"], json!([]));
    }
    for leader in 1..=3 {
        let led = partitions.iter().filter(|p| p["leader"] == leader).count();
        assert_eq!(led, 2, "broker {leader}: {partitions:?}");
    }
    let refused = run(cluster, "topic create four -p 1 -r 4").fails(1);
    assert!(
        refused.contains("INVALID_REPLICATION_FACTOR (38)"),
        "{refused}"
    );
    assert!(
        refused.contains("asked for 4, 3 brokers are alive"),
        "{refused}"
    );
}

pub(crate) fn a_partition_moves_with_its_events(cluster: &mut Cluster) {
    run(cluster, "topic create moving --replica-assignment 1:2").ok();
    let lines: String = (0..20_000).map(|i| format!("event {i}\n")).collect();
    produce(cluster, "moving", &lines);
    let planned = run(cluster, "partition move moving/0 3,1 --dry-run -o json").json();
    assert_eq!(
        (ids(&planned[0]["adding"]), ids(&planned[0]["removing"])),
        (vec![3], vec![2])
    );
    let moved = run(
        cluster,
        "partition move moving/0 3,1 --throttle 50MB/s -o json",
    )
    .json();
    assert_eq!(moved[0]["result"], "moved", "{moved}");
    let now = &partitions(cluster, "moving")[0];
    assert_eq!(ids(&now["replicas"]), [3, 1]);
    assert_eq!(sorted(&now["inSyncReplicas"]), [1, 3]);
    assert_eq!(consume(cluster, "moving"), lines);
    let again = run(cluster, "partition move moving/0 3,1 -o json").json();
    assert_eq!(again[0]["result"], "is there");
    // Nothing is left behind.
    assert_eq!(run(cluster, "partition status -o json").json(), json!([]));
    assert_eq!(
        run(cluster, "partition unthrottle -o json").json(),
        json!([])
    );
    let cancelled = run(cluster, "partition cancel moving/0").fails(1);
    assert!(
        cancelled.contains("NO_REASSIGNMENT_IN_PROGRESS (85)"),
        "{cancelled}"
    );
    let stranger = run(cluster, "partition move moving/0 1,9").fails(1);
    assert!(stranger.contains("there is no broker 9"), "{stranger}");
}

pub(crate) fn leadership_is_handed_over_and_given_back(cluster: &mut Cluster) {
    run(
        cluster,
        "topic create handing --replica-assignment 1:2:3,2:3:1",
    )
    .ok();
    let done = run(cluster, "partition transfer handing/0 --to 3 -o json").json();
    assert_eq!(done[0]["result"], "transferred", "{done}");
    let now = partitions(cluster, "handing");
    assert_eq!(
        (now[0]["leader"].as_i64(), ids(&now[0]["replicas"])),
        (Some(3), vec![3, 1, 2])
    );
    assert_eq!(now[1]["leader"], 2);
    let again = run(cluster, "partition transfer handing/0 --to 3 -o json").json();
    assert_eq!(again[0]["result"], "leads already");
    run(cluster, "topic create pair --replica-assignment 1:2").ok();
    let refused = run(cluster, "partition transfer pair/0 --to 3").fails(1);
    assert!(
        refused.contains("broker 3 has no replica of it (they are on 1,2)"),
        "{refused}"
    );
    // A new order alone elects nobody; that is what elect-preferred is for.
    run(cluster, "partition move handing/1 1,2,3").ok();
    run(cluster, "partition elect-preferred handing/1").ok();
    assert_eq!(partitions(cluster, "handing")[1]["leader"], 1);
    let needless = run(cluster, "partition elect-preferred handing/1 -o json").json();
    assert_eq!(needless[0]["result"], "not needed", "{needless}");
}

pub(crate) fn a_lopsided_topic_is_spread(cluster: &mut Cluster) {
    let all = "1:2,1:2,1:2,1:2,1:2,1:2";
    run(
        cluster,
        &format!("topic create lopsided --replica-assignment {all}"),
    )
    .ok();
    produce(cluster, "lopsided", &"x\n".repeat(600));
    let refused = run(cluster, "partition rebalance lopsided").fails(5);
    assert!(
        refused.contains("change 6 partitions, copying 4 replicas"),
        "{refused}"
    );
    let plan = run(cluster, "partition rebalance lopsided --plan -o json").json();
    let copies = plan
        .as_array()
        .expect("a plan")
        .iter()
        .map(|c| ids(&c["adding"]).len());
    assert_eq!(copies.sum::<usize>(), 4, "{plan}");
    run(cluster, "partition rebalance lopsided -y").ok();
    let now = partitions(cluster, "lopsided");
    for id in 1..=3_i64 {
        let has = now
            .iter()
            .filter(|p| ids(&p["replicas"]).contains(&id))
            .count();
        let leads = now.iter().filter(|p| p["leader"] == id).count();
        assert_eq!((has, leads), (4, 2), "broker {id}: {now:?}");
    }
    assert_eq!(consume(cluster, "lopsided").len(), 1200);
    let again = run(cluster, "partition rebalance lopsided --plan -o json").json();
    assert_eq!(again, json!([]));
}

pub(crate) fn a_drained_broker_leads_nothing(cluster: &mut Cluster) {
    run(cluster, "topic create drained -p 6 -r 3").ok();
    let drain = run(cluster, "broker drain 2 -o json");
    if cluster.kind == Kind::ApacheKafka {
        let refused = drain.fails(1);
        assert!(
            refused.contains("this cluster cannot drain broker 2"),
            "{refused}"
        );
        return;
    }
    assert_eq!(drain.json()[0]["result"], "drained");
    let led = run(cluster, "partition list --leader 2 -o json").json();
    let stays = led.as_array().expect("a list").iter();
    // What has its only replica in sync there stays there.
    assert!(stays.clone().all(|p| p["topic"] != "drained"), "{led}");
    let brokers = run(cluster, "broker list -o json").json();
    assert_eq!(brokers[1]["isDraining"], true, "{brokers}");
    produce(cluster, "drained", "a\nb\n");
    run(cluster, "broker resume 2 --elect").ok();
    let leads = partitions(cluster, "drained")
        .iter()
        .filter(|p| p["leader"] == 2)
        .count();
    assert_eq!(leads, 2);
}

pub(crate) fn any_broker_describes_the_quorum(cluster: &mut Cluster) {
    for id in 1..=3 {
        let address = cluster.address(id);
        let status = run(cluster, &format!("quorum status -o json -b {address}")).json();
        assert_eq!(sorted(&status["voters"]), [1, 2, 3], "{status}");
        assert_eq!(status["mayFail"], 1);
        assert!(
            status["leader"]
                .as_i64()
                .is_some_and(|leader| (1..=3).contains(&leader))
        );
        let voters = run(cluster, &format!("quorum voters -o json -b {address}")).json();
        let leaders = voters.as_array().expect("voters").iter();
        assert_eq!(
            leaders.filter(|voter| voter["isLeader"] == true).count(),
            1,
            "{voters}"
        );
        // Any broker takes orders, too.
        run(
            cluster,
            &format!("topic create by-{id} -p 3 -r 3 -b {address}"),
        )
        .ok();
    }
    let refused = run(cluster, "quorum remove-voter 9 -y").fails(1);
    assert!(refused.contains("node 9 is no voter"), "{refused}");
}

pub(crate) fn a_voter_leaves_and_returns(cluster: &mut Cluster) {
    if cluster.kind == Kind::ApacheKafka {
        let refused = run(cluster, "quorum remove-voter 3 -y").fails(1);
        assert!(refused.contains("fixed in its configuration"), "{refused}");
        return;
    }
    let refused = run(cluster, "quorum remove-voter 3").fails(5);
    assert!(
        refused.contains("2 voters are left and 0 may fail"),
        "{refused}"
    );
    run(cluster, "quorum remove-voter 3 -y").ok();
    let voters = run(cluster, "quorum status -o json").json();
    assert_eq!(sorted(&voters["voters"]), [1, 2], "{voters}");
    run(cluster, "quorum add-voter 3").ok();
    run(cluster, "quorum remove-voter 3 -y").ok();
    let endpoint = cluster.controller_address(3);
    run(
        cluster,
        &format!("quorum add-voter 3 --endpoint {endpoint}"),
    )
    .ok();
    let voters = run(cluster, "quorum status -o json").json();
    assert_eq!(sorted(&voters["voters"]), [1, 2, 3], "{voters}");
    run(cluster, "topic create by-three-voters -p 1 -r 3").ok();
}

pub(crate) fn the_doctor_finds_what_will_hurt(cluster: &mut Cluster) {
    run(cluster, "topic create alone -p 1 -r 1").ok();
    run(
        cluster,
        "topic create stiff -p 1 -r 3 -c min.insync.replicas=3",
    )
    .ok();
    let throttled = "follower.replication.throttled.replicas=0:1";
    run(cluster, &format!("config set topic/stiff {throttled}")).ok();
    let found = run(cluster, "cluster doctor -o json").json();
    let finding = |check: &str, text: &str| {
        let all = found.as_array().expect("findings").iter();
        let mut own = all.filter(|f| f["check"] == check);
        own.any(|f| {
            f["verdict"] == "warn" && f["finding"].as_str().is_some_and(|t| t.contains(text))
        })
    };
    assert!(finding("replication factor", "alone"), "{found}");
    assert!(finding("min.insync.replicas", "stiff"), "{found}");
    assert!(finding("throttles", "1 topics throttle"), "{found}");
    let verdict = |check: &str| {
        let mut all = found.as_array().expect("findings").iter();
        all.find(|f| f["check"] == check)
            .map(|f| f["verdict"].clone())
    };
    assert_eq!(verdict("voters"), Some(json!("ok")), "{found}");
    assert_eq!(
        verdict("advertised listeners"),
        Some(json!("ok")),
        "{found}"
    );
    assert_eq!(verdict("racks"), Some(json!("ok")), "{found}");
    run(cluster, "partition unthrottle").ok();
    assert_eq!(
        run(cluster, "partition unthrottle -o json").json(),
        json!([])
    );
    run(cluster, "topic delete alone stiff -y").ok();
}
