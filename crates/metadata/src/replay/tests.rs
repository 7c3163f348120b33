use types::{BrokerEpoch, LeaderEpoch, NodeId, PartitionEpoch};

use crate::snapshot::id_bytes;
use crate::testing::{
    cluster, config, drain, fenced, first_partition, nodes, partition, register, then, topic,
    topic_id, uuid,
};
use crate::{
    ActiveController, Change, ConfigResource, MetadataImage, MetadataRecord, Misfit, ResourceKind,
    content_hash, replay, replay_more, snapshot, v1,
};

fn refused(image: &MetadataImage, record: impl Into<MetadataRecord>) -> Misfit {
    let error = replay(image, image.offset() + 1, &[record.into()]);
    error.expect_err("a record that does not fit").misfit
}

fn isr_change(index: i32, partition_epoch: i32, isr: &[i32]) -> v1::PartitionChange {
    v1::PartitionChange {
        topic_id: id_bytes(uuid(1)),
        index,
        partition_epoch,
        isr: Some(v1::NodeList {
            nodes: isr.to_vec(),
        }),
        ..v1::PartitionChange::default()
    }
}

#[test]
fn a_topic_is_found_by_name_and_by_id_until_it_is_removed() {
    let image = then(
        &cluster(2),
        &[
            topic(1, "a.b"),
            partition(1, 0, &[1, 2]).into(),
            partition(1, 1, &[2, 1]).into(),
            config("a.b", "retention.ms", Some("7")),
        ],
    );
    assert_eq!(image.topic("a.b"), image.topic_by_id(topic_id(1)));
    assert_eq!((image.topic_count(), image.partition_count()), (1, 2));
    assert!(image.partition(topic_id(1), 1).is_some());
    assert!(image.partition(topic_id(1), 2).is_none());
    assert!(image.partition(topic_id(1), -1).is_none());
    let found = image.topic_colliding_with("a_b").map(|t| t.name().clone());
    assert_eq!(found.as_deref(), Some("a.b"));
    assert_eq!(image.topic_colliding_with("ab"), None);

    let remove = v1::RemoveTopic {
        topic_id: id_bytes(uuid(1)),
    };
    let (gone, delta) = replay(&image, image.offset() + 1, &[remove.into()]).expect("it fits");
    assert_eq!(gone.topic("a.b"), None);
    assert_eq!(gone.topic_by_id(topic_id(1)), None);
    assert_eq!(gone.topic_colliding_with("a_b"), None);
    assert_eq!(gone.partition_count(), 0);
    assert_eq!(gone.configs_of(ResourceKind::Topic, "a.b"), None);
    let removed = &delta.topics[&topic_id(1)];
    assert_eq!((removed.change, &*removed.name), (Change::Removed, "a.b"));
    assert!(delta.configs.contains_key(&ConfigResource::topic("a.b")));
}

#[test]
fn what_does_not_fit_is_refused_and_the_image_stays() {
    let image = then(&cluster(1), &[topic(1, "t"), partition(1, 0, &[1]).into()]);
    assert!(matches!(
        refused(&image, topic(2, "t")),
        Misfit::TopicExists { .. }
    ));
    assert!(matches!(
        refused(&image, topic(1, "u")),
        Misfit::TopicExists { .. }
    ));
    assert_eq!(
        refused(&image, partition(9, 0, &[1])),
        Misfit::UnknownTopicId(topic_id(9))
    );
    assert_eq!(
        refused(&image, partition(1, 2, &[1])),
        Misfit::PartitionIndex { index: 2, next: 1 }
    );
    assert_eq!(
        refused(&image, isr_change(4, 1, &[1])),
        Misfit::UnknownPartition {
            topic_id: topic_id(1),
            index: 4
        }
    );
    assert_eq!(
        refused(&image, config("nope", "k", Some("v"))),
        Misfit::UnknownTopic("nope".to_owned())
    );
    assert_eq!(
        refused(&image, fenced(7, 1, true)),
        Misfit::UnknownBroker(NodeId(7))
    );
    assert_eq!(
        refused(&image, fenced(1, 0, true)),
        Misfit::BrokerEpoch {
            broker: NodeId(1),
            current: BrokerEpoch(1),
            given: BrokerEpoch(0)
        }
    );
}

