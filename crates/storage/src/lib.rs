//! The segmented log on disk, in Kafka's own format.
//!
//! A partition is a [`Log`]: a chain of segments, of which the last one grows. [`LogDirs`] owns the
//! logs of a node, directory by directory. What is on disk is what Apache Kafka 4.3 would have
//! written, byte for byte: its tools read our files, and either broker can take over a directory
//! from the other.
//!
//! ```text
//!  produce ─▶ Log::append_as_leader ─▶ one pwritev ─▶ page cache ┐
//!  copy    ─▶ Log::append_as_follower ──────────────▶            ├─▶ LogReader::read (no lock)
//!                                                                │
//!  LogDirs::housekeep ─▶ FlushJob::run ─▶ fdatasync ◀────────────┘   recovery point moves up
//! ```
//!
//! # What holds
//!
//! - Bytes that an append has returned survive the process; those below the recovery point survive
//!   the machine.
//! - A failed write leaves the log as it was. A failed fsync takes the directory offline, for good.
//! - What was durable is never cut. A damaged byte below the recovery point is an error that names
//!   file, position and offset; above it, the torn end of the log is cut and reported.
//! - Indexes, producer snapshots and the leader-epoch file are caches: lost or wrong, they are built
//!   from the log again.
//! - A read returns whole batches whose checksums are right, or an error.
//!
//! # What this crate refuses to know
//!
//! Requests and error codes, replicas and the high watermark (it is passed in), async. It has no
//! thread of its own. Every file call goes through [`disk`].

pub mod compact;
pub mod config;
mod dir_state;
pub mod dirs;
pub mod disk;
mod epochs;
mod error;
mod files;
pub mod log;
mod producers;
mod segment;

pub use config::LogConfig;
pub use dirs::{
    DirStatus, DirectorySize, Dirty, HousekeepingReport, Intervals, LoadDecision, LoadReport,
    LogDirs, LogDirsOptions, PartitionSize, Restart, SharedLog,
};
pub use error::{AppendError, Error, ReadError};
pub use files::meta_properties::MetaProperties;
pub use log::{
    AppendInfo, Dirtiness, FlushJob, Log, LogDeps, LogReader, OpenOptions, ReadResult,
    RecoveryReport, RetiredSegment, Shutdown, TimestampOffset, ValidatedBatch,
};
pub use producers::ProducerDescription;
