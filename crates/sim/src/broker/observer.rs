//! Metadata arrive, are replayed at once, and are acted upon a little later, several entries together.

use metadata::{Change, Delta, MetadataImage, MetadataRecord, PartitionRegistration, replay};
use replication::{Follower, Leader, Registration, Start};
use types::{LeaderEpoch, NodeId, Offset};

use super::{Replica, Role};
use crate::draw::ms;
use crate::event::Timer;
use crate::log::Log;
use crate::message::{Entry, Key, Message, ProduceError};
use crate::mutant::{self, Glue};
use crate::say;
use crate::world::{World, topic_number};

impl World {
    /// Asks some controller for what follows.
    pub fn on_tail_timer(&mut self, id: NodeId) {
        let controllers: Vec<NodeId> = self.plan.controllers().collect();
        let controller = *self.draw.of(&controllers);
        let next = self.broker(id).received.offset() + 1;
        self.send(id, controller, None, Message::Tail(next));
        self.set_timer(id, ms(400), Timer::Tail);
    }

    /// Entries arrived. Those that are known, or do not follow, are passed over.
    pub fn on_entries(&mut self, id: NodeId, from: Offset, entries: &[Entry]) {
        for (offset, entry) in (from..).zip(entries) {
            let broker = self.broker(id);
            if offset != broker.received.offset() + 1 {
                continue;
            }
            let replayed = replay(&broker.received, offset, &entry.records);
            match replayed {
                Ok((image, delta)) => self.receive(id, image, delta),
                Err(error) => return self.violated("replay", error.to_string()),
            }
        }
        self.ask_for_more(id, from);
    }

    fn ask_for_more(&mut self, id: NodeId, from: Offset) {
        let next = self.broker(id).received.offset() + 1;
        if next > from {
            let controllers: Vec<NodeId> = self.plan.controllers().collect();
            let controller = *self.draw.of(&controllers);
            self.send(id, controller, None, Message::Tail(next));
        }
    }

    /// An image arrived in place of the entries.
    pub fn on_snapshot(&mut self, id: NodeId, offset: Offset, records: &[MetadataRecord]) {
        let broker = self.broker(id);
        if offset <= broker.received.offset() {
            return;
        }
        let former = broker.received.clone();
        match replay(&MetadataImage::empty(), offset, records) {
            Ok((image, _)) => {
                let delta = Delta::between(&former, &image);
                self.receive(id, image, delta);
                self.ask_for_more(id, former.offset() + 1);
            }
            Err(error) => self.violated("replay", error.to_string()),
        }
    }

    fn receive(&mut self, id: NodeId, image: MetadataImage, delta: Delta) {
        self.truth.on_image(id, &image);
        let lag_max = self.plan.apply_lag_max;
        let broker = self.broker(id);
        broker.received = image;
        // Before it serves, nobody else looks whether it has reached its registration.
        let is_waiting = broker.unapplied.is_some() && broker.is_serving;
        broker.unapplied.get_or_insert_default().merge(delta);
        if !is_waiting {
            let lag = self.draw.duration(ms(0), lag_max);
            self.set_timer(id, lag, Timer::Apply);
        }
    }

    /// Acts on what was received, once it reaches the broker's own registration (M3).
    pub fn on_apply(&mut self, id: NodeId) {
        let broker = self.broker(id);
        let Some(epoch) = broker.epoch else {
            return;
        };
        if broker.received.offset() < epoch.0 {
            return;
        }
        let Some(delta) = broker.unapplied.take() else {
            return;
        };
        let image = broker.received.clone();
        broker.is_serving = true;
        broker.image = image.clone();
        for (topic_id, topic) in &delta.topics {
            if topic.change == Change::Removed {
                self.drop_replicas(id, |key| key.0 == *topic_id);
            }
        }
        for key in delta.partitions() {
            let Some(topic) = image.topic_by_id(key.0) else {
                continue;
            };
            let Some(partition) = topic.partition(key.1) else {
                continue;
            };
            let min_isr = image.min_insync_replicas(topic.name(), partition.replication_factor());
            self.assign(id, key, topic_number(topic.name()), partition, min_isr);
        }
        self.apply_min_isr(id, &image);
        self.show_topics_to_groups(id, &delta);
        self.drop_strays(id, &image);
        self.retry_parked(id);
        self.connect(id);
    }

    fn drop_replicas(&mut self, id: NodeId, goes: impl Fn(&Key) -> bool) {
        let keys: Vec<Key> = self
            .broker(id)
            .replicas
            .keys()
            .copied()
            .filter(goes)
            .collect();
        for key in keys {
            let Some(replica) = self.broker(id).replicas.remove(&key) else {
                continue;
            };
            self.resign_groups(id, key);
            self.refuse_waiters(id, key, replica.waiters, ProduceError::NotLeader);
            if let Some(machine) = self.machines.get_mut(&id)
                && !mutant::is(Glue::LogByName)
                && machine
                    .logs
                    .get(&replica.place)
                    .is_some_and(|log| log.topic_id() == key.0)
            {
                machine.logs.remove(&replica.place);
            }
        }
    }

