//! What may be asked for, drawn at random, and how it is decided.

use metadata::{MetadataImage, replay_more};
use proptest::prelude::*;
use protocol::Str;
use protocol::messages::alter_partition_reassignments::{ReassignablePartition, ReassignableTopic};
use protocol::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use rpc::{DirectoryAssignment, HeartbeatState, IsrMember, PartitionUpdate};
use types::{BrokerEpoch, DirectoryId, NodeId, TopicId};

use crate::decide::testing::{CONTROLLER, Cluster, registration};
use crate::decide::{
    Edit, EditKind, Election, Resource, Sender, Target, activate, allocate_producer_ids,
    alter_configs, alter_partition, alter_partition_reassignments, assign_directories,
    balance_leaders, create_partitions, create_topics, delete_topics, elect_leaders, elect_unclean,
    fence, grow_internal_topics, heartbeat, incremental_alter_configs, register_broker,
    relieve_draining, unregister_broker,
};

#[derive(Clone, Debug)]
pub(super) enum Ask {
    Create {
        name: u8,
        partitions: i32,
        factor: i16,
        min_isr: Option<u8>,
    },
    Delete {
        name: u8,
        by_id: bool,
    },
    Grow {
        name: u8,
        by: i32,
    },
    Configure {
        name: u8,
        min_isr: u8,
        legacy: bool,
    },
    Register {
        broker: u8,
        incarnation: u8,
        restart: i32,
        known: bool,
    },
    Beat {
        broker: u8,
        fence: bool,
        shutdown: bool,
    },
    Fence {
        broker: u8,
    },
    Unregister {
        broker: u8,
    },
    ProducerIds {
        broker: u8,
    },
    Isr {
        name: u8,
        index: i32,
        members: u8,
    },
    Elect {
        unclean: bool,
    },
    Reassign {
        name: u8,
        index: i32,
        targets: Option<Vec<i32>>,
    },
    /// One of the broker's two disks fails.
    Disk {
        broker: u8,
    },
    Assign {
        name: u8,
        index: i32,
        broker: u8,
        disk: u8,
    },
    Drain {
        broker: u8,
        on: bool,
    },
    Upkeep,
    Activate,
}

pub(super) fn ask() -> impl Strategy<Value = Ask> {
    let broker = || 1..6u8;
    let name = || 0..5u8;
    let targets = proptest::option::of(proptest::collection::vec(1..6i32, 0..4));
    prop_oneof![
        5 => (name(), -1..5i32, -1..4i16, proptest::option::of(1..4u8)).prop_map(
            |(name, partitions, factor, min_isr)| Ask::Create { name, partitions, factor, min_isr }),
        2 => (name(), any::<bool>()).prop_map(|(name, by_id)| Ask::Delete { name, by_id }),
        2 => (name(), -1..4i32).prop_map(|(name, by)| Ask::Grow { name, by }),
        3 => (name(), 0..5u8, any::<bool>())
            .prop_map(|(name, min_isr, legacy)| Ask::Configure { name, min_isr, legacy }),
        4 => (broker(), any::<u8>(), 0..3i32, any::<bool>()).prop_map(
            |(broker, incarnation, restart, known)| Ask::Register { broker, incarnation, restart, known }),
        8 => (broker(), proptest::bool::weighted(0.1), proptest::bool::weighted(0.1))
            .prop_map(|(broker, fence, shutdown)| Ask::Beat { broker, fence, shutdown }),
        3 => broker().prop_map(|broker| Ask::Fence { broker }),
        1 => broker().prop_map(|broker| Ask::Unregister { broker }),
        1 => broker().prop_map(|broker| Ask::ProducerIds { broker }),
        8 => (name(), 0..3i32, any::<u8>())
            .prop_map(|(name, index, members)| Ask::Isr { name, index, members }),
        1 => any::<bool>().prop_map(|unclean| Ask::Elect { unclean }),
        3 => (name(), 0..3i32, targets)
            .prop_map(|(name, index, targets)| Ask::Reassign { name, index, targets }),
        1 => broker().prop_map(|broker| Ask::Disk { broker }),
        3 => (name(), 0..3i32, broker(), 0..2u8)
            .prop_map(|(name, index, broker, disk)| Ask::Assign { name, index, broker, disk }),
        1 => (broker(), any::<bool>()).prop_map(|(broker, on)| Ask::Drain { broker, on }),
        2 => Just(Ask::Upkeep),
        1 => Just(Ask::Activate),
    ]
}

