//! What the active controller decides without being asked: leaders that could be better placed, and
//! partitions that nobody leads.

use metadata::{
    MetadataImage, MetadataRecord, PartitionRegistration, ResourceKind, TopicImage, derive,
};
use types::PartitionIndex;

use super::Settings;
use super::elect_leaders::{preferred, unclean};
use super::partition_change::{change, unclean_change};
use super::placement;
use super::reassignments::grown;
use super::topic_name::{INTERNAL_REPLICATION_FACTOR, is_internal};

/// Most partitions that one round changes; the next round goes on.
const ROUND_MAX: usize = 1_000;

const UNCLEAN: &str = "unclean.leader.election.enable";

/// Moves leaderships from brokers that are being emptied to others that have come into sync
/// meanwhile. (When the emptying begins, every node derives the moves.)
#[must_use]
pub fn relieve_draining(image: &MetadataImage) -> Vec<MetadataRecord> {
    let mut draining = image
        .brokers()
        .filter(|broker| image.is_draining(broker.id));
    if draining.next().is_none() {
        return Vec::new();
    }
    let world = derive::World::of(image);
    changes(image, |_topic, partition| {
        let leader = partition
            .leader
            .filter(|leader| image.is_draining(*leader))?;
        derive::after_drain(world, partition, leader)
    })
}

/// Gives leadership back to preferred replicas that are in sync. Whether there may be more to do.
#[must_use]
pub fn balance_leaders(image: &MetadataImage) -> (Vec<MetadataRecord>, bool) {
    let records = changes(image, |_topic, partition| preferred(image, partition).ok());
    let has_more = records.len() >= ROUND_MAX;
    (records, has_more)
}

/// Adds replicas to partitions of internal topics that were created when there were fewer brokers.
#[must_use]
pub fn grow_internal_topics(
    image: &MetadataImage,
    random: &mut dyn rand::Rng,
) -> Vec<MetadataRecord> {
    let mut records = Vec::new();
    for topic in image.topics().filter(|topic| is_internal(topic.name())) {
        for (index, partition) in topic.partitions() {
            let is_small = partition.replicas.len() < INTERNAL_REPLICATION_FACTOR;
            // One that is offline has nothing that could be copied.
            if !is_small || partition.is_reassigning() || !partition.is_online() {
                continue;
            }
            let wanted = INTERNAL_REPLICATION_FACTOR - partition.replicas.len();
            let more = placement::more_replicas(image, &partition.replicas, wanted, random);
            if !more.is_empty() {
                let next = grown(image, partition, &more);
                records.extend(change(topic.id(), index, partition, &next));
            }
            if records.len() >= ROUND_MAX {
                return records;
            }
        }
    }
    records
}

/// Elects replicas that are not in sync, for partitions that nobody leads and whose topics allow it.
#[must_use]
pub fn elect_unclean(image: &MetadataImage, settings: &Settings) -> Vec<MetadataRecord> {
    let is_true = |value: &str| value.trim().eq_ignore_ascii_case("true");
    let all = image.config(ResourceKind::Broker, "", UNCLEAN);
    let all = all
        .or_else(|| settings.file.get(UNCLEAN))
        .is_some_and(is_true);
    let may = |topic: &TopicImage| {
        let own = image.config(ResourceKind::Topic, topic.name(), UNCLEAN);
        own.map_or(all, is_true) && !is_internal(topic.name())
    };
    let mut records = Vec::new();
    for topic in image.topics().filter(|topic| may(topic)) {
        for (index, partition) in topic.partitions().filter(|(_, p)| !p.is_online()) {
            let Ok(next) = unclean(image, partition) else {
                continue;
            };
            tracing::error!(
                topic = &**topic.name(), index, leader = ?next.leader,
                "unclean election: acknowledged records may be lost"
            );
            records.extend(unclean_change(topic.id(), index, partition, &next));
            if records.len() >= ROUND_MAX {
                return records;
            }
        }
    }
    records
}

