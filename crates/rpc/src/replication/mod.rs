//! Replication between brokers: the leader pushes, the follower acknowledges, on one stream per pair
//! of brokers and lane.
//!
//! ```text
//!   leader                                            follower
//!   dial ── own connection ── Hello ───────────────►  service ── Incoming ── accept | refuse
//!   FrameSender (room 2)      ── LeaderFrame ──────►  FrameReceiver
//!   AckReceiver               ◄── FollowerFrame ────  AckSender (room 2)
//! ```
//!
//! This module moves frames and checks that their numbers are in range. What they mean is decided by
//! the brokers and by the `replication` crate. A stream ends when either side drops its halves, when
//! its connection breaks, or when the peer stops answering HTTP/2 pings.

mod body;
mod bounds;
pub(crate) mod codec;
mod decode;
mod dial;
mod messages;
mod service;
mod slices;
mod stream;
mod wire;
mod words;

pub use dial::{AckReceiver, DialError, FrameSender, dial};
pub use service::{AckSender, FrameReceiver, Incoming, Sessions, service};
pub use stream::{Broken, Closed, Permit};
pub use wire::{FRAME_ITEMS_MAX, Malformed};
pub use words::{
    FollowerFrame, Hello, Lane, LeaderFrame, RefusalReason, ToFollower, ToLeader, Welcome,
};

/// Frames that wait for the connection, in each direction. Two: one under way and one ready, so that
/// what is appended meanwhile is packed into the next one.
const FRAMES_WAITING_MAX: usize = 2;

/// Where the service is called.
const REPLICATE: &str = "/raudal.replication.v1.Replication/Replicate";