#[test]
fn fields_that_no_record_may_have_are_named() {
    let image = cluster(1);
    let field = |record: MetadataRecord| match refused(&image, record) {
        Misfit::Field { field, .. } => field,
        other => panic!("{other}"),
    };
    let no_id = v1::Topic {
        name: "t".to_owned(),
        topic_id: id_bytes(types::Uuid::ZERO),
    };
    assert_eq!(field(no_id.into()), "topic_id");
    let short_id = v1::RemoveTopic {
        topic_id: bytes::Bytes::from_static(b"short"),
    };
    assert_eq!(field(short_id.into()), "topic_id");
    assert_eq!(field(fenced(-1, 1, true)), "broker_id");
    let port = v1::RegisterBroker {
        listeners: vec![v1::Listener {
            port: 65_536,
            ..v1::Listener::default()
        }],
        ..register(2, 2)
    };
    assert_eq!(field(port.into()), "listeners.port");
    let level = v1::FeatureLevel {
        name: "f".to_owned(),
        level: 40_000,
    };
    assert_eq!(field(level.into()), "level");
    let unknown_kind_of_resource = v1::Config {
        resource_type: 8,
        key: "k".to_owned(),
        ..v1::Config::default()
    };
    assert_eq!(field(unknown_kind_of_resource.into()), "resource_type");
    let lossy_and_live = v1::RegisterBroker {
        fenced: false,
        restart: v1::Restart::Lossy.into(),
        ..register(2, 2)
    };
    assert_eq!(field(lossy_and_live.into()), "fenced");
}

#[test]
fn an_unknown_kind_and_a_newer_version_are_refused_by_name() {
    let image = MetadataImage::empty();
    let unknown = MetadataRecord {
        version: 0,
        kind: None,
    };
    assert_eq!(refused(&image, unknown), Misfit::UnknownKind);
    let newer = MetadataRecord {
        version: 3,
        ..v1::NoOp {}.into()
    };
    let error = replay(&image, 0, &[v1::NoOp {}.into(), newer]).expect_err("newer");
    assert_eq!(error.index, 1);
    assert_eq!(
        error.to_string(),
        "record 1 (NoOp) of the metadata entry at offset 0: its version 3 is newer than 0, the newest \
         this node knows; upgrade this node before finalizing newer features"
    );
}

#[test]
fn an_entry_is_replayed_once_and_as_a_whole() {
    let image = cluster(1);
    let at = image.offset();
    assert!(replay(&image, at, &[]).is_err());
    assert!(replay(&image, at - 1, &[]).is_err());
    let half = [topic(1, "t"), partition(9, 0, &[1]).into()];
    assert!(replay(&image, at + 1, &half).is_err());
    assert_eq!(image.topic("t"), None);
    let (later, delta) = replay(&image, at + 10, &[]).expect("offsets may jump");
    assert_eq!(later.offset(), at + 10);
    assert!(delta.is_empty());
}

#[test]
fn more_records_of_the_same_entry_keep_its_offset() {
    let image = cluster(1);
    let (one, _) = replay_more(&image, &[topic(1, "t")]).expect("it fits");
    assert_eq!(one.offset(), image.offset());
    let (two, _) = replay_more(&one, &[partition(1, 0, &[1]).into()]).expect("it fits");
    let both = [topic(1, "t"), partition(1, 0, &[1]).into()];
    let (at_once, _) = replay_more(&image, &both).expect("it fits");
    assert_eq!(two, at_once);
}

