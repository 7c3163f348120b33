//! A cluster made of decisions alone, for tests here and in [`crate::api`].

use std::collections::BTreeMap;
use std::sync::Arc;

use metadata::feature::FEATURES;
use metadata::v1::Restart;
use metadata::{
    Listener, MetadataImage, MetadataRecord, PartitionRegistration, SecurityProtocol,
    SupportedLevels, replay,
};
use protocol::Str;
use protocol::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rpc::{HeartbeatState, IsrMember, PartitionUpdate, Registration};
use types::{BrokerEpoch, DirectoryId, NodeId, Uuid};

use super::{
    Sender, Settings, activate, alter_partition, create_topics, fence, heartbeat, register_broker,
};

/// The active controller's node id.
pub(crate) const CONTROLLER: NodeId = NodeId(100);

/// An image and what decisions about it need.
pub(crate) struct Cluster {
    pub(crate) image: MetadataImage,
    pub(crate) settings: Settings,
    pub(crate) random: StdRng,
    /// The broker through which requests come.
    pub(crate) via: Option<NodeId>,
}

impl Cluster {
    /// A cluster with an active controller and no broker.
    pub(crate) fn empty() -> Self {
        let mut cluster = Self {
            image: MetadataImage::empty(),
            settings: settings(),
            random: StdRng::from_seed([7; 32]),
            via: None,
        };
        let id = Some("J7s9e8PPTKOO47PxzI39VA");
        let first = activate(
            &cluster.image,
            &cluster.settings,
            &mut cluster.random,
            CONTROLLER,
            id,
        );
        cluster.commit(&first.expect("a new cluster").records);
        cluster
    }

    /// A cluster with live brokers 1 to `count`, without racks.
    pub(crate) fn of(count: i32) -> Self {
        let mut cluster = Self::empty();
        for id in 1..=count {
            cluster.join(&registration(id));
        }
        cluster
    }

    /// Replays records as an entry of their own.
    pub(crate) fn commit(&mut self, records: &[MetadataRecord]) {
        let offset = self.image.offset() + 1;
        let (image, _delta) = replay(&self.image, offset, records).expect("decisions fit");
        self.image = image;
    }

    /// Registers a broker and unfences it.
    pub(crate) fn join(&mut self, broker: &Registration) {
        let decision = register_broker(&self.image, broker, false);
        self.commit(&decision.expect("a good registration").records);
        self.beat(broker.broker_id, |_state| {});
    }

    /// A heartbeat of a broker that has caught up.
    pub(crate) fn beat(&mut self, broker: NodeId, edit: impl Fn(&mut HeartbeatState)) {
        let mut state = HeartbeatState {
            metadata_offset: self.image.offset(),
            want_fence: false,
            want_shutdown: false,
            offline_log_dirs: Vec::new(),
            image_hash: None,
        };
        edit(&mut state);
        let decision = heartbeat(&self.image, broker, self.epoch(broker), &state);
        self.commit(&decision.expect("a good heartbeat").records);
    }

    /// Fences a broker.
    pub(crate) fn fence(&mut self, broker: i32) {
        let broker = NodeId(broker);
        let decision = fence(&self.image, broker, self.epoch(broker));
        self.commit(&decision.expect("a registered broker").records);
    }

