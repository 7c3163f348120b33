//! A while after the last fault everything is well: nobody had to help.

use types::{NodeId, Offset};

use super::Truth;
use crate::broker::Role;
use crate::message::Key;
use crate::world::World;

/// Its name in reports.
pub const NAME: &str = "everything heals";

impl Truth {
    fn unwell(&self, brokers: impl Iterator<Item = NodeId>) -> Option<String> {
        for broker in brokers {
            if !self.newest.is_live(broker) {
                return Some(format!("broker {broker} is not live"));
            }
        }
        for topic in self.newest.topics() {
            for (index, partition) in topic.partitions() {
                if self.is_excused((topic.id(), index)) {
                    continue;
                }
                let is_full = partition
                    .replicas
                    .iter()
                    .all(|node| partition.isr.contains(node));
                if partition.leader.is_none() || !is_full || partition.is_reassigning() {
                    return Some(format!("{}-{index}: {partition:?}", topic.name()));
                }
            }
        }
        None
    }
}

impl World {
    /// What is not well yet.
    #[must_use]
    pub fn unwell(&self) -> Option<String> {
        let metadata = self.truth.unwell(self.plan.brokers());
        metadata
            .or_else(|| self.unwell_replicas())
            .or_else(|| self.unwell_producers())
            .or_else(|| self.unwell_members())
    }

    fn unwell_replicas(&self) -> Option<String> {
        for topic in self.truth.newest.topics() {
            for (index, partition) in topic.partitions() {
                let key: Key = (topic.id(), index);
                if self.truth.is_excused(key) {
                    continue;
                }
                let mut ends: Vec<(NodeId, Offset, Offset)> = Vec::new();
                for node in &partition.replicas {
                    let Some(replica) = self.brokers.get(node).and_then(|b| b.replicas.get(&key))
                    else {
                        return Some(format!("{node} has no replica of {}", self.name(key)));
                    };
                    let log = self
                        .machines
                        .get(node)
                        .and_then(|m| m.logs.get(&replica.place))?;
                    ends.push((*node, replica.high_watermark, log.end()));
                    let is_leader = matches!(replica.role, Role::Leader(_));
                    if is_leader != (partition.leader == Some(*node)) {
                        return Some(format!("{node} does not know who leads {}", self.name(key)));
                    }
                }
                let same = |(_, high_watermark, end): &(NodeId, Offset, Offset)| {
                    *high_watermark == *end && ends.first().is_some_and(|first| first.2 == *end)
                };
                if !ends.iter().all(same) {
                    return Some(format!("{}: (node, hw, end) {ends:?}", self.name(key)));
                }
            }
        }
        None
    }

    fn unwell_producers(&self) -> Option<String> {
        let mut producers = self.clients.producers.iter();
        let waits = producers.find(|(_, producer)| {
            let is_excused = producer.key.is_some_and(|key| self.truth.is_excused(key));
            !is_excused && !producer.is_content()
        });
        waits.map(|(number, producer)| format!("producer {number} waits: {producer:?}"))
    }

    /// Looks at everything once more.
    pub fn check_final(&mut self) {
        self.check_matching();
        for (id, broker) in &self.brokers {
            for (key, replica) in &broker.replicas {
                // Whoever is a replica no more may not have heard of it yet.
                let partition = self.truth.newest.partition(key.0, key.1);
                if partition.is_none_or(|partition| !partition.replicas.contains(id)) {
                    continue;
                }
                let Some(log) = self
                    .machines
                    .get(id)
                    .and_then(|m| m.logs.get(&replica.place))
                else {
                    continue;
                };
                self.truth
                    .check_complete(*key, log, &format!("at the end, {id}"));
                self.truth.check_duplicates(log);
            }
        }
    }
}
