//! The broker: partitions, Kafka APIs and the metadata observer.
//!
//! ```text
//!  net frame ─► api::dispatch ─► api/<api>.rs ─┬─► partition ─► storage::Log
//!                                              ├─► metadata image (what the cluster has decided)
//!                                              └─► rpc::ControllerClient (what it should decide)
//!  rpc tail ─► metadata observer ─► new image ─► partitions created, led, followed, dropped
//!  partition ─► replica::sender ─► follower's replica::receiver ─► its partition ─► acknowledgement
//! ```
//!
//! A request is served in the task of its connection, start to end; what has to wait leaves a waiter
//! at the partition. The controller is reached through `rpc` alone.

mod absences;
mod api;
mod audit;
mod broker;
mod coordinator;
mod fetch_session;
mod inter_broker;
mod lease;
mod lifecycle;
mod observer;
mod partition;
mod partitions;
mod producer_ids;
mod replica;
mod response_budget;
mod room;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod workers;

pub use broker::{Broker, BrokerError};
pub use state::BrokerOptions;
