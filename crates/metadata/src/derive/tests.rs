use types::{LeaderEpoch, NodeId, PartitionEpoch};

use crate::testing::{
    cluster, config, drain, feature, fenced, first_partition, nodes, partition, register, then,
    topic,
};
use crate::{MetadataImage, MetadataRecord, PartitionRegistration, v1};

/// A topic of one partition on these replicas that needs `min_isr` of them.
fn one_partition(brokers: u8, replicas: &[i32], min_isr: u8) -> MetadataImage {
    let records = [
        topic(1, "t"),
        partition(1, 0, replicas).into(),
        config("t", "min.insync.replicas", Some(&min_isr.to_string())),
    ];
    then(&cluster(brokers), &records)
}

/// What became of the partition after these entries of one record each.
fn after(image: &MetadataImage, entries: &[MetadataRecord]) -> PartitionRegistration {
    let step = |image, record: &MetadataRecord| then(&image, std::slice::from_ref(record));
    first_partition(&entries.iter().fold(image.clone(), step), 1)
}

fn fence(broker: i32) -> MetadataRecord {
    fenced(broker, i64::from(broker), true)
}

fn unfence(broker: i32) -> MetadataRecord {
    fenced(broker, i64::from(broker), false)
}

fn shut_down(broker: i32) -> MetadataRecord {
    v1::BrokerChange {
        broker_id: broker,
        broker_epoch: i64::from(broker),
        in_controlled_shutdown: Some(true),
        ..v1::BrokerChange::default()
    }
    .into()
}

fn come_back(broker: i32, restart: v1::Restart) -> MetadataRecord {
    let registration = v1::RegisterBroker {
        restart: restart.into(),
        ..register(broker, 200)
    };
    registration.into()
}

#[test]
fn the_only_replica_leads_again_when_it_comes_back() {
    let image = one_partition(1, &[1], 1);
    let gone = after(&image, &[fence(1)]);
    assert_eq!(gone.leader, None);
    assert_eq!((gone.isr, gone.elr), (nodes(&[]), nodes(&[1])));
    assert_eq!(gone.leader_epoch, LeaderEpoch(1));
    assert_eq!(gone.partition_epoch, PartitionEpoch(1));
    let back = after(&image, &[fence(1), unfence(1)]);
    assert_eq!(back.leader, Some(NodeId(1)));
    assert_eq!((back.isr, back.elr), (nodes(&[1]), nodes(&[])));
    assert_eq!(back.leader_epoch, LeaderEpoch(2));
}

#[test]
fn a_restart_leads_nothing_until_it_is_unfenced() {
    let image = one_partition(1, &[1], 1);
    for restart in [
        v1::Restart::Clean,
        v1::Restart::ProcessCrash,
        v1::Restart::Lossy,
    ] {
        let restarted = then(&image, &[come_back(1, restart)]);
        assert_eq!(first_partition(&restarted, 1).leader, None);
        let epoch = restarted.broker(NodeId(1)).expect("registered").epoch;
        let served = then(&restarted, &[fenced(1, epoch.0, false)]);
        // Nobody else has a copy, so even what may have been lost is the best there is.
        assert_eq!(first_partition(&served, 1).leader, Some(NodeId(1)));
    }
}

#[test]
fn the_first_live_replica_of_the_isr_takes_over() {
    let image = one_partition(3, &[1, 2, 3], 2);
    let next = after(&image, &[fence(1)]);
    assert_eq!(next.leader, Some(NodeId(2)));
    assert_eq!((next.isr, next.elr), (nodes(&[2, 3]), nodes(&[])));
    let follower = after(&image, &[fence(3)]);
    assert_eq!(follower.leader, Some(NodeId(1)));
    assert_eq!(follower.leader_epoch, LeaderEpoch(0));
    assert_eq!(follower.partition_epoch, PartitionEpoch(1));
}

