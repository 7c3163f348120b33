//! What can happen, in the order of virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use types::{LeaderEpoch, NodeId, Offset};

use crate::message::{Key, Message};
use crate::net::ConnId;

/// Something that happens at a moment.
#[derive(Clone, Debug)]
pub enum Event {
    /// The plan's fault of that index.
    Fault(usize),
    /// Something that lasted is over.
    Heal(Heal),
    /// A stopped node starts.
    Start(NodeId),
    /// A node's own timer; dies with the process that set it.
    Timer(NodeId, u32, Timer),
    /// A message arrives.
    Message(Envelope),
    /// The first of the messages that wait at that end of a stream arrives.
    Stream(ConnId, NodeId),
    /// That end of a stream learns that it broke.
    Broken(ConnId, NodeId),
    /// A keep-alive on a stream was due.
    KeepAlive(ConnId),
    /// A client acts.
    Client(u32),
    /// The world is looked at.
    Check,
}

/// What ends.
#[derive(Clone, Copy, Debug)]
pub enum Heal {
    /// Messages pass again, unless another fault forbids it.
    Link(NodeId, NodeId),
    /// A paused process goes on.
    Pause(NodeId),
}

/// A message outside streams.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Who sent it.
    pub from: NodeId,
    /// Which process of its.
    pub from_process: u32,
    /// Whom it is for.
    pub to: NodeId,
    /// Which process of its; `None` for whichever is there.
    pub to_process: Option<u32>,
    /// What it says.
    pub message: Message,
}

/// A node's timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A broker registers, or tries again.
    Register,
    /// A broker beats.
    Heartbeat,
    /// A broker asks for metadata again.
    Tail,
    /// A broker acts on metadata that it has.
    Apply,
    /// A broker looks at who is in sync.
    Isr,
    /// A broker looks at its connections.
    Connect,
    /// A broker flushes, and writes checkpoints.
    Housekeeping,
    /// A mutant's buffers are written.
    Write,
    /// A sync of a durable partition returns.
    Sync(Key),
    /// A broker that was told to may exit.
    Exit,
    /// A broker that began to lead in that epoch has read the groups' log, up to there.
    Load(Key, LeaderEpoch, Offset),
    /// A broker looks at the deadlines of groups.
    Groups(Key),
    /// A controller looks at its term, its sessions and its mailbox.
    Tick,
    /// The active controller hears that a broker's session broke.
    SessionBroken(NodeId),
}

/// All that is to happen.
#[derive(Debug, Default)]
pub struct Queue {
    heap: BinaryHeap<Reverse<Item>>,
    count: u64,
}

#[derive(Debug)]
struct Item {
    at: Duration,
    number: u64,
    event: Event,
}

impl Queue {
    /// Adds an event. Those of one moment happen in the order in which they were added.
    pub fn push(&mut self, at: Duration, event: Event) {
        let number = self.count;
        self.count += 1;
        self.heap.push(Reverse(Item { at, number, event }));
    }

    /// Takes the next event out.
    pub fn pop(&mut self) -> Option<(Duration, Event)> {
        self.heap.pop().map(|Reverse(item)| (item.at, item.event))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
