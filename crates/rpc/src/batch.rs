//! The bytes of one Raft entry: one `RecordBatch` of metadata records.
//!
//! The same bytes stand in the log, in snapshots and on the tail stream, so that a controller never
//! encodes a record twice. Batches put one behind the other are one batch.

use bytes::Bytes;
use metadata::MetadataRecord;
use metadata::v1::RecordBatch;
use prost::{DecodeError, Message};

/// The records as the bytes of one entry. No records are no bytes.
#[must_use]
pub fn encode(records: Vec<MetadataRecord>) -> Bytes {
    RecordBatch { records }.encode_to_vec().into()
}

/// How many bytes one record takes in a batch.
#[must_use]
pub fn encoded_len(record: &MetadataRecord) -> usize {
    let body = record.encoded_len();
    1 + prost::length_delimiter_len(body) + body
}

/// Reads the records back.
///
/// # Errors
/// The bytes are not a batch of records.
pub fn decode(bytes: Bytes) -> Result<Vec<MetadataRecord>, DecodeError> {
    Ok(RecordBatch::decode(bytes)?.records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_put_together_are_one_batch() {
        let records = vec![MetadataRecord::default(); 3];
        let bytes = encode(records.clone());
        assert_eq!(bytes.len(), 3 * encoded_len(&records[0]));
        let twice = [bytes.clone(), bytes].concat();
        assert_eq!(decode(twice.into()).expect("what was encoded").len(), 6);
        assert_eq!(decode(Bytes::new()).expect("no records"), Vec::new());
    }

    #[test]
    fn a_cut_batch_is_an_error() {
        assert!(decode(Bytes::from_static(&[0x0a, 5, 1])).is_err());
        assert!(decode(Bytes::from_static(&[0xff; 12])).is_err());
    }
}
