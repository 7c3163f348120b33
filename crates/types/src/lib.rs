//! Words every other crate speaks: ids, epochs, offsets, error codes and the clock.
//!
//! This crate holds no behaviour beyond parsing and printing its own words. It is the centre of the
//! dependency rings: everything may depend on it, and it depends on nothing of ours.
//!
//! # Offsets of one partition
//!
//! ```text
//! log_start_offset ≤ last_stable_offset ≤ high_watermark ≤ log_end_offset
//! ```
//!
//! `log_end_offset` is exclusive: the offset that the next record will get.

pub mod clock;
mod epochs;
mod error_code;
mod ids;
mod mutants;
mod uuid;

pub use clock::{Clock, ManualClock, SystemClock, TimestampMs};
pub use epochs::{BrokerEpoch, LeaderEpoch, PartitionEpoch, ProducerEpoch};
pub use error_code::ErrorCode;
pub use ids::{DirectoryId, NodeId, PartitionIndex, ProducerId, TopicId, TopicPartition};
pub use uuid::{ParseUuidError, Uuid};

/// Position of a record in a partition. Zero for the first record ever appended, never negative in
/// a log; negative values on the wire are Kafka's sentinels and are translated where they are read.
pub type Offset = i64;
