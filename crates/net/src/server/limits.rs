//! What one listener's connections may use.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// A connection's first rest comes so much earlier than later ones. A power of two.
const FIRST_REST_DIVISOR: u32 = 128;

/// Bounds of a listener and of each of its connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest frame a client may send: `socket.request.max.bytes`.
    pub max_frame_bytes: usize,
    /// Requests of one connection that may wait for their reply before reading stops.
    pub max_in_flight_count: usize,
    /// The same in bytes of request frames.
    pub max_in_flight_bytes: usize,
    /// Reply bytes that the peer has not taken yet; beyond it no further request is dispatched.
    pub max_unsent_bytes: usize,
    /// What the kernel keeps of a connection's replies until the peer has acknowledged them:
    /// `socket.send.buffer.bytes`. `None` leaves it to the system, which lets it grow to megabytes. See
    /// `docs/adr/0011-small-send-buffers.md`.
    pub send_buffer_bytes: Option<usize>,
    /// Request bytes in memory for the whole listener: `queued.max.request.bytes`, where "no limit" is
    /// replaced by a share of the machine's memory.
    pub max_listener_bytes: usize,
    /// Connections of the listener: `max.connections`. Further ones wait in the kernel's queue.
    pub max_connection_count: usize,
    /// Connections of one address: `max.connections.per.ip`. Further ones are closed at once.
    pub max_connection_count_per_ip: usize,
    /// Exceptions to it: `max.connections.per.ip.overrides`.
    pub max_connection_count_per_ip_overrides: HashMap<IpAddr, usize>,
    /// A connection without traffic is closed after this, or a sixteenth later: `connections.max.idle.ms`.
    pub idle: Duration,
    /// A connection without traffic, and without a request in flight, gives back all memory but that of its
    /// socket and address after this; the younger it is the earlier, down to a part in 128. Longer than what
    /// lies between the heartbeats of a group's member: to rest and to rise again takes some microseconds.
    pub rest: Duration,
    /// A frame that has begun and of which nothing arrives for this long closes the connection, because
    /// it holds budget that others wait for.
    pub stall: Duration,
    /// How long a stopping server waits for requests in flight.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame_bytes: 100 * 1024 * 1024,
            max_in_flight_count: 64,
            max_in_flight_bytes: 16 * 1024 * 1024,
            max_unsent_bytes: 1024 * 1024,
            send_buffer_bytes: Some(256 * 1024),
            max_listener_bytes: 128 * 1024 * 1024,
            max_connection_count: usize::MAX,
            max_connection_count_per_ip: usize::MAX,
            max_connection_count_per_ip_overrides: HashMap::new(),
            idle: Duration::from_mins(10),
            rest: Duration::from_secs(16),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// How long a connection is silent before it rests, if this has doubled so often before.
    ///
    /// Most of those that are opened say one or two things and nothing more. They rest early, so that ten
    /// thousand of them that come at once never take the memory of ten thousand tasks.
    pub(crate) fn rest_after(&self, doublings: u8) -> Duration {
        self.rest / (FIRST_REST_DIVISOR >> u32::from(doublings).min(FIRST_REST_DIVISOR.ilog2()))
    }

    /// Between two looks for connections at rest that have been idle for too long.
    pub(crate) fn sweep_interval(&self) -> Duration {
        self.idle.min(Duration::from_hours(24)) / 16
    }

    /// How many connections the address may have.
    pub(crate) fn connection_count_of(&self, ip: IpAddr) -> usize {
        let exception = self.max_connection_count_per_ip_overrides.get(&ip);
        *exception.unwrap_or(&self.max_connection_count_per_ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rest_comes_early_and_later_ones_do_not() {
        let limits = Limits::default();
        let after = |doublings| limits.rest_after(doublings).as_millis();
        assert_eq!([0, 1, 2, 3, 4].map(after), [125, 250, 500, 1000, 2000]);
        assert_eq!(
            [5, 6, 7, 8, u8::MAX].map(after),
            [4000, 8000, 16_000, 16_000, 16_000]
        );
    }
}
