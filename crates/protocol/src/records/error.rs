//! What can be wrong with the bytes of a batch.

use super::compression::Compression;

/// Why bytes are not a batch, or a batch's records cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes stop before the batch does. At the end of a fetch response this is normal: brokers
    /// may cut the last batch.
    #[error("batch needs {needed} bytes, {available} are there")]
    Incomplete {
        /// Bytes that the batch needs, as far as they are known.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
    /// The length field is negative or smaller than the header.
    #[error("batch length {batch_length} is smaller than a batch header")]
    Length {
        /// The length field.
        batch_length: i32,
    },
    /// Not format v2.
    #[error("magic {magic} is not supported, only 2 is")]
    Magic {
        /// The magic byte.
        magic: i8,
    },
    /// The checksum does not match.
    #[error("crc is {computed:#010x}, the header says {stored:#010x}")]
    Crc {
        /// What the header says.
        stored: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// The codec bits of the attributes name no codec.
    #[error("compression id {id} is unknown")]
    UnknownCompression {
        /// The low three bits of the attributes.
        id: u8,
    },
    /// The compressed bytes are damaged.
    #[error("{compression} data is damaged: {reason}")]
    Decompress {
        /// The codec that refused them.
        compression: Compression,
        /// Its words.
        reason: String,
    },
    /// The records are larger than the caller allows once decompressed.
    #[error("records are larger than {limit_bytes} bytes when decompressed")]
    DecompressedTooLarge {
        /// The caller's limit.
        limit_bytes: usize,
    },
    /// A record is damaged.
    #[error("record {index}: {reason}")]
    Record {
        /// Its place in the batch, from 0.
        index: i32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Bytes remain after the last record that the header counts.
    #[error("bytes remain after the {record_count} records that the header counts")]
    TrailingBytes {
        /// The header's count.
        record_count: i32,
    },
}
