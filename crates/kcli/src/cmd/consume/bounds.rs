//! When enough has been read.

use std::collections::BTreeMap;

use client::Consumer;
use client::consumer::ConsumerRecord;
use types::{Offset, TopicPartition};

use super::start::Part;

/// The ends of the partitions that have one, until they are reached.
#[derive(Debug)]
pub(super) struct Bounds {
    ends: BTreeMap<TopicPartition, Offset>,
}

impl Bounds {
    pub(super) fn new(parts: &BTreeMap<TopicPartition, Part>) -> Self {
        let ends = parts
            .iter()
            .filter_map(|(partition, part)| Some((partition.clone(), part.to?)));
        Self {
            ends: ends.collect(),
        }
    }

    /// Whether the record lies before its partition's end.
    pub(super) fn contains(&self, record: &ConsumerRecord) -> bool {
        if self.ends.is_empty() {
            return true;
        }
        let partition = TopicPartition::new(record.topic.clone(), record.partition);
        self.ends
            .get(&partition)
            .is_none_or(|end| record.offset < *end)
    }

    /// Stops reading partitions that have been read to their end. `true` if none is left.
    pub(super) fn stop_finished(&self, consumer: &mut Consumer) -> bool {
        if self.ends.is_empty() {
            return false;
        }
        let is_finished = |(partition, end): &(&TopicPartition, &Offset)| {
            consumer
                .position(partition)
                .is_some_and(|position| position >= **end)
        };
        let finished: Vec<_> = self
            .ends
            .iter()
            .filter(is_finished)
            .map(|(p, _)| p.clone())
            .collect();
        for partition in &finished {
            consumer.unassign(partition);
        }
        consumer.assignment().next().is_none()
    }
}