/// Names that collide on purpose.
fn topic_name(n: u8) -> Str {
    Str::from(["a.b", "a_b", "c", "d", "__consumer_offsets"][usize::from(n)])
}

impl Cluster {
    pub(super) fn decide(&mut self, ask: &Ask) -> Vec<metadata::MetadataRecord> {
        let (image, settings) = (&self.image, &self.settings);
        let random = &mut self.random;
        let epoch = |broker: u8| {
            let broker = NodeId(i32::from(broker));
            let epoch = image.broker(broker).map(|broker| broker.epoch);
            (broker, epoch.unwrap_or(BrokerEpoch::NONE))
        };
        match ask {
            Ask::Create {
                name,
                partitions,
                factor,
                min_isr,
            } => {
                let request = create(*name, *partitions, *factor, *min_isr);
                create_topics(image, settings, random, &request).records
            }
            Ask::Delete { name, by_id } => {
                let name = topic_name(*name);
                let id = image
                    .topic(&name)
                    .map_or(TopicId::ZERO, metadata::TopicImage::id);
                let target = match by_id {
                    true => Target { name: None, id },
                    false => Target {
                        name: Some(name),
                        id: TopicId::ZERO,
                    },
                };
                delete_topics(image, settings, &[target]).records
            }
            Ask::Grow { name, by } => {
                let request = grow(image, *name, *by);
                create_partitions(image, settings, random, &request).records
            }
            Ask::Configure {
                name,
                min_isr,
                legacy,
            } => {
                let resources = [configure(*name, *min_isr)];
                let alter = if *legacy {
                    alter_configs
                } else {
                    incremental_alter_configs
                };
                alter(image, settings, None, &resources, false).records
            }
            Ask::Register {
                broker,
                incarnation,
                restart,
                known,
            } => {
                let (_, former) = epoch(*broker);
                let mut start = registration(i32::from(*broker));
                start.incarnation_id = types::Uuid::from_bytes([incarnation | 1; 16]);
                start.restart = (*restart).try_into().unwrap_or_default();
                start
                    .log_dirs
                    .push(disk(*broker, u8::from(*incarnation < 200)));
                start.previous_broker_epoch = if *known { former } else { BrokerEpoch::NONE };
                register_broker(image, &start, false).map_or(vec![], |decision| decision.records)
            }
            Ask::Beat {
                broker,
                fence,
                shutdown,
            } => {
                let (broker, epoch) = epoch(*broker);
                let state = HeartbeatState {
                    metadata_offset: image.offset(),
                    want_fence: *fence,
                    want_shutdown: *shutdown,
                    offline_log_dirs: vec![],
                    image_hash: None,
                };
                heartbeat(image, broker, epoch, &state).map_or(vec![], |decision| decision.records)
            }
            Ask::Fence { broker } => {
                let (broker, epoch) = epoch(*broker);
                fence(image, broker, epoch).map_or(vec![], |decision| decision.records)
            }
            Ask::Unregister { broker } => {
                let (broker, _) = epoch(*broker);
                unregister_broker(image, broker).map_or(vec![], |decision| decision.records)
            }
            Ask::ProducerIds { broker } => {
                let (broker, epoch) = epoch(*broker);
                allocate_producer_ids(image, broker, epoch).map_or(vec![], |d| d.records)
            }
            Ask::Isr {
                name,
                index,
                members,
            } => propose(image, *name, *index, *members),
            Ask::Elect { unclean } => {
                let election = if *unclean {
                    Election::Unclean
                } else {
                    Election::Preferred
                };
                elect_leaders(image, election, None).records
            }
            Ask::Reassign {
                name,
                index,
                targets,
            } => {
                let topic = ReassignableTopic {
                    name: topic_name(*name),
                    partitions: vec![ReassignablePartition {
                        partition_index: *index,
                        replicas: targets.clone(),
                    }],
                };
                alter_partition_reassignments(image, &[topic], true).records
            }
            Ask::Disk { broker } => {
                let (id, epoch) = epoch(*broker);
                let state = HeartbeatState {
                    metadata_offset: image.offset(),
                    want_fence: false,
                    want_shutdown: false,
                    offline_log_dirs: vec![disk(*broker, 1)],
                    image_hash: None,
                };
                heartbeat(image, id, epoch, &state).map_or(vec![], |decision| decision.records)
            }
            Ask::Assign {
                name,
                index,
                broker,
                disk,
            } => assign(image, *name, *index, *broker, *disk),
            Ask::Drain { broker, on } => {
                let resource = drain(*broker, *on);
                incremental_alter_configs(image, settings, None, &[resource], false).records
            }
            // One after the other, each on what the ones before have made of the image.
            Ask::Upkeep => {
                let mut next = image.clone();
                let mut records = Vec::new();
                for step in 0..4 {
                    let more = match step {
                        0 => relieve_draining(&next),
                        1 => grow_internal_topics(&next, random),
                        2 => elect_unclean(&next, settings),
                        _ => balance_leaders(&next).0,
                    };
                    next = replay_more(&next, &more).expect("it fits").0;
                    records.extend(more);
                }
                records
            }
            Ask::Activate => activate(image, settings, random, CONTROLLER, None)
                .map_or(vec![], |decision| decision.records),
        }
    }
}

