use metadata::v1::Restart;
use metadata::{MetadataRecord, SupportedLevels};
use protocol::Str;
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use rpc::{HeartbeatAnswer, HeartbeatState, Registration};
use types::{BrokerEpoch, DirectoryId, NodeId, Uuid};

use crate::decide::testing::{Cluster, registration, restarted};
use crate::decide::{
    HeartbeatRefusal, Registered, RegistrationRefusal, create_topics, fence, heartbeat,
    register_broker, unregister_broker,
};

const ONE: NodeId = NodeId(1);

fn state(metadata_offset: i64) -> HeartbeatState {
    HeartbeatState {
        metadata_offset,
        want_fence: false,
        want_shutdown: false,
        offline_log_dirs: Vec::new(),
        image_hash: None,
    }
}

fn create(cluster: &mut Cluster, name: &str, replication_factor: i16) {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Str::from(name),
            num_partitions: 1,
            replication_factor,
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    };
    let (image, settings) = (&cluster.image, &cluster.settings);
    let decision = create_topics(image, settings, &mut cluster.random, &request);
    cluster.commit(&decision.records);
}

fn leader(cluster: &Cluster, topic: &str) -> Option<NodeId> {
    let topic = cluster.image.topic(topic).expect("it exists");
    topic.partition(0).expect("it exists").leader
}

#[test]
fn a_broker_starts_fenced_and_is_unfenced_once_it_has_seen_its_registration() {
    let mut cluster = Cluster::empty();
    let decision = register_broker(&cluster.image, &registration(1), false).expect("new");
    assert_eq!(decision.response, Registered::AtCommit);
    cluster.commit(&decision.records);
    let epoch = cluster.epoch(ONE);
    assert_eq!(epoch, BrokerEpoch(cluster.image.offset()));
    assert!(!cluster.image.is_live(ONE));

    let behind = heartbeat(&cluster.image, ONE, epoch, &state(epoch.0 - 1)).expect("registered");
    assert_eq!(behind.records, []);
    let fenced = HeartbeatAnswer {
        fenced: true,
        should_shutdown: false,
        caught_up: false,
        proven_offset: None,
    };
    assert_eq!(behind.response, fenced);

    let level = heartbeat(&cluster.image, ONE, epoch, &state(epoch.0)).expect("registered");
    assert_eq!(
        level.response,
        HeartbeatAnswer {
            fenced: false,
            should_shutdown: false,
            caught_up: true,
            proven_offset: None,
        }
    );
    cluster.commit(&level.records);
    assert!(cluster.image.is_live(ONE));
    let again = heartbeat(&cluster.image, ONE, epoch, &state(epoch.0)).expect("registered");
    assert_eq!(again.records, []);
}

#[test]
fn heartbeats_count_for_one_registration_only() {
    let cluster = Cluster::of(1);
    let beat = |id, epoch| heartbeat(&cluster.image, NodeId(id), BrokerEpoch(epoch), &state(99));
    assert_eq!(beat(7, 1), Err(HeartbeatRefusal::NotRegistered(NodeId(7))));
    assert_eq!(
        beat(1, 0),
        Err(HeartbeatRefusal::StaleEpoch {
            current: cluster.epoch(ONE),
            given: BrokerEpoch(0)
        })
    );
}

#[test]
fn a_broker_may_ask_to_be_fenced() {
    let mut cluster = Cluster::of(1);
    cluster.beat(ONE, |state| state.want_fence = true);
    assert!(!cluster.image.is_live(ONE));
    // And stays fenced as long as it asks.
    cluster.beat(ONE, |state| state.want_fence = true);
    assert!(!cluster.image.is_live(ONE));
    cluster.beat(ONE, |_state| {});
    assert!(cluster.image.is_live(ONE));
}

#[test]
fn a_stopping_broker_hands_its_partitions_over_first() {
    let mut cluster = Cluster::of(2);
    create(&mut cluster, "t", 2);
    let stopping = leader(&cluster, "t").expect("a leader");
    let other = NodeId(3 - stopping.0);
    let want = HeartbeatState {
        want_shutdown: true,
        ..state(cluster.image.offset())
    };
    let epoch = cluster.epoch(stopping);
    let first = heartbeat(&cluster.image, stopping, epoch, &want).expect("registered");
    assert!(!first.response.should_shutdown);
    cluster.commit(&first.records);
    assert_eq!(leader(&cluster, "t"), Some(other));
    let second = heartbeat(&cluster.image, stopping, epoch, &want).expect("registered");
    assert_eq!(second.records, []);
    assert!(second.response.should_shutdown);
    assert!(!second.response.fenced);
}

