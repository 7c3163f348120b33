//! A broker's process starts, registers, beats, and ends one way or the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metadata::feature::FEATURES;
use metadata::{Listener, SecurityProtocol, SupportedLevels};
use rpc::{HeartbeatAnswer, HeartbeatState, Registration};
use types::{BrokerEpoch, NodeId, Uuid};

use super::{Broker, Role};
use crate::draw::ms;
use crate::event::{Event, Timer};
use crate::group::hosted::Host;
use crate::message::{Ask, Message};
use crate::say;
use crate::world::World;

/// Between two heartbeats.
const BEAT: Duration = ms(120);
/// A broker that is not allowed to stop by then stops all the same.
const PATIENCE: Duration = ms(4000);

impl World {
    /// A broker starts.
    pub fn start_broker(&mut self, id: NodeId) {
        let machine = self.machines.get_mut(&id).expect("a broker of the plan");
        let (restart, previous_broker_epoch) = machine.start();
        let directory = machine.directory;
        let incarnation_id = self.uuid();
        let controllers: Vec<NodeId> = self.plan.controllers().collect();
        let controller = *self.draw.of(&controllers);
        say!(
            self,
            id,
            "starts: {restart:?}, previous epoch {previous_broker_epoch}"
        );
        let registration = Registration {
            broker_id: id,
            incarnation_id,
            cluster_id: None,
            listeners: vec![Listener {
                name: "PLAINTEXT".into(),
                host: format!("host{id}").into(),
                port: 9092,
                security_protocol: SecurityProtocol::Plaintext,
            }],
            rack: None,
            features: features(),
            log_dirs: vec![directory],
            previous_broker_epoch,
            restart,
        };
        self.brokers
            .insert(id, Broker::new(registration, controller));
        self.set_timer(id, ms(1), Timer::Register);
        self.set_timer(id, ms(1), Timer::Tail);
        self.set_timer(id, ms(50), Timer::Isr);
        self.set_timer(id, ms(500), Timer::Housekeeping);
    }

    /// An id that nobody has.
    pub fn uuid(&mut self) -> Uuid {
        loop {
            let (high, low) = (self.draw.number(), self.draw.number());
            let bytes = ((u128::from(high) << 64) | u128::from(low)).to_be_bytes();
            if let Some(id) = Uuid::from_random(bytes) {
                return id;
            }
        }
    }

    /// Asks to be registered until it is.
    pub fn on_register_timer(&mut self, id: NodeId) {
        let broker = self.broker(id);
        if broker.epoch.is_some() {
            return;
        }
        let ask = Ask::Register(Box::new(broker.registration.clone()));
        let (number, controller) = (broker.number(), broker.controller);
        self.send(id, controller, None, Message::Ask(number, ask));
        self.try_next_controller(id);
        self.set_timer(id, ms(150), Timer::Register);
    }

