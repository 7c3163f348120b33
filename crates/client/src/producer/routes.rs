//! What the sender knows about its ways to the brokers.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

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
    in_flight_count: usize,
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
                match route.in_flight_count < in_flight_max {
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

    pub(super) fn on_sent(&mut self, node_id: i32) {
        self.by_node.entry(node_id).or_default().in_flight_count += 1;
    }

    pub(super) fn on_answered(&mut self, node_id: i32) {
        if let Some(route) = self.by_node.get_mut(&node_id) {
            route.in_flight_count = route.in_flight_count.saturating_sub(1);
        }
    }

    /// All connections.
    pub(super) fn connections(&self) -> impl Iterator<Item = &Arc<BrokerConnection>> {
        self.by_node
            .values()
            .filter_map(|route| route.connection.as_ref())
    }
}