#[test]
fn a_broker_that_leads_nothing_may_stop_at_once() {
    let mut cluster = Cluster::of(2);
    create(&mut cluster, "t", 1);
    let idle = NodeId(3 - leader(&cluster, "t").expect("a leader").0);
    let want = HeartbeatState {
        want_shutdown: true,
        ..state(cluster.image.offset())
    };
    let answer = heartbeat(&cluster.image, idle, cluster.epoch(idle), &want).expect("registered");
    assert!(answer.response.should_shutdown);
    assert_eq!(answer.records.len(), 1);
}

#[test]
fn the_last_broker_may_stop_too() {
    let mut cluster = Cluster::of(1);
    create(&mut cluster, "t", 1);
    let want = HeartbeatState {
        want_shutdown: true,
        ..state(cluster.image.offset())
    };
    let answer = heartbeat(&cluster.image, ONE, cluster.epoch(ONE), &want).expect("registered");
    // Nobody takes over, so nobody has to hear of it first.
    assert!(answer.response.should_shutdown);
    cluster.commit(&answer.records);
    assert_eq!(leader(&cluster, "t"), None);
    // It comes back and leads what it led.
    let epoch = cluster.epoch(ONE);
    cluster.join(&restarted(1, epoch, Restart::Clean));
    assert_eq!(leader(&cluster, "t"), Some(ONE));
}

#[test]
fn a_fenced_broker_may_stop_at_once() {
    let mut cluster = Cluster::of(1);
    cluster.fence(1);
    let want = HeartbeatState {
        want_shutdown: true,
        ..state(cluster.image.offset())
    };
    let answer = heartbeat(&cluster.image, ONE, cluster.epoch(ONE), &want).expect("registered");
    assert_eq!(answer.records, []);
    assert!(answer.response.should_shutdown && answer.response.fenced);
}

#[test]
fn fencing_takes_one_record_however_many_partitions_follow() {
    let mut cluster = Cluster::of(3);
    for i in 0..20 {
        create(&mut cluster, &format!("t{i}"), 3);
    }
    let decision = fence(&cluster.image, ONE, cluster.epoch(ONE)).expect("registered");
    assert_eq!(decision.records.len(), 1);
    cluster.commit(&decision.records);
    assert!((0..20).all(|i| leader(&cluster, &format!("t{i}")) != Some(ONE)));
    let again = fence(&cluster.image, ONE, cluster.epoch(ONE)).expect("registered");
    assert_eq!(again.records, []);
}

#[test]
fn a_second_process_waits_until_the_first_is_gone() {
    let mut cluster = Cluster::of(1);
    let epoch = cluster.epoch(ONE);
    let second = restarted(1, epoch, Restart::Clean);
    assert_eq!(
        register_broker(&cluster.image, &second, true),
        Err(RegistrationRefusal::Duplicate)
    );
    assert!(register_broker(&cluster.image, &second, false).is_ok());
    // One that has said that it is stopping does not stand in the way.
    cluster.beat(ONE, |state| state.want_shutdown = true);
    assert!(register_broker(&cluster.image, &second, true).is_ok());
}

#[test]
fn the_same_process_keeps_its_epoch_when_it_registers_again() {
    let mut cluster = Cluster::of(1);
    let epoch = cluster.epoch(ONE);
    let same = register_broker(&cluster.image, &registration(1), true).expect("the same");
    assert_eq!(same.response, Registered::Already(epoch));
    assert_eq!(same.records, []);
    let mut moved = registration(1);
    moved.rack = Some("b".to_owned());
    let moved = register_broker(&cluster.image, &moved, true).expect("the same");
    assert_eq!(moved.response, Registered::Already(epoch));
    cluster.commit(&moved.records);
    let broker = cluster.image.broker(ONE).expect("registered");
    assert_eq!((broker.epoch, broker.rack.as_deref()), (epoch, Some("b")));
    assert!(broker.is_live());
}

fn recorded_restart(records: &[MetadataRecord]) -> Restart {
    let [
        MetadataRecord {
            kind: Some(metadata::Kind::RegisterBroker(body)),
            ..
        },
    ] = records
    else {
        panic!("one registration expected: {records:?}");
    };
    body.restart()
}

