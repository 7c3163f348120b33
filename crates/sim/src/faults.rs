//! Faults happen, and administrators ask.

use std::time::Duration;

use controller::decide::{
    Edit, EditKind, Election, Resource, Target, alter_partition_reassignments, create_topics,
    delete_topics, elect_leaders, incremental_alter_configs,
};
use metadata::{MetadataImage, MetadataRecord};
use protocol::Str;
use protocol::messages::alter_partition_reassignments::{ReassignablePartition, ReassignableTopic};
use protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use types::{NodeId, TopicId};

use crate::broker::Role;
use crate::broker::machine::Machine;
use crate::draw::ms;
use crate::event::Event;
use crate::group::{OFFSETS, READ, READ_PARTITIONS};
use crate::message::{Admin, Ask, Message};
use crate::net::is_controller;
use crate::plan::Fault;
use crate::quorum::raft;
use crate::say;
use crate::world::{World, topic_name};

/// Who asks on behalf of people.
const ADMIN: NodeId = NodeId(3000);

impl World {
    /// A fault of the plan happens, if it can.
    pub fn on_fault(&mut self, fault: Fault) {
        say!(self, NodeId(0), "* {fault:?}");
        match fault {
            Fault::Kill { node, down } => self.kill(node, down),
            Fault::KillAll { controllers, down } => {
                for node in self.plan.brokers() {
                    let more = self.draw.duration(Duration::ZERO, ms(400));
                    self.kill(node, down + more);
                }
                for node in self.plan.controllers().filter(|_| controllers) {
                    self.kill(node, down);
                }
            }
            Fault::PowerCut {
                node,
                down,
                survives,
                is_torn,
            } => {
                self.cut_power(node, down, survives, is_torn);
            }
            Fault::Wipe { node, down } => self.wipe(node, down),
            Fault::Rollback { node, down } => self.roll_back(node, down),
            Fault::Blackout { down, survives } => self.black_out(down, survives),
            Fault::Shutdown { node, down } => {
                if self.is_up(node) {
                    self.down_after_stop.insert(node, down);
                    self.ask_to_stop(node);
                }
            }
            Fault::Pause { node, pause } => self.pause(node, pause),
            Fault::Cut {
                from,
                to,
                both_ways,
                lasts,
            } => {
                self.cut(from, to, lasts);
                if both_ways {
                    self.cut(to, from, lasts);
                }
            }
            Fault::Isolate { node, lasts } => {
                let nodes: Vec<NodeId> =
                    self.plan.brokers().chain(self.plan.controllers()).collect();
                for other in nodes {
                    self.cut(node, other, lasts);
                    self.cut(other, node, lasts);
                }
            }
            Fault::BreakStreams { a, b } => {
                for conn in self.conns_between(a, b) {
                    self.break_conn(conn);
                }
            }
            Fault::BreakSession { node } => self.break_session(node),
            Fault::Create {
                topic,
                factor,
                min_isr,
            } => {
                self.ask_admin(Admin::Create(topic, factor, min_isr));
            }
            Fault::Delete { topic } => self.ask_admin(Admin::Delete(topic)),
            Fault::Reassign {
                topic,
                index,
                from,
                count,
            } => {
                let count = i32::from(count).min(self.plan.broker_count);
                let targets =
                    (0..count).map(|i| (i32::from(from) + i) % self.plan.broker_count + 1);
                self.ask_admin(Admin::Reassign(topic, index, Some(targets.collect())));
            }
            Fault::Cancel { topic } => self.ask_admin(Admin::Reassign(topic, 0, None)),
            Fault::SetMinIsr { topic, min_isr } => {
                self.ask_admin(Admin::SetMinIsr(topic, min_isr));
            }
            Fault::Elect => self.ask_admin(Admin::Elect),
            Fault::DeleteRecords {
                topic,
                index,
                share,
            } => self.delete_records(topic, index, share),
        }
    }

    fn kill(&mut self, node: NodeId, down: Duration) {
        if !self.is_up(node) {
            return;
        }
        if is_controller(node) {
            self.set_down(node);
        } else {
            self.kill_broker(node);
        }
        self.queue.push(self.now + down, Event::Start(node));
    }

    fn cut_power(&mut self, node: NodeId, down: Duration, survives: u8, is_torn: bool) {
        if is_controller(node) {
            if self.is_up(node) {
                self.controller(node).store.on_power_cut(survives);
            }
            return self.kill(node, down);
        }
        if !self.plan.is_durable {
            if !self.truth.may_lose(node) {
                return say!(self, node, "keeps its power: too many have lost something");
            }
            self.truth.on_loss(node);
        }
        self.lose_power(node, down, survives, is_torn);
    }

    fn lose_power(&mut self, node: NodeId, down: Duration, survives: u8, is_torn: bool) {
        self.kill(node, down);
        if let Some(machine) = self.machines.get_mut(&node) {
            machine.on_power_cut(survives, is_torn);
        }
    }

    fn wipe(&mut self, node: NodeId, down: Duration) {
        // After a blackout only the disks know what was acknowledged; nobody may lose one as well.
        if self.plan.is_durable || !self.truth.may_lose(node) {
            return say!(self, node, "keeps its disk: too many have lost something");
        }
        self.truth.on_loss(node);
        self.kill(node, down);
        let directory = self.uuid();
        if let Some(machine) = self.machines.get_mut(&node) {
            machine.on_wipe(directory);
        }
    }

