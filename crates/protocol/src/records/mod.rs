//! Record batches of format v2: what producers send, logs keep and consumers read.
//!
//! ```text
//!  0            8       12      16   17    21                                 61
//!  | base offset | length | epoch | 2 | crc | attributes … record count (40) | records, maybe compressed |
//!    patched by the leader          |     `---------- covered by the CRC-32C ---------------------------'
//! ```
//!
//! The broker looks at the 61 bytes of the [`BatchHeader`] and at the checksum, no further: what a
//! record holds is the business of the clients. [`validate_for_append`] says when a batch may enter
//! a log; only compacted topics, timestamp limits, `LogAppendTime` and another codec make it look
//! at the records. Clients use [`BatchBuilder`] and [`Batch::records`].
//!
//! Everything here reads bytes that a stranger may have written. Nothing panics on them, and
//! nothing is inflated beyond the limit that the caller names.
//!
//! This module knows nothing of partitions, offsets already taken, producers' state or error codes.

mod batch;
mod builder;
pub mod compression;
mod control;
mod crc;
mod error;
mod fault;
mod filter;
mod header;
mod pieces;
mod record;
mod rewrite;
mod validate;
mod varint;
mod walk;

pub use batch::{Batch, Batches, split_batches};
pub use builder::{BatchBuilder, BuildError};
pub use compression::Compression;
pub use control::{ControlRecord, EndTxnMarker, Outcome};
pub use crc::{crc32c, verify_crc};
pub use error::BatchError;
pub use filter::{KeyedRecord, RecordFilter, Sifted, empty_batch};
pub use header::{
    BatchHeader, HEADER_LEN, LOG_OVERHEAD, MAGIC, NO_TIMESTAMP, TimestampType, next_sequence,
    patched_prefix,
};
pub use pieces::{PiecedBatch, PiecedBatches, joined, split_pieces};
pub use record::{Record, RecordHeader, RecordIter};
pub use rewrite::{RecompressError, recompress, with_log_append_time};
pub use validate::{
    Invalid, RECORD_ERRORS_MAX, RecordError, Rules, TopicCompression, Validated,
    validate_for_append,
};
pub use walk::{FoundRecord, RecordShape, RecordWalk};

#[cfg(test)]
mod tests;
