//! gRPC between nodes: the compiled services, conversions and channels.
//!
//! ```text
//!   broker ── ControllerClient ──┐                        ┌── control service ── controller
//!                                ├─ Connector ─► Incoming ┤
//!   voter ─── QuorumClient ──────┤   (TCP or in-process)  ├── quorum service ─── openraft
//!   leader ── replication::dial ─┘                        └── replication::service ── follower
//! ```
//!
//! This crate owns tonic and prost-generated services; it decides nothing. A combined node reaches
//! its own controller over an in-process pipe with the same services, so that one code path serves
//! one node and many.

pub mod alter_partitions;
pub mod assign_directories;
pub mod audit;
pub mod batch;
pub mod client;
mod error;
pub mod proto;
pub mod replication;
pub mod server;
pub mod status;
pub mod transport;

pub use alter_partitions::{
    IsrMember, PartitionAnswer, PartitionRefusal, PartitionState, PartitionUpdate,
};
pub use assign_directories::{DirectoryAnswer, DirectoryAssignment, DirectoryRefusal};
pub use client::{
    BrokerSession, ClientConfig, ControllerClient, ControllerEndpoint, ForwardRequest, Forwarded,
    HeartbeatAnswer, HeartbeatState, ImageHash, MetadataTail, ProducerIdBlock, QuorumDescription,
    Registered, Registration, ReplicaProgress, TailEvent,
};
pub use error::Error;
pub use status::LeaderHint;
