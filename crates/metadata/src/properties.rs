//! Random histories of a cluster: whatever happens, the image keeps its invariants and every way to
//! reach it gives the same one.

use bytes::Bytes;
use proptest::prelude::*;
use types::{DirectoryId, NodeId, PartitionIndex, Uuid};

use self::checks::{check_delta, check_image, check_step};
use crate::snapshot::id_bytes;
use crate::testing::{config, feature, partition, register, topic};
use crate::{Delta, MetadataImage, MetadataRecord, TopicImage, content_hash, replay, snapshot, v1};

mod checks;

/// What may happen. Numbers pick among what exists, so that most of it makes sense.
#[derive(Clone, Debug)]
enum Event {
    /// A new process, with those of its two disks that the bits say, or with a new one.
    Register {
        broker: u8,
        restart: u8,
        disks: u8,
    },
    /// Those of its disks that are still online.
    Disks {
        broker: u8,
        disks: u8,
    },
    /// Where a broker keeps its replica.
    Assign {
        topic: u8,
        index: u8,
        broker: u8,
        disk: u8,
    },
    Drain {
        broker: u8,
        on: bool,
    },
    Liveness {
        broker: u8,
        fenced: Option<bool>,
        shutdown: Option<bool>,
    },
    Unregister {
        broker: u8,
    },
    CreateTopic {
        partitions: Vec<(u8, u8)>,
    },
    RemoveTopic {
        topic: u8,
    },
    AlterIsr {
        topic: u8,
        index: u8,
        members: u8,
    },
    MinIsr {
        topic: Option<u8>,
        value: Option<u8>,
    },
    Elr {
        on: bool,
    },
}

const BROKERS: u8 = 5;

fn event() -> impl Strategy<Value = Event> {
    let broker = || 1..=BROKERS;
    prop_oneof![
        4 => (broker(), 0..3u8, 0..4u8)
            .prop_map(|(broker, restart, disks)| Event::Register { broker, restart, disks }),
        2 => (broker(), 1..4u8).prop_map(|(broker, disks)| Event::Disks { broker, disks }),
        4 => (any::<u8>(), 0..4u8, broker(), 0..2u8)
            .prop_map(|(topic, index, broker, disk)| Event::Assign { topic, index, broker, disk }),
        2 => (broker(), any::<bool>()).prop_map(|(broker, on)| Event::Drain { broker, on }),
        8 => (broker(), any::<Option<bool>>(), proptest::option::weighted(0.2, any::<bool>()))
            .prop_map(|(broker, fenced, shutdown)| Event::Liveness { broker, fenced, shutdown }),
        1 => broker().prop_map(|broker| Event::Unregister { broker }),
        3 => proptest::collection::vec((0..BROKERS, 1..=BROKERS), 1..4)
            .prop_map(|partitions| Event::CreateTopic { partitions }),
        1 => any::<u8>().prop_map(|topic| Event::RemoveTopic { topic }),
        6 => (any::<u8>(), 0..4u8, any::<u8>())
            .prop_map(|(topic, index, members)| Event::AlterIsr { topic, index, members }),
        2 => (any::<Option<u8>>(), proptest::option::of(1..4u8))
            .prop_map(|(topic, value)| Event::MinIsr { topic, value }),
        1 => any::<bool>().prop_map(|on| Event::Elr { on }),
    ]
}

