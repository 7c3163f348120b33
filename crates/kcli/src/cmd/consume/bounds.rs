//! When enough has been read.

use std::collections::BTreeMap;

use client::Consumer;
use client::consumer::ConsumerRecord;
use types::{Offset, TopicPartition};

use super::start::Part;

/// The part of each partition that is wanted.
#[derive(Debug)]
pub(super) struct Bounds {
    /// Of those partitions that are read from before what is wanted.
    firsts: BTreeMap<TopicPartition, Offset>,
    /// Of those that have an end.
    ends: BTreeMap<TopicPartition, Offset>,
}

impl Bounds {
    pub(super) fn new(parts: &BTreeMap<TopicPartition, Part>) -> Self {
        let ends = parts
            .iter()
            .filter_map(|(partition, part)| Some((partition.clone(), part.to?)));
        let late = parts.iter().filter(|(_, part)| part.first > part.from);
        Self {
            firsts: late
                .map(|(partition, part)| (partition.clone(), part.first))
                .collect(),
            ends: ends.collect(),
        }
    }

    /// Whether the record lies within the part that is wanted.
    pub(super) fn contains(&self, record: &ConsumerRecord) -> bool {
        if self.ends.is_empty() && self.firsts.is_empty() {
            return true;
        }
        let partition = TopicPartition::new(record.topic.clone(), record.partition);
        let is_after = |first: &Offset| record.offset >= *first;
        let is_before = |end: &Offset| record.offset < *end;
        self.firsts.get(&partition).is_none_or(is_after)
            && self.ends.get(&partition).is_none_or(is_before)
    }

    /// Partitions that have not been read to their end, with where that is and where reading is.
    pub(super) fn unfinished(&self, consumer: &Consumer) -> Vec<(TopicPartition, Offset, Offset)> {
        let open = self.ends.iter().filter_map(|(partition, end)| {
            let position = consumer.position(partition)?;
            (position < *end).then(|| (partition.clone(), position, *end))
        });
        open.collect()
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
