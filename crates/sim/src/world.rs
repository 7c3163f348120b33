//! The whole world and its clock.

use std::collections::BTreeMap;
use std::time::Duration;

use controller::decide::Settings;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use types::NodeId;

use crate::broker::Broker;
use crate::broker::machine::Machine;
use crate::client::Clients;
use crate::draw::{Draw, ms};
use crate::event::{Event, Heal, Queue, Timer};
use crate::group::Groups;
use crate::invariants::{Truth, liveness};
use crate::message::Key;
use crate::net::{Net, is_client, is_controller};
use crate::plan::{FAULTS_END, HEALED_BY, Plan};
use crate::quorum::raft::Controller;
use crate::quorum::store::Store;
use crate::trace::Trace;

/// Writes a line of the trace, if it is kept; the arguments are not looked at otherwise.
#[macro_export]
macro_rules! say {
    ($world:expr, $node:expr, $($text:tt)*) => {
        if $world.trace.is_kept() {
            let text = format!($($text)*);
            let (now, node) = ($world.now, $node);
            $world.trace.line(now, node, &text);
        }
    };
}

/// Between two looks at the whole world.
const CHECK_EVERY: Duration = ms(400);

/// A node's process.
#[derive(Debug, Default)]
struct Process {
    number: u32,
    is_up: bool,
    is_paused: bool,
    /// What happened to it while it was paused.
    deferred: Vec<Event>,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    /// What was drawn in advance.
    pub plan: Plan,
    /// Virtual time.
    pub now: Duration,
    /// What is to happen.
    pub queue: Queue,
    /// Chance.
    pub draw: Draw,
    /// What happened.
    pub trace: Trace,
    /// Links and streams.
    pub net: Net,
    /// Brokers' disks.
    pub machines: BTreeMap<NodeId, Machine>,
    /// Brokers' processes.
    pub brokers: BTreeMap<NodeId, Broker>,
    /// Controllers.
    pub controllers: BTreeMap<NodeId, Controller>,
    /// Producers and consumers.
    pub clients: Clients,
    /// Consumer groups.
    pub groups: Groups,
    /// What happened in truth.
    pub truth: Truth,
    /// The controllers' settings.
    pub settings: Settings,
    /// How long brokers that were asked to stop stay down.
    pub down_after_stop: BTreeMap<NodeId, Duration>,
    processes: BTreeMap<NodeId, Process>,
    is_over: bool,
}

impl World {
    /// A world before its first event.
    #[must_use]
    pub fn new(plan: Plan, is_traced: bool) -> Self {
        let mut world = Self {
            now: Duration::ZERO,
            queue: Queue::default(),
            draw: Draw::new(Xoshiro256PlusPlus::seed_from_u64(plan.seed)),
            trace: Trace::new(is_traced),
            net: Net::default(),
            machines: BTreeMap::new(),
            brokers: BTreeMap::new(),
            controllers: BTreeMap::new(),
            clients: Clients::default(),
            groups: Groups::default(),
            truth: Truth::default(),
            settings: settings(),
            down_after_stop: BTreeMap::new(),
            processes: BTreeMap::new(),
            is_over: false,
            plan,
        };
        world.populate();
        world
    }

    fn populate(&mut self) {
        for id in self.plan.controllers() {
            self.controllers
                .insert(id, Controller::start(Store::default(), Duration::ZERO));
            self.queue.push(Duration::ZERO, Event::Start(id));
        }
        for id in self.plan.brokers() {
            let directory = self.uuid();
            self.machines.insert(id, Machine::new(directory));
            self.queue.push(ms(10), Event::Start(id));
        }
        for (index, (at, _)) in self.plan.faults.iter().enumerate() {
            self.queue.push(*at, Event::Fault(index));
        }
        self.queue.push(ms(1000), Event::Check);
        self.start_clients();
        self.start_members();
    }

    /// Runs to the end, or to the first broken promise.
    pub fn run(&mut self) {
        while !self.is_over && self.truth.violation.is_none() {
            let Some((at, event)) = self.queue.pop() else {
                return;
            };
            self.now = at;
            self.trace.step_count += 1;
            self.step(event);
        }
    }

    fn step(&mut self, event: Event) {
        if let Some(node) = target(&event)
            && let Some(process) = self.processes.get_mut(&node)
            && process.is_paused
        {
            return process.deferred.push(event);
        }
        match event {
            Event::Fault(index) => self.on_fault(self.plan.faults[index].1),
            Event::Heal(Heal::Link(from, to)) => self.heal_link(from, to),
            Event::Heal(Heal::Pause(node)) => self.resume(node),
            Event::Start(node) => self.start(node),
            Event::Timer(node, process, timer) => {
                if self.is_up(node) && self.process_number(node) == process {
                    self.on_timer(node, timer);
                }
            }
            Event::Message(envelope) => self.on_message(envelope),
            Event::Stream(conn, node) => self.on_stream(conn, node),
            Event::Broken(conn, node) => self.on_broken(conn, node),
            Event::KeepAlive(conn) => self.on_keep_alive(conn),
            Event::Client(number) => self.on_client(number),
            Event::Check => self.on_check(),
        }
    }