#[test]
fn what_a_broker_may_have_lost_is_judged_by_what_the_cluster_knows() {
    let mut cluster = Cluster::of(1);
    let epoch = cluster.epoch(ONE);
    cluster.fence(1);
    let judged = |broker: &Registration| {
        let decision = register_broker(&cluster.image, broker, false).expect("registered");
        recorded_restart(&decision.records)
    };
    assert_eq!(judged(&restarted(1, epoch, Restart::Clean)), Restart::Clean);
    let crashed = restarted(1, BrokerEpoch::NONE, Restart::ProcessCrash);
    assert_eq!(judged(&crashed), Restart::ProcessCrash);
    let lossy = restarted(1, BrokerEpoch::NONE, Restart::Lossy);
    assert_eq!(judged(&lossy), Restart::Lossy);
    // A wiped disk believes that it starts for the first time.
    let wiped = restarted(1, BrokerEpoch::NONE, Restart::Clean);
    assert_eq!(judged(&wiped), Restart::Lossy);
    // A restored backup believes that it was the last to stop.
    let restored = restarted(1, BrokerEpoch(epoch.0 - 1), Restart::Clean);
    assert_eq!(judged(&restored), Restart::Lossy);
    // A broker that was forgotten may still be among the eligible replicas of a partition.
    let forgotten = |broker: &Registration| {
        let decision = register_broker(&Cluster::empty().image, broker, false);
        recorded_restart(&decision.expect("registered").records)
    };
    assert_eq!(forgotten(&registration(1)), Restart::Lossy);
    assert_eq!(forgotten(&crashed), Restart::ProcessCrash);
}

#[test]
fn a_replaced_disk_is_not_taken_for_the_one_that_was_in_sync() {
    let mut cluster = Cluster::of(2);
    cluster.create("t", &[&[1, 2]]);
    cluster.set_min_isr("t", "2");
    cluster.create("only", &[&[1]]);
    let epoch = cluster.epoch(ONE);
    cluster.fence(2);
    cluster.fence(1);
    let two = NodeId(2);
    assert_eq!(cluster.partition("t", 0).elr, [ONE, two]);
    let mut other_disk = restarted(1, epoch, Restart::ProcessCrash);
    other_disk.log_dirs = vec![DirectoryId(Uuid::from_bytes([9; 16]))];
    cluster.join(&other_disk);
    let partition = cluster.partition("t", 0);
    assert_eq!((partition.leader, partition.elr), (None, vec![two]));
    assert_eq!(partition.directories[0], other_disk.log_dirs[0]);
    // Nobody else has what was only there: the partition waits for a person instead of being empty.
    let only = cluster.partition("only", 0);
    assert_eq!((only.leader, only.last_known_elr), (None, vec![ONE]));
}

#[test]
fn registrations_that_do_not_belong_here_are_refused() {
    let cluster = Cluster::empty();
    let refused = |edit: &dyn Fn(&mut Registration)| {
        let mut broker = registration(1);
        edit(&mut broker);
        register_broker(&cluster.image, &broker, false).expect_err("refused")
    };
    assert!(matches!(
        refused(&|broker| broker.cluster_id = Some("other".to_owned())),
        RegistrationRefusal::ClusterId { .. }
    ));
    let mine = |broker: &mut Registration| {
        broker.cluster_id = Some("J7s9e8PPTKOO47PxzI39VA".to_owned());
        broker.listeners.clear();
    };
    assert!(matches!(refused(&mine), RegistrationRefusal::Invalid(_)));
    for edit in [
        (|broker| broker.broker_id = NodeId(-1)) as fn(&mut Registration),
        |broker| broker.incarnation_id = Uuid::ZERO,
        |broker| broker.log_dirs.clear(),
        |broker| broker.log_dirs.push(broker.log_dirs[0]),
    ] {
        assert!(matches!(refused(&edit), RegistrationRefusal::Invalid(_)));
    }
    let without = refused(&|broker| {
        broker.features.remove("metadata.version");
    });
    assert_eq!(
        without.to_string(),
        "Unable to register because the broker does not support finalized version 30 of \
         metadata.version. The broker does not support this feature."
    );
    let old = refused(&|broker| {
        let levels = SupportedLevels { min: 7, max: 29 };
        broker.features.insert("metadata.version".into(), levels);
    });
    assert_eq!(
        old.to_string(),
        "Unable to register because the broker does not support finalized version 30 of \
         metadata.version. The broker wants a version between 7 and 29, inclusive."
    );
}

#[test]
fn a_forgotten_broker_leads_nothing_and_gets_a_later_epoch() {
    let mut cluster = Cluster::of(2);
    create(&mut cluster, "t", 2);
    let gone = leader(&cluster, "t").expect("a leader");
    let epoch = cluster.epoch(gone);
    let decision = unregister_broker(&cluster.image, gone).expect("registered");
    cluster.commit(&decision.records);
    assert_ne!(leader(&cluster, "t"), Some(gone));
    cluster.join(&registration(gone.0));
    assert!(cluster.epoch(gone) > epoch);
    assert_eq!(
        unregister_broker(&cluster.image, NodeId(9)),
        Err(HeartbeatRefusal::NotRegistered(NodeId(9)))
    );
}
