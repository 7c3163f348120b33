//! What the fuzz targets do with their input, one module per target.
//!
//! Each module is a file of its own without a `crate::` in it, because the tests of the crate that it
//! is about include it as well: so the same properties are checked on a stable compiler.

pub mod batch;
pub mod checkpoint;
pub mod decompress;
pub mod frame;
pub mod index;
pub mod log_recovery;
pub mod producer_snapshot;
pub mod request;
pub mod response;
pub mod storage_bench;
