//! A broker: the glue between the pure machines, as thin as the protocol allows.
//!
//! ```text
//! process.rs    start, kill, orderly stop; what the machine remembers
//! observer.rs   metadata arrive, are replayed, and are acted upon later
//! leading.rs    streams to followers: handshake, records, acknowledgements
//! following.rs  streams from leaders
//! isr.rs        who is in sync: proposals and their answers
//! serving.rs    producers and consumers
//! syncing.rs    durable topics
//! ```
//!
//! Mirrors `broker::partition` and `broker::replica`; where the two differ, what the simulator proves
//! says nothing about the product, so differences are bugs of this crate.

pub mod following;
pub mod isr;
pub mod leading;
pub mod machine;
pub mod observer;
pub mod process;
pub mod serving;
mod syncing;

use std::collections::BTreeMap;
use std::time::Duration;

use metadata::{Delta, MetadataImage};
use replication::{Follower, Leader, Proposal};
use rpc::Registration;
use types::{BrokerEpoch, LeaderEpoch, NodeId, Offset};

use crate::event::Envelope;
use crate::group::hosted::Host;
use crate::log::Log;
use crate::message::{Answer, Key, Message};
use crate::net::ConnId;
use crate::world::World;

/// A broker's process: all of it dies with it.
#[derive(Debug)]
pub struct Broker {
    /// What it says of itself.
    pub registration: Registration,
    /// Its epoch, once it is registered.
    pub epoch: Option<BrokerEpoch>,
    /// The newest metadata that were received.
    pub received: MetadataImage,
    /// What of them is to be acted upon.
    pub unapplied: Option<Delta>,
    /// The metadata in force.
    pub image: MetadataImage,
    /// Whether it has reached its own registration and acts on metadata.
    pub is_serving: bool,
    /// Its partitions.
    pub replicas: BTreeMap<Key, Replica>,
    /// Streams to followers.
    pub to_followers: BTreeMap<ConnId, leading::ToFollowerStream>,
    /// Streams from leaders.
    pub from_leaders: BTreeMap<ConnId, following::FromLeaderStream>,
    /// The controller it asks.
    pub controller: NodeId,
    /// When an active controller was last heard.
    pub heard_at: Duration,
    /// Proposals that were sent, by the number of the question.
    pub asked: BTreeMap<u64, (Duration, Vec<(Key, Proposal)>)>,
    /// When the ISRs of the partitions that it leads were last looked at.
    pub isrs_looked_at: Duration,
    /// When it was asked to stop.
    pub stops_since: Option<Duration>,
    /// The groups that it coordinates.
    pub groups: Host,
    next_number: u64,
}

/// One partition on this broker.
#[derive(Debug)]
pub struct Replica {
    /// Where its log is.
    pub place: machine::Place,
    /// What it is now.
    pub role: Role,
    /// What it knows of the high watermark.
    pub high_watermark: Offset,
    /// Producers that wait for it.
    pub waiters: Vec<serving::Waiter>,
    /// The lane that each follower's stream is on.
    pub lanes: BTreeMap<NodeId, u8>,
    /// A sync of its log is under way.
    pub is_syncing: bool,
}

/// What a replica is.
#[derive(Debug)]
pub enum Role {
    /// It leads.
    Leader(Box<Leader>),
    /// It does not.
    Follower(Follower),
}

impl Replica {
    /// The epoch it knows.
    #[must_use]
    pub const fn leader_epoch(&self) -> LeaderEpoch {
        match &self.role {
            Role::Leader(leader) => leader.leader_epoch(),
            Role::Follower(follower) => follower.leader_epoch(),
        }
    }
}

impl Broker {
    /// A process that has just started.
    #[must_use]
    pub fn new(registration: Registration, controller: NodeId) -> Self {
        Self {
            registration,
            epoch: None,
            received: MetadataImage::empty(),
            unapplied: None,
            image: MetadataImage::empty(),
            is_serving: false,
            replicas: BTreeMap::new(),
            to_followers: BTreeMap::new(),
            from_leaders: BTreeMap::new(),
            controller,
            heard_at: Duration::ZERO,
            asked: BTreeMap::new(),
            isrs_looked_at: Duration::ZERO,
            stops_since: None,
            groups: Host::default(),
            next_number: 0,
        }
    }

    /// A number that this process has not used.
    pub const fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl World {
    /// The broker of that id.
    pub fn broker(&mut self, id: NodeId) -> &mut Broker {
        self.brokers.get_mut(&id).expect("a broker of the plan")
    }

    /// A replica and its log.
    pub fn replica(&mut self, node: NodeId, key: Key) -> Option<(&mut Replica, &mut Log)> {
        let replica = self.brokers.get_mut(&node)?.replicas.get_mut(&key)?;
        let log = self.machines.get_mut(&node)?.logs.get_mut(&replica.place)?;
        Some((replica, log))
    }

    /// Something arrived outside streams.
    pub fn on_broker_message(&mut self, envelope: Envelope) {
        let Envelope {
            from,
            from_process,
            to,
            message,
            ..
        } = envelope;
        match message {
            Message::Answer(number, answer) => self.on_answer(to, number, answer),
            Message::Entries(offset, entries) => self.on_entries(to, offset, &entries),
            Message::Snapshot(offset, records) => self.on_snapshot(to, offset, &records),
            Message::Produce {
                attempt,
                key,
                record,
                needs_all,
            } => {
                self.on_produce(
                    to,
                    serving::Request {
                        client: from,
                        attempt,
                        key,
                    },
                    record,
                    needs_all,
                );
            }
            Message::Fetch {
                key,
                offset,
                from_follower,
            } => {
                self.on_fetch(to, from, key, offset, from_follower);
            }
            Message::AskGroup(question) => self.on_ask_group(to, from, question),
            _ => {
                let _ = from_process;
            }
        }
    }

    fn on_answer(&mut self, node: NodeId, number: u64, answer: Option<Answer>) {
        let now = self.now;
        let asked = self.broker(node).asked.remove(&number);
        let Some(answer) = answer else {
            self.try_next_controller(node);
            if let Some((_, proposals)) = asked {
                self.on_isr_unanswered(node, proposals);
            }
            return;
        };
        self.broker(node).heard_at = now;
        match answer {
            Answer::Registered(epoch) => self.on_registered(node, epoch),
            Answer::RegistrationRefused | Answer::Done => {}
            Answer::Beat(answer) => {
                let session = self.plan.session_timeout;
                let broker = self.broker(node);
                let image_offset = broker.image.offset();
                broker
                    .groups
                    .on_beat_heard(number, session, &answer, image_offset);
                self.on_beat(node, answer);
            }
            Answer::Unknown => self.on_unknown(node),
            Answer::Altered(answers) => {
                if let Some((_, proposals)) = asked {
                    self.on_altered(node, proposals, answers);
                }
            }
        }
    }

    /// The controller it asked does not decide.
    pub fn try_next_controller(&mut self, node: NodeId) {
        let controllers: Vec<NodeId> = self.plan.controllers().collect();
        self.broker(node).controller = *self.draw.of(&controllers);
    }
}