/// Partitions that nobody leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offline {
    /// Those that come back by themselves, with one of the brokers that hold all of their records.
    pub waiting_count: usize,
    /// Those that no broker is known to hold all of; a person has to decide.
    pub lost_count: usize,
    /// Names of a few, those first that need a person.
    pub examples: Vec<(String, PartitionIndex)>,
}

/// Counts the partitions without a leader.
#[must_use]
pub fn offline(image: &MetadataImage) -> Offline {
    const EXAMPLES: usize = 5;
    let mut found = Offline::default();
    let mut waiting = Vec::new();
    for topic in image.topics() {
        for (index, partition) in topic.partitions().filter(|(_, p)| !p.is_online()) {
            let is_lost = partition.isr.is_empty() && partition.elr.is_empty();
            let (count, examples) = match is_lost {
                true => (&mut found.lost_count, &mut found.examples),
                false => (&mut found.waiting_count, &mut waiting),
            };
            *count += 1;
            if examples.len() < EXAMPLES {
                examples.push((topic.name().to_string(), index));
            }
        }
    }
    let room = EXAMPLES.saturating_sub(found.examples.len());
    found.examples.extend(waiting.into_iter().take(room));
    found
}

/// The records of one round in which `next` says what becomes of each partition.
fn changes(
    image: &MetadataImage,
    next: impl Fn(&TopicImage, &PartitionRegistration) -> Option<PartitionRegistration>,
) -> Vec<MetadataRecord> {
    let mut records = Vec::new();
    for topic in image.topics() {
        for (index, partition) in topic.partitions() {
            let next = next(topic, partition);
            records.extend(next.and_then(|next| change(topic.id(), index, partition, &next)));
            if records.len() >= ROUND_MAX {
                return records;
            }
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use metadata::v1::{self, Restart};
    use types::NodeId;

    use super::*;
    use crate::decide::testing::{Cluster, registration, restarted};

    const ONE: NodeId = NodeId(1);
    const TWO: NodeId = NodeId(2);

    fn cluster() -> Cluster {
        let mut cluster = Cluster::of(3);
        cluster.create("t", &[&[1, 2, 3], &[2, 3, 1]]);
        cluster
    }

    fn set(cluster: &mut Cluster, kind: v1::ResourceType, name: &str, key: &str, value: &str) {
        let config = v1::Config {
            resource_type: kind.into(),
            resource_name: name.to_owned(),
            key: key.to_owned(),
            value: Some(value.to_owned()),
        };
        cluster.commit(&[config.into()]);
    }

    fn back_in_sync(cluster: &mut Cluster, isr: &[i32]) {
        for index in 0..2 {
            cluster.set_isr("t", index, isr);
        }
    }

    #[test]
    fn leaderships_go_back_to_preferred_replicas_that_are_in_sync_again() {
        let mut cluster = cluster();
        cluster.fence(1);
        cluster.beat(ONE, |_| {});
        assert_eq!(cluster.partition("t", 0).leader, Some(TWO));
        assert_eq!(balance_leaders(&cluster.image), (vec![], false));
        back_in_sync(&mut cluster, &[1, 2, 3]);
        let (records, has_more) = balance_leaders(&cluster.image);
        cluster.commit(&records);
        assert!(!has_more);
        assert_eq!(cluster.partition("t", 0).leader, Some(ONE));
        assert_eq!(balance_leaders(&cluster.image), (vec![], false));
    }

    #[test]
    fn a_draining_broker_leads_only_what_nobody_else_can() {
        let mut cluster = cluster();
        let drain = |cluster: &mut Cluster, value| {
            set(
                cluster,
                v1::ResourceType::Broker,
                "1",
                metadata::BROKER_DRAIN,
                value,
            );
        };
        drain(&mut cluster, "true");
        assert_eq!(cluster.partition("t", 0).leader, Some(TWO));
        assert_eq!(cluster.partition("t", 0).isr.len(), 3);
        assert_eq!(balance_leaders(&cluster.image).0, []);
        cluster.fence(2);
        assert_eq!(cluster.partition("t", 0).leader, Some(NodeId(3)));
        cluster.fence(3);
        assert_eq!(cluster.partition("t", 0).leader, Some(ONE));
        assert_eq!(relieve_draining(&cluster.image), []);
        cluster.beat(TWO, |_| {});
        back_in_sync(&mut cluster, &[1, 2]);
        let records = relieve_draining(&cluster.image);
        cluster.commit(&records);
        assert_eq!(cluster.partition("t", 0).leader, Some(TWO));
        drain(&mut cluster, "false");
        let (records, _) = balance_leaders(&cluster.image);
        cluster.commit(&records);
        assert_eq!(cluster.partition("t", 0).leader, Some(ONE));
    }

    #[test]
    fn a_partition_that_lost_records_waits_for_a_person_unless_its_topic_says_otherwise() {
        let mut cluster = Cluster::of(2);
        cluster.create("t", &[&[1, 2]]);
        cluster.set_min_isr("t", "1");
        cluster.fence(2);
        cluster.fence(1);
        let epoch = cluster.epoch(ONE);
        assert_eq!(offline(&cluster.image).waiting_count, 1);
        cluster.join(&restarted(1, epoch, Restart::Lossy));
        cluster.beat(TWO, |_| {});
        let lost = offline(&cluster.image);
        assert_eq!((lost.waiting_count, lost.lost_count), (0, 1));
        assert_eq!(lost.examples, [("t".to_owned(), 0)]);
        assert_eq!(elect_unclean(&cluster.image, &cluster.settings), []);
        set(&mut cluster, v1::ResourceType::Topic, "t", UNCLEAN, "true");
        let records = elect_unclean(&cluster.image, &cluster.settings);
        cluster.commit(&records);
        // Who led last is asked first.
        assert_eq!(cluster.partition("t", 0).leader, Some(ONE));
        assert_eq!(offline(&cluster.image), Offline::default());
    }

    #[test]
    fn internal_topics_grow_with_the_cluster() {
        let mut cluster = Cluster::of(1);
        cluster.create("__consumer_offsets", &[&[1]]);
        cluster.create("t", &[&[1]]);
        let grow = |cluster: &mut Cluster| {
            let records = grow_internal_topics(&cluster.image, &mut cluster.random);
            cluster.commit(&records);
            records.len()
        };
        assert_eq!(grow(&mut cluster), 0);
        cluster.join(&registration(2));
        assert_eq!(grow(&mut cluster), 1);
        let growing = cluster.partition("__consumer_offsets", 0);
        assert_eq!(
            (&*growing.replicas, &*growing.adding_replicas),
            (&[ONE, TWO][..], &[TWO][..])
        );
        cluster.join(&registration(3));
        cluster.join(&registration(4));
        assert_eq!(grow(&mut cluster), 0, "one after the other");
        cluster.set_isr("__consumer_offsets", 0, &[1, 2]);
        assert!(!cluster.partition("__consumer_offsets", 0).is_reassigning());
        assert_eq!(grow(&mut cluster), 1);
        assert_eq!(cluster.partition("__consumer_offsets", 0).replicas.len(), 3);
        assert_eq!(cluster.partition("t", 0).replicas, [ONE]);
    }

    #[test]
    fn internal_topics_are_never_elected_uncleanly() {
        let mut cluster = Cluster::of(1);
        cluster.create("__consumer_offsets", &[&[1]]);
        set(&mut cluster, v1::ResourceType::Broker, "", UNCLEAN, "true");
        cluster.fence(1);
        let mut wiped = restarted(1, cluster.epoch(ONE), Restart::ProcessCrash);
        wiped.log_dirs = vec![types::DirectoryId(types::Uuid::from_bytes([9; 16]))];
        cluster.join(&wiped);
        assert_eq!(offline(&cluster.image).lost_count, 1);
        assert_eq!(elect_unclean(&cluster.image, &cluster.settings), []);
    }
}