/// The records of an event in a cluster that is as the image says; `step` makes ids unique.
fn records(image: &MetadataImage, step: u8, event: &Event) -> Vec<MetadataRecord> {
    match event {
        Event::Register {
            broker,
            restart,
            disks,
        } => vec![registration(*broker, step, *restart, *disks).into()],
        Event::Disks { broker, disks } => {
            let log_dirs = disks_of(*broker, step, *disks);
            let online = image.broker(NodeId(i32::from(*broker)));
            let change = online.map(|online| v1::BrokerChange {
                broker_id: i32::from(*broker),
                broker_epoch: online.epoch.0,
                log_dirs: Some(v1::DirectoryList {
                    directories: log_dirs,
                }),
                ..v1::BrokerChange::default()
            });
            change.map(Into::into).into_iter().collect()
        }
        Event::Assign {
            topic,
            index,
            broker,
            disk,
        } => pick(image, *topic)
            .and_then(|topic| assign(image, topic, i32::from(*index), *broker, *disk))
            .into_iter()
            .collect(),
        Event::Drain { broker, on } => {
            let record = v1::Config {
                resource_type: v1::ResourceType::Broker.into(),
                resource_name: broker.to_string(),
                key: crate::BROKER_DRAIN.to_owned(),
                value: on.then(|| "true".to_owned()),
            };
            vec![record.into()]
        }
        Event::Liveness {
            broker,
            fenced,
            shutdown,
        } => {
            let change = |epoch| v1::BrokerChange {
                broker_id: i32::from(*broker),
                broker_epoch: epoch,
                fenced: *fenced,
                in_controlled_shutdown: *shutdown,
                log_dirs: None,
            };
            let epoch = epoch(image, *broker);
            epoch
                .map(|epoch| change(epoch).into())
                .into_iter()
                .collect()
        }
        Event::Unregister { broker } => {
            let unregister = |broker_epoch| v1::UnregisterBroker {
                broker_id: i32::from(*broker),
                broker_epoch,
            };
            let epoch = epoch(image, *broker);
            epoch
                .map(|epoch| unregister(epoch).into())
                .into_iter()
                .collect()
        }
        Event::CreateTopic { partitions } => create_topic(image, step, partitions),
        Event::RemoveTopic { topic } => pick(image, *topic)
            .map(|topic| {
                v1::RemoveTopic {
                    topic_id: id_bytes(topic.id().0),
                }
                .into()
            })
            .into_iter()
            .collect(),
        Event::AlterIsr {
            topic,
            index,
            members,
        } => pick(image, *topic)
            .and_then(|topic| alter_isr(image, topic, i32::from(*index), *members))
            .into_iter()
            .collect(),
        Event::MinIsr { topic, value } => {
            let value = value.map(|value| value.to_string());
            let name = match topic {
                None => Some(""),
                Some(topic) => pick(image, *topic).map(|topic| &**topic.name()),
            };
            name.map(|name| config(name, "min.insync.replicas", value.as_deref()))
                .into_iter()
                .collect()
        }
        Event::Elr { on } => {
            vec![feature(
                crate::feature::ELIGIBLE_LEADER_REPLICAS,
                i32::from(*on),
            )]
        }
    }
}

/// A broker has two disks, or a new one instead of both.
fn disks_of(broker: u8, step: u8, disks: u8) -> Vec<Bytes> {
    let disk = |n: u8| {
        id_bytes(Uuid::from_bytes(
            [[broker, n]; 8].concat().try_into().expect("16"),
        ))
    };
    match disks {
        0 => vec![disk(100 + step % 100)],
        bits => [(1, 1), (2, 2)]
            .into_iter()
            .filter(|(_, bit)| bits & bit != 0)
            .map(|(n, _)| disk(n))
            .collect(),
    }
}

/// A replica that is in sync stays there, or goes to a disk that is online.
fn assign(
    image: &MetadataImage,
    topic: &TopicImage,
    index: PartitionIndex,
    broker: u8,
    disk: u8,
) -> Option<MetadataRecord> {
    let partition = topic.partition(index)?;
    let node = NodeId(i32::from(broker));
    let place = partition
        .replicas
        .iter()
        .position(|replica| *replica == node)?;
    let online = &image.broker(node)?.log_dirs;
    let directory = *online.get(usize::from(disk))?;
    let mut directories = partition.directories.clone();
    directories.resize(partition.replicas.len(), DirectoryId::ZERO);
    // As the controller decides it: what was on a disk that is gone counts for nothing.
    let is_gone = !online.contains(&directories[place]) && directories[place] != DirectoryId::ZERO;
    let elr: Vec<NodeId> = partition
        .elr
        .iter()
        .copied()
        .filter(|n| !is_gone || *n != node)
        .collect();
    directories[place] = directory;
    let change = v1::PartitionChange {
        topic_id: id_bytes(topic.id().0),
        index,
        partition_epoch: partition.partition_epoch.0 + 1,
        directories: Some(v1::DirectoryList {
            directories: directories.iter().map(|id| id_bytes(id.0)).collect(),
        }),
        elr: Some(elr.into()),
        ..v1::PartitionChange::default()
    };
    Some(change.into())
}

fn registration(broker: u8, incarnation: u8, restart: u8, disks: u8) -> v1::RegisterBroker {
    v1::RegisterBroker {
        log_dirs: disks_of(broker, incarnation, disks),
        restart: i32::from(restart),
        rack: broker.is_multiple_of(2).then(|| "even".to_owned()),
        ..register(i32::from(broker), incarnation)
    }
}

fn epoch(image: &MetadataImage, broker: u8) -> Option<i64> {
    Some(image.broker(NodeId(i32::from(broker)))?.epoch.0)
}

