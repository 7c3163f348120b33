//! A TCP proxy in front of every node's inter-node listeners, with a rule for each direction of each
//! link.
//!
//! ```text
//! node 1 ──dials──▶ gate of node 2 ══ pipe, rule 1→2 ══▶ node 2
//!                                  ◀══ pipe, rule 2→1 ══
//! ```
//!
//! A node is told one address for each other node, whoever asks. Who has dialled is found out from the
//! connection itself: the kernel knows which process owns a socket ([`owner`]). So each pair of
//! nodes has its own rules, in each direction, without any help from the nodes and without root.
//!
//! What is cut is held, not lost, as TCP would send it again; a connection's end is held as well, so
//! that nodes behind a cut do not hear of a death (half open). A new connection through a cut is
//! taken by the gate and goes nowhere: the one who dials sees silence where a real network gives a
//! connect timeout. Gates listen exactly while their node does, so a dead node refuses connections.

mod gate;
mod owner;
mod pipe;
mod rules;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use rules::{Flow, Plane, Rule, Rules};

use crate::ports::Port;
use gate::Gate;

/// Everyone who is not a node: clients.
pub const OUTSIDE: i32 = 0;

/// All gates of a cluster. Dropping it closes everything that leads through it.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    gates: HashMap<(i32, Plane), GateHandle>,
    _tasks: JoinSet<()>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct GateHandle {
    port: Port,
    is_up: tokio::sync::watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Shared {
    rules: Rules,
    /// Node by the process that it is.
    nodes: RwLock<HashMap<u32, i32>>,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            shared: Arc::default(),
            gates: HashMap::new(),
            _tasks: JoinSet::new(),
            stop: CancellationToken::new(),
        }
    }
}

impl Proxy {
    /// Puts a gate in front of a node's port and returns the gate's own. It is closed at first.
    ///
    /// # Errors
    /// No free port.
    pub fn add_gate(&mut self, node: i32, plane: Plane, upstream: u16) -> anyhow::Result<u16> {
        let port = Port::reserve()?;
        let number = port.number();
        let (is_up, up) = tokio::sync::watch::channel(false);
        let gate = Gate {
            shared: Arc::clone(&self.shared),
            node,
            plane,
            listen: number,
            upstream,
        };
        let stop = self.stop.clone();
        self._tasks.spawn(gate.run(up, stop));
        self.gates.insert((node, plane), GateHandle { port, is_up });
        Ok(number)
    }

    /// The port of a gate.
    #[must_use]
    pub fn port(&self, node: i32, plane: Plane) -> Option<u16> {
        Some(self.gates.get(&(node, plane))?.port.number())
    }

    /// A node has started as this process: its gates open once it listens.
    pub fn on_start(&self, node: i32, pid: u32) {
        let mut nodes = self.shared.nodes.write();
        nodes.retain(|_, other| *other != node);
        nodes.insert(pid, node);
        drop(nodes);
        self.set_up(node, true);
    }

    /// A node is gone: its gates refuse connections.
    pub fn on_stop(&self, node: i32) {
        self.set_up(node, false);
    }

    /// What may pass.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.shared.rules
    }

    fn set_up(&self, node: i32, is_up: bool) {
        let own = self.gates.iter().filter(|((of, _), _)| *of == node);
        for (_, gate) in own {
            gate.is_up.send_replace(is_up);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests;
