//! `--decode`: what a record means, in the place of its bytes.

use bytes::Bytes;
use client::consumer::ConsumerRecord;
use serde_json::Value;

use crate::group_records::{self, Decoded};

/// What a record means.
#[derive(Debug)]
pub(super) struct Meaning(Decoded);

impl Meaning {
    /// Of a record of a group. `None` if it is none, or cannot be read: then its bytes are shown.
    pub(super) fn of(record: &ConsumerRecord) -> Option<Self> {
        let key = record.key.as_ref()?;
        let decoded = group_records::decode(key, record.value.as_ref());
        decoded.ok().flatten().map(Self)
    }

    /// The record with words instead of bytes; a tombstone stays without a value.
    pub(super) fn in_words(&self, record: &ConsumerRecord) -> ConsumerRecord {
        let value = group_records::value_text(&self.0.value);
        ConsumerRecord {
            key: Some(Bytes::from(group_records::key_text(&self.0.key))),
            value: record.value.as_ref().map(|_| Bytes::from(value)),
            ..record.clone()
        }
    }

    /// The same in JSON, as objects.
    pub(super) fn put_into(&self, json: &mut Value) {
        json["key"] = self.0.key.clone();
        json["value"] = self.0.value.clone();
    }
}
