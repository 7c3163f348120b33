//! The segmented log on disk, in Kafka's own format.

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
    DirStatus, DirectorySize, HousekeepingReport, Intervals, LoadDecision, LoadReport, LogDirs,
    LogDirsOptions, PartitionSize, Restart, SharedLog,
};
pub use error::{AppendError, Error, ReadError};
pub use files::meta_properties::MetaProperties;
pub use log::{
    AppendInfo, FlushJob, Log, LogDeps, LogReader, OpenOptions, ReadResult, RecoveryReport,
    RetiredSegment, Shutdown, TimestampOffset, ValidatedBatch,
};
pub use producers::ProducerDescription;
