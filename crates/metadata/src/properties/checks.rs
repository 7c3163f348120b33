//! What must hold of every image, and between one image and the next.

use std::collections::BTreeSet;

use types::NodeId;

use super::Event;
use crate::{Delta, MetadataImage, PartitionRegistration, TopicImage};

pub(super) fn check_image(image: &MetadataImage) {
    let mut names = BTreeSet::new();
    let mut partition_count = 0;
    for topic in image.topics() {
        assert!(names.insert(topic.name()), "{} stands twice", topic.name());
        assert_eq!(image.topic_by_id(topic.id()), Some(topic));
        partition_count += topic.partition_count();
        for (index, partition) in topic.partitions() {
            assert_eq!(partition.validate(), Ok(()), "{}-{index}", topic.name());
            check_liveness(image, topic, partition);
        }
    }
    assert_eq!(names.len(), image.topic_count());
    assert_eq!(partition_count, image.partition_count());
}

fn check_liveness(image: &MetadataImage, topic: &TopicImage, partition: &PartitionRegistration) {
    if let Some(leader) = partition.leader {
        let is_live = |node: &NodeId| image.is_replica_live(partition, *node);
        assert!(is_live(&leader), "{partition:?} is led by the dead");
        assert!(partition.isr.iter().all(is_live), "{partition:?}");
    }
    let mut candidates = partition.isr.iter().chain(&partition.elr);
    let has_candidate = candidates.any(|node| image.is_replica_live(partition, *node));
    assert!(
        partition.leader.is_some() || !has_candidate,
        "{partition:?} could be led"
    );
    let min_isr = image.min_insync_replicas(topic.name(), partition.replication_factor());
    if partition.isr.len() >= min_isr {
        assert!(partition.elr.is_empty(), "{partition:?} needs no elr");
    }
}

/// What must hold between two consecutive images for every partition in both.
pub(super) fn check_step(older: &MetadataImage, newer: &MetadataImage, event: &Event) {
    for topic in newer.topics() {
        let Some(before) = older.topic_by_id(topic.id()) else {
            continue;
        };
        for (index, partition) in topic.partitions() {
            let Some(former) = before.partition(index) else {
                continue;
            };
            assert!(partition.leader_epoch >= former.leader_epoch);
            assert!(partition.partition_epoch >= former.partition_epoch);
            assert!(
                partition.leader == former.leader || partition.leader_epoch > former.leader_epoch,
                "leaders change with their epoch"
            );
            if partition != former {
                assert!(partition.partition_epoch > former.partition_epoch);
            }
            check_nobody_unclean(former, partition, event);
            check_nobody_forgotten(newer, topic, former, partition, event);
            check_drain((older, newer), partition, event);
        }
    }
}

/// Only who was in sync or eligible may lead, and a small isr forgets nobody without a reason.
fn check_nobody_unclean(
    former: &PartitionRegistration,
    next: &PartitionRegistration,
    event: &Event,
) {
    if let Some(leader) = next.leader.filter(|_| next.leader != former.leader) {
        assert!(
            former.isr.contains(&leader) || former.elr.contains(&leader),
            "{former:?} became {next:?}"
        );
    }
    if let Event::Register {
        broker, restart: 2, ..
    } = event
    {
        let lost = NodeId(i32::from(*broker));
        assert!(
            next.replicas == [lost] || !(next.isr.contains(&lost) || next.elr.contains(&lost)),
            "{former:?} became {next:?}"
        );
    }
    let loses_data = matches!(
        event,
        Event::Register { .. } | Event::Assign { .. } | Event::Elr { on: false }
    );
    if !loses_data && !former.isr.is_empty() {
        assert!(
            !next.isr.is_empty() || !next.elr.is_empty(),
            "{former:?} became {next:?}"
        );
    }
}

/// Nobody leaves isr and elr as long as the isr needs them, unless their data may be gone.
fn check_nobody_forgotten(
    image: &MetadataImage,
    topic: &TopicImage,
    former: &PartitionRegistration,
    next: &PartitionRegistration,
    event: &Event,
) {
    let min_isr = image.min_insync_replicas(topic.name(), next.replication_factor());
    if next.isr.len() >= min_isr || matches!(event, Event::Elr { on: false }) {
        return;
    }
    let has_elr = image.feature_level(crate::feature::ELIGIBLE_LEADER_REPLICAS) > 0;
    for node in former.isr.iter().chain(&former.elr) {
        let may_have_lost = match event {
            Event::Register { broker, .. } | Event::Assign { broker, .. } => {
                *node == NodeId(i32::from(*broker))
            }
            _ => !has_elr,
        };
        assert!(
            may_have_lost || next.isr.contains(node) || next.elr.contains(node),
            "{event:?}: {former:?} became {next:?}"
        );
    }
    if let Event::Register { broker, .. } = event {
        let node = NodeId(i32::from(*broker));
        let gone = former.directory_of(node);
        let registered = image.broker(node).expect("it has just registered");
        let is_kept = next.isr.contains(&node) || next.elr.contains(&node);
        assert!(
            registered.has_online(gone) || !is_kept,
            "{event:?}: {former:?} became {next:?}"
        );
    }
}

/// Whoever begins to be emptied leads only what nobody else in sync can. What comes to it later, the
/// controller relieves it of.
fn check_drain(
    (older, newer): (&MetadataImage, &MetadataImage),
    partition: &PartitionRegistration,
    event: &Event,
) {
    let Event::Drain { broker, on: true } = event else {
        return;
    };
    let broker = NodeId(i32::from(*broker));
    if older.is_draining(broker) {
        return;
    }
    if partition.leader == Some(broker) {
        let mut others = partition
            .isr
            .iter()
            .filter(|node| partition.leader != Some(**node));
        assert!(others.all(|node| newer.is_draining(*node)), "{partition:?}");
    }
}

/// The delta must name every topic, partition, broker and config that differs, and no other topic.
pub(super) fn check_delta(delta: &Delta, older: &MetadataImage, newer: &MetadataImage) {
    let real = Delta::between(older, newer);
    assert_eq!(
        real.topics.keys().collect::<Vec<_>>(),
        delta.topics.keys().collect::<Vec<_>>()
    );
    for (id, topic) in &real.topics {
        assert_eq!(delta.topics[id].change, topic.change);
        assert_eq!(delta.topics[id].partitions, topic.partitions);
    }
    for (id, change) in &real.brokers {
        assert_eq!(delta.brokers.get(id), Some(change));
    }
    assert_eq!(real.configs, delta.configs);
    assert_eq!(real.features, delta.features);
}