/// The second disk of a broker, or the one that replaced it.
fn disk(broker: u8, n: u8) -> DirectoryId {
    DirectoryId(types::Uuid::from_bytes([broker | (n + 1) << 4; 16]))
}

fn assign(
    image: &MetadataImage,
    name: u8,
    index: i32,
    broker: u8,
    disk: u8,
) -> Vec<metadata::MetadataRecord> {
    let broker = NodeId(i32::from(broker));
    let topic = image.topic(&topic_name(name));
    let (Some(topic), Some(registered)) = (topic, image.broker(broker)) else {
        return vec![];
    };
    let Some(directory) = registered.log_dirs.get(usize::from(disk)) else {
        return vec![];
    };
    let assignment = DirectoryAssignment {
        topic_id: topic.id(),
        index,
        directory: *directory,
    };
    let epoch = registered.epoch;
    let sender = Sender { broker, epoch };
    assign_directories(image, sender, &[assignment]).map_or(vec![], |decision| decision.records)
}

fn drain(broker: u8, on: bool) -> Resource {
    Resource {
        kind: 4,
        name: Str::from(broker.to_string()),
        edits: vec![Edit {
            key: Str::from(metadata::BROKER_DRAIN),
            kind: if on { EditKind::Set } else { EditKind::Delete },
            value: on.then(|| Str::from("true")),
        }],
    }
}

fn create(name: u8, partitions: i32, factor: i16, min_isr: Option<u8>) -> CreateTopicsRequest {
    let config = |value: u8| CreatableTopicConfig {
        name: Str::from("min.insync.replicas"),
        value: Some(Str::from(value.to_string())),
    };
    CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic_name(name),
            num_partitions: partitions,
            replication_factor: factor,
            configs: min_isr.into_iter().map(config).collect(),
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    }
}

fn grow(image: &MetadataImage, name: u8, by: i32) -> CreatePartitionsRequest {
    let name = topic_name(name);
    let current = image
        .topic(&name)
        .map_or(0, metadata::TopicImage::partition_count);
    CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name,
            count: i32::try_from(current).expect("few") + by,
            assignments: None,
        }],
        timeout_ms: 1000,
        validate_only: false,
    }
}

fn configure(name: u8, min_isr: u8) -> Resource {
    let (kind, name) = match name {
        0 => (4, Str::new()),
        name => (2, topic_name(name)),
    };
    Resource {
        kind,
        name,
        edits: vec![Edit {
            key: Str::from("min.insync.replicas"),
            kind: EditKind::Set,
            value: Some(Str::from(min_isr.to_string())),
        }],
    }
}

fn propose(
    image: &MetadataImage,
    name: u8,
    index: i32,
    members: u8,
) -> Vec<metadata::MetadataRecord> {
    let Some(topic) = image.topic(&topic_name(name)) else {
        return vec![];
    };
    let Some((partition, broker)) = topic.partition(index).and_then(|p| Some((p, p.leader?)))
    else {
        return vec![];
    };
    let epoch = |node: NodeId| image.broker(node).map_or(BrokerEpoch::NONE, |b| b.epoch);
    let replicas = partition.replicas.iter().copied().enumerate();
    let isr = replicas.filter(|(i, node)| *node == broker || members >> i & 1 == 1);
    let update = PartitionUpdate {
        topic_id: topic.id(),
        index,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        isr: isr
            .map(|(_, node)| IsrMember {
                node,
                broker_epoch: epoch(node),
            })
            .collect(),
    };
    let sender = Sender {
        broker,
        epoch: epoch(broker),
    };
    alter_partition(image, sender, &[update]).map_or(vec![], |decision| decision.records)
}