#[test]
fn who_leaves_a_small_isr_stays_eligible_and_is_elected_when_nobody_else_is_left() {
    let image = one_partition(3, &[1, 2, 3], 2);
    let two_gone = [fence(1), fence(2)];
    let small = after(&image, &two_gone);
    assert_eq!((small.isr, small.elr), (nodes(&[3]), nodes(&[2])));
    let two_is_back = [fence(1), fence(2), unfence(2), fence(3)];
    let elected = after(&image, &two_is_back);
    assert_eq!(elected.leader, Some(NodeId(2)));
    assert_eq!((elected.isr, elected.elr), (nodes(&[2]), nodes(&[3])));
    // 1 left while the isr was large enough; it may lack records and must not lead.
    let unclean = [fence(1), fence(2), fence(3), unfence(1)];
    let offline = after(&image, &unclean);
    assert_eq!(offline.leader, None);
    assert_eq!(offline.elr, nodes(&[2, 3]));
}

#[test]
fn without_the_feature_the_last_replica_in_sync_is_remembered_in_the_isr() {
    let image = then(
        &one_partition(3, &[1, 2], 2),
        &[feature(crate::feature::ELIGIBLE_LEADER_REPLICAS, 0)],
    );
    let gone = after(&image, &[fence(1), fence(2)]);
    assert_eq!((gone.leader, &gone.isr), (None, &nodes(&[2])));
    assert_eq!(gone.elr, nodes(&[]));
    let unclean = after(&image, &[fence(1), fence(2), unfence(1)]);
    assert_eq!(unclean.leader, None);
    let clean = after(&image, &[fence(1), fence(2), unfence(1), unfence(2)]);
    assert_eq!(clean.leader, Some(NodeId(2)));
}

#[test]
fn a_broker_that_is_about_to_stop_hands_its_partitions_over() {
    let image = one_partition(2, &[1, 2], 1);
    let next = after(&image, &[shut_down(1)]);
    assert_eq!(next.leader, Some(NodeId(2)));
    assert_eq!(next.isr, nodes(&[2]));
    // Its later fencing changes nothing more.
    assert_eq!(after(&image, &[shut_down(1), fence(1)]), next);
}

#[test]
fn a_replica_that_may_have_lost_records_is_no_longer_eligible() {
    let image = one_partition(3, &[1, 2, 3], 2);
    let all_down = [fence(1), fence(2), fence(3)];
    let image = all_down.iter().fold(image, |image, record| {
        then(&image, std::slice::from_ref(record))
    });
    assert_eq!(first_partition(&image, 1).elr, nodes(&[2, 3]));
    let one_lost = then(&image, &[come_back(2, v1::Restart::Lossy)]);
    assert_eq!(first_partition(&one_lost, 1).elr, nodes(&[3]));
    let both_lost = then(&one_lost, &[come_back(3, v1::Restart::Lossy)]);
    let offline = first_partition(&both_lost, 1);
    assert_eq!((offline.leader, &offline.elr), (None, &nodes(&[])));
    assert_eq!(offline.last_known_elr, nodes(&[3]));
    let kept = then(&image, &[come_back(2, v1::Restart::ProcessCrash)]);
    assert_eq!(first_partition(&kept, 1).elr, nodes(&[2, 3]));
}

#[test]
fn a_live_leader_that_registers_again_with_losses_gives_way_to_a_complete_replica() {
    let image = one_partition(3, &[1, 2, 3], 2);
    let next = after(&image, &[come_back(1, v1::Restart::Lossy)]);
    assert_eq!(next.leader, Some(NodeId(2)));
    assert_eq!(next.isr, nodes(&[2, 3]));
}

#[test]
fn eligibility_ends_in_the_entry_that_makes_the_isr_large_enough() {
    let image = one_partition(3, &[1, 2, 3], 3);
    let small = after(&image, &[fence(3)]);
    assert_eq!((small.isr, small.elr), (nodes(&[1, 2]), nodes(&[3])));
    let lowered = config("t", "min.insync.replicas", Some("2"));
    let enough = after(&image, &[fence(3), lowered]);
    assert_eq!(enough.elr, nodes(&[]));
    assert_eq!(enough.leader_epoch, LeaderEpoch(0));
    let unset = config("t", "min.insync.replicas", None);
    assert_eq!(after(&image, &[fence(3), unset]).elr, nodes(&[]));
    // The cluster's default does not reach a topic with a value of its own.
    let elsewhere = config("", "min.insync.replicas", Some("1"));
    assert_eq!(after(&image, &[fence(3), elsewhere]).elr, nodes(&[3]));
}

