//! The network: which links are cut, and the replication streams.
//!
//! A stream is ordered in each direction, as TCP is. While its link is cut, messages wait; if that lasts,
//! the stream breaks and each end learns so at its own time, until when it speaks into the void.
//! Messages outside streams (requests to controllers, clients) may be late and overtake each other, and
//! are lost on a cut link.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use types::NodeId;

use crate::draw::ms;
use crate::event::{Envelope, Event};
use crate::message::{Message, StreamMessage, ToFollower, ToLeader};
use crate::plan::FAULTS_END;
use crate::world::World;

/// Names a stream.
pub type ConnId = u64;

/// One stream between two brokers' processes.
#[derive(Debug)]
pub struct Conn {
    /// Who dialled: the leader. Then the follower.
    pub ends: [End; 2],
    is_broken: bool,
}

/// One end of a stream.
#[derive(Debug)]
pub struct End {
    /// Whose.
    pub node: NodeId,
    /// Which process of its.
    pub process: u32,
    inbox: VecDeque<StreamMessage>,
    last_at: Duration,
    knows: bool,
}

/// Links and streams.
#[derive(Debug, Default)]
pub struct Net {
    cuts: BTreeMap<(NodeId, NodeId), u32>,
    conns: BTreeMap<ConnId, Conn>,
    next: ConnId,
}

impl Net {
    /// Whether nothing passes from one to the other.
    #[must_use]
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cuts.get(&(from, to)).is_some_and(|count| *count > 0)
    }

    /// The stream of that name.
    #[must_use]
    pub fn conn(&self, conn: ConnId) -> Option<&Conn> {
        self.conns.get(&conn)
    }
}

impl Conn {
    fn end(&mut self, node: NodeId) -> Option<&mut End> {
        self.ends.iter_mut().find(|end| end.node == node)
    }

    fn other(&self, node: NodeId) -> NodeId {
        if self.ends[0].node == node {
            self.ends[1].node
        } else {
            self.ends[0].node
        }
    }
}

impl World {
    /// Sends a message outside streams.
    pub fn send(&mut self, from: NodeId, to: NodeId, to_process: Option<u32>, message: Message) {
        let mut delay = self.latency();
        // A Raft message that is so late is as good as lost; nothing is learnt from it.
        let is_late = self.now < FAULTS_END && self.draw.per_mille(self.plan.late);
        if is_late && !matches!(message, Message::Raft(_)) {
            delay += self.draw.duration(Duration::ZERO, ms(3000));
        }
        let from_process = self.process_number(from);
        let envelope = Envelope {
            from,
            from_process,
            to,
            to_process,
            message,
        };
        self.queue.push(self.now + delay, Event::Message(envelope));
    }

    fn latency(&mut self) -> Duration {
        let max = self.plan.latency_max;
        self.draw.duration(Duration::from_micros(100), max)
    }

    /// A message arrives, unless its link is cut or nobody is there.
    pub fn on_message(&mut self, envelope: Envelope) {
        let Envelope {
            from,
            to,
            to_process,
            ..
        } = envelope;
        let is_gone = to_process.is_some_and(|process| process != self.process_number(to));
        if self.net.is_cut(from, to) || !self.is_up(to) || is_gone {
            return;
        }
        if is_client(to) {
            self.on_client_message(envelope);
        } else if is_controller(to) {
            self.on_controller_message(envelope);
        } else {
            self.on_broker_message(envelope);
        }
    }

    /// A leader's process dials a follower's. `None` if nobody answers.
    pub fn dial(&mut self, leader: NodeId, follower: NodeId) -> Option<ConnId> {
        let is_reachable = self.is_up(follower)
            && !self.net.is_cut(leader, follower)
            && !self.net.is_cut(follower, leader);
        if !is_reachable {
            return None;
        }
        self.net.next += 1;
        let id = self.net.next;
        let ends = [leader, follower].map(|node| End {
            node,
            process: self.process_number(node),
            inbox: VecDeque::new(),
            last_at: self.now,
            knows: false,
        });
        self.net.conns.insert(
            id,
            Conn {
                ends,
                is_broken: false,
            },
        );
        Some(id)
    }

    /// Leader to follower.
    pub fn tell(&mut self, conn: ConnId, message: ToFollower) {
        self.send_on(conn, 0, StreamMessage::ToFollower(message));
    }

    /// Follower to leader.
    pub fn answer(&mut self, conn: ConnId, message: ToLeader) {
        self.send_on(conn, 1, StreamMessage::ToLeader(message));
    }

    fn send_on(&mut self, id: ConnId, from: usize, message: StreamMessage) {
        let delay = self.latency();
        let now = self.now;
        let Some(conn) = self.net.conns.get_mut(&id).filter(|conn| !conn.is_broken) else {
            return;
        };
        let to = &mut conn.ends[1 - from];
        to.last_at = to.last_at.max(now + delay);
        to.inbox.push_back(message);
        self.queue.push(to.last_at, Event::Stream(id, to.node));
    }

