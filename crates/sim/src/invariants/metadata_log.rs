//! M1–M3 and M7: the metadata log is one, for ever, and says the same to everybody.

use metadata::{Delta, MetadataImage, TopicImage, content_hash, replay, replay_more};
use types::{NodeId, Offset};

use super::Truth;
use crate::message::{Entry, Key};

/// Its name in reports.
pub const NAME: &str = "one metadata log";
/// Every so many offsets images are compared; it costs a walk over the image.
const HASH_EVERY: Offset = 4;

impl Truth {
    /// A candidate won.
    pub fn on_term_leader(&mut self, term: u64, node: NodeId) {
        let known = *self.term_leaders.entry(term).or_insert(node);
        if known != node {
            self.violated(NAME, format!("{known} and {node} both lead term {term}"));
        }
    }

    /// Whether nobody was elected after that controller.
    #[must_use]
    pub fn leads_newest_term(&self, node: NodeId) -> bool {
        let newest = self.term_leaders.last_key_value();
        newest.is_some_and(|(_, leader)| *leader == node)
    }

    /// A node replayed up to an image.
    pub fn on_image(&mut self, node: NodeId, image: &MetadataImage) {
        if image.offset() % HASH_EVERY != 0 {
            return;
        }
        let hash = content_hash(image);
        let known = *self.hashes.entry(image.offset()).or_insert(hash);
        if known != hash {
            let offset = image.offset();
            self.violated(
                NAME,
                format!("{node} has another image at offset {offset} than others"),
            );
        }
    }

    /// A controller learnt that an entry is committed. Returns what it changed, if it is the first.
    pub fn on_committed(
        &mut self,
        offset: Offset,
        entry: &Entry,
        before: &MetadataImage,
        after: &MetadataImage,
        delta: &Delta,
    ) -> Option<Vec<String>> {
        if let Some(known) = self.entries.get(&offset) {
            if known.term != entry.term || known.records != entry.records {
                self.violated(
                    NAME,
                    format!(
                        "two entries are committed at offset {offset}: {known:?} and {entry:?}"
                    ),
                );
            }
            return None;
        }
        self.entries.insert(offset, entry.clone());
        self.newest = after.clone();
        self.check_broker_epochs(after, delta);
        self.check_steps(offset, entry, before, after);
        let mut lines = Vec::new();
        for key in partitions(after) {
            let Some(topic) = after.topic_by_id(key.0) else {
                continue;
            };
            let Some(partition) = topic.partition(key.1) else {
                continue;
            };
            let former = before.partition(key.0, key.1);
            if former != Some(partition) {
                lines.push(format!("{}-{}: {}", topic.name(), key.1, shown(partition)));
            }
        }
        for (broker, change) in &delta.brokers {
            let state = after
                .broker(*broker)
                .map(|b| (b.epoch.0, b.fenced, b.in_controlled_shutdown));
            lines.push(format!(
                "broker {broker} {change:?}: (epoch, fenced, leaving) {state:?}"
            ));
        }
        Some(lines)
    }

    /// Several decisions may be one entry, each made upon what the ones before it had changed.
    fn check_steps(
        &mut self,
        offset: Offset,
        entry: &Entry,
        before: &MetadataImage,
        after: &MetadataImage,
    ) {
        let mut step = before.clone();
        for (index, record) in entry.records.iter().enumerate() {
            let record = std::slice::from_ref(record);
            let replayed = match index {
                0 => replay(&step, offset, record),
                _ => replay_more(&step, record),
            };
            // One that only makes sense with the next is looked at with it.
            let Ok((next, _)) = replayed else {
                return self.check_partitions(&step, after);
            };
            self.check_partitions(&step, &next);
            step = next;
        }
    }

    fn check_partitions(&mut self, before: &MetadataImage, after: &MetadataImage) {
        for key in partitions(after) {
            let Some(topic) = after.topic_by_id(key.0) else {
                continue;
            };
            let Some(partition) = topic.partition(key.1) else {
                continue;
            };
            let min_isr = after.min_insync_replicas(topic.name(), partition.replication_factor());
            let former = before.partition(key.0, key.1);
            self.on_partition(key, former.map(|p| &**p), partition, after, min_isr);
        }
    }

    fn check_broker_epochs(&mut self, after: &MetadataImage, delta: &Delta) {
        for broker in delta.brokers.keys() {
            let Some(epoch) = after.broker(*broker).map(|broker| broker.epoch) else {
                continue;
            };
            let known = self.broker_epochs.insert(*broker, epoch);
            if known.is_some_and(|known| epoch < known) {
                self.violated(
                    NAME,
                    format!("the epoch of broker {broker} went back to {epoch}"),
                );
            }
        }
    }
}

fn partitions(image: &MetadataImage) -> Vec<Key> {
    let topics = image.topics();
    let of = |topic: &TopicImage| -> Vec<Key> {
        topic
            .partitions()
            .map(|(index, _)| (topic.id(), index))
            .collect()
    };
    topics.flat_map(of).collect()
}

fn shown(partition: &metadata::PartitionRegistration) -> String {
    let list = |nodes: &[NodeId]| -> Vec<i32> { nodes.iter().map(|node| node.0).collect() };
    format!(
        "leader {:?} epoch {}/{} replicas {:?} isr {:?} elr {:?} last {:?} adding {:?} removing {:?}",
        partition.leader.map(|leader| leader.0),
        partition.leader_epoch,
        partition.partition_epoch,
        list(&partition.replicas),
        list(&partition.isr),
        list(&partition.elr),
        list(&partition.last_known_elr),
        list(&partition.adding_replicas),
        list(&partition.removing_replicas),
    )
}
