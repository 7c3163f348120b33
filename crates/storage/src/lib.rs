//! The segmented log on disk, in Kafka's own format.

pub mod config;
pub mod dirs;
pub mod disk;
mod error;
pub mod log;

pub use config::LogConfig;
pub use dirs::{
    DirStatus, DirectorySize, HousekeepingReport, LoadDecision, LoadReport, LogDirs,
    LogDirsOptions, MetaProperties, PartitionSize, SharedLog,
};
pub use error::{AppendError, Error, ReadError};
pub use log::{
    AppendInfo, Log, LogDeps, LogReader, OpenOptions, ReadResult, RecoveryReport, RetiredSegment,
    Shutdown, TimestampOffset, ValidatedBatch,
};