    /// A message on a stream arrives.
    pub fn on_stream(&mut self, id: ConnId, node: NodeId) {
        let again = self.now + ms(20);
        let Some(conn) = self.net.conns.get_mut(&id) else {
            return;
        };
        let other = conn.other(node);
        let is_cut = self
            .net
            .cuts
            .get(&(other, node))
            .is_some_and(|count| *count > 0);
        let Some(end) = conn.end(node).filter(|end| !end.knows) else {
            return;
        };
        if is_cut {
            return self.queue.push(again, Event::Stream(id, node));
        }
        match end.inbox.pop_front() {
            Some(StreamMessage::ToFollower(message)) => {
                self.on_leader_says(node, other, id, message);
            }
            Some(StreamMessage::ToLeader(message)) => {
                self.on_follower_says(node, other, id, message);
            }
            None => {}
        }
    }

    /// The stream breaks. What is on its way may still arrive before an end learns of it.
    pub fn break_conn(&mut self, id: ConnId) {
        let Some(conn) = self.net.conns.get_mut(&id).filter(|conn| !conn.is_broken) else {
            return;
        };
        conn.is_broken = true;
        let nodes = [conn.ends[0].node, conn.ends[1].node];
        let is_cut = self.net.is_cut(nodes[0], nodes[1]) || self.net.is_cut(nodes[1], nodes[0]);
        for node in nodes {
            let longest = if is_cut { ms(2000) } else { ms(3) };
            let delay = self.draw.duration(Duration::ZERO, longest);
            self.queue.push(self.now + delay, Event::Broken(id, node));
        }
    }

    /// One end closes the stream, and needs not be told.
    pub fn close_conn(&mut self, id: ConnId, node: NodeId) {
        self.break_conn(id);
        if let Some(end) = self.net.conns.get_mut(&id).and_then(|conn| conn.end(node)) {
            end.knows = true;
        }
    }

    /// An end learns that its stream is broken.
    pub fn on_broken(&mut self, id: ConnId, node: NodeId) {
        let Some(conn) = self.net.conns.get_mut(&id) else {
            return;
        };
        let process = match conn.end(node) {
            Some(end) if !end.knows => {
                end.knows = true;
                end.process
            }
            Some(_) | None => return,
        };
        if conn.ends.iter().all(|end| end.knows) {
            self.net.conns.remove(&id);
        }
        if self.process_number(node) == process && self.is_up(node) {
            self.on_stream_broken(node, id);
        }
    }

    /// A process died: all its streams break.
    pub fn break_all_of(&mut self, node: NodeId) {
        for id in self.conns_where(|conn| conn.ends.iter().any(|end| end.node == node)) {
            self.close_conn(id, node);
        }
    }

    /// Streams between two nodes.
    #[must_use]
    pub fn conns_between(&self, a: NodeId, b: NodeId) -> Vec<ConnId> {
        self.conns_where(|conn| {
            let nodes = [conn.ends[0].node, conn.ends[1].node];
            nodes.contains(&a) && nodes.contains(&b)
        })
    }

    fn conns_where(&self, is: impl Fn(&Conn) -> bool) -> Vec<ConnId> {
        let conns = self.net.conns.iter().filter(|(_, conn)| is(conn));
        conns.map(|(id, _)| *id).collect()
    }

    /// Nothing passes from one to the other for a while.
    pub fn cut(&mut self, from: NodeId, to: NodeId, lasts: Duration) {
        if from == to {
            return;
        }
        *self.net.cuts.entry((from, to)).or_insert(0) += 1;
        self.queue.push(
            self.now + lasts,
            Event::Heal(crate::event::Heal::Link(from, to)),
        );
        // Keep-alives give up on streams that stay cut.
        for id in self.conns_between(from, to) {
            let patience = self.draw.duration(ms(300), ms(3000));
            self.queue.push(self.now + patience, Event::KeepAlive(id));
        }
    }

    /// A cut ends.
    pub fn heal_link(&mut self, from: NodeId, to: NodeId) {
        if let Some(count) = self.net.cuts.get_mut(&(from, to)) {
            *count = count.saturating_sub(1);
        }
    }

    /// A keep-alive was due.
    pub fn on_keep_alive(&mut self, id: ConnId) {
        let Some(conn) = self.net.conn(id) else {
            return;
        };
        let [a, b] = [conn.ends[0].node, conn.ends[1].node];
        if self.net.is_cut(a, b) || self.net.is_cut(b, a) {
            self.break_conn(id);
        }
    }
}

/// Whether the id is a controller's.
#[must_use]
pub const fn is_controller(node: NodeId) -> bool {
    node.0 > 100 && node.0 < 1000
}

/// Whether the id is a client's.
#[must_use]
pub const fn is_client(node: NodeId) -> bool {
    node.0 >= 1000
}
