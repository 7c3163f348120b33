//! The records of `__consumer_offsets` in words: `--decode offsets` of `dump-log` and `consume`.
//!
//! A key begins with the number of its type, a value with that of its version. The bytes come from a
//! disk or a broker and may be anything: what cannot be read is told, never guessed.

mod classic;
mod consumer;

use bytes::Bytes;
use protocol::Message;
use protocol::data::consumer_group_current_member_assignment as current;
use protocol::data::consumer_group_member_metadata as member;
use protocol::data::consumer_group_metadata as epoch;
use protocol::data::consumer_group_partition_metadata as partitions;
use protocol::data::consumer_group_regular_expression as regex;
use protocol::data::consumer_group_target_assignment_member as target;
use protocol::data::consumer_group_target_assignment_metadata as target_epoch;
use protocol::data::group_metadata::{GroupMetadataKey, GroupMetadataValue};
use protocol::data::legacy_offset_commit::LegacyOffsetCommitKey;
use protocol::data::offset_commit::{OffsetCommitKey, OffsetCommitValue};
use protocol::wire::Reader;
use serde_json::{Map, Value, json};

use crate::when;

/// `--decode`: what records may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Decode {
    /// Committed offsets and groups.
    #[value(alias = "groups")]
    Offsets,
}

/// A record in words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoded {
    /// What it is about, its `type` first.
    pub(crate) key: Value,
    /// What it says; null for a tombstone.
    pub(crate) value: Value,
}

/// Reads a record. `None`: of a type that is not known here, such as those of share groups.
///
/// # Errors
/// A sentence, if the bytes are not what they say they are.
pub(crate) fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Option<Decoded>, String> {
    let mut reader = Reader::new(key.clone());
    let record_type = reader.i16().map_err(|error| format!("key: {error}"))?;
    let raw = Raw { reader, value };
    let decoded = match record_type {
        OffsetCommitKey::RECORD_TYPE | LegacyOffsetCommitKey::RECORD_TYPE => {
            raw.read("OffsetCommit", offset_key, offset_value)
        }
        GroupMetadataKey::RECORD_TYPE => raw.read(
            "GroupMetadata",
            |key: GroupMetadataKey| json!({ "group": &*key.group }),
            |value: GroupMetadataValue| classic::group(&value),
        ),
        epoch::ConsumerGroupMetadataKey::RECORD_TYPE => raw.read(
            "ConsumerGroupMetadata",
            |key: epoch::ConsumerGroupMetadataKey| json!({ "group": &*key.group_id }),
            |value: epoch::ConsumerGroupMetadataValue| {
                json!({ "epoch": value.epoch, "metadataHash": value.metadata_hash })
            },
        ),
        partitions::ConsumerGroupPartitionMetadataKey::RECORD_TYPE => raw.read(
            "ConsumerGroupPartitionMetadata",
            |key: partitions::ConsumerGroupPartitionMetadataKey| json!({ "group": &*key.group_id }),
            |value: partitions::ConsumerGroupPartitionMetadataValue| consumer::topics(&value),
        ),
        member::ConsumerGroupMemberMetadataKey::RECORD_TYPE => raw.read(
            "ConsumerGroupMemberMetadata",
            |key: member::ConsumerGroupMemberMetadataKey| of_member(&key.group_id, &key.member_id),
            |value: member::ConsumerGroupMemberMetadataValue| consumer::member(&value),
        ),
        target_epoch::ConsumerGroupTargetAssignmentMetadataKey::RECORD_TYPE => raw.read(
            "ConsumerGroupTargetAssignmentMetadata",
            |key: target_epoch::ConsumerGroupTargetAssignmentMetadataKey| {
                json!({ "group": &*key.group_id })
            },
            |value: target_epoch::ConsumerGroupTargetAssignmentMetadataValue| {
                json!({
                    "assignmentEpoch": value.assignment_epoch,
                    "assignedAt": time(value.assignment_timestamp),
                })
            },
        ),
        target::ConsumerGroupTargetAssignmentMemberKey::RECORD_TYPE => raw.read(
            "ConsumerGroupTargetAssignmentMember",
            |key: target::ConsumerGroupTargetAssignmentMemberKey| {
                of_member(&key.group_id, &key.member_id)
            },
            |value: target::ConsumerGroupTargetAssignmentMemberValue| consumer::target(&value),
        ),
        current::ConsumerGroupCurrentMemberAssignmentKey::RECORD_TYPE => raw.read(
            "ConsumerGroupCurrentMemberAssignment",
            |key: current::ConsumerGroupCurrentMemberAssignmentKey| {
                of_member(&key.group_id, &key.member_id)
            },
            |value: current::ConsumerGroupCurrentMemberAssignmentValue| consumer::current(&value),
        ),
        regex::ConsumerGroupRegularExpressionKey::RECORD_TYPE => raw.read(
            "ConsumerGroupRegularExpression",
            |key: regex::ConsumerGroupRegularExpressionKey| {
                json!({ "group": &*key.group_id, "regex": &*key.regular_expression })
            },
            |value: regex::ConsumerGroupRegularExpressionValue| consumer::regex(&value),
        ),
        _ => return Ok(None),
    };
    decoded.map(Some)
}