fn create_topic(image: &MetadataImage, step: u8, partitions: &[(u8, u8)]) -> Vec<MetadataRecord> {
    let mut records = vec![topic(step, &format!("t.{step}"))];
    for (index, (first, count)) in (0..).zip(partitions) {
        let replicas = (0..*count).map(|i| i32::from((first + i) % BROKERS + 1));
        let replicas: Vec<i32> = replicas.collect();
        let live = replicas
            .iter()
            .copied()
            .filter(|id| image.is_live(NodeId(*id)));
        let isr: Vec<i32> = live.collect();
        if isr.is_empty() {
            return Vec::new();
        }
        let leader = isr.first().copied();
        records.push(
            v1::Partition {
                isr,
                leader,
                ..partition(step, index, &replicas)
            }
            .into(),
        );
    }
    records
}

fn pick(image: &MetadataImage, n: u8) -> Option<&TopicImage> {
    image
        .topics()
        .nth(usize::from(n).checked_rem(image.topic_count())?)
}

/// What a leader may propose: itself and any live replicas. Who leaves becomes eligible by the same
/// rule as when fenced.
fn alter_isr(
    image: &MetadataImage,
    topic: &TopicImage,
    index: PartitionIndex,
    members: u8,
) -> Option<MetadataRecord> {
    let partition = topic.partition(index)?;
    let leader = partition.leader?;
    let is_member = |position: usize, node: NodeId| {
        node == leader || (members >> position & 1 == 1 && image.is_replica_live(partition, node))
    };
    let replicas = partition.replicas.iter().copied().enumerate();
    let isr: Vec<NodeId> = replicas
        .filter(|(i, node)| is_member(*i, *node))
        .map(|(_, n)| n)
        .collect();
    let min_isr = image.min_insync_replicas(topic.name(), partition.replication_factor());
    let has_elr = image.feature_level(crate::feature::ELIGIBLE_LEADER_REPLICAS) > 0;
    let elr: Vec<NodeId> = if has_elr && isr.len() < min_isr {
        let complete = partition.replicas.iter().copied().filter(|node| {
            (partition.isr.contains(node) || partition.elr.contains(node)) && !isr.contains(node)
        });
        complete.collect()
    } else {
        Vec::new()
    };
    Some(
        v1::PartitionChange {
            topic_id: id_bytes(topic.id().0),
            index,
            partition_epoch: partition.partition_epoch.0 + 1,
            isr: Some(isr.into()),
            elr: Some(elr.into()),
            ..v1::PartitionChange::default()
        }
        .into(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_history_keeps_the_invariants(events in proptest::collection::vec(event(), 1..60)) {
        let mut image = MetadataImage::empty();
        let mut log: Vec<Vec<MetadataRecord>> = Vec::new();
        let mut images = vec![image.clone()];
        for (step, event) in (1..=u8::MAX).zip(&events) {
            let entry = records(&image, step, event);
            let (next, delta) = replay(&image, image.offset() + 1, &entry).expect("it fits");
            check_image(&next);
            check_step(&image, &next, event);
            check_delta(&delta, &image, &next);
            log.push(entry);
            images.push(next.clone());
            image = next;
        }
        // The same entries give the same image, wherever they are replayed.
        let mut twin = MetadataImage::empty();
        let mut merged = Delta::default();
        for entry in &log {
            let (next, delta) = replay(&twin, twin.offset() + 1, entry).expect("it fits");
            merged.merge(delta);
            twin = next;
        }
        prop_assert_eq!(&twin, &image);
        prop_assert_eq!(content_hash(&twin), content_hash(&image));
        // And so does a snapshot taken anywhere, followed by the rest.
        let middle = &images[images.len() / 2];
        let empty = MetadataImage::empty();
        let mut late = replay(&empty, middle.offset().max(0), &snapshot(middle)).expect("it fits").0;
        if middle.offset() >= 0 {
            prop_assert_eq!(&late, middle);
            for entry in log.iter().skip(images.len() / 2) {
                late = replay(&late, late.offset() + 1, entry).expect("it fits").0;
            }
            prop_assert_eq!(&late, &image);
        }
        // Merged deltas name everything that differs in the end.
        let real = Delta::between(&empty, &image);
        for (id, topic) in &real.topics {
            prop_assert!(topic.partitions.is_subset(&merged.topics[id].partitions));
        }
        prop_assert!(real.brokers.keys().all(|id| merged.brokers.contains_key(id)));
    }

    #[test]
    fn hostile_records_never_panic(kinds in proptest::collection::vec(any::<Vec<u8>>(), 1..4)) {
        use prost::Message;
        let image = crate::testing::cluster(2);
        for bytes in kinds {
            if let Ok(record) = MetadataRecord::decode(&*bytes)
                && let Ok((next, _)) = replay(&image, image.offset() + 1, &[record])
            {
                check_image(&next);
            }
        }
    }
}
