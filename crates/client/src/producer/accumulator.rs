//! All records not yet acknowledged, by topic and partition.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::records::BatchBuilder;
use tokio::time::Instant;
use types::{PartitionIndex, TimestampMs};

use super::batch::Batch;
use super::partition::{PartitionQueue, Settled};
use super::record::{Delivery, Record};
use crate::metadata::Topic;
use crate::partitioner::{self, Sticky};
use crate::{Error, ProducerConfig, Result};

/// See the module. Lives behind the producer's lock, which is held for one call at a time.
#[derive(Debug, Default)]
pub(super) struct Accumulator {
    topics: HashMap<Arc<str>, TopicQueues>,
    batches_made: u64,
    unfinished_count: usize,
    flushing_count: usize,
    is_closed: bool,
}

/// One topic's queues, by partition.
#[derive(Debug)]
pub(super) struct TopicQueues {
    pub(super) topic: Arc<Topic>,
    pub(super) partitions: Vec<PartitionQueue>,
    usable: Vec<PartitionIndex>,
    sticky: Sticky,
}

/// What became of an appended record.
#[derive(Debug)]
pub(super) struct Appended {
    pub(super) delivery: Delivery,
    /// Whether the sender has something new to look at.
    pub(super) wakes_sender: bool,
}

impl TopicQueues {
    fn new(topic: Arc<Topic>) -> Self {
        let mut queues = Self {
            topic: Arc::clone(&topic),
            partitions: Vec::new(),
            usable: Vec::new(),
            sticky: Sticky::default(),
        };
        queues.update(topic);
        queues
    }

    /// Takes newer metadata. Partitions never become fewer while records wait for them.
    fn update(&mut self, topic: Arc<Topic>) {
        while self.partitions.len() < topic.partitions.len() {
            self.partitions.push(PartitionQueue::default());
        }
        let with_leader = topic.partitions.iter().filter(|p| p.has_leader());
        self.usable = with_leader.map(|p| p.index).collect();
        if self.usable.is_empty() {
            self.usable = topic.partitions.iter().map(|p| p.index).collect();
        }
        let pairs = self.topic.partitions.iter().zip(&topic.partitions);
        for ((old, new), queue) in pairs.zip(&mut self.partitions) {
            if new.has_leader() && new.leader != old.leader {
                queue.on_new_leader();
            }
        }
        self.topic = topic;
    }

    fn choose(&mut self, record: &Record) -> Result<PartitionIndex> {
        let count = self.topic.partitions.len();
        match (record.partition, &record.key) {
            (Some(partition), _) => match self.topic.partition(partition) {
                Some(_) => Ok(partition),
                None => Err(Error::NoSuchPartition {
                    topic: self.topic.name.to_string(),
                    partition,
                    count,
                }),
            },
            (None, Some(key)) => Ok(partitioner::for_key(key, count)),
            (None, None) => Ok(self.sticky.partition(&self.usable)),
        }
    }
}

impl Accumulator {
    /// Whether the topic's partitions are known here.
    pub(super) fn knows(&self, topic: &str) -> bool {
        self.topics.contains_key(topic)
    }

    /// Takes a topic's metadata.
    pub(super) fn learn(&mut self, topic: &Arc<Topic>) {
        match self.topics.get_mut(&topic.name) {
            Some(queues) => queues.update(Arc::clone(topic)),
            None => {
                let name = Arc::clone(&topic.name);
                self.topics
                    .insert(name, TopicQueues::new(Arc::clone(topic)));
            }
        }
    }

    /// Adds a record whose topic is known.
    pub(super) fn append(
        &mut self,
        record: &Record,
        timestamp_ms: TimestampMs,
        now: Instant,
        config: &ProducerConfig,
    ) -> Result<Appended> {
        if self.is_closed {
            return Err(Error::Closed);
        }
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        let size = BatchBuilder::record_size_max(key, value, &record.headers);
        let queues = self.topics.get_mut(&record.topic).ok_or(Error::Closed)?;
        let mut partition = queues.choose(record)?;
        let slot = usize::try_from(partition).unwrap_or(0);
        let mut fits = queues.partitions[slot]
            .open_batch()
            .is_some_and(|batch| batch.has_room(size, config.batch_bytes));
        let may_switch = record.partition.is_none() && record.key.is_none();
        if !fits && may_switch && queues.partitions[slot].open_batch().is_some() {
            partition = queues.sticky.switch(&queues.usable);
            let slot = usize::try_from(partition).unwrap_or(0);
            fits = queues.partitions[slot]
                .open_batch()
                .is_some_and(|batch| batch.has_room(size, config.batch_bytes));
        }
        let queue = &mut queues.partitions[usize::try_from(partition).unwrap_or(0)];
        if !fits {
            let deadline = now + config.delivery_timeout;
            queue.push(Batch::new(
                self.batches_made,
                config.compression,
                now,
                deadline,
            ));
            self.batches_made += 1;
            self.unfinished_count += 1;
        }
        let batch = queue.open_batch().ok_or(Error::Closed)?;
        let index = batch.append(timestamp_ms, key, value, &record.headers)?;
        batch.charged_bytes += size;
        let delivery = Delivery {
            topic: Arc::clone(&queues.topic.name),
            partition,
            index,
            completion: Arc::clone(batch.completion()),
        };
        let is_full = batch.size_bytes() >= config.batch_bytes;
        Ok(Appended {
            delivery,
            wakes_sender: !fits || is_full,
        })
    }

    /// All topics' queues.
    pub(super) fn topics_mut(&mut self) -> impl Iterator<Item = &mut TopicQueues> {
        self.topics.values_mut()
    }

    /// The queue of one partition.
    pub(super) fn queue(
        &mut self,
        topic: &str,
        partition: PartitionIndex,
    ) -> Option<&mut PartitionQueue> {
        let queues = self.topics.get_mut(topic)?;
        queues.partitions.get_mut(usize::try_from(partition).ok()?)
    }

    /// Counts what a queue settled.
    pub(super) fn settle(&mut self, settled: &Settled) {
        self.unfinished_count += settled.added_count;
        self.unfinished_count -= settled.ended_count.min(self.unfinished_count);
    }

    /// Batches not yet ended.
    pub(super) fn unfinished_count(&self) -> usize {
        self.unfinished_count
    }

    /// Batches do not wait for company while this is more than zero.
    pub(super) fn flushing_count_mut(&mut self) -> &mut usize {
        &mut self.flushing_count
    }

    pub(super) fn is_flushing(&self) -> bool {
        self.flushing_count > 0 || self.is_closed
    }

    /// Takes no further records.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Drops everything; whoever waits is told that the producer is closed.
    pub(super) fn abandon(&mut self) {
        self.is_closed = true;
        self.topics.clear();
        self.unfinished_count = 0;
    }
}