#[test]
fn a_registration_takes_its_epoch_from_the_offset_and_keeps_it_while_the_process_lives() {
    let image = cluster(1);
    let (again, _) = replay(&image, 50, &[register(1, 1).into()]).expect("the same process");
    assert_eq!(again.broker(NodeId(1)).expect("it").epoch, BrokerEpoch(1));
    let (restarted, delta) = replay(&again, 60, &[register(1, 9).into()]).expect("another one");
    let broker = restarted.broker(NodeId(1)).expect("it");
    assert_eq!(broker.epoch, BrokerEpoch(60));
    assert!(broker.fenced);
    assert_eq!(delta.brokers[&NodeId(1)], Change::Changed);
    // Two processes at one offset would share an epoch.
    assert!(replay_more(&restarted, &[register(1, 10).into()]).is_err());
    let older = v1::RegisterBroker {
        epoch: Some(59),
        ..register(1, 10)
    };
    assert!(matches!(
        refused(&restarted, older),
        Misfit::Backwards { .. }
    ));
}

#[test]
fn a_change_decided_on_another_state_of_the_partition_is_refused() {
    let image = then(
        &cluster(2),
        &[topic(1, "t"), partition(1, 0, &[1, 2]).into()],
    );
    for wrong in [-1, 0, 2] {
        assert!(matches!(
            refused(&image, isr_change(0, wrong, &[1])),
            Misfit::PartitionEpoch { .. }
        ));
    }
    let image = then(&image, &[isr_change(0, 1, &[1]).into()]);
    let partition = first_partition(&image, 1);
    assert_eq!(partition.isr, nodes(&[1]));
    assert_eq!(partition.partition_epoch, PartitionEpoch(1));
    assert_eq!(partition.leader_epoch, LeaderEpoch(0));
}

#[test]
fn a_change_that_breaks_a_partitions_rules_is_refused() {
    let image = then(
        &cluster(3),
        &[topic(1, "t"), partition(1, 0, &[1, 2]).into()],
    );
    let leader = |leader| v1::PartitionChange {
        leader: Some(leader),
        ..isr_change(0, 1, &[1])
    };
    let replicas = v1::PartitionChange {
        replicas: Some(v1::NodeList { nodes: vec![] }),
        ..isr_change(0, 1, &[1])
    };
    let elr = v1::PartitionChange {
        elr: Some(v1::NodeList { nodes: vec![1] }),
        ..isr_change(0, 1, &[1])
    };
    for change in [
        isr_change(0, 1, &[2]),
        isr_change(0, 1, &[1, 3]),
        isr_change(0, 1, &[1, 1]),
        leader(2),
        replicas,
        elr,
    ] {
        assert!(
            matches!(
                refused(&image, change.clone()),
                Misfit::InvalidPartition { .. }
            ),
            "{change:?}"
        );
    }
    let nobody = then(&image, &[leader(-1).into()]);
    let partition = first_partition(&nobody, 1);
    assert_eq!(partition.leader, None);
    assert_eq!(partition.leader_epoch, LeaderEpoch(1));
}

#[test]
fn counters_only_grow() {
    let block = |next_producer_id| v1::ProducerIdBlock {
        broker_id: 1,
        broker_epoch: 1,
        next_producer_id,
    };
    let active = |epoch| v1::ControllerChange { node_id: 3, epoch };
    let id = |id: &str| v1::ClusterId { id: id.to_owned() };
    let image = then(
        &cluster(1),
        &[block(1000).into(), active(0).into(), id("c").into()],
    );
    assert_eq!(image.next_producer_id(), 1000);
    let controller = ActiveController {
        node_id: NodeId(3),
        epoch: 0,
    };
    assert_eq!(image.controller(), Some(controller));
    assert_eq!(image.cluster_id(), Some("c"));
    for backwards in [999, 1000, -1] {
        assert!(matches!(
            refused(&image, block(backwards)),
            Misfit::Backwards { .. }
        ));
    }
    assert!(matches!(
        refused(&image, active(0)),
        Misfit::Backwards { .. }
    ));
    assert!(matches!(
        refused(&image, id("other")),
        Misfit::ClusterId { .. }
    ));
}

