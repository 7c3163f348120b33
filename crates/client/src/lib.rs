//! An asynchronous Kafka client: producer, consumer and admin.
//!
//! ```text
//! Producer ─┐
//! Consumer ─┼─▶ Client ─▶ connections by broker (versions negotiated, requests pipelined)
//! Admin ────┘      └────▶ picture of the cluster (leaders, epochs, topic ids), refreshed on errors
//! ```
//!
//! It speaks with Apache Kafka as well as with Raudal, in the highest version of each request that
//! both sides know. It knows nothing of a broker's inside. Everything it retries is bounded by a
//! time that is configured, and what finally fails keeps Kafka's error name and number.

mod address;
pub mod admin;
mod ask;
mod backoff;
mod client;
mod config;
mod connection;
pub mod consumer;
mod coordinator;
mod error;
pub mod group;
mod lookup;
pub mod metadata;
pub mod partitioner;
pub mod producer;
mod settings;
mod versions;

pub use address::{Address, DEFAULT_PORT, ParseAddressError};
pub use admin::{Admin, OffsetSpec};
pub use client::Client;
pub use config::{Acks, Config, ConsumerConfig, IsolationLevel, ProducerConfig, Reset};
pub use consumer::Consumer;
pub use error::{Attempt, Error, Refusal, Result};
pub use group::{GroupConfig, GroupConsumer, GroupProtocol};
pub use producer::Producer;
pub use settings::{SettingError, Settings};
pub use versions::BrokerVersions;