/// A key in a line: `OffsetCommit group=g topic=t partition=0`.
pub(crate) fn key_text(key: &Value) -> String {
    let Value::Object(fields) = key else {
        return value_text(key);
    };
    let mut fields = fields.clone();
    let name = fields.shift_remove("type");
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    format!("{name} {}", pairs(&fields))
}

/// A value in a line; `-` for none.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => pairs(fields),
        other => other.to_string(),
    }
}

fn pairs(fields: &Map<String, Value>) -> String {
    let written = fields.iter().map(|(name, value)| match value {
        Value::String(text) if !text.is_empty() && !text.contains([' ', '"']) => {
            format!("{name}={text}")
        }
        other => format!("{name}={other}"),
    });
    written.collect::<Vec<_>>().join(" ")
}

/// A key behind its type, and the value.
struct Raw<'a> {
    reader: Reader,
    value: Option<&'a Bytes>,
}

impl Raw<'_> {
    fn read<K: Message, V: Message>(
        mut self,
        name: &str,
        of_key: impl Fn(K) -> Value,
        of_value: impl Fn(V) -> Value,
    ) -> Result<Decoded, String> {
        let key = K::decode(&mut self.reader, 0).map_err(|e| format!("key of {name}: {e}"))?;
        let mut fields = Map::from_iter([("type".to_owned(), json!(name))]);
        if let Value::Object(of_key) = of_key(key) {
            fields.extend(of_key);
        }
        let value = match self.value {
            None => Value::Null,
            Some(bytes) => {
                of_value(versioned(bytes).map_err(|error| format!("value of {name}: {error}"))?)
            }
        };
        Ok(Decoded {
            key: Value::Object(fields),
            value,
        })
    }
}

/// A body with its version in front.
fn versioned<V: Message>(bytes: &Bytes) -> Result<V, String> {
    let mut reader = Reader::new(bytes.clone());
    let version = reader.i16().map_err(|error| error.to_string())?;
    V::decode(&mut reader, version).map_err(|error| error.to_string())
}

fn offset_key(key: OffsetCommitKey) -> Value {
    json!({ "group": &*key.group, "topic": &*key.topic, "partition": key.partition })
}

fn offset_value(value: OffsetCommitValue) -> Value {
    let mut json = json!({
        "offset": value.offset,
        "leaderEpoch": value.leader_epoch,
        "metadata": &*value.metadata,
        "committedAt": time(value.commit_timestamp),
    });
    if value.expire_timestamp >= 0 {
        json["expiresAt"] = time(value.expire_timestamp);
    }
    if !value.topic_id.is_zero() {
        json["topicId"] = json!(value.topic_id.to_string());
    }
    json
}

fn of_member(group: &str, member: &str) -> Value {
    json!({ "group": group, "memberId": member })
}

/// A time as people read it; null if there is none.
fn time(timestamp_ms: i64) -> Value {
    match timestamp_ms {
        ..0 => Value::Null,
        ms => Value::from(when::display(ms)),
    }
}

#[cfg(test)]
mod tests;