#[test]
fn an_unset_config_leaves_no_trace() {
    let image = then(&cluster(1), &[topic(1, "t")]);
    let set = then(
        &image,
        &[
            config("t", "retention.ms", Some("1")),
            config("", "log.cleaner.threads", Some("2")),
        ],
    );
    assert_eq!(
        set.config(ResourceKind::Topic, "t", "retention.ms"),
        Some("1")
    );
    let unset = then(
        &set,
        &[
            config("t", "retention.ms", None),
            config("t", "never.set", None),
            config("", "log.cleaner.threads", None),
        ],
    );
    assert_eq!(content_hash(&unset), content_hash(&image));
    assert_eq!(unset.configs, image.configs);
}

#[test]
fn a_snapshot_replays_into_an_equal_image() {
    let fenced_one = fenced(2, 2, true);
    let image = then(
        &then(
            &cluster(3),
            &[
                topic(1, "a"),
                partition(1, 0, &[1, 2, 3]).into(),
                topic(2, "b_c"),
                partition(2, 0, &[2]).into(),
                config("a", "min.insync.replicas", Some("2")),
                config("", "min.insync.replicas", Some("1")),
                v1::ClusterId {
                    id: "J7s9e8PPTKOO47PxzI39VA".to_owned(),
                }
                .into(),
            ],
        ),
        &[fenced_one],
    );
    let empty = MetadataImage::empty();
    let (copy, delta) =
        replay(&empty, image.offset(), &snapshot(&image)).expect("snapshots always fit");
    assert_eq!(copy, image);
    assert_eq!(content_hash(&copy), content_hash(&image));
    assert_eq!(delta, crate::Delta::between(&empty, &image));
}

#[test]
fn a_leader_that_drains_leads_on_after_a_snapshot() {
    // It drains since before the other replica was in sync, and nobody has relieved it yet.
    let led_by_a_drained_one = [topic(1, "a"), partition(1, 0, &[1, 2]).into()];
    let image = then(&then(&cluster(2), &[drain(1, true)]), &led_by_a_drained_one);
    let empty = MetadataImage::empty();
    let (copy, _) = replay(&empty, image.offset(), &snapshot(&image)).expect("it fits");
    assert_eq!(first_partition(&copy, 1).leader, Some(NodeId(1)));
    assert_eq!(copy, image);
}

#[test]
fn a_delta_names_what_changed_and_nothing_else() {
    let image = then(
        &cluster(3),
        &[
            topic(1, "a"),
            partition(1, 0, &[1, 2]).into(),
            partition(1, 1, &[2, 3]).into(),
            partition(1, 2, &[3, 1]).into(),
        ],
    );
    let (_, delta) = replay(&image, 100, &[fenced(1, 1, true)]).expect("it fits");
    let changed: Vec<_> = delta.partitions().collect();
    assert_eq!(changed, [(topic_id(1), 0), (topic_id(1), 2)]);
    assert_eq!(delta.topics[&topic_id(1)].change, Change::Changed);
    assert_eq!(delta.brokers.len(), 1);
    assert!(delta.configs.is_empty() && !delta.features && !delta.producer_ids);
}

#[test]
fn a_topic_that_came_and_went_leaves_nothing_in_the_delta() {
    let remove = v1::RemoveTopic {
        topic_id: id_bytes(uuid(1)),
    };
    let records = [
        topic(1, "a"),
        partition(1, 0, &[1]).into(),
        remove.into(),
        topic(2, "a"),
    ];
    let (image, delta) = replay(&cluster(1), 100, &records).expect("it fits");
    assert_eq!(
        image.topic("a").map(crate::TopicImage::id),
        Some(topic_id(2))
    );
    let created: Vec<_> = delta.topics.keys().copied().collect();
    assert_eq!(created, [topic_id(2)]);
}
