//! What the sender knows about its ways to the brokers.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use types::TopicPartition;

use crate::connection::BrokerConnection;

/// Whether a batch may go to a broker now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Yes.
    Open,
    /// When a request in flight has been answered, or the connection is there.
    Busy,
    /// When someone connects.
    Unconnected,
    /// Not before this: the last try failed.
    Resting(Instant),
}

#[derive(Debug, Default)]
struct Route {
    connection: Option<Arc<BrokerConnection>>,
    is_connecting: bool,
    rest_until: Option<Instant>,
    /// Requests without an answer, oldest first.
    in_flight: VecDeque<InFlight>,
}

#[derive(Debug)]
struct InFlight {
    sent: Instant,
    partitions: Vec<TopicPartition>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Routes {
    by_node: HashMap<i32, Route>,
}

impl Routes {
    /// Whether a batch may go to the broker.
    pub(super) fn way(&self, node_id: i32, in_flight_max: usize, now: Instant) -> Way {
        let Some(route) = self.by_node.get(&node_id) else {
            return Way::Unconnected;
        };
        if route.is_connecting {
            return Way::Busy;
        }
        match (&route.connection, route.rest_until) {
            (_, Some(until)) if until > now => Way::Resting(until),
            (Some(connection), _) if connection.is_open() => {
                match route.in_flight.len() < in_flight_max {
                    true => Way::Open,
                    false => Way::Busy,
                }
            }
            _ => Way::Unconnected,
        }
    }

    pub(super) fn on_connecting(&mut self, node_id: i32) {
        self.by_node.entry(node_id).or_default().is_connecting = true;
    }

    pub(super) fn on_connected(&mut self, node_id: i32, connection: Arc<BrokerConnection>) {
        let route = self.by_node.entry(node_id).or_default();
        route.is_connecting = false;
        route.rest_until = None;
        route.connection = Some(connection);
    }

    /// The broker is left alone until then.
    pub(super) fn on_failed(&mut self, node_id: i32, rest_until: Instant) {
        let route = self.by_node.entry(node_id).or_default();
        route.is_connecting = false;
        route.connection = None;
        route.rest_until = Some(rest_until);
    }

    /// The connection to send on.
    pub(super) fn connection(&self, node_id: i32) -> Option<Arc<BrokerConnection>> {
        self.by_node.get(&node_id)?.connection.clone()
    }

    pub(super) fn on_sent(&mut self, node_id: i32, sent: Instant, partitions: Vec<TopicPartition>) {
        let route = self.by_node.entry(node_id).or_default();
        route.in_flight.push_back(InFlight { sent, partitions });
    }

    /// The oldest request has its answer: a broker answers in order.
    pub(super) fn on_answered(&mut self, node_id: i32) {
        if let Some(route) = self.by_node.get_mut(&node_id) {
            route.in_flight.pop_front();
        }
    }

    /// When the first broker will have been silent for so long, if one has been asked something.
    pub(super) fn silent_at(&self, patience: Duration) -> Option<Instant> {
        let oldest = self.by_node.values().filter_map(|r| r.in_flight.front());
        oldest.map(|request| request.sent + patience).min()
    }

    /// Brokers silent since before that moment, with the partitions that wait for them.
    pub(super) fn silent_since(
        &self,
        moment: Instant,
    ) -> impl Iterator<Item = (i32, &[TopicPartition])> {
        self.by_node.iter().filter_map(move |(node_id, route)| {
            let oldest = route.in_flight.front().filter(|r| r.sent <= moment)?;
            Some((*node_id, oldest.partitions.as_slice()))
        })
    }

    /// All connections.
    pub(super) fn connections(&self) -> impl Iterator<Item = &Arc<BrokerConnection>> {
        self.by_node
            .values()
            .filter_map(|route| route.connection.as_ref())
    }
}
