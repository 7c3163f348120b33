//! A disk in memory that fails on demand.

/// A disk in memory that fails on demand.
#[derive(Debug, Default)]
pub struct FaultDisk;