#[test]
fn switching_the_feature_off_keeps_one_of_the_eligible() {
    let off = feature(crate::feature::ELIGIBLE_LEADER_REPLICAS, 0);
    let image = one_partition(2, &[1, 2], 2);
    let gone = after(&image, &[fence(1), fence(2), off]);
    assert_eq!((gone.isr, gone.elr), (nodes(&[1]), nodes(&[])));
}

#[test]
fn half_of_the_replicas_rounded_up_must_be_in_sync_unless_somebody_says_otherwise() {
    let image = cluster(1);
    let needed = |count| image.min_insync_replicas("t", count);
    assert_eq!([1, 2, 3, 4, 5].map(needed), [1, 1, 2, 2, 3]);
    let image = one_partition(1, &[1], 2);
    assert_eq!(image.min_insync_replicas("t", 1), 1);
    assert_eq!(image.min_insync_replicas("t", 3), 2);
    let image = then(&image, &[config("", "min.insync.replicas", Some("3"))]);
    assert_eq!(image.min_insync_replicas("t", 3), 2);
    assert_eq!(image.min_insync_replicas("other", 3), 3);
}

#[test]
fn a_lower_default_of_the_cluster_ends_eligibility_too() {
    let records = [topic(1, "t"), partition(1, 0, &[1, 2, 3, 4]).into()];
    let image = then(&cluster(4), &records);
    let small = [fence(2), fence(3), fence(4)];
    assert_eq!(after(&image, &small).elr, nodes(&[4]));
    let lowered = config("", "min.insync.replicas", Some("1"));
    let enough = [fence(2), fence(3), fence(4), lowered];
    assert_eq!(after(&image, &enough).elr, nodes(&[]));
}

#[test]
fn members_of_an_isr_without_a_live_one_become_eligible_when_another_is_elected() {
    let image = one_partition(2, &[1, 2], 2);
    let image = then(&then(&image, &[fence(1)]), &[fence(2)]);
    let before = first_partition(&image, 1);
    let odd = v1::PartitionChange {
        topic_id: crate::snapshot::id_bytes(crate::testing::uuid(1)),
        partition_epoch: before.partition_epoch.next().0,
        isr: Some(nodes(&[1]).into()),
        elr: Some(nodes(&[2]).into()),
        ..v1::PartitionChange::default()
    };
    let image = then(&image, &[odd.into()]);
    let elected = after(&image, &[unfence(2)]);
    assert_eq!(elected.leader, Some(NodeId(2)));
    assert_eq!((elected.isr, elected.elr), (nodes(&[2]), nodes(&[1])));
}

#[test]
fn a_higher_minimum_makes_nobody_eligible_who_left_before() {
    let image = one_partition(3, &[1, 2, 3], 1);
    let raised = config("t", "min.insync.replicas", Some("3"));
    let after_leaving = after(&image, &[fence(3), raised.clone()]);
    assert_eq!(after_leaving.elr, nodes(&[]), "3 may lack what came later");
    // From then on the high watermark stands still, so who leaves now is complete.
    let later = after(&image, &[fence(3), raised, fence(2)]);
    assert_eq!((later.isr, later.elr), (nodes(&[1]), nodes(&[2])));
}