    /// The broker is registered.
    pub fn on_registered(&mut self, id: NodeId, epoch: BrokerEpoch) {
        let broker = self.broker(id);
        if broker.epoch.is_some() {
            return;
        }
        broker.epoch = Some(epoch);
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.on_registered();
        }
        say!(self, id, "is registered with epoch {epoch}");
        self.set_timer(id, ms(1), Timer::Heartbeat);
        self.set_timer(id, ms(1), Timer::Apply);
    }

    /// Tells the active controller that it lives.
    pub fn on_heartbeat_timer(&mut self, id: NodeId) {
        let now = self.now;
        let broker = self.broker(id);
        let Some(epoch) = broker.epoch else {
            return;
        };
        let has_lost_controller = now.saturating_sub(broker.heard_at) > ms(350);
        let state = HeartbeatState {
            metadata_offset: if broker.is_serving {
                broker.image.offset()
            } else {
                -1
            },
            want_fence: false,
            want_shutdown: broker.stops_since.is_some(),
            offline_log_dirs: Vec::new(),
            image_hash: None,
        };
        let waits_too_long = broker
            .stops_since
            .is_some_and(|since| now.saturating_sub(since) > PATIENCE);
        let (number, controller) = (broker.number(), broker.controller);
        broker.groups.on_beat_sent(number, now);
        let message = Message::Ask(number, Ask::Heartbeat(id, epoch, state));
        self.send(id, controller, None, message);
        if has_lost_controller {
            self.try_next_controller(id);
        }
        self.set_timer(id, BEAT, Timer::Heartbeat);
        if waits_too_long {
            self.stop_cleanly(id);
        }
    }

    /// The controller answered.
    pub fn on_beat(&mut self, id: NodeId, answer: HeartbeatAnswer) {
        if answer.should_shutdown && self.broker(id).stops_since.is_some() {
            self.set_timer(id, ms(1), Timer::Exit);
        }
    }

    /// The registration is another process's, or nobody's: the process ends, and is started again.
    pub fn on_unknown(&mut self, id: NodeId) {
        if self.broker(id).epoch.is_some() {
            say!(self, id, "is not the registered process, and ends");
            self.kill_broker(id);
            self.queue.push(self.now + ms(100), Event::Start(id));
        }
    }

    /// The broker was asked to stop.
    pub fn ask_to_stop(&mut self, id: NodeId) {
        let now = self.now;
        let broker = self.broker(id);
        if broker.epoch.is_some() && broker.stops_since.is_none() {
            broker.stops_since = Some(now);
            say!(self, id, "asks to stop");
            self.resign_all_groups(id);
        }
    }

    /// Flushes, closes, marks, ends.
    pub fn stop_cleanly(&mut self, id: NodeId) {
        let Some(epoch) = self.broker(id).epoch else {
            return;
        };
        self.checkpoint(id, true);
        if let Some(machine) = self.machines.get_mut(&id) {
            for log in machine.logs.values_mut() {
                log.sync();
            }
            machine.mark_clean(epoch);
        }
        say!(self, id, "stops cleanly");
        let down = self.down_after_stop.remove(&id).unwrap_or(ms(300));
        self.end_process(id);
        self.queue.push(self.now + down, Event::Start(id));
    }

    /// The process is killed: the page cache stays.
    pub fn kill_broker(&mut self, id: NodeId) {
        self.end_process(id);
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.on_process_crash();
        }
    }

    fn end_process(&mut self, id: NodeId) {
        self.set_down(id);
        self.break_all_of(id);
        self.break_session(id);
        let broker = self.broker(id);
        broker.replicas.clear();
        broker.to_followers.clear();
        broker.from_leaders.clear();
        broker.groups = Host::default();
    }

    /// Writes what is written now and then: the page cache to disk, high watermarks to their files.
    pub fn on_housekeeping(&mut self, id: NodeId) {
        let flushes = self.draw.one_in(3);
        self.checkpoint(id, flushes);
        let pause_max = self.plan.housekeeping_max;
        let pause = self.draw.duration(ms(200), pause_max);
        self.set_timer(id, pause, Timer::Housekeeping);
    }

    fn checkpoint(&mut self, id: NodeId, flushes: bool) {
        let Some(broker) = self.brokers.get(&id) else {
            return;
        };
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        for replica in broker.replicas.values() {
            if let Some(log) = machine.logs.get_mut(&replica.place) {
                let known = match &replica.role {
                    Role::Leader(leader) => leader.high_watermark(),
                    Role::Follower(follower) => follower.high_watermark(),
                };
                log.high_watermark_checkpoint = known;
                if flushes {
                    log.sync();
                }
            }
        }
    }
}

fn features() -> BTreeMap<Arc<str>, SupportedLevels> {
    let features = FEATURES.iter().map(|feature| {
        let levels = SupportedLevels {
            min: feature.min_level,
            max: feature.max_level,
        };
        (Arc::from(feature.name), levels)
    });
    features.collect()
}
