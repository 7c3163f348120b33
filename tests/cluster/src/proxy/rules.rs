//! What may pass, by link and direction.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Between brokers: records.
    Brokers,
    /// To a controller: votes, metadata, sessions.
    Controllers,
}

/// One direction of one link: bytes from one node to another. Connections dialled by either of them
/// have both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The node that sends.
    pub from: i32,
    /// The node that receives.
    pub to: i32,
    /// Which connections.
    pub plane: Plane,
}

/// What happens to bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing passes, not even the end of a connection.
    Cut,
    /// Everything comes later.
    Delay(Duration),
    /// At most so many bytes a second.
    Throttle(u64),
}

/// The rules in force. Flows without one pass freely.
#[derive(Debug)]
pub struct Rules {
    /// Held for map operations only.
    table: RwLock<HashMap<Flow, Rule>>,
    /// Counts changes of the table.
    changes: watch::Sender<u64>,
    /// Counts resets; each closes the connections that it names.
    resets: watch::Sender<Reset>,
}

/// Connections between two nodes are to be closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reset {
    pub(super) count: u64,
    pub(super) pair: (i32, i32),
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            table: RwLock::default(),
            changes: watch::Sender::new(0),
            resets: watch::Sender::new(Reset::default()),
        }
    }
}

impl Rules {
    /// Puts a rule on these flows, from now on.
    pub fn set(&self, flows: impl IntoIterator<Item = Flow>, rule: Rule) {
        let mut table = self.table.write();
        table.extend(flows.into_iter().map(|flow| (flow, rule)));
        drop(table);
        self.changed();
    }

    /// Lets these flows pass freely again. What was held goes on its way.
    pub fn clear(&self, flows: impl IntoIterator<Item = Flow>) {
        let mut table = self.table.write();
        for flow in flows {
            table.remove(&flow);
        }
        drop(table);
        self.changed();
    }

    /// Lets everything pass freely.
    pub fn clear_all(&self) {
        self.table.write().clear();
        self.changed();
    }

    /// Closes all connections between two nodes as if one of them had said so: with a reset.
    pub fn reset(&self, a: i32, b: i32) {
        self.resets.send_modify(|reset| {
            reset.count += 1;
            reset.pair = (a, b);
        });
    }

    pub(super) fn get(&self, flow: Flow) -> Option<Rule> {
        self.table.read().get(&flow).copied()
    }

    pub(super) fn resets(&self) -> watch::Receiver<Reset> {
        self.resets.subscribe()
    }

    /// Waits until the flow is not cut.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn passable(&self, flow: Flow) {
        let mut changes = self.changes.subscribe();
        while self.get(flow) == Some(Rule::Cut) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Flow {
    /// Both directions between two nodes, of these connections.
    #[must_use]
    pub fn both(a: i32, b: i32, plane: Plane) -> [Self; 2] {
        let flow = |from, to| Self { from, to, plane };
        [flow(a, b), flow(b, a)]
    }

    /// One direction between two nodes, of all connections.
    #[must_use]
    pub fn one_way(from: i32, to: i32) -> [Self; 2] {
        [Plane::Brokers, Plane::Controllers].map(|plane| Self { from, to, plane })
    }

    /// Everything between two nodes.
    #[must_use]
    pub fn between(a: i32, b: i32) -> [Self; 4] {
        let ([w, x], [y, z]) = (Self::one_way(a, b), Self::one_way(b, a));
        [w, x, y, z]
    }
}
