//! Brokers come, go and change, and leaders follow.

use std::sync::Arc;

use types::{BrokerEpoch, NodeId, PartitionIndex, TopicId};

use super::{Misfit, Replay, convert};
use crate::derive::{self, Restart, World};
use crate::{BrokerRegistration, Change, PartitionRegistration, TopicImage, v1};

impl Replay {
    pub(super) fn on_register_broker(&mut self, body: &v1::RegisterBroker) -> Result<(), Misfit> {
        let broker = Arc::new(self.registration(body)?);
        let id = broker.id;
        let known = self.image.brokers.insert(id, Arc::clone(&broker));
        let change = known.as_ref().map_or(Change::Created, |_| Change::Changed);
        self.delta.on_broker(id, change);
        let is_same = |former: &Arc<BrokerRegistration>| former.incarnation == broker.incarnation;
        if !known.as_ref().is_some_and(is_same) {
            // The former process is gone in any case, whatever the new one says of itself.
            let restart = Restart {
                broker: id,
                is_lossy: body.restart() == v1::Restart::Lossy,
                former: known.as_ref().map(|former| former.log_dirs.as_slice()),
                log_dirs: &broker.log_dirs,
            };
            self.derive(|world, topic, partition| {
                derive::after_restart(world, topic, partition, restart)
            });
        }
        self.on_liveness(id);
        Ok(())
    }

    pub(super) fn on_broker_change(&mut self, body: &v1::BrokerChange) -> Result<(), Misfit> {
        let mut broker = self.registered(body.broker_id, body.broker_epoch)?;
        let id = broker.id;
        broker.fenced = body.fenced.unwrap_or(broker.fenced);
        broker.in_controlled_shutdown = body
            .in_controlled_shutdown
            .unwrap_or(broker.in_controlled_shutdown);
        if let Some(list) = &body.log_dirs {
            broker.log_dirs = convert::directories(&list.directories)?;
        }
        self.image.brokers.insert(id, Arc::new(broker));
        self.delta.on_broker(id, Change::Changed);
        self.on_liveness(id);
        Ok(())
    }

    pub(super) fn on_unregister_broker(
        &mut self,
        body: &v1::UnregisterBroker,
    ) -> Result<(), Misfit> {
        let id = self.registered(body.broker_id, body.broker_epoch)?.id;
        self.image.brokers.remove(&id);
        self.delta.on_broker(id, Change::Removed);
        self.on_liveness(id);
        Ok(())
    }

    fn registration(&self, body: &v1::RegisterBroker) -> Result<BrokerRegistration, Misfit> {
        let id = convert::node_id("broker_id", body.broker_id)?;
        let incarnation = convert::uuid("incarnation", &body.incarnation)?;
        let log_dirs = convert::directories(&body.log_dirs)?;
        let restart = v1::Restart::try_from(body.restart)
            .map_err(|_unknown| convert::illegal("restart", &body.restart))?;
        if restart == v1::Restart::Lossy && !body.fenced {
            // It would be elected on the strength of data that it may not have.
            return Err(convert::illegal("fenced", &body.fenced));
        }
        Ok(BrokerRegistration {
            id,
            incarnation,
            epoch: self.new_epoch(id, incarnation, body.epoch)?,
            listeners: convert::listeners(&body.listeners)?,
            rack: body.rack.as_deref().map(Arc::from),
            features: convert::features(&body.features)?,
            log_dirs,
            fenced: body.fenced,
            in_controlled_shutdown: body.in_controlled_shutdown,
        })
    }

    /// The epoch of a registration: given by a snapshot, kept for the same incarnation, else the
    /// offset of the entry.
    fn new_epoch(
        &self,
        id: NodeId,
        incarnation: types::Uuid,
        given: Option<i64>,
    ) -> Result<BrokerEpoch, Misfit> {
        let known = self.image.brokers.get(&id);
        let known = known.map(|broker| (broker.incarnation, broker.epoch));
        let epoch = match (given, known) {
            (Some(epoch), _) if epoch < 0 => return Err(convert::illegal("epoch", &epoch)),
            (Some(epoch), _) => BrokerEpoch(epoch),
            (None, Some((same, epoch))) if same == incarnation => epoch,
            (None, _) => BrokerEpoch(self.image.offset),
        };
        match known {
            Some((same, current))
                if epoch < current || (epoch == current && same != incarnation) =>
            {
                Err(Misfit::Backwards {
                    counter: "the broker epoch",
                    current: current.0,
                    given: epoch.0,
                })
            }
            Some(_) | None => Ok(epoch),
        }
    }

    fn registered(&self, id: i32, epoch: i64) -> Result<BrokerRegistration, Misfit> {
        let broker = convert::node_id("broker_id", id)?;
        let known = self.image.brokers.get(&broker);
        let known = known.ok_or(Misfit::UnknownBroker(broker))?;
        let given = BrokerEpoch(epoch);
        if known.epoch != given {
            let current = known.epoch;
            return Err(Misfit::BrokerEpoch {
                broker,
                current,
                given,
            });
        }
        Ok((**known).clone())
    }

    /// Derives what a broker's new state means for the partitions.
    fn on_liveness(&mut self, broker: NodeId) {
        self.derive(|world, topic, partition| {
            if world.is_live(partition, broker) {
                derive::after_unfence(world, topic, partition, broker)
            } else {
                derive::after_fence(world, topic, partition, broker)
            }
        });
    }

    /// Applies a pure function to every partition of the cluster. Walks all of them (10,000 cost
    /// about a millisecond) and copies only what changes.
    pub(super) fn derive(
        &mut self,
        next: impl Fn(World<'_>, &str, &PartitionRegistration) -> Option<PartitionRegistration>,
    ) {
        let topics: Vec<TopicId> = self.image.topics.keys().copied().collect();
        for topic_id in topics {
            self.derive_topic(topic_id, &next);
        }
    }

    /// Applies a pure function to every partition of one topic.
    pub(super) fn derive_topic(
        &mut self,
        topic_id: TopicId,
        next: &impl Fn(World<'_>, &str, &PartitionRegistration) -> Option<PartitionRegistration>,
    ) {
        let Some(topic) = self.image.topics.get(&topic_id) else {
            return;
        };
        let world = World::of(&self.image);
        let changed: Vec<(PartitionIndex, PartitionRegistration)> = topic
            .partitions()
            .filter_map(|(index, partition)| Some((index, next(world, &topic.name, partition)?)))
            .collect();
        if !changed.is_empty() {
            let topic = topic.clone();
            self.put_partitions(topic, changed);
        }
    }

    /// Replaces existing partitions of a topic.
    pub(super) fn put_partitions(
        &mut self,
        mut topic: TopicImage,
        changed: Vec<(PartitionIndex, PartitionRegistration)>,
    ) {
        for (index, partition) in changed {
            debug_assert_eq!(partition.validate(), Ok(()));
            let slot = usize::try_from(index).ok();
            if let Some(slot) = slot.and_then(|slot| topic.partitions.get_mut(slot)) {
                *slot = Arc::new(partition);
                self.delta.on_partition(topic.id, &topic.name, index);
            }
        }
        self.image.topics.insert(topic.id, topic);
    }
}
