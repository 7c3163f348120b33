//! Cluster metadata: versioned records, the immutable image they add up to, and what changed.
//!
//! ```text
//! MetadataRecord … ─▶ replay(image, offset, records) ─▶ (image', Delta)
//!                            │                             │
//!                            │ derive: new leaders, ISRs   └─▶ brokers act on what the delta names
//!                            ▼
//!                     snapshot(image) ─▶ records that replay into an equal image
//! ```
//!
//! Refuses to know: time, randomness, files, Raft and Kafka's wire format. Every function here is
//! pure, so every node that replays the same records holds the same image; [`content_hash`] shows it.
//!
//! Invariants of every image that [`replay()`] returns:
//! - names and ids of topics are unique, partition indexes are 0..n without a gap;
//! - of each partition: leader ∈ ISR ⊆ assigned replicas, ELR ⊆ assigned replicas, ISR ∩ ELR = ∅;
//! - broker epochs, leader epochs, partition epochs, the controller epoch and the next producer id
//!   never go backwards.

mod broker;
mod config;
mod delta;
pub mod derive;
pub mod feature;
mod hash;
mod image;
pub mod mutant;
mod record;
pub mod replay;
mod snapshot;
mod topic;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;

pub use broker::{BrokerRegistration, Listener, SecurityProtocol, SupportedLevels};
pub use config::{ConfigResource, Configs, ResourceKind};
pub use delta::{Change, Delta, TopicDelta};
pub use hash::content_hash;
pub use image::{ActiveController, BROKER_DRAIN, MetadataImage, MetadataOffset};
pub use record::v1;
pub use record::{Kind, MetadataRecord};
pub use replay::{Misfit, ReplayError, replay, replay_more};
pub use snapshot::snapshot;
pub use topic::{InvalidPartition, PartitionRegistration, TopicImage};