    fn on_timer(&mut self, node: NodeId, timer: Timer) {
        match timer {
            Timer::Register => self.on_register_timer(node),
            Timer::Heartbeat => self.on_heartbeat_timer(node),
            Timer::Tail => self.on_tail_timer(node),
            Timer::Apply => self.on_apply(node),
            Timer::Isr => self.on_isr_timer(node),
            Timer::Connect => self.connect(node),
            Timer::Housekeeping => self.on_housekeeping(node),
            Timer::Write => self.on_write(node),
            Timer::Sync(key) => self.on_sync(node, key),
            Timer::Exit => self.stop_cleanly(node),
            Timer::Load(key, epoch, end) => self.on_load(node, key, epoch, end),
            Timer::Groups(key) => self.on_groups_timer(node, key),
            Timer::Tick => self.on_tick(node),
            Timer::SessionBroken(broker) => self.on_session_broken(node, broker),
        }
    }

    /// A node's process will do something after a delay.
    pub fn set_timer(&mut self, node: NodeId, delay: Duration, timer: Timer) {
        let process = self.process_number(node);
        self.queue
            .push(self.now + delay, Event::Timer(node, process, timer));
    }

    fn start(&mut self, node: NodeId) {
        let process = self.processes.entry(node).or_default();
        if process.is_up {
            return;
        }
        process.is_up = true;
        process.number += 1;
        if is_controller(node) {
            self.start_controller(node);
        } else {
            self.start_broker(node);
        }
    }

    /// A node's process is gone, and what was on its way to it.
    pub fn set_down(&mut self, node: NodeId) {
        let process = self.processes.entry(node).or_default();
        process.is_up = false;
        process.is_paused = false;
        process.deferred.clear();
    }

    /// A node's process stops running, and knows nothing of it.
    pub fn pause(&mut self, node: NodeId, pause: Duration) {
        let process = self.processes.entry(node).or_default();
        if process.is_up && !process.is_paused {
            process.is_paused = true;
            self.queue
                .push(self.now + pause, Event::Heal(Heal::Pause(node)));
        }
    }

    fn resume(&mut self, node: NodeId) {
        let Some(process) = self
            .processes
            .get_mut(&node)
            .filter(|process| process.is_paused)
        else {
            return;
        };
        process.is_paused = false;
        let deferred = std::mem::take(&mut process.deferred);
        for event in deferred {
            self.queue.push(self.now, event);
        }
        say!(self, node, "goes on");
    }

    /// Whether the node's process runs, or is paused.
    #[must_use]
    pub fn is_up(&self, node: NodeId) -> bool {
        is_client(node)
            || self
                .processes
                .get(&node)
                .is_some_and(|process| process.is_up)
    }

    /// Whether the node's process is paused.
    #[must_use]
    pub fn is_paused(&self, node: NodeId) -> bool {
        self.processes
            .get(&node)
            .is_some_and(|process| process.is_paused)
    }

    /// Which process of the node's this is, or was last.
    #[must_use]
    pub fn process_number(&self, node: NodeId) -> u32 {
        self.processes
            .get(&node)
            .map_or(0, |process| process.number)
    }

    /// Notes a broken promise.
    pub fn violated(&mut self, invariant: &'static str, text: String) {
        self.truth.violated(invariant, text);
    }

    /// A partition's name in the trace.
    #[must_use]
    pub fn name(&self, key: Key) -> String {
        let [first, second, ..] = *key.0.0.as_bytes();
        let topic = self.truth.newest.topic_by_id(key.0);
        format!(
            "{}({first:02x}{second:02x})-{}",
            topic.map_or("?", |topic| topic.name()),
            key.1
        )
    }

    fn on_check(&mut self) {
        self.check_matching();
        self.queue.push(self.now + CHECK_EVERY, Event::Check);
        if self.now < FAULTS_END + ms(6000) {
            return;
        }
        self.elect_what_a_blackout_left();
        match self.unwell() {
            None => {
                self.check_final();
                self.is_over = true;
            }
            Some(unwell) if self.now > HEALED_BY => self.violated(liveness::NAME, unwell),
            Some(_) => {}
        }
    }
}

/// Whose event it is: it waits while that node is paused.
const fn target(event: &Event) -> Option<NodeId> {
    match event {
        Event::Timer(node, _, _) | Event::Stream(_, node) | Event::Broken(_, node) => Some(*node),
        Event::Message(envelope) => Some(envelope.to),
        _ => None,
    }
}

fn settings() -> Settings {
    Settings {
        num_partitions: 1,
        default_replication_factor: 1,
        delete_topic_enable: true,
        partitions_per_request_max: Settings::PARTITIONS_PER_REQUEST_MAX,
        elections: config::server::Elections {
            auto_leader_rebalance_enable: false,
            leader_imbalance_check_interval_seconds: 300,
            unclean_leader_election_interval: Duration::from_secs(300),
        },
        file: config::Properties::default(),
    }
}

/// The number in a topic's name.
#[must_use]
pub fn topic_number(name: &str) -> u8 {
    name.trim_start_matches('t').parse().unwrap_or(u8::MAX)
}

/// The name of a topic's number.
#[must_use]
pub fn topic_name(number: u8) -> String {
    format!("t{number}")
}
