//! Producers and consumers.
//!
//! A producer has one record on its way: it sends it again until it learns what became of it, always
//! with the same sequence. A consumer reads a partition from its start, from the leader or any follower,
//! and never forgets what it saw.

use std::collections::BTreeMap;
use std::time::Duration;

use types::{LeaderEpoch, NodeId, Offset};

use crate::draw::ms;
use crate::event::{Envelope, Event};
use crate::group::{FIRST_MEMBER, OFFSETS};
use crate::log::Record;
use crate::message::{Key, Message, ProduceError};
use crate::plan::FAULTS_END;
use crate::say;
use crate::world::{World, topic_name};

/// Producers are clients 0 and up, consumers these and up.
const FIRST_CONSUMER: u32 = 500;
/// How many consumers there are.
const CONSUMERS: u32 = 3;
/// How long an answer is waited for.
const ANSWER_MAX: Duration = ms(700);
/// When producers begin nothing more.
pub const LAST_RECORD: Duration = Duration::from_millis(16_500);

/// All clients.
#[derive(Debug, Default)]
pub struct Clients {
    /// By number.
    pub producers: BTreeMap<u32, Producer>,
    consumers: BTreeMap<u32, Consumer>,
    next_value: u64,
    next_producer: u32,
    next_attempt: u64,
}

/// A producer.
#[derive(Debug)]
pub struct Producer {
    needs_all: bool,
    /// The partition it writes to.
    pub key: Option<Key>,
    /// The newest leader epoch it was told of: it never goes back to an older leader (KIP-320).
    leader_epoch: LeaderEpoch,
    /// 0 if it does not count.
    id: u32,
    sequence: i32,
    outstanding: Option<Outstanding>,
    /// Whether a record was acknowledged after the faults ended.
    has_acked_after: bool,
}

#[derive(Clone, Copy, Debug)]
struct Outstanding {
    record: Record,
    attempt: u64,
    sent_at: Duration,
    /// The newest offset that was acknowledged when it was first sent.
    floor: Offset,
}

#[derive(Debug, Default)]
struct Consumer {
    key: Option<Key>,
    offset: Offset,
}

impl Clients {
    /// A value that nobody has written.
    pub const fn fresh_value(&mut self) -> u64 {
        self.next_value += 1;
        self.next_value
    }
}

impl Producer {
    /// Whether it has nothing on its way, and got something through since the faults ended.
    #[must_use]
    pub const fn is_content(&self) -> bool {
        self.outstanding.is_none() && (self.has_acked_after || self.key.is_none())
    }
}

/// Where a client is.
#[must_use]
pub const fn node_of(client: u32) -> NodeId {
    NodeId(1000 + client.cast_signed())
}

/// Which client is there.
#[must_use]
pub const fn client_of(node: NodeId) -> u32 {
    (node.0 - 1000).cast_unsigned()
}

impl World {
    /// All clients begin.
    pub fn start_clients(&mut self) {
        for number in 0..self.plan.producer_count {
            let needs_all = number % 16 >= u32::from(self.plan.acks_one) || number == 0;
            let producer = Producer {
                needs_all,
                key: None,
                leader_epoch: LeaderEpoch::NONE,
                id: 0,
                sequence: 0,
                outstanding: None,
                has_acked_after: false,
            };
            self.clients.producers.insert(number, producer);
            self.queue.push(ms(1600), Event::Client(number));
        }
        for number in FIRST_CONSUMER..FIRST_CONSUMER + CONSUMERS {
            self.clients.consumers.insert(number, Consumer::default());
            self.queue.push(ms(1600), Event::Client(number));
        }
    }

    /// A client acts, and again a little later.
    pub fn on_client(&mut self, number: u32) {
        if number >= FIRST_MEMBER {
            return self.on_member(number);
        }
        if number >= FIRST_CONSUMER {
            self.consume(number);
            let pause = self.draw.duration(ms(5), ms(60));
            return self.queue.push(self.now + pause, Event::Client(number));
        }
        self.produce(number);
        let pause_max = self.plan.produce_pause_max;
        let pause = self.draw.duration(ms(1), pause_max);
        self.queue.push(self.now + pause, Event::Client(number));
    }

    fn produce(&mut self, number: u32) {
        let now = self.now;
        let Some((key, leader)) = self.choose(number) else {
            return;
        };
        let floor = self.truth.newest_acked(key);
        let clients = &mut self.clients;
        let Some(producer) = clients.producers.get_mut(&number) else {
            return;
        };
        if let Some(outstanding) = &mut producer.outstanding {
            if now.saturating_sub(outstanding.sent_at) < ANSWER_MAX {
                return;
            }
            clients.next_attempt += 1;
            outstanding.attempt = clients.next_attempt;
            outstanding.sent_at = now;
        } else if now < LAST_RECORD || !producer.has_acked_after {
            clients.next_attempt += 1;
            clients.next_value += 1;
            let record = Record {
                epoch: LeaderEpoch::NONE,
                value: clients.next_value,
                producer: producer.id,
                sequence: producer.sequence,
                is_torn: false,
            };
            let attempt = clients.next_attempt;
            producer.outstanding = Some(Outstanding {
                record,
                attempt,
                sent_at: now,
                floor,
            });
        }
        let Some(Outstanding {
            record, attempt, ..
        }) = producer.outstanding
        else {
            return;
        };
        let needs_all = producer.needs_all;
        let message = Message::Produce {
            attempt,
            key,
            record,
            needs_all,
        };
        self.send(node_of(number), leader, None, message);
    }

