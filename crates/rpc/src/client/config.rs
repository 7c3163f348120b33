//! Where the controllers are, and how patient the client is.

use std::time::Duration;

use types::NodeId;

use crate::transport::{Connector, TransportConfig};

/// One controller to ask.
#[derive(Debug, Clone)]
pub struct ControllerEndpoint {
    /// Its node id, if the configuration names it (`controller.quorum.voters`).
    pub node_id: Option<NodeId>,
    /// The way to it.
    pub connector: Connector,
}

/// Bounds of the client.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// How long one controller may take to answer before another one is asked.
    pub try_timeout: Duration,
    /// The same for a heartbeat: a controller that hangs must not eat up the session.
    pub heartbeat_try_timeout: Duration,
    /// First pause after a failed round; doubles.
    pub backoff_min: Duration,
    /// Longest pause.
    pub backoff_max: Duration,
    /// How long the metadata tail may stay silent before it is opened anew. Controllers send
    /// something every 600 ms.
    pub tail_silence_max: Duration,
    /// Largest snapshot taken.
    pub snapshot_bytes_max: usize,
    /// Settings of the connections.
    pub transport: TransportConfig,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            try_timeout: Duration::from_secs(10),
            heartbeat_try_timeout: Duration::from_millis(700),
            backoff_min: Duration::from_millis(2),
            backoff_max: Duration::from_millis(250),
            tail_silence_max: Duration::from_secs(2),
            snapshot_bytes_max: 1 << 30,
            transport: TransportConfig::default(),
        }
    }
}