    /// Logs of topics that are gone, or of partitions that are assigned elsewhere.
    fn drop_strays(&mut self, id: NodeId, image: &MetadataImage) {
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        machine.logs.retain(|place, log| {
            let partition = image.partition(log.topic_id(), place.1);
            mutant::is(Glue::LogByName) || partition.is_some_and(|p| p.replicas.contains(&id))
        });
    }

    fn assign(
        &mut self,
        id: NodeId,
        key: Key,
        topic: u8,
        partition: &PartitionRegistration,
        min_isr: usize,
    ) {
        if !partition.replicas.contains(&id) {
            return self.drop_replicas(id, |other| *other == key);
        }
        self.create_replica(id, key, topic);
        let Some((replica, _)) = self.replica(id, key) else {
            return;
        };
        let epoch = partition.leader_epoch;
        if epoch < replica.leader_epoch() {
            return;
        }
        if partition.leader == Some(id) {
            let registration = Registration {
                partition_epoch: partition.partition_epoch,
                replicas: partition.replicas.clone(),
                isr: partition.isr.clone(),
                min_isr,
            };
            self.lead(id, key, epoch, registration);
        } else {
            self.follow_leader(id, key, epoch, partition.leader);
        }
    }

    fn create_replica(&mut self, id: NodeId, key: Key, topic: u8) {
        if self.broker(id).replicas.contains_key(&key) {
            return;
        }
        let place = (topic, key.1);
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        let is_ours = machine
            .logs
            .get(&place)
            .is_some_and(|log| log.topic_id() == key.0 || mutant::is(Glue::LogByName));
        if !is_ours {
            machine.logs.insert(place, Log::new(key.0));
        }
        let log = &machine.logs[&place];
        let high_watermark = log.high_watermark_checkpoint.clamp(log.start(), log.end());
        let replica = Replica {
            place,
            role: Role::Follower(Follower::new(LeaderEpoch::NONE, None, high_watermark)),
            high_watermark,
            waiters: Vec::new(),
            lanes: std::collections::BTreeMap::new(),
            is_syncing: false,
        };
        self.broker(id).replicas.insert(key, replica);
    }

    fn lead(&mut self, id: NodeId, key: Key, epoch: LeaderEpoch, registration: Registration) {
        let is_durable = self.plan.is_durable;
        self.wake_leader(id, key);
        let Some((replica, log)) = self.replica(id, key) else {
            return;
        };
        if let Role::Leader(leader) = &mut replica.role
            && leader.leader_epoch() == epoch
        {
            let moved = leader.on_registration(registration);
            return self.on_moved(id, key, moved);
        }
        log.start_epoch(epoch);
        let leader = Leader::new(Start {
            local: id,
            leader_epoch: epoch,
            registration,
            log_end_offset: log.end(),
            high_watermark: replica.high_watermark,
            durable_offset: is_durable.then(|| log.durable_end()),
        });
        let (start, end) = (log.start(), log.end());
        let moved = Some(leader.high_watermark());
        replica.role = Role::Leader(Box::new(leader));
        let waiters = std::mem::take(&mut replica.waiters);
        say!(
            self,
            id,
            "leads {} in epoch {epoch}: log {start}..{end}, {moved:?}",
            self.name(key)
        );
        self.refuse_waiters(id, key, waiters, ProduceError::NotLeader);
        self.ask_sync(id, key);
        self.check_new_leader(id, key, epoch);
        self.host_groups(id, key, epoch);
        self.on_moved(id, key, moved);
    }

    fn follow_leader(&mut self, id: NodeId, key: Key, epoch: LeaderEpoch, leader: Option<NodeId>) {
        let Some((replica, log)) = self.replica(id, key) else {
            return;
        };
        if let Role::Follower(follower) = &mut replica.role
            && follower.leader_epoch() == epoch
        {
            return follower.on_leader(leader);
        }
        // Within one epoch nobody stops leading but by the word of newer metadata.
        let high_watermark = replica.high_watermark.min(log.end());
        replica.role = Role::Follower(Follower::new(epoch, leader, high_watermark));
        replica.high_watermark = high_watermark;
        let waiters = std::mem::take(&mut replica.waiters);
        say!(
            self,
            id,
            "follows {leader:?} in {} epoch {epoch}",
            self.name(key)
        );
        self.resign_groups(id, key);
        self.refuse_waiters(id, key, waiters, ProduceError::NotLeader);
    }

    fn apply_min_isr(&mut self, id: NodeId, image: &MetadataImage) {
        let keys: Vec<Key> = self.broker(id).replicas.keys().copied().collect();
        for key in keys {
            let Some(topic) = image.topic_by_id(key.0) else {
                continue;
            };
            let Some(partition) = topic.partition(key.1) else {
                continue;
            };
            let min_isr = image.min_insync_replicas(topic.name(), partition.replication_factor());
            self.wake_leader(id, key);
            let Some((replica, _)) = self.replica(id, key) else {
                continue;
            };
            if let Role::Leader(leader) = &mut replica.role
                && leader.registration().min_isr != min_isr
            {
                let moved = leader.on_min_isr(min_isr);
                self.on_moved(id, key, moved);
            }
        }
    }
}
