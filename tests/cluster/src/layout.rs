//! What a cluster looks like, and the `server.properties` of its nodes.

use std::fmt::Write as _;
use std::path::Path;

/// A cluster to be started.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Brokers have the ids from 1.
    pub broker_count: i32,
    /// Controllers of their own, with the ids after the brokers'; none makes every broker one.
    pub controller_count: i32,
    /// Whether all links between nodes lead through the fault proxy.
    pub is_proxied: bool,
    /// Whether each broker has a rack of its own and readers are sent to the replica in theirs.
    pub has_racks: bool,
    /// A broker whose data is on a file system of its own, so many bytes small. Needs root.
    pub small_disk: Option<(i32, u64)>,
    /// More lines of `server.properties`, for every node.
    pub properties: Vec<(String, String)>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            broker_count: 3,
            controller_count: 0,
            is_proxied: false,
            has_racks: false,
            small_disk: None,
            properties: Vec::new(),
        }
    }
}

impl Layout {
    /// The same, with all links between nodes through the fault proxy.
    #[must_use]
    pub fn proxied(self) -> Self {
        Self {
            is_proxied: true,
            ..self
        }
    }

    /// The same, with three controllers of their own.
    #[must_use]
    pub fn with_controllers(self) -> Self {
        Self {
            controller_count: 3,
            ..self
        }
    }

    /// The same, with one more line of configuration.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.properties.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The same, with a rack for each broker.
    #[must_use]
    pub fn with_racks(self) -> Self {
        Self {
            has_racks: true,
            ..self
        }
    }

    /// All nodes.
    pub fn node_ids(&self) -> impl Iterator<Item = i32> + use<> {
        1..=self.broker_count + self.controller_count
    }

    /// What a node does.
    #[must_use]
    pub fn roles(&self, id: i32) -> Roles {
        Roles {
            is_broker: id <= self.broker_count,
            is_controller: self.controller_count == 0 || id > self.broker_count,
        }
    }
}

/// A broker's rack.
#[must_use]
pub fn rack(id: i32) -> String {
    format!("rack-{id}")
}

const RACK_AWARE: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Keeps partitions and serves clients.
    pub is_broker: bool,
    /// Votes on metadata.
    pub is_controller: bool,
}

/// Where a node listens, and where others are told to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// For clients.
    pub client: u16,
    /// For other brokers.
    pub internal: u16,
    /// For other brokers, as advertised: the proxy's, or the same.
    pub internal_advertised: u16,
    /// For controllers and sessions.
    pub controller: u16,
    /// The same as advertised.
    pub controller_advertised: u16,
}

/// A node's configuration. `voters` is the text of `controller.quorum.voters`.
#[must_use]
pub fn properties(layout: &Layout, id: i32, ports: Ports, voters: &str, data: &Path) -> String {
    let roles = layout.roles(id);
    let mut names = Vec::new();
    let (mut listeners, mut advertised) = (Vec::new(), Vec::new());
    if roles.is_broker {
        names.push("broker");
        listeners.push(format!("PLAINTEXT://127.0.0.1:{}", ports.client));
        listeners.push(format!("INTERNAL://127.0.0.1:{}", ports.internal));
        advertised.push(format!("PLAINTEXT://127.0.0.1:{}", ports.client));
        let internal = ports.internal_advertised;
        advertised.push(format!("INTERNAL://127.0.0.1:{internal}"));
    }
    if roles.is_controller {
        names.push("controller");
        listeners.push(format!("CONTROLLER://127.0.0.1:{}", ports.controller));
    }
    let mut lines = vec![
        ("process.roles", names.join(",")),
        ("node.id", id.to_string()),
        ("controller.quorum.voters", voters.to_owned()),
        ("listeners", listeners.join(",")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        ),
        ("inter.broker.listener.name", "INTERNAL".to_owned()),
        ("log.dirs", data.display().to_string()),
        ("auto.create.topics.enable", "false".to_owned()),
        ("default.replication.factor", "3".to_owned()),
        ("min.insync.replicas", "2".to_owned()),
        ("offsets.topic.replication.factor", "3".to_owned()),
    ];
    if roles.is_broker {
        lines.push(("advertised.listeners", advertised.join(",")));
    }
    if layout.has_racks && roles.is_broker {
        lines.push(("broker.rack", rack(id)));
        lines.push(("replica.selector.class", RACK_AWARE.to_owned()));
    }
    let more = layout.properties.iter().map(|(k, v)| (k.as_str(), v));
    let mut text = String::new();
    for (key, value) in lines.iter().map(|(k, v)| (*k, v)).chain(more) {
        let _infallible = writeln!(text, "{key}={value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports = Ports {
        client: 1,
        internal: 2,
        internal_advertised: 20,
        controller: 3,
        controller_advertised: 30,
    };

    #[test]
    fn others_are_told_the_way_through_the_proxy() {
        let layout = Layout::default().proxied();
        let text = properties(&layout, 2, PORTS, "2@127.0.0.1:30", Path::new("/d"));
        assert!(text.contains("process.roles=broker,controller\n"));
        assert!(
            text.contains(
                "\nadvertised.listeners=PLAINTEXT://127.0.0.1:1,INTERNAL://127.0.0.1:20\n"
            )
        );
        assert!(text.contains("INTERNAL://127.0.0.1:2,CONTROLLER://127.0.0.1:3\n"));
    }

    #[test]
    fn controllers_of_their_own_come_after_the_brokers() {
        let layout = Layout::default().with_controllers();
        assert_eq!(layout.node_ids().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert!(!layout.roles(3).is_controller && !layout.roles(4).is_broker);
        let text = properties(&layout, 4, PORTS, "", Path::new("/d"));
        assert!(text.contains("process.roles=controller\n"), "{text}");
        assert!(!text.contains("advertised"), "{text}");
    }
}
