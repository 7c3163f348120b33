//! Random sequences of requests, as clients and brokers might send them: what is decided always fits
//! the image it was decided on, also when several requests share an entry, and never breaks a rule.

mod asks;

use std::collections::{BTreeMap, BTreeSet};

use metadata::{MetadataImage, content_hash, replay, replay_more, snapshot};
use proptest::prelude::*;
use types::{BrokerEpoch, NodeId, TopicId};

use crate::decide::testing::Cluster;
use asks::{Ask, ask};

fn check(image: &MetadataImage) {
    let mut names = BTreeSet::new();
    for topic in image.topics() {
        assert!(
            names.insert(topic.name().replace('.', "_")),
            "{} collides",
            topic.name()
        );
        for (index, partition) in topic.partitions() {
            assert_eq!(
                partition.validate(),
                Ok(()),
                "{}-{index}: {partition:?}",
                topic.name()
            );
            let leader = partition.leader;
            assert!(
                leader.is_none_or(|leader| image.is_replica_live(partition, leader)),
                "{partition:?}"
            );
            assert_eq!(partition.directories.len(), partition.replicas.len());
            let min_isr = image.min_insync_replicas(topic.name(), partition.replication_factor());
            let is_large = partition.isr.len() >= min_isr;
            assert!(
                !is_large || partition.elr.is_empty(),
                "{partition:?} needs no elr"
            );
        }
    }
}

/// Epochs of one topic's partitions, and of brokers, never go backwards.
#[derive(Default)]
struct Epochs {
    leaders: BTreeMap<(TopicId, i32), (i32, i32)>,
    brokers: BTreeMap<NodeId, BrokerEpoch>,
    producer_ids: i64,
}

impl Epochs {
    fn check(&mut self, image: &MetadataImage) {
        for topic in image.topics() {
            for (index, partition) in topic.partitions() {
                let now = (partition.leader_epoch.0, partition.partition_epoch.0);
                let before = self
                    .leaders
                    .insert((topic.id(), index), now)
                    .unwrap_or((0, 0));
                assert!(now.0 >= before.0 && now.1 >= before.1);
            }
        }
        for broker in image.brokers() {
            let before = self.brokers.insert(broker.id, broker.epoch);
            assert!(before.is_none_or(|before| broker.epoch >= before));
        }
        assert!(image.next_producer_id() >= self.producer_ids);
        self.producer_ids = image.next_producer_id();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_sequence_of_requests_keeps_the_rules(
        asks in proptest::collection::vec(ask(), 1..70),
        per_entry in 1..4usize,
    ) {
        let mut cluster = Cluster::of(3);
        cluster.settings.num_partitions = 2;
        cluster.settings.default_replication_factor = 2;
        let mut epochs = Epochs::default();
        for entry in asks.chunks(per_entry) {
            let before = cluster.image.clone();
            let offset = before.offset() + 1;
            // The first opens the entry; the others are decided on what it will have done.
            cluster.image = replay(&before, offset, &[]).expect("an empty entry").0;
            let mut records = Vec::new();
            for ask in entry {
                // Two registrations of one broker never share an entry; see `register_broker`.
                let opens = matches!(ask, Ask::Register { .. } | Ask::Unregister { .. });
                if opens && !records.is_empty() {
                    continue;
                }
                let decided = cluster.decide(ask);
                cluster.image = replay_more(&cluster.image, &decided).expect("it fits").0;
                check(&cluster.image);
                records.extend(decided);
                if opens {
                    break;
                }
            }
            // Committed as one entry, the records give what was foreseen.
            let (committed, _) = replay(&before, offset, &records).expect("it fits");
            prop_assert_eq!(&committed, &cluster.image);
            epochs.check(&committed);
        }
        let image = &cluster.image;
        let (copy, _) = replay(&MetadataImage::empty(), image.offset(), &snapshot(image)).expect("it fits");
        prop_assert_eq!(&copy, image);
        prop_assert_eq!(content_hash(&copy), content_hash(image));
    }
}
