//! Records into bytes, in the versions that Kafka 4.3 writes.

use bytes::Bytes;
use protocol::data::consumer_group_current_member_assignment::ConsumerGroupCurrentMemberAssignmentKey as CurrentKey;
use protocol::data::consumer_group_member_metadata::ConsumerGroupMemberMetadataKey as MemberKey;
use protocol::data::consumer_group_metadata::ConsumerGroupMetadataKey as MetadataKey;
use protocol::data::consumer_group_partition_metadata::ConsumerGroupPartitionMetadataKey as PartitionMetadataKey;
use protocol::data::consumer_group_regular_expression::ConsumerGroupRegularExpressionKey as RegexKey;
use protocol::data::consumer_group_target_assignment_member::ConsumerGroupTargetAssignmentMemberKey as TargetKey;
use protocol::data::consumer_group_target_assignment_metadata::ConsumerGroupTargetAssignmentMetadataKey as TargetMetadataKey;
use protocol::data::group_metadata::GroupMetadataKey;
use protocol::data::offset_commit::{OffsetCommitKey, OffsetCommitValue};
use protocol::wire::Writer;
use protocol::{EncodeError, Message, Str};

use super::RecordError;
use crate::record::{ConsumerPart, Record};

/// Keys have one version.
const KEY_VERSION: i16 = 0;
/// `GroupMetadataValue` with the time of its state and static members, not flexible.
const GROUP_METADATA_VERSION: i16 = 3;
/// `OffsetCommitValue` with the topic's id.
const OFFSET_COMMIT_VERSION: i16 = 4;
/// The only version of `OffsetCommitValue` that can say when it expires.
const OFFSET_COMMIT_EXPIRING_VERSION: i16 = 1;
/// Of all parts of a consumer group.
const CONSUMER_GROUP_VERSION: i16 = 0;

/// An offset that expires with its group.
const NO_EXPIRY: i64 = -1;

impl Record {
    /// Key and value; a tombstone has no value.
    ///
    /// # Errors
    /// [`RecordError::Unwritable`] if a name is longer than 32,767 bytes.
    pub fn encode(&self) -> Result<(Bytes, Option<Bytes>), RecordError> {
        match self {
            Self::OffsetCommit {
                group,
                topic,
                partition,
                value,
            } => {
                let key = OffsetCommitKey {
                    group: text(group),
                    topic: text(topic),
                    partition: *partition,
                };
                let version = value.as_ref().map_or(OFFSET_COMMIT_VERSION, version_of);
                pair(OffsetCommitKey::RECORD_TYPE, &key, version, value.as_ref())
            }
            Self::ClassicGroup { group, value } => {
                let key = GroupMetadataKey { group: text(group) };
                let value = value.as_ref();
                pair(
                    GroupMetadataKey::RECORD_TYPE,
                    &key,
                    GROUP_METADATA_VERSION,
                    value,
                )
            }
            Self::ConsumerGroup { group, part } => encode_part(text(group), part),
        }
    }
}

fn version_of(value: &OffsetCommitValue) -> i16 {
    if value.expire_timestamp == NO_EXPIRY {
        OFFSET_COMMIT_VERSION
    } else {
        OFFSET_COMMIT_EXPIRING_VERSION
    }
}

fn encode_part(group_id: Str, part: &ConsumerPart) -> Result<(Bytes, Option<Bytes>), RecordError> {
    let version = CONSUMER_GROUP_VERSION;
    match part {
        ConsumerPart::Metadata(value) => {
            let key = MetadataKey { group_id };
            pair(MetadataKey::RECORD_TYPE, &key, version, value.as_ref())
        }
        ConsumerPart::PartitionMetadata => {
            let key = PartitionMetadataKey { group_id };
            let record_type = PartitionMetadataKey::RECORD_TYPE;
            Ok((encode_key(record_type, &key)?, None))
        }
        ConsumerPart::Member(member, value) => {
            let member_id = text(member);
            let key = MemberKey {
                group_id,
                member_id,
            };
            pair(MemberKey::RECORD_TYPE, &key, version, value.as_ref())
        }
        ConsumerPart::TargetMetadata(value) => {
            let key = TargetMetadataKey { group_id };
            pair(
                TargetMetadataKey::RECORD_TYPE,
                &key,
                version,
                value.as_ref(),
            )
        }
        ConsumerPart::Target(member, value) => {
            let member_id = text(member);
            let key = TargetKey {
                group_id,
                member_id,
            };
            pair(TargetKey::RECORD_TYPE, &key, version, value.as_ref())
        }
        ConsumerPart::Current(member, value) => {
            let member_id = text(member);
            let key = CurrentKey {
                group_id,
                member_id,
            };
            pair(CurrentKey::RECORD_TYPE, &key, version, value.as_ref())
        }
        ConsumerPart::Regex(regex, value) => {
            let regular_expression = text(regex);
            let key = RegexKey {
                group_id,
                regular_expression,
            };
            pair(RegexKey::RECORD_TYPE, &key, version, value.as_ref())
        }
    }
}

fn text(name: &str) -> Str {
    Str::from(name)
}

fn pair<K: Message, V: Message>(
    record_type: i16,
    key: &K,
    version: i16,
    value: Option<&V>,
) -> Result<(Bytes, Option<Bytes>), RecordError> {
    let key = encode_key(record_type, key)?;
    let value = value.map(|value| prefixed(version, value, version));
    let value = value.transpose().map_err(unwritable(record_type))?;
    Ok((key, value))
}

fn encode_key<K: Message>(record_type: i16, key: &K) -> Result<Bytes, RecordError> {
    prefixed(record_type, key, KEY_VERSION).map_err(unwritable(record_type))
}

fn prefixed<M: Message>(prefix: i16, message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut w = Writer::with_capacity(size_of::<i16>() + message.encoded_len());
    w.i16(prefix);
    message.encode(&mut w, version)?;
    Ok(w.finish().to_bytes())
}

fn unwritable(record_type: i16) -> impl Fn(EncodeError) -> RecordError {
    move |source| RecordError::Unwritable {
        record_type,
        source,
    }
}