/// A partition whose replicas are in known directories: broker 1 has disks 11 and 12, broker 2 has 21.
fn on_disks(in_directories: [u8; 2]) -> MetadataImage {
    let disk = |n: u8| crate::snapshot::id_bytes(crate::testing::uuid(n));
    let with_disks = |id: i32, disks: &[u8]| v1::RegisterBroker {
        log_dirs: disks.iter().map(|n| disk(*n)).collect(),
        ..register(id, 100 + u8::try_from(id).expect("small"))
    };
    let image = then(&cluster(2), &[with_disks(1, &[11, 12]).into()]);
    let image = then(&image, &[with_disks(2, &[21]).into()]);
    let epoch = |id| image.broker(NodeId(id)).expect("registered").epoch.0;
    let live = [fenced(1, epoch(1), false), fenced(2, epoch(2), false)];
    let partition = v1::Partition {
        directories: in_directories.iter().map(|n| disk(*n)).collect(),
        ..partition(1, 0, &[1, 2])
    };
    let minimum = config("t", "min.insync.replicas", Some("2"));
    let image = then(&image, &live);
    then(&image, &[topic(1, "t"), partition.into(), minimum])
}

fn disks(ids: &[u8]) -> Vec<bytes::Bytes> {
    let disk = |n: &u8| crate::snapshot::id_bytes(crate::testing::uuid(*n));
    ids.iter().map(disk).collect()
}

/// Those disks of broker 1 that are online.
fn online(image: &MetadataImage, ids: &[u8]) -> MetadataRecord {
    let broker = image.broker(NodeId(1)).expect("registered");
    let change = v1::BrokerChange {
        broker_id: 1,
        broker_epoch: broker.epoch.0,
        log_dirs: Some(v1::DirectoryList {
            directories: disks(ids),
        }),
        ..v1::BrokerChange::default()
    };
    change.into()
}

#[test]
fn a_failed_disk_takes_the_replicas_on_it_out_of_service_and_no_others() {
    let image = on_disks([12, 21]);
    let failed = after(&image, &[online(&image, &[11])]);
    assert_eq!(failed.leader, Some(NodeId(2)));
    assert_eq!((failed.isr, failed.elr), (nodes(&[2]), nodes(&[1])));
    let elsewhere = on_disks([11, 21]);
    let spared = after(&elsewhere, &[online(&elsewhere, &[11])]);
    assert_eq!(spared, first_partition(&elsewhere, 1));
}

fn restarted_with(ids: &[u8]) -> MetadataRecord {
    let registration = v1::RegisterBroker {
        log_dirs: disks(ids),
        restart: v1::Restart::ProcessCrash.into(),
        ..register(1, 200)
    };
    registration.into()
}

#[test]
fn a_restart_counts_for_each_disk_on_its_own() {
    let image = on_disks([12, 21]);
    let whole = after(&image, &[restarted_with(&[11, 12])]);
    assert_eq!((&whole.isr, &whole.elr), (&nodes(&[2]), &nodes(&[1])));
    let without = after(&image, &[restarted_with(&[11])]);
    assert_eq!(without.elr, nodes(&[]), "its disk is gone");
    assert_eq!(
        without.directories[0].0,
        crate::testing::uuid(12),
        "and waited for"
    );
    let other = after(&on_disks([11, 21]), &[restarted_with(&[11])]);
    assert_eq!(other.elr, nodes(&[1]));
    let wiped = after(&image, &[restarted_with(&[13])]);
    assert_eq!(wiped.elr, nodes(&[]));
    assert_eq!(
        wiped.directories[0].0,
        crate::testing::uuid(13),
        "begun anew"
    );
}

#[test]
fn a_draining_broker_hands_its_leaderships_over_and_stays_in_sync() {
    let image = one_partition(3, &[1, 2, 3], 2);
    let moved = after(&image, &[drain(1, true)]);
    assert_eq!(moved.leader, Some(NodeId(2)));
    assert_eq!(
        (moved.isr, moved.leader_epoch),
        (nodes(&[1, 2, 3]), LeaderEpoch(1))
    );
    // Whoever drains leads last, yet rather than nobody.
    let last = after(&image, &[drain(1, true), drain(2, true), fence(3)]);
    assert_eq!(last.leader, Some(NodeId(1)));
    let skipped = after(&image, &[drain(2, true), fence(1)]);
    assert_eq!(skipped.leader, Some(NodeId(3)));
    let resumed = after(&image, &[drain(1, true), drain(1, false)]);
    assert_eq!(
        resumed.leader,
        Some(NodeId(2)),
        "nothing comes back at once"
    );
}
