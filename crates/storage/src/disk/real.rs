//! The operating system's files.

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;
