//! Kafka's primitive types on the wire: what the generated codecs are made of.
//!
//! ```text
//! type       versions before flexible    flexible versions
//! string     int16 length, bytes         uvarint length + 1, bytes
//! bytes      int32 length, bytes         uvarint length + 1, bytes
//! array      int32 count, elements       uvarint count + 1, elements
//! null       length or count −1          length or count 0
//! struct     its fields                  its fields, then tagged fields
//! tagged     none                        uvarint count, (uvarint tag, uvarint size, value)…
//! ```

mod error;
mod part;
mod reader;
mod record_set;
mod segments;
mod writer;

#[cfg(test)]
mod tests;

pub use error::{DecodeError, EncodeError};
pub use part::{Part, array_len, bytes_len};
pub use reader::Reader;
pub use record_set::RecordSet;
pub use segments::Segments;
pub use writer::{Tags, Writer};

/// The longest string there can be: longer compact lengths are refused, as Kafka does.
const STRING_BYTES_MAX: usize = 32767;