    /// Creates a topic with these replicas.
    pub(crate) fn create(&mut self, name: &str, replicas: &[&[i32]]) {
        let assignments =
            (0..)
                .zip(replicas)
                .map(|(partition_index, ids)| CreatableReplicaAssignment {
                    partition_index,
                    broker_ids: ids.to_vec(),
                });
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: Str::from(name),
                num_partitions: -1,
                replication_factor: -1,
                assignments: assignments.collect(),
                ..CreatableTopic::default()
            }],
            ..CreateTopicsRequest::default()
        };
        let random = &mut self.random;
        let decision = create_topics(&self.image, &self.settings, random, &request);
        assert!(decision.response.iter().all(|(_, result)| result.is_ok()));
        self.commit(&decision.records);
    }

    /// Sets a topic's `min.insync.replicas`.
    pub(crate) fn set_min_isr(&mut self, topic: &str, value: &str) {
        self.commit(&[min_isr(topic, value)]);
    }

    /// Has the leader of a partition propose an ISR, which is accepted.
    pub(crate) fn set_isr(&mut self, topic: &str, index: i32, isr: &[i32]) {
        let partition = self.partition(topic, index);
        let member = |id: &i32| IsrMember {
            node: NodeId(*id),
            broker_epoch: self.epoch(NodeId(*id)),
        };
        let update = PartitionUpdate {
            topic_id: self.image.topic(topic).expect("it exists").id(),
            index,
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            isr: isr.iter().map(member).collect(),
        };
        let broker = partition.leader.expect("a leader");
        let epoch = self.epoch(broker);
        let sender = Sender { broker, epoch };
        let decision = alter_partition(&self.image, sender, &[update]);
        let decision = decision.expect("a registered leader");
        assert!(decision.response.iter().all(Result::is_ok));
        self.commit(&decision.records);
    }

    /// A partition of a topic that exists.
    pub(crate) fn partition(&self, topic: &str, index: i32) -> PartitionRegistration {
        let topic = self.image.topic(topic).expect("it exists");
        (**topic.partition(index).expect("it exists")).clone()
    }

    /// The epoch of a broker's registration.
    pub(crate) fn epoch(&self, broker: NodeId) -> BrokerEpoch {
        self.image
            .broker(broker)
            .expect("a registered broker")
            .epoch
    }
}

/// Kafka's defaults, with nothing in the file.
pub(crate) fn settings() -> Settings {
    Settings {
        num_partitions: 1,
        default_replication_factor: 1,
        delete_topic_enable: true,
        partitions_per_request_max: Settings::PARTITIONS_PER_REQUEST_MAX,
        elections: elections(),
        file: config::Properties::default(),
    }
}

/// Kafka's defaults.
pub(crate) fn elections() -> config::server::Elections {
    config::server::Elections {
        auto_leader_rebalance_enable: true,
        leader_imbalance_check_interval_seconds: 300,
        unclean_leader_election_interval: std::time::Duration::from_secs(300),
    }
}

/// A first start of a broker, without a rack.
pub(crate) fn registration(id: i32) -> Registration {
    let byte = u8::try_from(id).expect("a small id");
    let features = FEATURES.iter().map(|feature| {
        let levels = SupportedLevels {
            min: feature.min_level,
            max: feature.max_level,
        };
        (Arc::from(feature.name), levels)
    });
    Registration {
        broker_id: NodeId(id),
        incarnation_id: Uuid::from_bytes([byte | 0x40; 16]),
        cluster_id: None,
        listeners: vec![Listener {
            name: "PLAINTEXT".into(),
            host: format!("host{id}").into(),
            port: 9092,
            security_protocol: SecurityProtocol::Plaintext,
        }],
        rack: None,
        features: features.collect::<BTreeMap<_, _>>(),
        log_dirs: vec![DirectoryId(Uuid::from_bytes([byte | 0x80; 16]))],
        previous_broker_epoch: BrokerEpoch::NONE,
        restart: Restart::Clean,
    }
}

/// A later start of the same broker: another process.
pub(crate) fn restarted(id: i32, previous: BrokerEpoch, restart: Restart) -> Registration {
    Registration {
        incarnation_id: Uuid::from_bytes([0xee; 16]),
        previous_broker_epoch: previous,
        restart,
        ..registration(id)
    }
}

/// A topic's `min.insync.replicas`.
pub(crate) fn min_isr(topic: &str, value: &str) -> MetadataRecord {
    let config = metadata::v1::Config {
        resource_type: metadata::v1::ResourceType::Topic.into(),
        resource_name: topic.to_owned(),
        key: "min.insync.replicas".to_owned(),
        value: Some(value.to_owned()),
    };
    config.into()
}