    /// The producer's partition and its leader, as some broker says. A producer whose topic is gone
    /// begins anew with another.
    fn choose(&mut self, number: u32) -> Option<(Key, NodeId)> {
        let serving: Vec<NodeId> = self.serving_brokers();
        let broker = *self.draw.maybe_of(&serving)?;
        let image = self.broker(broker).image.clone();
        let producer = self.clients.producers.get(&number)?;
        // The topic may be gone, or not known there yet; in doubt the newest metadata decide.
        let is_gone = producer
            .key
            .is_some_and(|key| self.truth.newest.partition(key.0, key.1).is_none());
        if producer.key.is_none() || is_gone {
            let keys: Vec<Key> = image
                .topics()
                .flat_map(|topic| topic.partitions().map(|(index, _)| (topic.id(), index)))
                .filter(|key| self.truth.newest.partition(key.0, key.1).is_some())
                .filter(|key| !self.is_groups_log(*key))
                .collect();
            let key = self.draw.maybe_of(&keys).copied();
            self.clients.next_producer += 1;
            let id = self.clients.next_producer;
            let producer = self.clients.producers.get_mut(&number)?;
            producer.key = key;
            producer.leader_epoch = LeaderEpoch::NONE;
            producer.id = if producer.needs_all { id } else { 0 };
            producer.sequence = 0;
            producer.outstanding = None;
        }
        let key = self.clients.producers.get(&number)?.key?;
        let partition = image.partition(key.0, key.1)?;
        let producer = self.clients.producers.get_mut(&number)?;
        if partition.leader_epoch < producer.leader_epoch {
            return None;
        }
        producer.leader_epoch = partition.leader_epoch;
        Some((key, partition.leader?))
    }

    fn is_groups_log(&self, key: Key) -> bool {
        let log = self.truth.newest.topic(&topic_name(OFFSETS));
        log.is_some_and(|log| log.id() == key.0)
    }

    /// Brokers that clients can reach.
    pub fn serving_brokers(&self) -> Vec<NodeId> {
        let brokers = self
            .brokers
            .iter()
            .filter(|(id, broker)| self.is_up(**id) && !self.is_paused(**id) && broker.is_serving);
        brokers.map(|(id, _)| *id).collect()
    }

    fn consume(&mut self, number: u32) {
        let serving = self.serving_brokers();
        let Some(broker) = self.draw.maybe_of(&serving).copied() else {
            return;
        };
        let image = self.broker(broker).image.clone();
        let keys: Vec<Key> = image
            .topics()
            .flat_map(|topic| topic.partitions().map(|(index, _)| (topic.id(), index)))
            .collect();
        let changes = self.draw.one_in(40);
        let Some(consumer) = self.clients.consumers.get_mut(&number) else {
            return;
        };
        let is_lost = consumer.key.is_none_or(|key| !keys.contains(&key));
        if is_lost || changes {
            consumer.key = self.draw.maybe_of(&keys).copied();
            consumer.offset = 0;
        }
        let offset = consumer.offset;
        let Some(key) = consumer.key else {
            return;
        };
        let Some(partition) = image.partition(key.0, key.1) else {
            return;
        };
        let from_follower = self.draw.one_in(3);
        let reader = if from_follower {
            self.draw.maybe_of(&partition.replicas).copied()
        } else {
            partition.leader
        };
        if let Some(reader) = reader {
            let message = Message::Fetch {
                key,
                offset,
                from_follower,
            };
            self.send(node_of(number), reader, None, message);
        }
    }

    /// An answer arrived at a client.
    pub fn on_client_message(&mut self, envelope: Envelope) {
        let number = client_of(envelope.to);
        match envelope.message {
            Message::Produced {
                attempt,
                key,
                result,
            } => {
                self.on_produced(number, attempt, key, result);
            }
            Message::Fetched {
                key,
                offset,
                result: Some((records, _)),
            } => {
                let Some(consumer) = self.clients.consumers.get_mut(&number) else {
                    return;
                };
                if consumer.key == Some(key) {
                    let end = offset + i64::try_from(records.len()).unwrap_or(0);
                    consumer.offset = consumer.offset.max(end);
                }
                self.truth.on_read(key, offset, &records, envelope.from);
            }
            Message::GroupAnswer { number, answer } => {
                self.on_group_answer(envelope.to, number, *answer);
            }
            _ => {}
        }
    }

    fn on_produced(
        &mut self,
        number: u32,
        attempt: u64,
        key: Key,
        result: Result<Offset, ProduceError>,
    ) {
        let now = self.now;
        let Some(producer) = self.clients.producers.get_mut(&number) else {
            return;
        };
        let Some(outstanding) = producer.outstanding.filter(|o| o.attempt == attempt) else {
            return;
        };
        if producer.key != Some(key) {
            return;
        }
        let record = outstanding.record;
        match result {
            Ok(offset) => {
                producer.sequence += 1;
                producer.outstanding = None;
                producer.has_acked_after |= now > FAULTS_END;
                if producer.needs_all {
                    say!(self, node_of(number), "{} acked at {offset}", record.value);
                    self.truth
                        .on_acked(key, offset, record.value, outstanding.floor);
                }
            }
            Err(ProduceError::OutOfOrder) if producer.needs_all => {
                // Nothing that it has counted so far is of any use.
                producer.key = None;
                let text = format!("{record:?} of client {number} has a gap before it");
                self.truth.on_gap(key, text);
            }
            Err(_) => {
                if let Some(outstanding) = &mut producer.outstanding {
                    // Try again soon: with new metadata, and after a pause.
                    outstanding.sent_at = now.saturating_sub(ANSWER_MAX - ms(30));
                }
            }
        }
    }
}
