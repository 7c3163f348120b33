//! Records as bytes, in the formats of Kafka's `__consumer_offsets`.
//!
//! ```text
//! key    type: int16 │ fields, never flexible           type says what the record is (0 to 8, 16)
//! value  version: int16 │ fields of that version        no value: a tombstone
//! ```
//!
//! Share groups and streams groups (types 9 to 15, 17 and above) are none of ours: they are passed over.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use protocol::{DecodeError, EncodeError};

/// Why bytes are not a record, or a record cannot become bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// There is no room for a type, or there is no key.
    #[error("key of {length} bytes says nothing")]
    NoType {
        /// Of the key.
        length: usize,
    },
    /// There is no room for a version.
    #[error("value of {length} bytes for a key of type {record_type} has no version")]
    NoVersion {
        /// What the key says it is.
        record_type: i16,
        /// Of the value.
        length: usize,
    },
    /// The key is not what its type says.
    #[error("key of type {record_type}")]
    Key {
        /// What the key says it is.
        record_type: i16,
        /// What is wrong.
        source: DecodeError,
    },
    /// The value's version is not known, or it is not what the version says.
    #[error("value of version {version} for a key of type {record_type}")]
    Value {
        /// What the key says it is.
        record_type: i16,
        /// What the value says of itself.
        version: i16,
        /// What is wrong.
        source: DecodeError,
    },
    /// A name is too long to be written down.
    #[error("record of type {record_type} cannot be written")]
    Unwritable {
        /// Of the record.
        record_type: i16,
        /// What is wrong.
        source: EncodeError,
    },
}