    fn roll_back(&mut self, node: NodeId, down: Duration) {
        let has_backup = self.machines.get(&node).is_some_and(Machine::has_backup);
        if !has_backup || self.plan.is_durable || !self.truth.may_lose(node) {
            return say!(self, node, "is not rolled back");
        }
        self.truth.on_loss(node);
        self.kill(node, down);
        if let Some(machine) = self.machines.get_mut(&node) {
            machine.on_rollback();
        }
    }

    fn black_out(&mut self, down: Duration, survives: u8) {
        for node in self.plan.controllers() {
            self.cut_power(node, down, survives, false);
        }
        if self.plan.is_durable {
            for node in self.plan.brokers() {
                self.lose_power(node, down, survives, true);
            }
        }
    }

    /// A durable topic loses nothing in a blackout, but nobody is left who is known to have all: somebody
    /// has to say that the last who was known shall lead.
    pub fn elect_what_a_blackout_left(&mut self) {
        if !self.plan.is_durable {
            return;
        }
        let brokers_live = self
            .plan
            .brokers()
            .all(|broker| self.truth.newest.is_live(broker));
        let is_lost = |partition: &metadata::PartitionRegistration| {
            partition.leader.is_none() && partition.isr.is_empty() && partition.elr.is_empty()
        };
        let newest = self.truth.newest.clone();
        let any_lost = newest
            .topics()
            .any(|topic| topic.partitions().any(|(_, p)| is_lost(p)));
        if brokers_live && any_lost {
            self.truth.may_elect_uncleanly = true;
            self.ask_admin(Admin::ElectUncleanly);
        }
    }

    fn delete_records(&mut self, topic: u8, index: i32, share: u8) {
        let name = topic_name(topic);
        let Some(topic) = self.truth.newest.topic(&name) else {
            return;
        };
        let key = (topic.id(), index);
        let Some(partition) = topic.partition(index) else {
            return;
        };
        let (leader, epoch) = (partition.leader, partition.leader_epoch);
        let Some(leader) = leader.filter(|leader| self.is_up(*leader)) else {
            return;
        };
        let Some((replica, log)) = self.replica(leader, key) else {
            return;
        };
        if !matches!(&replica.role, Role::Leader(leader) if leader.leader_epoch() == epoch) {
            return;
        }
        let committed = replica.high_watermark - log.start();
        let start = log.start() + committed * i64::from(share) / 256;
        log.raise_start(start);
        say!(self, leader, "deletes {} below {start}", self.name(key));
        self.truth.on_deleted(key, start);
        self.wake_streams(leader, key);
    }

    fn ask_admin(&mut self, admin: Admin) {
        let leading = self.controllers.iter().filter(|(id, controller)| {
            self.is_up(**id) && matches!(controller.role, raft::Role::Leader(_))
        });
        let newest = leading.max_by_key(|(_, controller)| controller.store.vote.0);
        if let Some(id) = newest.map(|(id, _)| *id) {
            self.send(ADMIN, id, None, Message::Ask(0, Ask::Admin(admin)));
        }
    }

    /// What an administrator's request comes to.
    pub fn decide_admin(&mut self, image: &MetadataImage, admin: &Admin) -> Vec<MetadataRecord> {
        let settings = &self.settings;
        let name = |topic: &u8| Str::from(topic_name(*topic));
        match admin {
            Admin::Create(topic, factor, min_isr) => {
                let request = create(name(topic), *topic, *factor, *min_isr);
                create_topics(image, settings, self.draw.random(), &request).records
            }
            Admin::Delete(topic) => {
                let target = Target {
                    name: Some(name(topic)),
                    id: TopicId::ZERO,
                };
                delete_topics(image, settings, &[target]).records
            }
            Admin::Reassign(topic, index, targets) => {
                let topic = ReassignableTopic {
                    name: name(topic),
                    partitions: vec![ReassignablePartition {
                        partition_index: *index,
                        replicas: targets.clone(),
                    }],
                };
                alter_partition_reassignments(image, &[topic], true).records
            }
            Admin::SetMinIsr(topic, min_isr) => {
                let resource = Resource {
                    kind: 2,
                    name: name(topic),
                    edits: vec![Edit {
                        key: Str::from("min.insync.replicas"),
                        kind: EditKind::Set,
                        value: Some(Str::from(min_isr.to_string())),
                    }],
                };
                incremental_alter_configs(image, settings, None, &[resource], false).records
            }
            Admin::Elect => elect_leaders(image, Election::Preferred, None).records,
            Admin::ElectUncleanly => elect_leaders(image, Election::Unclean, None).records,
        }
    }
}

fn create(name: Str, topic: u8, factor: u8, min_isr: u8) -> CreateTopicsRequest {
    let min_isr = CreatableTopicConfig {
        name: Str::from("min.insync.replicas"),
        value: Some(Str::from(min_isr.to_string())),
    };
    CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name,
            num_partitions: match topic {
                READ => READ_PARTITIONS,
                OFFSETS => 2,
                _ => 1 + i32::from(topic % 2),
            },
            replication_factor: i16::from(factor),
            configs: vec![min_isr],
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    }
}
