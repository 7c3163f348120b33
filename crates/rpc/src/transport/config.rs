//! Bounds of a connection between nodes.

use std::time::Duration;

/// Timeouts and windows, the same on both ends.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// How long a connection attempt may take.
    pub connect_timeout: Duration,
    /// How often a quiet connection is pinged.
    pub keepalive_interval: Duration,
    /// How long a ping may stay without answer before the connection counts as broken.
    pub keepalive_timeout: Duration,
    /// Bytes in flight on one stream.
    pub stream_window_bytes: u32,
    /// Bytes in flight on one connection.
    pub connection_window_bytes: u32,
    /// Largest HTTP/2 frame taken; set by the receiver.
    pub frame_bytes_max: u32,
    /// Largest message taken.
    pub message_bytes_max: usize,
    /// Requests in flight on one connection.
    pub concurrent_streams_max: u32,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            keepalive_interval: Duration::from_secs(2),
            keepalive_timeout: Duration::from_secs(4),
            stream_window_bytes: 8 << 20,
            connection_window_bytes: 16 << 20,
            frame_bytes_max: 1 << 20,
            message_bytes_max: 128 << 20,
            concurrent_streams_max: 1024,
        }
    }
}

impl TransportConfig {
    /// For streams that carry records: large windows, and messages that hold the largest batch a client
    /// may send (`socket.request.max.bytes`, 100 MiB). A peer that has vanished
    /// without a word is noticed about two seconds after its last sign of life, before its session with
    /// the controller is over; one that is only busy answers pings from its connection's task, which
    /// does no work but moving bytes.
    #[must_use]
    pub fn bulk() -> Self {
        Self {
            keepalive_interval: Duration::from_millis(700),
            keepalive_timeout: Duration::from_millis(1_500),
            stream_window_bytes: 16 << 20,
            connection_window_bytes: 64 << 20,
            ..Self::default()
        }
    }
}
